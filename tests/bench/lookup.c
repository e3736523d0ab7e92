/*
 * The cost of store_match() in two databases, asked in turns: a first pass on whatever the page
 * cache holds, then, with all of both files there, so many rounds. Each file of addresses has a
 * line "ADDRESS LOGIN" for each lookup, and each line is used once.
 */

#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/database.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "util/file.h"

#define ADDRESSES_FILE_MAX ((size_t)256 * 1024 * 1024)

struct question {
	struct address address;
	const char *login;
};

struct side {
	const char *path;
	struct arena memory;
	struct store *store;
	struct question *questions;
	size_t next;
	double *nanoseconds; /* per lookup, of each round */
};

struct cost {
	double processor, wall; /* nanoseconds per lookup */
};

static double read_clock(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void read_question(struct arena *memory, char *line, struct question *question)
{
	char *blank = strchr(line, ' ');
	struct error err;

	if (!blank)
		errx(1, "not an address and a login: %s", line);
	*blank = '\0';
	question->login = blank + 1;
	if (address_parse(memory, line, &question->address, &err) < 0)
		errx(1, "%s", err.text);
}

static void read_questions(struct side *side, const char *path, size_t count)
{
	struct error err;
	size_t size;
	char *data = file_read(&side->memory, path, ADDRESSES_FILE_MAX, &size, &err), *rest;

	if (!data)
		errx(1, "%s", err.text);
	side->questions = arena_array(&side->memory, struct question, count);
	for (size_t i = 0; i < count; i++) {
		char *line = strtok_r(i ? NULL : data, "\n", &rest);

		if (!line)
			errx(1, "'%s' has less than %zu lines", path, count);
		read_question(&side->memory, line, &side->questions[i]);
	}
}

static void look_up(struct side *side)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct question *question = &side->questions[side->next++];
	const struct query query = {
		.address = &question->address,
		.domain = question->address.domain,
		.host = question->address.domain,
	};
	struct match match;
	struct error err = { 0 };

	if (store_match(side->store, &memory, &query, &match, &err) != 0)
		errx(1, "no match for '%s': %s", question->address.typed, err.text);
	if (!match.has_user || strcmp(match.user.login, question->login) != 0)
		errx(1, "not the login of '%s'", question->address.typed);
	/* As the daemon does after each turn of its loop. */
	store_release(side->store);
}

static struct cost look_up_often(struct side *side, size_t count)
{
	double processor = read_clock(CLOCK_THREAD_CPUTIME_ID), wall = read_clock(CLOCK_MONOTONIC);

	for (size_t i = 0; i < count; i++)
		look_up(side);
	return (struct cost){
		.processor = (read_clock(CLOCK_THREAD_CPUTIME_ID) - processor) / (double)count,
		.wall = (read_clock(CLOCK_MONOTONIC) - wall) / (double)count,
	};
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static double least(const double *values, size_t count)
{
	double found = values[0];

	for (size_t i = 1; i < count; i++)
		if (values[i] < found)
			found = values[i];
	return found;
}

/* Prints how SQLite goes about a statement. Returns whether it reads no table from
 * end to end. */
static bool print_plan(struct store *store, const char *sql)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	sqlite3_stmt *query = NULL;
	bool is_indexed = true;

	if (sqlite3_prepare_v2(store->database, arena_printf(&memory, "EXPLAIN QUERY PLAN %s", sql),
			       -1, &query, NULL) != SQLITE_OK)
		errx(1, "%s", sqlite3_errmsg(store->database));
	while (sqlite3_step(query) == SQLITE_ROW) {
		const char *detail = (const char *)sqlite3_column_text(query, 3);

		(void)printf("  %s\n", detail);
		if (strncmp(detail, "SCAN ", 5) == 0 && strcmp(detail, "SCAN CONSTANT ROW") != 0)
			is_indexed = false;
	}
	(void)sqlite3_finalize(query);
	return is_indexed;
}

/* Of the statements of lookups, which are prepared: domain, provider, services, links, user. */
static bool print_plans(struct store *store)
{
	bool is_indexed = true;

	(void)printf("query plan of the statements of a lookup:\n");
	for (size_t i = 0; i < STATEMENTS_MAX; i++) {
		const char *sql = sqlite3_sql(store->prepared[i].query);

		if (sql && strncmp(sql, "SELECT ", 7) == 0 && strstr(sql, " WHERE "))
			is_indexed &= print_plan(store, sql);
	}
	return is_indexed;
}

static void print_cold(const char *name, struct cost cost)
{
	(void)printf("  %-8s %9.0f ns CPU  %9.0f ns until it is there\n", name, cost.processor,
		     cost.wall);
}

static void print_rounds(struct side *small, struct side *large, size_t rounds)
{
	double *ratios = xcalloc(rounds, sizeof(*ratios));

	for (size_t i = 0; i < rounds; i++)
		ratios[i] = large->nanoseconds[i] / small->nanoseconds[i];
	(void)printf("  small    %9.0f / %.0f ns CPU\n", least(small->nanoseconds, rounds),
		     median(small->nanoseconds, rounds));
	(void)printf("  large    %9.0f / %.0f ns CPU\n", least(large->nanoseconds, rounds),
		     median(large->nanoseconds, rounds));
	(void)printf("  ratio    %9.2f (median of large / small in the same round)\n",
		     median(ratios, rounds));
	free(ratios);
}

/* Brings the file into the page cache, as weeks of requests would. */
static void read_through(const char *path)
{
	static char buffer[1 << 20];
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		err(1, "%s", path);
	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		;
	if (got < 0)
		err(1, "%s", path);
}

static void open_side(struct side *side, char **files, size_t rounds, size_t lookups)
{
	struct error err;

	side->path = files[0];
	read_questions(side, files[1], (rounds + 1) * lookups);
	if (store_open(side->path, STORE_READ, &side->store, &err) != 0)
		errx(1, "%s", err.text);
	side->nanoseconds = xcalloc(rounds, sizeof(*side->nanoseconds));
}

static void close_side(struct side *side)
{
	store_close(side->store);
	arena_clear(&side->memory);
	free(side->nanoseconds);
}

int main(int argc, char **argv)
{
	struct side small = { 0 }, large = { 0 };
	size_t rounds, lookups;
	bool is_indexed;

	if (argc != 7) {
		(void)fputs("Usage: lookup ROUNDS LOOKUPS SMALL-DB ADDRESSES LARGE-DB ADDRESSES\n",
			    stderr);
		return 2;
	}
	rounds = strtoul(argv[1], NULL, 10);
	lookups = strtoul(argv[2], NULL, 10);
	open_side(&small, argv + 3, rounds, lookups);
	open_side(&large, argv + 5, rounds, lookups);

	(void)printf("first %zu lookups, mean:\n", lookups);
	print_cold("small", look_up_often(&small, lookups));
	print_cold("large", look_up_often(&large, lookups));
	read_through(small.path);
	read_through(large.path);
	for (size_t i = 0; i < rounds; i++) {
		small.nanoseconds[i] = look_up_often(&small, lookups).processor;
		large.nanoseconds[i] = look_up_often(&large, lookups).processor;
	}
	(void)printf("warm, %zu rounds of %zu lookups, min / median:\n", rounds, lookups);
	print_rounds(&small, &large, rounds);
	is_indexed = print_plans(large.store);
	close_side(&small);
	close_side(&large);
	if (!is_indexed)
		errx(1, "a lookup reads more than it searches for");
	return 0;
}
