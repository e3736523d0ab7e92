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
		[FAILURE_SIGNATURE] = "cannot-sign",
	};

	return names[failure];
}

/* Clients go on to their next source at any status but 200; an empty 2xx would stop them. */
void fail_with_status(const struct site *site, struct arena *memory, enum failure failure,
		      struct response *response)
{
	switch (failure) {
	case FAILURE_INTERNAL:
	case FAILURE_SIGNATURE:
		response_set_text(response, 503, "Try again later.\n");
		break;
	case FAILURE_BROKEN:
		response_set_text(response, 500,
				  "The configuration of this domain has an error.\n");
		break;
	default:
		response_set_text(response, 404, "Not found.\n");
		break;
	}
}
