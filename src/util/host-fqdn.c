#include "util/host-fqdn.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/idna.h"

const char *own_name(struct arena *memory)
{
	const struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM };
	char name[HOST_NAME_MAX_LENGTH + 1] = "";
	struct addrinfo *found = NULL;
	const char *own;

	if (gethostname(name, sizeof(name) - 1) < 0)
		return NULL;
	own = idna_to_ascii(memory, name);
	if (own && !strchr(own, '.') && getaddrinfo(name, NULL, &hints, &found) == 0) {
		if (found->ai_canonname && strchr(found->ai_canonname, '.'))
			own = idna_to_ascii(memory, found->ai_canonname);
		freeaddrinfo(found);
	}
	return own;
}
