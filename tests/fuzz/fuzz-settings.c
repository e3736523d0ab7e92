#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/settings.h"
#include "util/arena.h"
#include "util/error.h"

/* Whatever the file says: it is settings that can be used, or an error that says why not. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(fclosep) FILE *stream = fmemopen((void *)data, size, "r");
	struct settings settings;
	struct error err = { 0 };

	if (!stream)
		return 0;
	if (settings_read(&memory, stream, "fuzz.conf", &settings, &err) < 0) {
		if (err.kind != ERROR_CONFIG || !err.text[0])
			abort();
	} else if (settings.tls.certificates.count == 0 || settings.database.file[0] != '/' ||
		   settings.server.threads > 256 || settings.limits.idle_timeout == 0 ||
		   settings.limits.addresses_per_network > ADDRESSES_PER_NETWORK_MAX) {
		abort();
	}
	return 0;
}
