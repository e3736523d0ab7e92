#include "protocol/routes.h"

#include <string.h>

#include "protocol/autoconfig.h"
#include "protocol/autodiscover-v2.h"
#include "protocol/autodiscover.h"
#include "protocol/dav.h"
#include "protocol/mobileconfig.h"
#include "protocol/pacc.h"
#include "util/bytes.h"

/* Outlook and its kin spell their path in several ways (MS-OXDISCO writes it with capitals), so
 * letter case never matters. */
static const struct route routes[] = {
	{ "/autodiscover/autodiscover.xml", "GET, HEAD, POST", autodiscover_parse,
	  ROUTE_REDIRECT_SAME },
	{ "/autodiscover/autodiscover.json", "GET, HEAD", autodiscover_v2_parse },
	{ "/autodiscover/autodiscover.json/v1.0/", "GET, HEAD", autodiscover_v2_parse },
	{ "/mail/config-v1.1.xml", "GET, HEAD", autoconfig_parse, ROUTE_REDIRECT_AUTOCONFIG },
	{ "/.well-known/autoconfig/mail/config-v1.1.xml", "GET, HEAD", autoconfig_parse,
	  ROUTE_REDIRECT_AUTOCONFIG },
	{ "/v1.1/mail/config-v1.1.xml", "GET, HEAD", autoconfig_parse, ROUTE_REDIRECT_AUTOCONFIG },
	{ "/.well-known/mail-v1.xml", "GET, HEAD", autoconfig_parse, ROUTE_REDIRECT_AUTOCONFIG },
	{ "/v1.1/", "GET, HEAD", autoconfig_parse_domain, ROUTE_REDIRECT_AUTOCONFIG },
	{ "/mobileconfig", "GET, HEAD", mobileconfig_parse },
	{ "/.well-known/mobileconfig", "GET, HEAD", mobileconfig_parse },
	{ "/email.mobileconfig", "GET, HEAD", mobileconfig_parse },
	{ "/.well-known/user-agent-configuration.json", "GET, HEAD", pacc_parse },
	{ "/.well-known/caldav", NULL, caldav_parse },
	{ "/.well-known/carddav", NULL, carddav_parse },
};

static bool matches(const char *pattern, const char *path)
{
	size_t length = strlen(pattern);

	if (pattern[length - 1] != '/')
		return text_equals_ignoring_case(pattern, path);
	return text_starts_with_ignoring_case(path, pattern) && path[length] &&
	       !strchr(path + length, '/');
}

const struct route *route_find(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		if (matches(routes[i].path, path))
			return &routes[i];
	return NULL;
}

bool route_allows(const struct route *route, const char *method)
{
	size_t length = strlen(method);

	if (!route->methods)
		return true;
	for (const char *allowed = route->methods; *allowed; allowed += strspn(allowed, ", ")) {
		size_t size = strcspn(allowed, ",");

		if (size == length && strncmp(allowed, method, size) == 0)
			return true;
		allowed += size;
	}
	return false;
}

bool route_reads_body(const struct route *route, const char *method)
{
	return route->methods && text_equals(method, "POST") && route_allows(route, method);
}
