#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/settings.h"
#include "util/arena.h"

/* With those of what does not go together. */
#define ERRORS_MAX (SETTINGS_ERRORS_MAX + 50)

/* Whatever the file says: it is settings that can be used, or an error that says why not. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(fclosep) FILE *stream = fmemopen((void *)data, size, "r");
	struct settings_reports reports;
	struct settings settings;

	if (!stream)
		return 0;
	if (settings_read(&memory, stream, "fuzz.conf", &settings, &reports) < 0) {
		if (reports.errors.count == 0 || !reports.errors.items[0][0] ||
		    reports.errors.count > ERRORS_MAX)
			abort();
	} else if (settings.tls.certificates.count == 0 || settings.database.file[0] != '/' ||
		   settings.server.threads > 256 || settings.limits.idle_timeout == 0 ||
		   settings.limits.addresses_per_network > ADDRESSES_PER_NETWORK_MAX) {
		abort();
	}
	return 0;
}
