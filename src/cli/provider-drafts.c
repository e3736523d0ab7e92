#include "cli/provider-drafts.h"

#include "admin/admin.h"
#include "admin/provider-rules.h"
#include "admin/warnings.h"
#include "cli/command.h"
#include "cli/options.h"
#include "import/provider-draft.h"
#include "store/store.h"

/* Of an existing provider, what the source does not have stays as it is. */
static int store_draft_provider(struct admin *admin, const struct draft *draft, bool may_replace,
				const char **ret_done, struct error *err)
{
	struct provider provider, drafted = draft->provider;
	int r = store_find_provider(admin->store, admin->memory, drafted.name, &provider, err);

	*ret_done = "added";
	if (r == STORE_NOT_FOUND)
		return store_add_provider(admin->store, &drafted, err) == 0 ? 0 : -1;
	if (r != 0)
		return -1;
	if (!may_replace) {
		error_set(err, ERROR_INPUT, "provider '%s' exists already", drafted.name);
		return error_hint(err, "use --replace to replace its services and texts");
	}
	*ret_done = "changed";
	provider.display_name = drafted.display_name;
	provider.short_name = drafted.short_name;
	provider.login = drafted.login;
	provider.webmail = drafted.webmail;
	provider.oauth2 = drafted.oauth2;
	provider.services = drafted.services;
	provider.n_services = drafted.n_services;
	if (store_update_provider(admin->store, &provider, err) != 0 ||
	    store_set_services(admin->store, provider.id, drafted.services, drafted.n_services,
			       err) != 0 ||
	    store_set_links(admin->store, provider.id, drafted.links, drafted.n_links, err) != 0)
		return -1;
	return provider_check(admin, &provider, err);
}

static int store_draft_domain(struct admin *admin, const char *name, const char *provider,
			      bool may_replace, struct error *err)
{
	const struct domain new_domain = { .name = name, .provider = provider, .is_enabled = true };
	struct domain domain;
	const char *before;
	int r = store_find_domain(admin->store, admin->memory, name, &domain, err);

	if (r == STORE_NOT_FOUND)
		return store_add_domain(admin->store, &new_domain, err) == 0 ? 0 : -1;
	if (r != 0)
		return -1;
	before = domain.provider;
	if (text_same(before, provider))
		return 0;
	if (!may_replace) {
		error_set(err, ERROR_INPUT, "domain '%s' exists already, %s '%s'", name,
			  before ? "with provider" : "as an alias of",
			  before ? before : domain.alias_of);
		return error_hint(err, "use --replace to give it provider '%s'", provider);
	}
	admin_say(admin, "domain %s taken from %s %s", name,
		  before ? "provider" : "the domain it was an alias of,",
		  before ? before : domain.alias_of);
	domain.provider = provider;
	domain.alias_of = NULL;
	if (store_update_domain(admin->store, &domain, err) != 0)
		return -1;
	return provider_drop_if_unused(admin, before, err);
}

int draft_store(struct admin *admin, const struct arguments *arguments, const char *source,
		const struct draft *draft, struct error *err)
{
	bool allows_plaintext = option_is_given(arguments, "allow-plaintext");
	bool may_replace = option_is_given(arguments, "replace");
	const struct provider *provider = &draft->provider;
	size_t n_services = provider->n_services, n_domains = draft->domains.count;
	struct service service;
	const char *done;

	/* As for a URL in a command: without encryption they are rejected, and warnings given. */
	for (size_t i = 0; i < n_services; i++)
		if (service_from_url(admin, service_url(admin->memory, &provider->services[i]),
				     allows_plaintext, &service, err) < 0)
			return error_prefix(err, "%s", source);
	if (store_draft_provider(admin, draft, may_replace, &done, err) < 0)
		return -1;
	admin_say(admin, "provider %s %s, %zu service%s, %zu domain%s", provider->name, done,
		  n_services, n_services == 1 ? "" : "s", n_domains, n_domains == 1 ? "" : "s");
	for (size_t i = 0; i < n_domains; i++)
		if (store_draft_domain(admin, draft->domains.items[i], provider->name, may_replace,
				       err) < 0)
			return -1;
	for (size_t i = 0; i < draft->notes.count; i++)
		admin_warn(admin, "%s: %s", source, draft->notes.items[i]);
	provider_warn_of_oauth2(admin, provider);
	provider_warn_later(admin, provider->name);
	return 0;
}
