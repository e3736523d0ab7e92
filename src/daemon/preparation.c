#include "daemon/server.h"

#include <errno.h>
#include <unistd.h>

#include "config/settings.h"
#include "daemon/sandbox.h"
#include "store/store.h"
#include "util/account.h"
#include "util/idna.h"
#include "util/socket-address.h"
#include "util/unix-socket.h"

void preparation_complete_settings(struct arena *memory, const char **own,
				   struct settings *settings)
{
	if (*settings->server.public_name)
		return;
	if (!*own)
		*own = own_name(memory);
	if (*own)
		settings->server.public_name = *own;
}

/* Tells of each address of the key that others than this host can connect to what that means. */
static void warn_of_open_ports(const char *key, const struct texts *words, const char *meaning,
			       void (*tell)(const char *sentence, void *context))
{
	for (size_t i = 0; i < words->count; i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct sockaddr_storage address;
		struct error err;

		if (unix_socket_path(words->items[i]) ||
		    socket_address_parse(words->items[i], &address, &err) < 0 ||
		    socket_address_is_loopback(&address))
			continue;
		tell(arena_printf(&memory, "%s: %s is not a loopback address: %s", key,
				  words->items[i], meaning),
		     NULL);
	}
}

void preparation_warn_of_settings(const struct settings *settings,
				  void (*tell)(const char *sentence, void *context))
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *file = settings->database.file;
	const char *name = store_network_file_system(file);

	warn_of_open_ports("[server] behind-proxy", &settings->server.behind_proxy,
			   "anyone on the network path can read and change all responses and the "
			   "logins in them, because they are not encrypted",
			   tell);
	warn_of_open_ports("[metrics] listen", &settings->metrics.listen,
			   "anyone who can connect to it sees the number of requests of each "
			   "program, and the names of certificates",
			   tell);
	if (name)
		tell(arena_printf(
			     &memory,
			     "database '%s' is on a network file system (%s): two hosts that use "
			     "it corrupt it; move the database to a local file system ('[database] "
			     "file')",
			     file, name),
		     NULL);
}

int preparation_check_file(const char *settings_file, struct error *err)
{
	if (access(settings_file, R_OK) < 0)
		return error_set(err, ERROR_CONFIG, "cannot read the settings file '%s': %s",
				 settings_file, strerror(errno));
	return 0;
}

void preparation_warn_of_sandbox(const struct sandbox *sandbox,
				 void (*tell)(const char *sentence, void *context))
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	if (sandbox->refused)
		tell(arena_printf(&memory,
				  "the sandbox is incomplete: the kernel or the container refuses "
				  "%s; '[sandbox] require = yes' would stop the start",
				  sandbox->refused),
		     NULL);
}

int preparation_become_service(struct arena *memory, const struct settings *settings,
			       const char *user, const char **ret_name, struct error *err)
{
	uid_t before = geteuid();
	struct account account;
	int r = user ? account_find(memory, user, &account, err)
		     : account_of_directory(memory, settings->database.file, &account, err);

	if (r < 0 || account_become(&account, err) < 0)
		return -1;
	*ret_name = user || account.uid != before ? account.name : NULL;
	return 0;
}
