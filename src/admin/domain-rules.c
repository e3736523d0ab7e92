#include "admin/domain-rules.h"

#include "admin/admin.h"
#include "admin/provider-rules.h"
#include "admin/suggestions.h"
#include "admin/warnings.h"
#include "mail/address.h"
#include "store/store.h"

int domain_require(struct admin *admin, const char *text, struct domain *ret_domain,
		   struct error *err)
{
	const char *name = domain_parse(admin->memory, text, true, err);
	struct domain serving;
	int r;

	if (!name)
		return -1;
	r = store_find_domain(admin->store, admin->memory, name, ret_domain, err);
	if (r != STORE_NOT_FOUND)
		return r;
	r = domain_is_pattern(name)
		    ? STORE_NOT_FOUND
		    : store_serving_domain(admin->store, admin->memory, name, &serving, err);
	error_set(err, ERROR_MISSING, "there is no domain '%s'", name);
	if (r == 0)
		return error_hint(err, "'%s' answers for it", serving.name);
	return hint_similar(err, similar_name(admin, DOMAIN_NAMES, name),
			    "'domain list' shows all");
}

static void warn_if_disabled(struct admin *admin, const struct domain *domain, const char *whose)
{
	if (domain->is_enabled)
		return;
	admin_warn(admin, "domain '%s' is disabled, so nothing is answered for %s", domain->name,
		   whose);
	admin_hint(admin, "use 'domain enable %s'", domain->name);
}

int domain_check_served(struct admin *admin, const char *name, const char *whose, struct error *err)
{
	struct domain domain, target;
	int r = store_serving_domain(admin->store, admin->memory, name, &domain, err);

	if (r == STORE_NOT_FOUND) {
		error_set(err, ERROR_INPUT, "nothing here serves the domain '%s'", name);
		return error_hint(err, "use 'domain add' first");
	}
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

int domain_assign(struct admin *admin, const char *provider_name, const char *alias_of,
		  struct domain *domain, struct error *err)
{
	struct provider provider;
	struct domain target;

	if (provider_name) {
		if (provider_require(admin, provider_name, &provider, err) < 0)
			return -1;
		provider_warn_if_empty(admin, &provider);
		domain->provider = provider_name;
		domain->alias_of = NULL;
		return 0;
	}
	alias_of = domain_parse(admin->memory, alias_of, true, err);
	if (!alias_of)
		return -1;
	if (text_equals(alias_of, domain->name))
		return error_set(err, ERROR_INPUT, "domain '%s' cannot be an alias of itself",
				 domain->name);
	if (domain_is_pattern(alias_of))
		return error_set(err, ERROR_INPUT,
				 "'%s' stands for many domains, and an alias needs one", alias_of);
	if (domain_require(admin, alias_of, &target, err) < 0)
		return -1;
	/* So that aliases cannot loop. */
	if (target.alias_of) {
		error_set(err, ERROR_INPUT, "domain '%s' is itself an alias", alias_of);
		return error_hint(err, "use '--alias-of %s'", target.alias_of);
	}
	warn_if_disabled(admin, &target, "its aliases");
	if (domain_refuse_with_aliases(admin, domain->name, "made an alias", err) < 0)
		return -1;
	domain->provider = NULL;
	domain->alias_of = alias_of;
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
	error_set(err, ERROR_INPUT, "domain '%s' cannot be %s while %s %s of it", name, what,
		  bytes_text(&list), count == 1 ? "is an alias" : "are aliases");
	return error_hint(err, "change or remove %s first", count == 1 ? "that" : "those");
}

/* The domains whose users go: the domain itself, or of a pattern, "*" or "*.example.org", those
 * that nothing serves now. */
static int find_abandoned(struct admin *admin, const char *name, const char ***ret_domains,
			  size_t *ret_count, struct error *err)
{
	size_t count, tail = strlen(name) - 1;
	const char **domains;

	*ret_domains = arena_copy(admin->memory, &name, 1, sizeof(name));
	*ret_count = 1;
	if (!domain_is_pattern(name))
		return 0;
	if (store_list_user_domains(admin->store, admin->memory, &domains, &count, err) != 0)
		return -1;
	*ret_domains = domains;
	*ret_count = 0;
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(domains[i]);
		struct domain serving;
		int r;

		if (length <= tail || !text_equals(domains[i] + length - tail, name + 1))
			continue;
		r = store_serving_domain(admin->store, admin->memory, domains[i], &serving, err);
		if (r == STORE_NOT_FOUND)
			domains[(*ret_count)++] = domains[i];
		else if (r != 0)
			return -1;
	}
	return 0;
}

static int refuse_with_users(struct admin *admin, const char *name, int64_t users,
			     const char *const *domains, size_t count, struct error *err)
{
	const char *plural = users == 1 ? "" : "s";

	if (!domain_is_pattern(name)) {
		error_set(err, ERROR_INPUT, "domain '%s' has %lld user%s", name, (long long)users,
			  plural);
		return error_hint(err,
				  "'user list %s' shows them; to remove them too, use --with-users",
				  name);
	}
	error_set(err, ERROR_INPUT, "without '%s' nothing would serve %lld user%s of '%s'%s", name,
		  (long long)users, plural, domains[0],
		  count > 1 ? arena_printf(admin->memory, " and %zu more domain%s", count - 1,
					   count == 2 ? "" : "s")
			    : "");
	return error_hint(err, "to remove them too, use --with-users");
}

int domain_remove_users(struct admin *admin, const char *name, bool may_remove, struct error *err)
{
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

	admin_say(admin, "%lld user%s removed", (long long)users, users == 1 ? "" : "s");
	for (size_t i = 0; i < count; i++) {
		const char **providers;
		size_t n_providers;
		int64_t here;

		if (store_list_implicit_providers(admin->store, admin->memory, domains[i],
						  &providers, &n_providers, err) != 0 ||
		    store_remove_users(admin->store, domains[i], &here, err) != 0)
			return -1;
		for (size_t k = 0; k < n_providers; k++)
			if (provider_drop_if_unused(admin, providers[k], err) < 0)
				return -1;
	}
	return 0;
}

int moves_parse_domain(struct arena *memory, const char *text, const char **ret_target,
		       struct error *err)
{
	struct service service;

	*ret_target = NULL;
	if (!*text)
		return 0;
	if (!strchr(text, '/')) {
		*ret_target = domain_parse(memory, text, false, err);
		return *ret_target ? 0 : -1;
	}
	/* The rules for the URL of a service hold here, too. */
	if (service_parse(memory, arena_printf(memory, "activesync+%s", text), &service, err) < 0 ||
	    strchr(service.host, '%')) {
		error_set(err, ERROR_INPUT, "'%s' is not a URL to send clients to", text);
		return error_hint(err, "write https://HOST[:PORT]/PATH");
	}
	*ret_target = arena_printf(
		memory, "https://%s%s%s", service.host,
		service.port == 443 ? "" : arena_printf(memory, ":%u", service.port), service.path);
	return 0;
}

int moves_parse_user(struct arena *memory, const char *text, const char **ret_target,
		     struct error *err)
{
	struct address address;

	*ret_target = NULL;
	if (!*text)
		return 0;
	if (address_parse(memory, text, &address, err) < 0)
		return -1;
	*ret_target = address.text;
	return 0;
}
