#include "mail/query.h"

#include <string.h>

struct host_domains host_domains(const char *host)
{
	static const char *const prefixes[] = { "autoconfig.", "autodiscover.", "ua-auto-config." };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t length = strlen(prefixes[i]);

		if (strncmp(host, prefixes[i], length) == 0 && host[length])
			return (struct host_domains){ .stripped = host + length, .bare = host };
	}
	return (struct host_domains){ .bare = host };
}
