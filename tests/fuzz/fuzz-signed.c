#include "fuzz.h"

#include <stdlib.h>

#include "tls/cms.h"
#include "util/arena.h"
#include "util/error.h"

/* What is unwrapped stood inside the input, as bytes of their own. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct error err = { 0 };
	const char *content = NULL;
	size_t length = 0;

	if (cms_unwrap(&memory, (const char *)data, size, &content, &length, &err) < 0) {
		if (!*err.text)
			abort();
		return 0;
	}
	if (!content || length > size || content[length] != '\0')
		abort();
	return 0;
}
