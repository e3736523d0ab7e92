#include "table/chains.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

#define FIRST_PLACES ((size_t)1024)

/* Addresses in messages; what is longer is none. */
#define SHOWN "%.200s"

struct alias {
	const char *text; /* as written */
	const char *key;  /* in lower case, with a domain where one is known */
	const char *target;
	size_t n_targets;
	uint64_t digest; /* of all targets */
	unsigned long line;
	size_t seen_by; /* the alias that was followed through it last, counted from 1 */
};

struct chains {
	struct table *table;
	struct arena memory;
	struct alias *aliases;
	size_t count, room;
	size_t *places; /* a hash table of indices, counted from 1, twice as large as need be */
	size_t n_places;
};

struct chains *chains_new(struct table *table)
{
	struct chains *chains = xnew(struct chains);

	chains->table = table;
	chains->n_places = FIRST_PLACES;
	chains->places = xcalloc(chains->n_places, sizeof(*chains->places));
	return chains;
}

void chains_free(struct chains *chains)
{
	if (!chains)
		return;
	arena_clear(&chains->memory);
	free(chains->aliases);
	free(chains->places);
	free(chains);
}

/* FNV-1a */
static uint64_t digest_add(uint64_t digest, const char *text)
{
	for (; *text; text++)
		digest = (digest ^ (unsigned char)*text) * 0x100000001b3;
	return digest * 0x100000001b3;
}

static uint64_t digest_of(const char *text)
{
	return digest_add(0xcbf29ce484222325, text);
}

/* The place of the key, or the empty one where it belongs. */
static size_t *place_of(const struct chains *chains, const char *key)
{
	size_t at = digest_of(key) & (chains->n_places - 1);

	while (chains->places[at] && !text_equals(chains->aliases[chains->places[at] - 1].key, key))
		at = (at + 1) & (chains->n_places - 1);
	return &chains->places[at];
}

static void grow(struct chains *chains)
{
	free(chains->places);
	chains->n_places *= 2;
	chains->places = xcalloc(chains->n_places, sizeof(*chains->places));
	for (size_t i = 0; i < chains->count; i++)
		*place_of(chains, chains->aliases[i].key) = i + 1;
}

static struct alias *find(const struct chains *chains, const char *key)
{
	size_t place = *place_of(chains, key);

	return place ? &chains->aliases[place - 1] : NULL;
}

static const char *key_of(struct chains *chains, struct arena *memory, const char *text)
{
	const char *domain = chains->table->domain;

	if (!domain || strchr(text, '@'))
		return text_lower(memory, text);
	return text_lower(memory, arena_printf(memory, "%s@%s", text, domain));
}

void chains_add(struct chains *chains, unsigned long line, const char *text,
		const char *const *targets, size_t count)
{
	struct alias alias = {
		.text = arena_strdup(&chains->memory, text),
		.target = arena_strdup(&chains->memory, targets[0]),
		.n_targets = count,
		.line = line,
	};
	const struct alias *before;

	alias.key = key_of(chains, &chains->memory, alias.text);
	for (size_t i = 0; i < count; i++)
		alias.digest = digest_add(alias.digest, targets[i]);
	before = find(chains, alias.key);
	if (before) {
		if (before->digest != alias.digest)
			source_bad(&chains->table->source, line,
				   "'" SHOWN "' leads elsewhere than in line %lu", text,
				   before->line);
		return;
	}
	if (chains->count == chains->room) {
		chains->room = chains->room ? chains->room * 2 : FIRST_PLACES;
		chains->aliases = xrealloc(chains->aliases, chains->room, sizeof(*chains->aliases));
	}
	chains->aliases[chains->count++] = alias;
	*place_of(chains, alias.key) = chains->count;
	if (chains->count * 2 > chains->n_places)
		grow(chains);
}

/* What a target is that is no mailbox, NULL for what may be one. */
static const char *not_a_mailbox(const char *target)
{
	switch (target[0]) {
	case '|':
		return "a command";
	case '/':
		return "a file";
	case ':':
		return "a list or an instruction";
	case '@':
		return "a whole domain ('--alias-of' of 'domain add' and 'domain set' does that)";
	case '\\':
	case '<':
	case '"':
		return "something that is not an address";
	default:
		return NULL;
	}
}

/* The alias that the target is, or whose domain's catch-all stands for it. */
static struct alias *target_of(struct chains *chains, struct arena *memory,
			       const struct alias *alias)
{
	const char *key = key_of(chains, memory, alias->target), *at = strrchr(key, '@');
	struct alias *next = find(chains, key);

	return next || !at ? next : find(chains, at);
}

/* "; see line 7" where it is not the alias's own line that says so. */
static const char *elsewhere(struct arena *memory, const struct alias *start,
			     const struct alias *end)
{
	return start == end ? "" : arena_printf(memory, ", by line %lu", end->line);
}

/* Follows the alias to its end. Returns NULL where the table was told that it has none. */
static const struct alias *follow(struct chains *chains, struct arena *memory, struct alias *start)
{
	struct table *table = chains->table;
	size_t number = (size_t)(start - chains->aliases) + 1;
	struct alias *alias = start, *next;

	for (;;) {
		if (alias->n_targets > 1) {
			table_skip(table, start->line, "'" SHOWN "' has %zu targets%s", start->text,
				   alias->n_targets, elsewhere(memory, start, alias));
			return NULL;
		}
		if (not_a_mailbox(alias->target)) {
			table_skip(table, start->line, "'" SHOWN "' leads to %s%s", start->text,
				   not_a_mailbox(alias->target), elsewhere(memory, start, alias));
			return NULL;
		}
		next = target_of(chains, memory, alias);
		if (!next || next == alias)
			return alias;
		alias->seen_by = number;
		if (next->seen_by == number) {
			source_bad(&table->source, start->line,
				   "'" SHOWN "' leads in a circle, by line %lu", start->text,
				   alias->line);
			return NULL;
		}
		alias = next;
	}
}

static int give(struct chains *chains, struct arena *memory, struct alias *alias, bool is_local,
		struct error *err)
{
	struct table *table = chains->table;
	const struct alias *end = follow(chains, memory, alias);
	struct row row = { .line = alias->line, .address = alias->text };
	const char *at;
	bool serves = true;

	if (!end)
		return 0;
	row.login = end->target;
	at = strrchr(row.login, '@');
	if (at && table->domain && text_equals_ignoring_case(at + 1, table->domain)) {
		if (is_local)
			row.login = arena_strndup(memory, row.login, (size_t)(at - row.login));
	} else if (at && table->serves(at + 1, &serves, table->context, err) < 0) {
		return -1;
	}
	if (serves)
		return table->row(&row, table->context, err);
	table_skip(table, row.line, "'" SHOWN "' leads to '" SHOWN "', which is not served here%s",
		   row.address, row.login, elsewhere(memory, alias, end));
	return 0;
}

int chains_give(struct chains *chains, bool is_local, struct error *err)
{
	for (size_t i = 0; i < chains->count; i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

		if (give(chains, &memory, &chains->aliases[i], is_local, err) < 0)
			return -1;
	}
	return 0;
}
