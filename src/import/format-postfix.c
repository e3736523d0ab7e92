/*
 * Tables of Postfix, as their text is before postmap(1):
 *
 *     virtual(5), virtual_alias_maps          first.last@example.org   a4711
 *                                             @example.org             collect@example.org
 *     smtpd_sender_login_maps                 first.last@example.org   a4711
 */

#include <string.h>

#include "import/alias-chains.h"
#include "import/postfix-lines.h"
#include "import/user-table.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

#define TARGETS_MAX 1000

/* An entry, taken apart in place: what stands before the first blank, and after it words with
 * blanks or commas between. Past TARGETS_MAX they are only counted. */
struct entry {
	const char *key;
	const char *values[TARGETS_MAX];
	size_t count;
};

static void split(char *text, struct entry *ret_entry)
{
	char *word;

	ret_entry->count = 0;
	ret_entry->key = strsep(&text, " \t");
	while ((word = strsep(&text, ", \t")))
		if (*word && ret_entry->count < TARGETS_MAX)
			ret_entry->values[ret_entry->count++] = word;
}

/* Reads an entry that has a key and a value; others are told of as bad. */
static int read_entry(struct table *table, struct postfix *postfix, struct entry *ret_entry,
		      struct error *err)
{
	char *text;
	int r;

	while ((r = postfix_next(postfix, &text, err)) == 0) {
		if (char_is_blank(*text)) {
			source_bad(&table->source, postfix->line,
				   "a line that begins with a blank goes on with the one before, "
				   "and there is none");
			continue;
		}
		split(text, ret_entry);
		if (ret_entry->count > 0)
			return 0;
		source_bad(&table->source, postfix->line, "nothing follows '%.200s'",
			   ret_entry->key);
	}
	return r;
}

static int virtual_alias_read(struct table *table, struct error *err)
{
	_cleanup_(chains_freep) struct chains *chains = chains_new(table);
	_cleanup_(postfix_clear) struct postfix postfix;
	struct entry entry;
	int r;

	postfix_init(&postfix, &table->source);
	while ((r = read_entry(table, &postfix, &entry, err)) == 0) {
		/* As virtual(5) has it, "example.org anything" only says that there is such a
		 * domain. */
		if (strchr(entry.key, '@') || table->domain || !strchr(entry.key, '.'))
			chains_add(chains, postfix.line, entry.key, entry.values, entry.count);
		else
			table_skip(table, postfix.line,
				   "'%.200s' has no '@' and is taken for a domain; with --domain "
				   "it is an address there",
				   entry.key);
	}
	return r < 0 ? -1 : chains_give(chains, err);
}

const struct table_format format_postfix_virtual_alias = {
	.name = "postfix-virtual-alias",
	.read = virtual_alias_read,
};

static int sender_login_read(struct table *table, struct error *err)
{
	_cleanup_(postfix_clear) struct postfix postfix;
	struct entry entry;
	int r;

	postfix_init(&postfix, &table->source);
	while ((r = read_entry(table, &postfix, &entry, err)) == 0) {
		const struct row row = {
			.line = postfix.line,
			.address = entry.key,
			.login = entry.count == 1 ? entry.values[0] : NULL,
		};

		if (entry.count > 1)
			table_skip(table, row.line, "'%.200s' has %zu logins", row.address,
				   entry.count);
		if (table->row(&row, table->context, err) < 0)
			return -1;
	}
	return r < 0 ? -1 : 0;
}

const struct table_format format_postfix_sender_login = {
	.name = "postfix-sender-login",
	.read = sender_login_read,
};
