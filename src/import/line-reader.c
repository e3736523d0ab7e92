#include "import/line-reader.h"

#include <stdarg.h>

#include "util/file.h"

#define BUFFER_SIZE (4 * SOURCE_LINE_MAX)
#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define MARK_SIZE (sizeof(BYTE_ORDER_MARK) - 1)

void source_init(struct source *source, struct input *input, bad_line bad, void *context)
{
	*source = (struct source){
		.input = input,
		.bad = bad,
		.context = context,
		.buffer = xrealloc(NULL, BUFFER_SIZE + 1, 1),
	};
}

void source_clear(struct source *source)
{
	free(source->buffer);
	source->buffer = NULL;
}

void source_bad(struct source *source, unsigned long line, const char *format, ...)
{
	char reason[sizeof(((struct error *)0)->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	source->bad(line, reason, source->context);
}

/* Finds the end of the line that begins at source->at. Returns 0 with its size (the beginning of a
 * line that is too long is dropped), SOURCE_END, or -1. */
static int find_end(struct source *source, size_t *ret_size, struct error *err)
{
	size_t searched = 0, dropped = 0, got;

	for (;;) {
		char *begin = source->buffer + source->at;
		size_t here = source->filled - source->at;
		char *end = memchr(begin + searched, '\n', here - searched);

		if (end) {
			*ret_size = (size_t)(end - begin) + dropped;
			return 0;
		}
		if (source->has_ended) {
			*ret_size = here + dropped;
			return *ret_size > 0 ? 0 : SOURCE_END;
		}
		if (here > 2 * SOURCE_LINE_MAX) {
			source->at += here - SOURCE_LINE_MAX;
			dropped += here - SOURCE_LINE_MAX;
			here = SOURCE_LINE_MAX;
		}
		searched = here;
		memmove(source->buffer, source->buffer + source->at, here);
		source->at = 0;
		source->filled = here;
		if (input_read(source->input, source->buffer + here, BUFFER_SIZE - here, &got,
			       err) < 0)
			return -1;
		source->filled += got;
		source->has_ended = got == 0;
	}
}

int source_line(struct source *source, char **ret_line, size_t *ret_size, struct error *err)
{
	for (;;) {
		size_t size = 0, left;
		int r = find_end(source, &size, err);
		char *line = source->buffer + source->at;

		if (r != 0)
			return r;
		source->line++;
		left = source->filled - source->at;
		if (size > SOURCE_LINE_MAX) {
			char *end = memchr(line, '\n', left);

			source->at += end ? (size_t)(end + 1 - line) : left;
			source_bad(source, source->line, "the line has more than %zu bytes",
				   SOURCE_LINE_MAX);
			continue;
		}
		source->at += size < left ? size + 1 : size;
		if (size > 0 && line[size - 1] == '\r')
			size--;
		line[size] = '\0';
		if (source->line == 1 && size >= MARK_SIZE &&
		    memcmp(line, BYTE_ORDER_MARK, MARK_SIZE) == 0) {
			line += MARK_SIZE;
			size -= MARK_SIZE;
		}
		*ret_line = line;
		*ret_size = size;
		if (!memchr(line, '\0', size))
			return 0;
		source_bad(source, source->line, "the line contains a NUL byte");
	}
}
