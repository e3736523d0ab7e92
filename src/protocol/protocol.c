#include "protocol/protocol.h"

const char *failure_name(enum failure failure)
{
	static const char *const names[FAILURES] = {
		[FAILURE_NONE] = "settings",
		[FAILURE_BAD_REQUEST] = "bad-request",
		[FAILURE_UNKNOWN_DOMAIN] = "unknown-domain",
		[FAILURE_NOT_OFFERED] = "not-offered",
		[FAILURE_BROKEN] = "broken-data",
		[FAILURE_INTERNAL] = "database-unavailable",
	};

	return names[failure];
}
