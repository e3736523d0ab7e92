#include "fuzz.h"

#include <stdlib.h>

#include "import/autoconfig-reader.h"
#include "import/provider-draft.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* Whatever is read is a provider that the database can hold, within its bounds; whatever is refused
 * says why. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct error err = { 0 };
	struct service again;
	struct draft draft;

	if (autoconfig_read(&memory, (const char *)data, size, &draft, &err) < 0) {
		if (!err.text[0])
			abort();
		return 0;
	}
	if (draft.provider.n_services == 0 || draft.provider.n_services > SERVICES_MAX ||
	    draft.provider.n_links > LINKS_MAX)
		abort();
	for (size_t i = 0; i < draft.provider.n_services; i++) {
		const char *url = service_url(&memory, &draft.provider.services[i]);

		if (service_parse(&memory, url, &again, &err) < 0 ||
		    !text_equals(service_url(&memory, &again), url))
			abort();
	}
	return 0;
}
