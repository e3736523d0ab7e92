#include "import/postfix-lines.h"

#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* An entry with all its lines: a list of members can be long. */
#define ENTRY_MAX ((size_t)1024 * 1024)

void postfix_init(struct postfix *postfix, struct source *source)
{
	*postfix = (struct postfix){ .source = source };
}

void postfix_clear(struct postfix *postfix)
{
	free(postfix->entry);
	free(postfix->next);
}

static void keep(char **text, size_t *room, size_t at, const char *line, size_t size)
{
	if (at + size + 1 > *room) {
		*room = (at + size + 1) * 2;
		*text = xrealloc(*text, *room, 1);
	}
	memcpy(*text + at, line, size);
	(*text)[at + size] = '\0';
}

/* Empty, or of blanks, or a comment. */
static bool says_nothing(const char *line)
{
	while (char_is_blank(*line))
		line++;
	return !*line || *line == '#';
}

static int read_line(struct postfix *postfix, char **ret_line, size_t *ret_size, struct error *err)
{
	int r;

	do {
		r = source_line(postfix->source, ret_line, ret_size, err);
	} while (r == 0 && says_nothing(*ret_line));
	return r;
}

/* What goes on with nothing is an entry by itself, which its reader will find wrong. */
static int begin_entry(struct postfix *postfix, struct error *err)
{
	char *line;
	size_t size;
	int r;

	if (postfix->next_line) {
		keep(&postfix->entry, &postfix->room, 0, postfix->next, postfix->next_size);
		postfix->size = postfix->next_size;
		postfix->line = postfix->next_line;
		postfix->next_line = 0;
		return 0;
	}
	r = read_line(postfix, &line, &size, err);
	if (r != 0)
		return r;
	keep(&postfix->entry, &postfix->room, 0, line, size);
	postfix->size = size;
	postfix->line = postfix->source->line;
	return 0;
}

int postfix_next(struct postfix *postfix, char **ret_entry, struct error *err)
{
	char *line;
	size_t size;
	int r = begin_entry(postfix, err);

	if (r != 0)
		return r < 0 ? -1 : POSTFIX_END;
	while ((r = read_line(postfix, &line, &size, err)) == 0) {
		if (!char_is_blank(line[0])) {
			keep(&postfix->next, &postfix->next_room, 0, line, size);
			postfix->next_size = size;
			postfix->next_line = postfix->source->line;
			break;
		}
		if (postfix->size + size > ENTRY_MAX) {
			source_bad(postfix->source, postfix->source->line,
				   "the entry that begins in line %lu has more than %zu bytes",
				   postfix->line, ENTRY_MAX);
			continue;
		}
		keep(&postfix->entry, &postfix->room, postfix->size, line, size);
		postfix->size += size;
	}
	*ret_entry = postfix->entry;
	return r < 0 ? -1 : 0;
}
