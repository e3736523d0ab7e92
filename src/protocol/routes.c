#include "protocol/routes.h"

#include <string.h>

#include "protocol/autoconfig.h"
#include "protocol/autodiscover.h"
#include "util/bytes.h"

/* Outlook and its kin spell their path in several ways (MS-OXDISCO writes it with capitals), so
 * letter case never matters. */
static const struct route routes[] = {
	{ "/autodiscover/autodiscover.xml", "POST", autodiscover_parse },
	{ "/mail/config-v1.1.xml", "GET, HEAD", autoconfig_parse },
	{ "/.well-known/autoconfig/mail/config-v1.1.xml", "GET, HEAD", autoconfig_parse },
};

const struct route *route_find(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		if (text_equals_ignoring_case(routes[i].path, path))
			return &routes[i];
	return NULL;
}

bool route_allows(const struct route *route, const char *method)
{
	size_t length = strlen(method);

	for (const char *allowed = route->methods; *allowed; allowed += strspn(allowed, ", ")) {
		size_t size = strcspn(allowed, ",");

		if (size == length && strncmp(allowed, method, size) == 0)
			return true;
		allowed += size;
	}
	return false;
}
