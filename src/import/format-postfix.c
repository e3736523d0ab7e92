/*
 * Tables of Postfix, in their text form before postmap(1), and aliases(5), which Exim and sendmail
 * share:
 *
 *     virtual(5), virtual_alias_maps          first.last@example.org   a4711
 *                                             @example.org             collect@example.org
 *     smtpd_sender_login_maps                 first.last@example.org   a4711
 *     aliases(5), names without a domain      postmaster: root
 *                                             news:       "|/usr/bin/rnews -x", archive
 */

#include "import/alias-chains.h"
#include "import/user-table.h"
#include "util/base.h"

/* An entry with its continuation lines: a list of members can be long. */
#define ENTRY_MAX ((size_t)1024 * 1024)
#define TARGETS_MAX 1000

/* Entries of several lines: a line that begins with whitespace continues the previous one. Lines
 * that are empty or begin with '#' are skipped. */
struct entries {
	struct source *source;
	char *text; /* the entry read last */
	size_t size, room;
	unsigned long line;  /* where it begins */
	const char *pending; /* the line after it, until the next is read; or NULL */
	size_t pending_size;
};

enum { ENTRIES_END = 1 };

static void entries_clear(struct entries *entries)
{
	free(entries->text);
}

static void append_line(struct entries *entries, const char *line, size_t size)
{
	if (entries->size + size + 1 > entries->room) {
		entries->room = (entries->size + size + 1) * 2;
		entries->text = xrealloc(entries->text, entries->room, 1);
	}
	memcpy(entries->text + entries->size, line, size + 1);
	entries->size += size;
}

static int read_line(struct entries *entries, char **ret_line, size_t *ret_size, struct error *err)
{
	int r;

	while ((r = source_line(entries->source, ret_line, ret_size, err)) == 0) {
		const char *text = *ret_line;

		while (char_is_blank(*text))
			text++;
		if (*text && *text != '#')
			return 0;
	}
	return r;
}

/* Reads an entry, which may be changed and is valid until the next call. Returns 0, ENTRIES_END, or
 * -1 with err set. */
static int read_entry(struct entries *entries, char **ret_entry, struct error *err)
{
	bool is_first = true;
	char *line;
	size_t size;
	int r = 0;

	while (!entries->pending && (r = read_line(entries, &line, &size, err)) == 0) {
		if (!char_is_blank(*line)) {
			entries->pending = line;
			entries->pending_size = size;
		} else if (is_first) {
			source_bad(entries->source, entries->source->line,
				   "a line that begins with whitespace continues the previous one, "
				   "and there is none");
		}
		is_first = false;
	}
	if (r != 0)
		return r < 0 ? -1 : ENTRIES_END;
	entries->size = 0;
	append_line(entries, entries->pending, entries->pending_size);
	entries->line = entries->source->line;
	entries->pending = NULL;
	while ((r = read_line(entries, &line, &size, err)) == 0) {
		if (!char_is_blank(*line)) {
			entries->pending = line;
			entries->pending_size = size;
			break;
		}
		if (entries->size + size > ENTRY_MAX)
			source_bad(entries->source, entries->source->line,
				   "the entry that begins in line %lu has more than %zu bytes",
				   entries->line, ENTRY_MAX);
		else
			append_line(entries, line, size);
	}
	*ret_entry = entries->text;
	return r < 0 ? -1 : 0;
}

/* Tables of Postfix */

/* An entry, split in place: a key, then words between whitespace or commas. Words beyond
 * TARGETS_MAX are dropped. */
struct entry {
	const char *key;
	const char *values[TARGETS_MAX];
	size_t count;
};

/* Reads an entry that has a key and a value, and reports others as bad. */
static int read_pair(struct entries *entries, struct entry *ret_entry, struct error *err)
{
	char *text, *word;
	int r;

	while ((r = read_entry(entries, &text, err)) == 0) {
		ret_entry->count = 0;
		ret_entry->key = strsep(&text, " \t");
		while ((word = strsep(&text, ", \t")))
			if (*word && ret_entry->count < TARGETS_MAX)
				ret_entry->values[ret_entry->count++] = word;
		if (ret_entry->count > 0)
			return 0;
		source_bad(entries->source, entries->line, "nothing follows '%.200s'",
			   ret_entry->key);
	}
	return r;
}

static int virtual_alias_read(struct user_table *table, struct error *err)
{
	_cleanup_(chains_freep) struct chains *chains = chains_new(table);
	_cleanup_(entries_clear) struct entries entries = { .source = &table->source };
	struct entry entry;
	int r;

	while ((r = read_pair(&entries, &entry, err)) == 0) {
		/* In virtual(5), "example.org anything" declares a domain. */
		if (strchr(entry.key, '@') || table->domain || !strchr(entry.key, '.'))
			chains_add(chains, entries.line, entry.key, entry.values, entry.count);
		else
			table_skip(table, entries.line,
				   "'%.200s' has no '@' and is read as a domain; with --domain it "
				   "is an address of that domain",
				   entry.key);
	}
	return r < 0 ? -1 : chains_give(chains, err);
}

const struct table_format format_postfix_virtual_alias = {
	.name = "postfix-virtual-alias",
	.read = virtual_alias_read,
};

static int sender_login_read(struct user_table *table, struct error *err)
{
	_cleanup_(entries_clear) struct entries entries = { .source = &table->source };
	struct entry entry;
	int r;

	while ((r = read_pair(&entries, &entry, err)) == 0) {
		const struct user_row row = {
			.line = entries.line,
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

/* aliases(5) */

/* Cuts the text up to the separator off the rest, in place, without whitespace around it and
 * without quotes, which may hold a separator. Returns NULL where a quote is not closed. The rest is
 * NULL after the last. */
static char *cut_text(char **rest, char separator)
{
	char *from = *rest, *to, *text;

	while (char_is_blank(*from))
		from++;
	text = to = from;
	for (; *from && *from != separator; from++) {
		if (*from != '"') {
			*to++ = *from;
			continue;
		}
		for (from++; *from != '"'; from++) {
			if (*from == '\\' && from[1])
				from++;
			if (!*from)
				return NULL;
			*to++ = *from;
		}
	}
	*rest = *from ? from + 1 : NULL;
	while (to > text && char_is_blank(to[-1]))
		to--;
	*to = '\0';
	return text;
}

/* Returns why the entry is bad, or NULL. */
static const char *add_alias(struct chains *chains, unsigned long line, char *text)
{
	const char *targets[TARGETS_MAX], *name = cut_text(&text, ':');
	size_t count = 0;

	if (!name)
		return "a quote is not closed";
	if (!text)
		return "no colon follows the name: a line is NAME: TARGET";
	while (text) {
		const char *target = cut_text(&text, ',');

		if (!target)
			return "a quote is not closed";
		if (*target && count < TARGETS_MAX)
			targets[count++] = target;
	}
	if (count == 0)
		return "nothing follows the name";
	chains_add(chains, line, name, targets, count);
	return NULL;
}

static int aliases_read(struct user_table *table, struct error *err)
{
	_cleanup_(chains_freep) struct chains *chains = chains_new(table);
	_cleanup_(entries_clear) struct entries entries = { .source = &table->source };
	char *text;
	int r;

	while ((r = read_entry(&entries, &text, err)) == 0) {
		const char *reason = add_alias(chains, entries.line, text);

		if (reason)
			source_bad(&table->source, entries.line, "%s", reason);
	}
	return r < 0 ? -1 : chains_give(chains, err);
}

const struct table_format format_aliases = { .name = "aliases", .read = aliases_read };
