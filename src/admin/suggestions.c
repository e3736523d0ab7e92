#include "admin/suggestions.h"

#include "admin/admin.h"
#include "store/store.h"
#include "util/did-you-mean.h"

/* Measured: a third of a second, where all names are equally long. */
#define NAMES_MAX 100000
#define LOCALS_MAX 10000

/* A database that cannot be read now has been reported, or will be. */
const char *similar_name(struct admin *admin, enum store_names names, const char *name)
{
	struct nearest nearest = NEAREST_TO(name);
	const char **list;
	struct error err;
	size_t count;

	if (admin->ignores_missing)
		return NULL;
	if (store_list_names(admin->store, admin->memory, names, "", NAMES_MAX, &list, &count,
			     &err) != 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		nearest_try(&nearest, list[i]);
	return nearest.found;
}

static const char *nearest_local(struct admin *admin, const char *domain, const char *prefix,
				 const char *local)
{
	struct nearest nearest = NEAREST_TO(local);
	const char **list;
	struct error err;
	size_t count;

	if (store_list_locals(admin->store, admin->memory, domain, prefix, LOCALS_MAX, &list,
			      &count, &err) != 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (*list[i])
			nearest_try(&nearest, list[i]);
	return nearest.found;
}

/* A domain may have millions of users: those that begin alike lie together, so the end of a name
 * can be wrong among any number, and its beginning among few. */
const char *similar_user(struct admin *admin, const char *address)
{
	const char *domain = strrchr(address, '@') + 1, *found = NULL;
	const char *local = arena_strndup(admin->memory, address, (size_t)(domain - 1 - address));
	struct error err;
	struct user user;

	if (admin->ignores_missing)
		return NULL;
	for (size_t kept = strlen(local) * 3 / 4; !found && kept > 0; kept /= 2)
		found = nearest_local(admin, domain, arena_strndup(admin->memory, local, kept),
				      local);
	if (!found && *local)
		found = nearest_local(admin, domain, "", local);
	if (found)
		return arena_printf(admin->memory, "%s@%s", found, domain);
	domain = similar_name(admin, DOMAIN_NAMES, domain);
	if (!domain)
		return NULL;
	found = arena_printf(admin->memory, "%s@%s", local, domain);
	return store_find_user(admin->store, admin->memory, found, &user, &err) == 0 ? found : NULL;
}

int hint_similar(struct error *err, const char *similar, const char *otherwise)
{
	return similar ? error_hint(err, "did you mean '%s'?", similar)
		       : error_hint(err, "%s", otherwise);
}
