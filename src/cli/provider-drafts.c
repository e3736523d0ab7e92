#include "cli/provider-drafts.h"

#include "admin/admin.h"
#include "admin/provider-rules.h"
#include "admin/warnings.h"
#include "cli/command.h"
#include "cli/options.h"
#include "import/provider-draft.h"
#include "store/store.h"

/* Rejects services without encryption and warns of unusual ports, as for a URL in a command. */
static int check_draft_services(struct admin *admin, const struct arguments *arguments,
				const char *source, const struct draft *draft, struct error *err)
{
	const struct provider *provider = &draft->provider;
	struct service service;

	for (size_t i = 0; i < provider->n_services; i++)
		if (service_from_url(admin, service_url(admin->memory, &provider->services[i]),
				     option_is_given(arguments, "allow-plaintext"), &service,
				     err) < 0)
			return error_prefix(err, "%s", source);
	return 0;
}

static int add_provider(struct admin *admin, const struct draft *draft, struct error *err)
{
	struct provider provider = draft->provider;

	return store_add_provider(admin->store, &provider, err) == 0 ? 0 : -1;
}

/* What the source does not have stays as it is. */
static int change_provider(struct admin *admin, const struct draft *draft,
			   struct provider *provider, struct error *err)
{
	provider->display_name = draft->provider.display_name;
	provider->short_name = draft->provider.short_name;
	provider->login = draft->provider.login;
	provider->webmail = draft->provider.webmail;
	provider->oauth2 = draft->provider.oauth2;
	provider->services = draft->provider.services;
	provider->n_services = draft->provider.n_services;
	if (store_update_provider(admin->store, provider, err) != 0 ||
	    store_set_services(admin->store, provider->id, provider->services, provider->n_services,
			       err) != 0 ||
	    store_set_links(admin->store, provider->id, draft->provider.links,
			    draft->provider.n_links, err) != 0)
		return -1;
	return provider_check(admin, provider, err);
}

static int store_draft_provider(struct admin *admin, const struct draft *draft, bool may_replace,
				const char **ret_done, struct error *err)
{
	const char *name = draft->provider.name;
	struct provider provider;
	int r = store_find_provider(admin->store, admin->memory, name, &provider, err);

	*ret_done = "added";
	if (r == STORE_NOT_FOUND)
		return add_provider(admin, draft, err);
	if (r != 0)
		return -1;
	if (!may_replace) {
		error_set(err, ERROR_INPUT, "provider '%s' exists already", name);
		return error_hint(err, "use --replace to replace its services and texts");
	}
	*ret_done = "changed";
	return change_provider(admin, draft, &provider, err);
}

static int add_draft_domain(struct admin *admin, const char *name, const char *provider,
			    struct error *err)
{
	const struct domain domain = { .name = name, .provider = provider, .is_enabled = true };

	return store_add_domain(admin->store, &domain, err) == 0 ? 0 : -1;
}

/* Gives the provider a domain that has another provider, or is an alias. */
static int reassign_domain(struct admin *admin, struct domain *domain, const char *provider,
			   struct error *err)
{
	const char *before = domain->provider;

	admin_say(admin, "domain %s taken from %s%s", domain->name,
		  domain->alias_of ? "the domain it was an alias of, " : "provider ",
		  domain->alias_of ? domain->alias_of : before);
	domain->provider = provider;
	domain->alias_of = NULL;
	if (store_update_domain(admin->store, domain, err) != 0)
		return -1;
	return provider_drop_if_unused(admin, before, err);
}

static int reject_domain(struct admin *admin, const struct domain *domain, const char *provider,
			 struct error *err)
{
	const char *belonging =
		domain->alias_of
			? arena_printf(admin->memory, "as an alias of '%s'", domain->alias_of)
			: arena_printf(admin->memory, "with provider '%s'", domain->provider);

	error_set(err, ERROR_INPUT, "domain '%s' exists already, %s", domain->name, belonging);
	return error_hint(err, "use --replace to give it provider '%s'", provider);
}

static int store_draft_domain(struct admin *admin, const char *name, const char *provider,
			      bool may_replace, struct error *err)
{
	struct domain domain;
	int r = store_find_domain(admin->store, admin->memory, name, &domain, err);

	if (r == STORE_NOT_FOUND)
		return add_draft_domain(admin, name, provider, err);
	if (r != 0)
		return -1;
	if (domain.provider && text_equals(domain.provider, provider))
		return 0;
	return may_replace ? reassign_domain(admin, &domain, provider, err)
			   : reject_domain(admin, &domain, provider, err);
}

static const char *count_text(struct admin *admin, size_t count, const char *noun)
{
	return arena_printf(admin->memory, "%zu %s%s", count, noun, count == 1 ? "" : "s");
}

int draft_store(struct admin *admin, const struct arguments *arguments, const char *source,
		const struct draft *draft, struct error *err)
{
	const struct provider *provider = &draft->provider;
	bool may_replace = option_is_given(arguments, "replace");
	const char *done;

	if (check_draft_services(admin, arguments, source, draft, err) < 0 ||
	    store_draft_provider(admin, draft, may_replace, &done, err) < 0)
		return -1;
	admin_say(admin, "provider %s %s, %s, %s", provider->name, done,
		  count_text(admin, provider->n_services, "service"),
		  count_text(admin, draft->domains.count, "domain"));
	for (size_t i = 0; i < draft->domains.count; i++)
		if (store_draft_domain(admin, draft->domains.items[i], provider->name, may_replace,
				       err) < 0)
			return -1;
	for (size_t i = 0; i < draft->notes.count; i++)
		admin_warn(admin, "%s: %s", source, draft->notes.items[i]);
	provider_warn_of_oauth2(admin, provider);
	provider_warn_later(admin, provider->name);
	return 0;
}
