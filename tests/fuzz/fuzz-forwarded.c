#include "fuzz.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "http/forwarded.h"
#include "protocol/request.h"
#include "util/arena.h"
#include "util/network.h"

/* The first line is X-Forwarded-For, the second X-Forwarded-Host. A trusted proxy's request has an
 * address and a host afterwards that can be worked with; another's is what it was. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sockaddr_in proxy = { .sin_family = AF_INET,
						  .sin_addr.s_addr = 0x0100007f };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char *addresses = arena_strndup(&memory, (const char *)data, size);
	char *hosts = strchr(addresses, '\n');
	struct request request = { .host = "x", .client = (const struct sockaddr *)&proxy };
	struct request other = request;

	if (hosts)
		*hosts++ = '\0';
	forwarded_apply(&memory, "127.0.0.0/8", addresses, hosts, &request);
	if (request.client->sa_family != AF_INET && request.client->sa_family != AF_INET6)
		abort();
	(void)networks_contain(&memory, "192.0.2.0/24", request.client);
	if (!*request.host || strchr(request.host, ','))
		abort();
	(void)request_host(&memory, &request);

	forwarded_apply(&memory, "192.0.2.0/24", addresses, hosts, &other);
	if (other.client != (const struct sockaddr *)&proxy || strcmp(other.host, "x") != 0)
		abort();
	return 0;
}
