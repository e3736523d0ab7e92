#include "cli/suggestions.h"

#include <string.h>

#include "cli/cli.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/did-you-mean.h"
#include "util/error.h"

/* Measured: a third of a second, where all names are equally long. */
#define NAMES_MAX 100000
#define LOCALS_MAX 10000

/* A database that cannot be read now has been reported, or will be. */
static const char *similar_name(struct cli *cli, enum store_names names, const char *name)
{
	struct nearest nearest = NEAREST_TO(name);
	const char **list;
	struct error err;
	size_t count;

	if (store_list_names(cli->store, cli->memory, names, "", NAMES_MAX, &list, &count, &err) !=
	    0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		nearest_try(&nearest, list[i]);
	return nearest.found;
}

const char *similar_provider(struct cli *cli, const char *name)
{
	return similar_name(cli, PROVIDER_NAMES, name);
}

const char *similar_domain(struct cli *cli, const char *name)
{
	return similar_name(cli, DOMAIN_NAMES, name);
}

static const char *nearest_local(struct cli *cli, const char *domain, const char *prefix,
				 const char *local)
{
	struct nearest nearest = NEAREST_TO(local);
	const char **list;
	struct error err;
	size_t count;

	if (store_list_locals(cli->store, cli->memory, domain, prefix, LOCALS_MAX, &list, &count,
			      &err) != 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (*list[i])
			nearest_try(&nearest, list[i]);
	return nearest.found;
}

/* A domain may have millions of users: those that begin alike lie together, so the end of a name
 * can be wrong among any number, and its beginning among few. */
static const char *similar_local(struct cli *cli, const char *domain, const char *local)
{
	const char *found = NULL;

	for (size_t kept = strlen(local) * 3 / 4; !found && kept > 0; kept /= 2)
		found = nearest_local(cli, domain, arena_strndup(cli->memory, local, kept), local);
	return found ? found : nearest_local(cli, domain, "", local);
}

const char *similar_user(struct cli *cli, const char *address)
{
	const char *domain = strrchr(address, '@') + 1, *found;
	const char *local = arena_strndup(cli->memory, address, (size_t)(domain - 1 - address));
	struct error err;
	struct user user;

	found = *local ? similar_local(cli, domain, local) : NULL;
	if (found)
		return arena_printf(cli->memory, "%s@%s", found, domain);
	domain = similar_domain(cli, domain);
	if (!domain)
		return NULL;
	found = arena_printf(cli->memory, "%s@%s", local, domain);
	return store_find_user(cli->store, cli->memory, found, &user, &err) == 0 ? found : NULL;
}
