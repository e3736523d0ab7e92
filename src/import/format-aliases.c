/*
 * aliases(5), of Postfix, Exim and sendmail. Its names have no domain, so --domain must say it:
 *
 *     postmaster: root
 *     root:       alice
 *     news:       "|/usr/bin/rnews -x", archive
 */

#include <string.h>

#include "import/alias-chains.h"
#include "import/postfix-lines.h"
#include "import/user-table.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

#define TARGETS_MAX 1000

/* Takes the first text up to the separator off the rest, in place: without blanks around it, and
 * without quotes, which may hold a separator. Returns NULL where a quote is not closed. The rest is
 * NULL after the last. */
static char *take(char **rest, char separator)
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

/* Returns why the entry is bad, NULL where it is not. */
static const char *add(struct chains *chains, unsigned long line, char *text)
{
	const char *targets[TARGETS_MAX], *name;
	size_t count = 0;

	if (char_is_blank(*text))
		return "a line that begins with a blank goes on with the one before, and there is "
		       "none";
	name = take(&text, ':');
	if (!name)
		return "a quote is not closed";
	if (!text)
		return "no colon follows the name; a line is NAME: TARGET";
	while (text) {
		const char *target = take(&text, ',');

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

static int aliases_read(struct table *table, struct error *err)
{
	_cleanup_(chains_freep) struct chains *chains = chains_new(table);
	_cleanup_(postfix_clear) struct postfix postfix;
	char *text;
	int r;

	postfix_init(&postfix, &table->source);
	while ((r = postfix_next(&postfix, &text, err)) == 0) {
		const char *reason = add(chains, postfix.line, text);

		if (reason)
			source_bad(&table->source, postfix.line, "%s", reason);
	}
	return r < 0 ? -1 : chains_give(chains, err);
}

const struct table_format format_aliases = { .name = "aliases", .read = aliases_read };
