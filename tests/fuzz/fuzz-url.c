#include "fuzz.h"

#include <stdlib.h>

#include "mail/url.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* What url_parse() accepts is in its normal form: it is the same when it is parsed again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *text = arena_strndup(&memory, (const char *)data, size), *url, *again;
	struct error err;

	url = url_parse(&memory, "page", text, URL_OF_PAGE, &err);
	if (!url)
		return 0;
	again = url_parse(&memory, "page", url, URL_OF_PAGE, &err);
	if (!again || !text_equals(again, url))
		abort();
	return 0;
}
