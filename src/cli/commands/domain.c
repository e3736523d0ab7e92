/* mailconfctl domain: which mail domains are answered for, and by which provider. */

#include "admin/admin.h"
#include "admin/domain-rules.h"
#include "admin/provider-rules.h"
#include "admin/warnings.h"
#include "cli/command.h"
#include "cli/entry.h"
#include "cli/options.h"
#include "cli/provider-options.h"
#include "mail/address.h"
#include "store/store.h"
#include "util/base.h"

static json_t *domain_entry(const struct domain *domain)
{
	json_t *entry = entry_of_texts("domain", domain->name, "provider", domain->provider,
				       "alias_of", domain->alias_of, "moved_to", domain->moved_to);

	entry_put(entry, "enabled", json_boolean(domain->is_enabled));
	return entry;
}

/* "provider uni", "alias of example.net" */
static const char *belonging(struct admin *admin, const struct domain *domain)
{
	return domain->alias_of ? arena_printf(admin->memory, "alias of %s", domain->alias_of)
				: arena_printf(admin->memory, "provider %s", domain->provider);
}

static int add_domain(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	bool has_services = arguments->count > 1;
	int ways = has_services + option_is_given(arguments, "provider") +
		   option_is_given(arguments, "alias-of");
	struct domain domain = { .is_enabled = true }, existing;
	int r;

	if (ways != 1)
		return usage_error(arguments, err,
				   "'domain add' needs %s of --provider NAME, --alias-of DOMAIN "
				   "and SERVICE-URLs",
				   ways ? "only one" : "one");
	if (!has_services && option_any_given(arguments, provider_options))
		return usage_error(arguments, err,
				   "options that describe a provider go with SERVICE-URLs only");
	domain.name = domain_parse(admin->memory, arguments->words[0], true, err);
	if (!domain.name)
		return -1;
	if (text_equals(domain.name, "*") && !option_is_given(arguments, "any-domain")) {
		error_set(err, ERROR_INPUT,
			  "'*' serves every domain that points here, including those of others");
		return error_hint(err, "if this is intended, add --any-domain");
	}
	r = store_find_domain(admin->store, admin->memory, domain.name, &existing, err);
	if (r == 0) {
		error_set(err, ERROR_INPUT, "domain '%s' exists already, %s", domain.name,
			  belonging(admin, &existing));
		return error_hint(err, "use 'domain set' to change it");
	}
	if (r != STORE_NOT_FOUND)
		return -1;
	if (has_services) {
		/* It goes with the last domain that has it. */
		struct provider provider = PROVIDER_DEFAULT;

		domain.provider = provider.name = domain.name;
		provider.is_implicit = true;
		if (provider_add_given(admin, arguments, &provider, err) < 0)
			return -1;
	} else if (domain_assign(admin, option_value(arguments, "provider"),
				 option_value(arguments, "alias-of"), &domain, err) < 0) {
		return -1;
	}
	if (store_add_domain(admin->store, &domain, err) != 0)
		return -1;
	admin_say(admin, "domain %s added, %s", domain.name, belonging(admin, &domain));
	return 0;
}

static const struct option belonging_options[] = {
	{ "provider", "NAME", "name of an existing provider" },
	{ "alias-of", "DOMAIN", "share another domain's provider and users" },
	{ 0 },
};

static const struct option any_domain_options[] = {
	{ "any-domain", NULL, "accept *, which serves all domains" },
	{ 0 },
};

const struct command domain_add = {
	.name = "domain add",
	.arguments = "DOMAIN [SERVICE-URL ...]",
	.summary = "Add a domain",
	.details =
		"The domain uses an existing provider (--provider), is an alias of another domain\n"
		"(--alias-of), or gets services of its own: they belong to a new provider of the "
		"same\n"
		"name, which accepts the options of 'provider add' and is removed with its last "
		"domain.\n"
		"*.example.org matches all domains below example.org that are not added "
		"themselves.",
	.example = "mailconfctl domain add example.org imaps://imap.example.org \\\n"
		   "        submissions://smtp.example.org\n"
		   "mailconfctl domain add example.net --alias-of example.org",
	.options = { belonging_options, any_domain_options, provider_options, plaintext_options },
	.database = DATABASE_CHANGE,
	.run = add_domain,
};

static int change_domain(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	bool to_provider = option_is_given(arguments, "provider");
	bool to_alias = option_is_given(arguments, "alias-of");
	const char *target = option_value(arguments, "moved-to"), *before;
	struct domain domain;

	if (to_provider && to_alias)
		return usage_error(arguments, err,
				   "'domain set' takes only one of --provider NAME and "
				   "--alias-of DOMAIN");
	if (domain_require(admin, arguments->words[0], &domain, err) < 0)
		return -1;
	before = domain.provider;
	if (((to_provider || to_alias) &&
	     domain_assign(admin, option_value(arguments, "provider"),
			   option_value(arguments, "alias-of"), &domain, err) < 0) ||
	    (target && moves_parse_domain(admin->memory, target, &domain.moved_to, err) < 0))
		return -1;
	if (target && text_same(domain.moved_to, domain.name))
		return error_set(err, ERROR_INPUT, "domain '%s' cannot move to itself",
				 domain.name);
	if (store_update_domain(admin->store, &domain, err) != 0)
		return -1;
	admin_say(admin, "domain %s changed, %s%s%s", domain.name, belonging(admin, &domain),
		  domain.moved_to ? ", moved to " : "", domain.moved_to ? domain.moved_to : "");
	return text_same(before, domain.provider) ? 0 : provider_drop_if_unused(admin, before, err);
}

static const struct option move_options[] = {
	{ "moved-to", "TARGET", "redirect Outlook and phones to a URL or domain; '' for none" },
	{ 0 },
};

const struct command domain_set = {
	.name = "domain set",
	.arguments = "DOMAIN",
	.summary = "Change a domain's provider, or redirect its clients",
	.details = "With --moved-to, clients that support no redirects still get the domain's own "
		   "settings.\n"
		   "TARGET is the https URL of another Autodiscover server, or a domain, for which "
		   "the\n"
		   "clients ask again. A redirect loop is rejected.",
	.example = "mailconfctl domain set example.org --provider uni\n"
		   "mailconfctl domain set old.example --moved-to example.org",
	.options = { belonging_options, move_options },
	.changes = "something to set: --provider NAME, --alias-of DOMAIN or --moved-to TARGET",
	.database = DATABASE_CHANGE,
	.run = change_domain,
};

static int list_domains(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const struct domain_filter all = { 0 };
	_cleanup_(list_freep) struct list *lines = NULL;
	struct domain *domains;
	bool any_moved = false;
	size_t count;

	if (store_list_domains(admin->store, admin->memory, &all, &domains, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < count && !any_moved; i++)
		any_moved = domains[i].moved_to;
	lines = list_new(any_moved ? "domain provider alias_of enabled moved_to"
				   : "domain provider alias_of enabled",
			 arguments->is_json);
	for (size_t i = 0; i < count; i++)
		list_add(lines, domain_entry(&domains[i]));
	list_end(lines, "there are no domains; 'domain add' makes one");
	return 0;
}

const struct command domain_list = {
	.name = "domain list",
	.arguments = "",
	.summary = "List all domains",
	.example = "mailconfctl domain list",
	.database = DATABASE_READ,
	.skips_invalid_rows = true,
	.run = list_domains,
};

static int show_domain(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct domain domain;

	if (domain_require(admin, arguments->words[0], &domain, err) < 0)
		return -1;
	entry_print(domain_entry(&domain), arguments->is_json);
	return 0;
}

const struct command domain_show = {
	.name = "domain show",
	.arguments = "DOMAIN",
	.summary = "Show a domain",
	.example = "mailconfctl domain show example.org",
	.database = DATABASE_READ,
	.run = show_domain,
};

static int remove_domain(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *name = domain_parse(admin->memory, arguments->words[0], true, err);
	struct domain domain = { 0 };

	/* To remove a corrupted row is the remedy. */
	if (!name || (domain_require(admin, name, &domain, err) < 0 && err->kind != ERROR_ROW) ||
	    domain_refuse_with_aliases(admin, name, "removed", err) < 0 ||
	    store_remove_domain(admin->store, name, err) != 0)
		return -1;
	admin_say(admin, "domain %s removed", name);
	return domain_remove_users(admin, name, option_is_given(arguments, "with-users"), err) < 0
		       ? -1
		       : provider_drop_if_unused(admin, domain.provider, err);
}

static const struct option remove_options[] = {
	{ "with-users", NULL, "remove its users too" },
	{ 0 },
};

const struct command domain_remove = {
	.name = "domain remove",
	.arguments = "DOMAIN",
	.summary = "Remove a domain",
	.details = "A provider that 'domain add' created is removed with its last domain.",
	.example = "mailconfctl domain remove example.org --with-users",
	.options = { remove_options, if_exists_options },
	.database = DATABASE_CHANGE,
	.run = remove_domain,
};

static int enable_or_disable(struct admin *admin, const struct arguments *arguments,
			     struct error *err)
{
	bool is_enabled = arguments->command == &domain_enable;
	const char *state = is_enabled ? "enabled" : "disabled";
	struct domain domain;

	if (domain_require(admin, arguments->words[0], &domain, err) < 0)
		return -1;
	if (domain.is_enabled == is_enabled) {
		admin_say(admin, "domain %s is already %s", domain.name, state);
		return 0;
	}
	domain.is_enabled = is_enabled;
	if (store_update_domain(admin->store, &domain, err) != 0)
		return -1;
	admin_say(admin, "domain %s %s", domain.name, state);
	return 0;
}

const struct command domain_enable = {
	.name = "domain enable",
	.arguments = "DOMAIN",
	.summary = "Serve a domain again",
	.example = "mailconfctl domain enable example.org",
	.database = DATABASE_CHANGE,
	.run = enable_or_disable,
};

const struct command domain_disable = {
	.name = "domain disable",
	.arguments = "DOMAIN",
	.summary = "Stop serving a domain, but keep its users",
	.example = "mailconfctl domain disable example.org",
	.database = DATABASE_CHANGE,
	.run = enable_or_disable,
};
