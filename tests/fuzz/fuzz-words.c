#include "fuzz.h"

#include <stdlib.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/shell-words.h"

/* Whatever is read is read again when its words are quoted. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct words words = WORDS_IN((const char *)data, size);
	const char **list, **again;
	size_t count, n_again;
	struct error err;

	while (words_next(&words, &memory, &list, &count, &err) == 0) {
		struct bytes line = BYTES_IN(&memory);
		struct words quoted;

		for (size_t i = 0; i < count; i++)
			bytes_add_format(&line, "%s ", word_quote(&memory, list[i]));
		quoted = WORDS_IN(line.data, line.size);
		if (words_next(&quoted, &memory, &again, &n_again, &err) != 0 || n_again != count)
			abort();
		for (size_t i = 0; i < count; i++)
			if (!text_equals(list[i], again[i]))
				abort();
	}
	return 0;
}
