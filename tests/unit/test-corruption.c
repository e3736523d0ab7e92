/* Corrupted databases: every row is checked, and nothing that a file holds ends the process. */

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "answer/answer.h"
#include "mail/address.h"
#include "protocol/request.h"
#include "protocol/templates.h"
#include "store/store.h"
#include "unit/damaged.h"
#include "unit/fixture.h"
#include "util/arena.h"
#include "util/bytes.h"

#define CORRUPTIONS 250

static const char *const lines[] = {
	"provider corp service=imaps://mail.example.org",
	"provider other service=imaps://mail.example.net",
	"domain example.org corp",
	"domain example.net other",
	"user fred@example.org a4711 name=Fred",
	"user @example.org catch",
	"user anna@example.net a4712",
	NULL,
};

/* SQL that needs tables without constraints: a doctored file, and what is left where a page was
 * overwritten. */
static void doctor(const char *path, const char *sql)
{
	static const char relax[] =
		"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = "
		"replace(replace(sql, 'NOT NULL', ''), 'STRICT', '') "
		"WHERE type = 'table' AND name IN ('provider'); UPDATE sqlite_schema SET sql = "
		"replace(replace(replace(sql, 'NOT NULL', ''), 'STRICT, ', ''), 'domain TEXT', "
		"'domain') WHERE type = 'table' AND name <> 'provider'; PRAGMA writable_schema = "
		"RESET";
	char *message = NULL;
	sqlite3 *database;

	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	if (sqlite3_exec(database, relax, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	(void)sqlite3_exec(database, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL);
	if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	check_number(sql, sqlite3_changes(database) > 0, 1);
	(void)sqlite3_close(database);
}

struct served {
	char *directory;
	struct arena memory;
	const char *path;
	struct context context;
};

static void served_open(struct served *served, const char *sql)
{
	struct templates *templates;
	struct store *store = NULL;
	struct error err = { 0 };

	*served = (struct served){ .directory = directory_new() };
	served->path = directory_path(&served->memory, served->directory, "test.db");
	if (store_open(served->path, STORE_WRITE, &store, &err) != 0)
		fail_msg("%s", err.text);
	store_fill(store, lines);
	store_close(store);
	if (sql)
		doctor(served->path, sql);
	if (store_open(served->path, STORE_READ, &served->context.store, &err) != 0)
		fail_msg("%s: %s", sql, err.text);
	templates = templates_load(NULL, NULL, NULL);
	served->context.site = (struct site){ .templates = templates, .public_name = "" };
}

static void served_close(struct served *served)
{
	store_close(served->context.store);
	templates_unref((struct templates *)served->context.site.templates);
	directory_free(served->directory);
	arena_clear(&served->memory);
}

static unsigned ask(struct served *served, const char *address, struct error *err)
{
	struct request request = {
		.method = "GET",
		.target = arena_printf(&served->memory, "/mail/config-v1.1.xml?emailaddress=%s",
				       address),
		.host = "autoconfig.example.com",
	};
	struct response response;

	*err = (struct error){ 0 };
	(void)answer(&served->context, &served->memory, &request, &response, err);
	store_release(served->context.store);
	return response.status;
}

static void gather(const struct error *err, void *context)
{
	bytes_add_format(context, "%s; %s\n", err->text, err->hint);
}

static int count_user(const struct user *user, void *context, struct error *err)
{
	*(size_t *)context += 1;
	return 0;
}

static const struct {
	const char *sql, *words;
	size_t users, domains; /* that lists show */
} invalid[] = {
	{ "UPDATE user SET login = NULL WHERE local = 'fred'",
	  "invalid row 'fred@example.org' in table user: login is NULL; remove it with "
	  "'mailconfctl user remove fred@example.org'",
	  2, 2 },
	{ "UPDATE user SET login = x'00ff' WHERE local = 'fred'", "login is not text", 2, 2 },
	{ "UPDATE user SET name = 'a' || char(0) || 'b' WHERE local = 'fred'",
	  "name has a NUL character", 2, 2 },
	{ "UPDATE user SET login = printf('%70000d', 1) WHERE local = 'fred'", "login is too long",
	  2, 2 },
	{ "UPDATE user SET provider = 'corp' WHERE local = 'fred'", "provider is not an integer", 2,
	  2 },
	{ "UPDATE domain SET is_enabled = NULL WHERE name = 'example.org'",
	  "invalid row 'example.org' in table domain: is_enabled is NULL; remove it with "
	  "'mailconfctl domain remove example.org'",
	  3, 1 },
	{ "UPDATE domain SET is_enabled = 7 WHERE name = 'example.org'",
	  "is_enabled is out of range", 3, 1 },
	{ "UPDATE domain SET alias_of = x'01' WHERE name = 'example.org'", "alias_of is not text",
	  3, 1 },
	{ "UPDATE provider SET login = NULL WHERE name = 'corp'",
	  "invalid row 'corp' in table provider: login is NULL; restore a backup with 'mailconfctl "
	  "restore FILE'",
	  3, 2 },
	{ "UPDATE provider SET login_case = 'upper' WHERE name = 'corp'",
	  "login_case has an unknown value", 3, 2 },
	{ "UPDATE provider SET ttl = NULL WHERE name = 'corp'", "ttl is NULL", 3, 2 },
	{ "UPDATE provider SET recipient_delimiter = NULL WHERE name = 'corp'",
	  "recipient_delimiter is NULL", 3, 2 },
	{ "UPDATE service SET url = NULL WHERE url LIKE '%mail.example.org'", "url is NULL", 3, 2 },
	{ "UPDATE service SET authentications = NULL WHERE url LIKE '%mail.example.org'",
	  "authentications is NULL", 3, 2 },
	{ "UPDATE service SET leave_days = 'x' WHERE url LIKE '%mail.example.org'",
	  "leave_days is not an integer", 3, 2 },
	{ "INSERT INTO link SELECT id, 0, NULL, 'https://x.example/' FROM provider WHERE name = "
	  "'corp'",
	  "kind is NULL", 3, 2 },
	{ "INSERT INTO link SELECT id, 0, 'enable', NULL FROM provider WHERE name = 'corp'",
	  "url is NULL", 3, 2 },
};

/* The request fails for now, and those of others do not. */
static void test_invalid_row_is_reported(void **state)
{
	for (size_t i = 0; i < sizeof(invalid) / sizeof(*invalid); i++) {
		struct served served;
		struct error err;

		served_open(&served, invalid[i].sql);
		check_number(invalid[i].sql, ask(&served, "fred@example.org", &err), 503);
		check_error(invalid[i].sql, &err, ERROR_ROW, invalid[i].words);
		check_error(invalid[i].sql, &err, ERROR_ROW, served.path);
		check_number(invalid[i].sql, ask(&served, "anna@example.net", &err), 200);
		served_close(&served);
	}
}

static void test_lists_show_the_others(void **state)
{
	static const struct domain_filter all_domains = { 0 };
	static const struct user_filter all_users = { 0 };

	for (size_t i = 0; i < sizeof(invalid) / sizeof(*invalid); i++) {
		struct provider *providers;
		struct domain *domains;
		struct served served;
		struct bytes noted;
		size_t count, users = 0;
		struct error err = { 0 };

		served_open(&served, invalid[i].sql);
		noted = BYTES_IN(&served.memory);
		store_skip_invalid_rows(served.context.store, gather, &noted);
		check_number(invalid[i].sql,
			     store_visit_users(served.context.store, &all_users, count_user, &users,
					       &err),
			     0);
		check_number(invalid[i].sql, (long long)users, (long long)invalid[i].users);
		check_number(invalid[i].sql,
			     store_list_domains(served.context.store, &served.memory, &all_domains,
						&domains, &count, &err),
			     0);
		check_number(invalid[i].sql, (long long)count, (long long)invalid[i].domains);
		check_number(invalid[i].sql,
			     store_list_providers(served.context.store, &served.memory, &providers,
						  &count, &err),
			     0);
		for (size_t p = 0; p < count; p++)
			for (size_t s = 0; s < providers[p].n_invalid_services; s++)
				bytes_add_format(&noted, "%s\n",
						 providers[p].invalid_services[s].reason);
		if (!strstr(bytes_text(&noted), invalid[i].words))
			fail_msg("%s: not noted: %s", invalid[i].sql, bytes_text(&noted));
		served_close(&served);
	}
}

/* A row that does not decide the answer does no harm. */
static void test_invalid_row_of_others(void **state)
{
	struct served served;
	struct error err;

	served_open(&served, "UPDATE user SET login = NULL WHERE local = ''");
	check_number("exact", ask(&served, "fred@example.org", &err), 200);
	check_number("catch-all", ask(&served, "x@example.org", &err), 503);
	served_close(&served);
}

/* Of a linear congruential generator: the same on every machine. */
static uint32_t next_number(uint64_t *state)
{
	*state = *state * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(*state >> 33);
}

/* Each overwrites from one byte up to a whole page. */
static void test_random_corruptions(void **state)
{
	static const uint32_t lengths[] = { 1, 2, 16, 512, 4096 };
	uint64_t numbers = 20261130;
	size_t size;
	uint8_t *original = database_image(&size);

	for (size_t i = 0; i < CORRUPTIONS; i++) {
		uint8_t *image = xcalloc(size, 1);
		uint32_t length = lengths[i % 5];

		memcpy(image, original, size);
		for (unsigned place = 0; place < 1 + next_number(&numbers) % 8; place++) {
			size_t start = next_number(&numbers) % (size - length + 1);

			for (uint32_t b = 0; b < length; b++)
				image[start + b] = (uint8_t)next_number(&numbers);
		}
		database_exercise(image, size);
		free(image);
	}
	free(original);
}

/* Of each page the header, where counts, pointers to cells and to other pages are. */
static void test_corrupted_page_headers(void **state)
{
	static const size_t page_size = 4096;
	uint64_t numbers = 4711;
	size_t size;
	uint8_t *original = database_image(&size);

	for (size_t page = 0; page < size; page += page_size) {
		uint8_t *image = xcalloc(size, 1);

		memcpy(image, original, size);
		for (size_t b = 0; b < 4; b++)
			image[page + (page ? 0 : 100) + next_number(&numbers) % 16] =
				(uint8_t)next_number(&numbers);
		database_exercise(image, size);
		free(image);
	}
	free(original);
}

/* An interior page that is its own child: descending must end. */
static void test_cycles(void **state)
{
	static const size_t page_size = 4096;
	size_t size, found = 0;
	uint8_t *original = database_image(&size);

	for (size_t page = page_size; page < size; page += page_size) {
		uint8_t *image, number = (uint8_t)(page / page_size + 1);
		size_t cells;

		if (original[page] != 2 && original[page] != 5)
			continue;
		found++;
		image = xcalloc(size, 1);
		memcpy(image, original, size);
		cells = (size_t)image[page + 3] << 8 | image[page + 4];
		image[page + 10] = 0;
		image[page + 11] = number;
		for (size_t c = 0; c < cells; c += 2) {
			const uint8_t *pointer = &image[page + 12 + c * 2];
			size_t cell = (size_t)pointer[0] << 8 | pointer[1];

			image[page + cell + 2] = 0;
			image[page + cell + 3] = number;
		}
		database_exercise(image, size);
		free(image);
	}
	assert_true(found > 0);
	free(original);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invalid_row_is_reported),
		cmocka_unit_test(test_lists_show_the_others),
		cmocka_unit_test(test_invalid_row_of_others),
		cmocka_unit_test(test_random_corruptions),
		cmocka_unit_test(test_corrupted_page_headers),
		cmocka_unit_test(test_cycles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
