#include "cli/domains.h"

#include <string.h>

#include "admin/admin.h"
#include "cli/options.h"
#include "cli/providers.h"
#include "admin/suggestions.h"
#include "admin/warnings.h"
#include "mail/address.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

int domain_require(struct admin *admin, const char *text, struct domain *ret_domain,
		   struct error *err)
{
	const char *name = domain_parse(admin->memory, text, true, err), *similar;
	struct domain serving;
	int r;

	if (!name)
		return -1;
	r = store_find_domain(admin->store, admin->memory, name, ret_domain, err);
	if (r != STORE_NOT_FOUND)
		return r == 0 ? 0 : -1;
	if (!domain_is_pattern(name)) {
		r = store_serving_domain(admin->store, admin->memory, name, &serving, err);
		if (r == 0)
			return error_set(err, ERROR_INPUT,
					 "there is no domain '%s'; '%s' answers for it", name,
					 serving.name);
		if (r != STORE_NOT_FOUND)
			return -1;
	}
	similar = similar_domain(admin, name);
	if (similar)
		return error_set(err, ERROR_INPUT, "there is no domain '%s'; did you mean '%s'?",
				 name, similar);
	return error_set(err, ERROR_INPUT, "there is no domain '%s'; 'domain list' shows all",
			 name);
}

static void warn_if_disabled(struct admin *admin, const struct domain *domain, const char *whose)
{
	if (!domain->is_enabled)
		admin_warn(admin,
			   "domain '%s' is disabled, so nothing is answered for %s; use 'domain "
			   "enable %s'",
			   domain->name, whose, domain->name);
}

int domain_check_served(struct admin *admin, const char *name, const char *whose, struct error *err)
{
	struct domain domain, target;
	int r = store_serving_domain(admin->store, admin->memory, name, &domain, err);

	if (r == STORE_NOT_FOUND)
		return error_set(err, ERROR_INPUT,
				 "nothing here serves the domain '%s'; use 'domain add' first",
				 name);
	if (r != 0)
		return -1;
	warn_if_disabled(admin, &domain, whose);
	if (!domain.alias_of)
		return 0;
	if (domain_require(admin, domain.alias_of, &target, err) < 0)
		return -1;
	warn_if_disabled(admin, &target, whose);
	return 0;
}

/* One step is enough for all clients, and cannot be a redirect loop. */
static int check_alias_target(struct admin *admin, const char *name, const char *text,
			      const char **ret_target, struct error *err)
{
	const char *target = domain_parse(admin->memory, text, true, err);
	struct domain domain;

	if (!target)
		return -1;
	if (text_equals(target, name))
		return error_set(err, ERROR_INPUT, "domain '%s' cannot be an alias of itself",
				 name);
	if (domain_is_pattern(target))
		return error_set(err, ERROR_INPUT,
				 "'%s' stands for many domains, and an alias needs one", target);
	if (domain_require(admin, target, &domain, err) < 0)
		return -1;
	if (domain.alias_of)
		return error_set(err, ERROR_INPUT,
				 "domain '%s' is itself an alias; use '--alias-of %s'", target,
				 domain.alias_of);
	if (!domain.is_enabled)
		admin_warn(admin,
			   "domain '%s' is disabled, so nothing is answered for its aliases; use "
			   "'domain enable %s'",
			   target, target);
	*ret_target = target;
	return 0;
}

int domain_apply_options(struct admin *admin, const struct arguments *arguments,
			 struct domain *domain, struct error *err)
{
	const char *name = option_value(arguments, "provider");
	const char *target = option_value(arguments, "alias-of");
	struct provider provider;

	if (name) {
		if (provider_require(admin, name, &provider, err) < 0)
			return -1;
		provider_warn_if_empty(admin, &provider);
	} else if (check_alias_target(admin, domain->name, target, &target, err) < 0 ||
		   domain_refuse_with_aliases(admin, domain->name, "made an alias", err) < 0) {
		return -1;
	}
	domain->provider = name;
	domain->alias_of = target;
	return 0;
}

int domain_refuse_with_aliases(struct admin *admin, const char *name, const char *what,
			       struct error *err)
{
	const struct domain_filter filter = { .alias_of = name };
	struct bytes list = BYTES_IN(admin->memory);
	struct domain *aliases;
	size_t count;

	if (store_list_domains(admin->store, admin->memory, &filter, &aliases, &count, err) != 0)
		return -1;
	if (count == 0)
		return 0;
	for (size_t i = 0; i < count && i < 3; i++)
		bytes_add_format(&list, "%s'%s'", i ? ", " : "", aliases[i].name);
	if (count > 3)
		bytes_add_format(&list, " and %zu more", count - 3);
	return error_set(err, ERROR_INPUT,
			 "domain '%s' cannot be %s while %s %s of it; change or remove %s first",
			 name, what, bytes_text(&list), count == 1 ? "is an alias" : "are aliases",
			 count == 1 ? "that" : "those");
}

/* Names, each once; there are few. */
struct names {
	struct arena *memory;
	const char **items;
	size_t count;
};

static void names_add(struct names *names, const char *name)
{
	const char **items;

	for (size_t i = 0; i < names->count; i++)
		if (text_equals(names->items[i], name))
			return;
	items = arena_array(names->memory, const char *, names->count + 1);
	if (names->count)
		memcpy(items, names->items, names->count * sizeof(*items));
	items[names->count++] = arena_strdup(names->memory, name);
	names->items = items;
}

static int note_provider(const struct user *user, void *context, struct error *err)
{
	struct names *providers = context;

	(void)err;
	if (user->provider)
		names_add(providers, user->provider);
	return 0;
}

/* Whether the pattern, "*" or "*.example.org", stands for the domain. */
static bool pattern_covers(const char *pattern, const char *domain)
{
	size_t length = strlen(domain), tail = strlen(pattern + 1);

	return length > tail && text_equals(domain + length - tail, pattern + 1);
}

/* The domains whose users go: the domain itself, or of a pattern those that nothing serves now. */
static int find_abandoned(struct admin *admin, const char *name, const char ***ret_domains,
			  size_t *ret_count, struct error *err)
{
	const char **domains;
	size_t count, kept = 0;

	if (!domain_is_pattern(name)) {
		*ret_domains = arena_array(admin->memory, const char *, 1);
		(*ret_domains)[0] = name;
		*ret_count = 1;
		return 0;
	}
	if (store_list_user_domains(admin->store, admin->memory, &domains, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct domain serving;
		int r;

		if (!pattern_covers(name, domains[i]))
			continue;
		r = store_serving_domain(admin->store, admin->memory, domains[i], &serving, err);
		if (r == STORE_NOT_FOUND)
			domains[kept++] = domains[i];
		else if (r != 0)
			return -1;
	}
	*ret_domains = domains;
	*ret_count = kept;
	return 0;
}

static int refuse_with_users(struct admin *admin, const char *name, int64_t users,
			     const char *const *domains, size_t count, struct error *err)
{
	const char *plural = users == 1 ? "" : "s";

	if (!domain_is_pattern(name))
		return error_set(err, ERROR_INPUT,
				 "domain '%s' has %lld user%s ('user list %s' shows them); to "
				 "remove them too, say --with-users",
				 name, (long long)users, plural, name);
	return error_set(err, ERROR_INPUT,
			 "without '%s' nothing would serve %lld user%s of '%s'%s; to remove them "
			 "too, say --with-users",
			 name, (long long)users, plural, domains[0],
			 count > 1 ? arena_printf(admin->memory, " and %zu more domain%s",
						  count - 1, count == 2 ? "" : "s")
				   : "");
}

int domain_remove_users(struct admin *admin, const char *name, bool may_remove, struct error *err)
{
	struct names providers = { .memory = admin->memory };
	const char **domains;
	int64_t users = 0;
	size_t count;

	if (find_abandoned(admin, name, &domains, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct user_filter filter = { .domain = domains[i] };
		int64_t here;

		if (store_count_users(admin->store, &filter, &here, err) != 0)
			return -1;
		users += here;
	}
	if (users == 0)
		return 0;
	if (!may_remove)
		return refuse_with_users(admin, name, users, domains, count, err);

	for (size_t i = 0; i < count; i++) {
		const struct user_filter filter = { .domain = domains[i] };
		int64_t here;

		if (store_visit_users(admin->store, &filter, note_provider, &providers, err) != 0 ||
		    store_remove_users(admin->store, domains[i], &here, err) != 0)
			return -1;
	}
	admin_say(admin, "%lld user%s removed", (long long)users, users == 1 ? "" : "s");
	for (size_t i = 0; i < providers.count; i++)
		if (provider_drop_if_unused(admin, providers.items[i], err) < 0)
			return -1;
	return 0;
}
