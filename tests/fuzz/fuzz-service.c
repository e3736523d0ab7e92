#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "mail/service.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* Whatever service_parse() accepts is the same service when its URL is parsed again, as it is
 * whenever the database is read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct service service, again;
	struct error err;
	const char *url;

	if (service_parse(&memory, arena_strndup(&memory, (const char *)data, size), &service,
			  &err) < 0)
		return 0;
	url = service_url(&memory, &service);
	if (service_parse(&memory, url, &again, &err) < 0 ||
	    !text_equals(service_url(&memory, &again), url) || again.kind != service.kind ||
	    again.security != service.security || again.port != service.port ||
	    !text_equals(again.host, service.host) || !again.path != !service.path ||
	    (service.path && !text_equals(again.path, service.path)))
		abort();
	return 0;
}
