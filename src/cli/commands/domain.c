/* mailconfctl domain: which mail domains are answered for, and by which provider. */

#include "admin/admin.h"
#include "admin/domain-rules.h"
#include "admin/provider-rules.h"
#include "admin/warnings.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/provider-options.h"
#include "mail/address.h"
#include "store/store.h"
#include "util/base.h"

static json_t *domain_entry(const struct domain *domain)
{
	json_t *entry = json_object();

	entry_put_text(entry, "domain", domain->name);
	entry_put_text(entry, "provider", domain->provider);
	entry_put_text(entry, "alias_of", domain->alias_of);
	entry_put_text(entry, "moved_to", domain->moved_to);
	entry_put_truth(entry, "enabled", domain->is_enabled);
	return entry;
}

/* "provider uni", "alias of example.net" */
static const char *belonging(struct admin *admin, const struct domain *domain)
{
	return domain->alias_of ? arena_printf(admin->memory, "alias of %s", domain->alias_of)
				: arena_printf(admin->memory, "provider %s", domain->provider);
}

static int refuse_existing_domain(struct admin *admin, const char *name, struct error *err)
{
	struct domain domain;
	int r = store_find_domain(admin->store, admin->memory, name, &domain, err);

	if (r == STORE_NOT_FOUND)
		return 0;
	if (r != 0)
		return -1;
	error_set(err, ERROR_INPUT, "domain '%s' exists already, %s", name,
		  belonging(admin, &domain));
	return error_hint(err, "use 'domain set' to change it");
}

/* The provider that 'domain add DOMAIN SERVICE-URL' makes has the domain's name. */
static int add_implicit_provider(struct admin *admin, const struct arguments *arguments,
				 const char *name, struct error *err)
{
	struct provider provider = PROVIDER_DEFAULT;
	int r;

	provider.name = name;
	provider.is_implicit = true;
	if (provider_apply_options(admin, arguments, &provider, err) < 0 ||
	    provider_parse_services(admin, arguments->words + 1, arguments->count - 1,
				    option_is_given(arguments, "allow-plaintext"), &provider,
				    err) < 0 ||
	    provider_check(admin, &provider, err) < 0)
		return -1;
	r = store_add_provider(admin->store, &provider, err);
	if (r == STORE_EXISTS) {
		error_set(err, ERROR_INPUT, "provider '%s' exists already", name);
		return error_hint(err, "use 'domain add %s --provider %s'", name, name);
	}
	if (r != 0)
		return -1;
	provider_warn_later(admin, provider.name);
	return 0;
}

static int check_add_usage(struct admin *admin, const struct arguments *arguments,
			   struct error *err)
{
	bool has_services = arguments->count > 1;
	int ways = has_services + option_is_given(arguments, "provider") +
		   option_is_given(arguments, "alias-of");

	if (ways != 1)
		return usage_error(
			arguments, err,
			"'domain add' needs %s of --provider NAME, --alias-of DOMAIN and "
			"SERVICE-URLs",
			ways ? "only one" : "one");
	if (!has_services && option_any_given(arguments, provider_options))
		return usage_error(arguments, err,
				   "options that describe a provider go with SERVICE-URLs only");
	return 0;
}

static int add_domain(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct domain domain = { .is_enabled = true };
	int r;

	if (check_add_usage(admin, arguments, err) < 0)
		return -1;
	domain.name = domain_parse(admin->memory, arguments->words[0], true, err);
	if (!domain.name)
		return -1;
	if (text_equals(domain.name, "*") && !option_is_given(arguments, "any-domain")) {
		error_set(err, ERROR_INPUT,
			  "'*' serves every domain that points here, including those of others");
		return error_hint(err, "say --any-domain if that is meant");
	}
	if (refuse_existing_domain(admin, domain.name, err) < 0)
		return -1;
	if (arguments->count > 1) {
		if (add_implicit_provider(admin, arguments, domain.name, err) < 0)
			return -1;
		domain.provider = domain.name;
	} else if (domain_assign(admin, option_value(arguments, "provider"),
				 option_value(arguments, "alias-of"), &domain, err) < 0) {
		return -1;
	}
	r = store_add_domain(admin->store, &domain, err);
	if (r != 0)
		return -1;
	admin_say(admin, "domain %s added, %s", domain.name, belonging(admin, &domain));
	return 0;
}

static const struct option belonging_options[] = {
	{ "provider", "NAME", "the provider whose services it has" },
	{ "alias-of", "DOMAIN", "share another domain's provider and users" },
	{ 0 },
};

static const struct option add_options[] = {
	{ "provider", "NAME", "the provider whose services it has" },
	{ "alias-of", "DOMAIN", "share another domain's provider and users" },
	{ "any-domain", NULL, "accept *, which serves all domains" },
	{ 0 },
};

const struct command domain_add = {
	.name = "domain add",
	.arguments = "DOMAIN [SERVICE-URL ...]",
	.summary = "Add a domain",
	.details = "It gets a provider that there is (--provider), or shares all with another "
		   "domain\n(--alias-of), or gets services of its own: then a provider of its name "
		   "is made, which\ngoes with it, and which options as for 'provider add' "
		   "describe.\n"
		   "*.example.org stands for all domains below example.org that are not there "
		   "themselves.",
	.example = "mailconfctl domain add example.org imaps://imap.example.org \\\n"
		   "        submissions://smtp.example.org\n"
		   "mailconfctl domain add example.net --alias-of example.org",
	.options = { add_options, provider_options, plaintext_options },
	.database = DATABASE_CHANGE,
	.run = add_domain,
};

static int apply_domain_move(struct admin *admin, const struct arguments *arguments,
			     struct domain *domain, struct error *err)
{
	const char *target = option_value(arguments, "moved-to");

	if (!target)
		return 0;
	if (moves_parse_domain(admin->memory, target, &domain->moved_to, err) < 0)
		return -1;
	if (domain->moved_to && text_equals(domain->moved_to, domain->name))
		return error_set(err, ERROR_INPUT, "domain '%s' cannot move to itself",
				 domain->name);
	return 0;
}

static int change_domain(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	bool to_provider = option_is_given(arguments, "provider");
	bool to_alias = option_is_given(arguments, "alias-of");
	struct domain domain;
	const char *before;

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
	    apply_domain_move(admin, arguments, &domain, err) < 0 ||
	    store_update_domain(admin->store, &domain, err) != 0)
		return -1;
	admin_say(admin, "domain %s changed, %s%s%s", domain.name, belonging(admin, &domain),
		  domain.moved_to ? ", moved to " : "", domain.moved_to ? domain.moved_to : "");
	return text_equals(before ? before : "", domain.provider ? domain.provider : "")
		       ? 0
		       : provider_drop_if_unused(admin, before, err);
}

static const struct option move_options[] = {
	{ "moved-to", "TARGET", "redirect Outlook and phones to a URL or domain; '' for none" },
	{ 0 },
};

const struct command domain_set = {
	.name = "domain set",
	.arguments = "DOMAIN",
	.summary = "Change a domain's provider, or redirect its clients",
	.details =
		"A domain that moved stays as it is for clients that know no redirects. TARGET is "
		"an\nhttps URL of another Autodiscover server, or a domain, which the same people "
		"ask for\nthen; a circle is refused.",
	.example = "mailconfctl domain set example.org --provider uni\n"
		   "mailconfctl domain set old.example --moved-to example.org",
	.options = { belonging_options, move_options },
	.changes = "something to set: --provider NAME, --alias-of DOMAIN or --moved-to TARGET",
	.database = DATABASE_CHANGE,
	.run = change_domain,
};

static bool any_moved(const struct domain *domains, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (domains[i].moved_to)
			return true;
	return false;
}

static int list_domains(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	static const char *const columns[] = { "domain", "provider", "alias_of", "enabled", NULL };
	static const char *const columns_with_moves[] = { "domain",  "provider", "alias_of",
							  "enabled", "moved_to", NULL };
	const struct domain_filter all = { 0 };
	_cleanup_(list_freep) struct list *lines = NULL;
	struct domain *domains;
	size_t count;

	if (store_list_domains(admin->store, admin->memory, &all, &domains, &count, err) != 0)
		return -1;
	lines = list_new(any_moved(domains, count) ? columns_with_moves : columns,
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
	struct domain domain = { 0 };
	const char *name;
	int r;

	name = domain_parse(admin->memory, arguments->words[0], true, err);
	if (!name)
		return -1;
	r = store_find_domain(admin->store, admin->memory, name, &domain, err);
	if (r < 0 && err->kind == ERROR_ROW)
		r = 0; /* removing it is the remedy */
	if (r == STORE_NOT_FOUND && option_is_given(arguments, "if-exists"))
		return 0;
	if (r != 0)
		return r < 0 ? -1 : domain_require(admin, name, &domain, err);
	if (domain_refuse_with_aliases(admin, name, "removed", err) < 0 ||
	    store_remove_domain(admin->store, name, err) != 0)
		return -1;
	admin_say(admin, "domain %s removed", name);
	if (domain_remove_users(admin, name, option_is_given(arguments, "with-users"), err) < 0)
		return -1;
	return provider_drop_if_unused(admin, domain.provider, err);
}

static const struct option remove_options[] = {
	{ "with-users", NULL, "remove its users too" },
	{ 0 },
};

const struct command domain_remove = {
	.name = "domain remove",
	.arguments = "DOMAIN",
	.summary = "Remove a domain",
	.details = "The provider that 'domain add' made goes with the last domain that has it.",
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
