#include "cli/public-hosts.h"

#include <string.h>

#include "admin/admin.h"
#include "config/settings.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"

static void add_host(struct arena *memory, struct public_hosts *hosts, const char *name)
{
	if (name && *name)
		hosts->names[hosts->count++] = text_lower(
			memory, arena_strndup(memory, name, strcspn(name, ":")));
}

int public_hosts_find(struct admin *admin, struct public_hosts *ret_hosts, struct error *err)
{
	struct public_hosts hosts = { 0 };
	struct provider *providers;
	size_t count;

	if (store_list_providers(admin->store, admin->memory, &providers, &count, err) != 0)
		return -1;
	hosts.names = arena_array(admin->memory, const char *, count + 1);
	add_host(admin->memory, &hosts, admin->settings->server.public_name);
	for (size_t i = 0; i < count; i++)
		add_host(admin->memory, &hosts, providers[i].public_name);
	*ret_hosts = hosts;
	return 0;
}

bool public_hosts_have(const struct public_hosts *hosts, const char *name)
{
	for (size_t i = 0; i < hosts->count; i++)
		if (text_equals(hosts->names[i], name))
			return true;
	return false;
}
