/* mailconfctl provider: named sets of services, texts and a login pattern. */

#include "admin/admin.h"
#include "admin/provider-rules.h"
#include "admin/warnings.h"
#include "cli/command.h"
#include "cli/entry.h"
#include "cli/options.h"
#include "cli/provider-options.h"
#include "mail/text.h"
#include "store/store.h"
#include "util/base.h"

static json_t *provider_entry(struct admin *admin, const struct provider *provider)
{
	json_t *entry = entry_of_texts("name", provider->name);
	json_t *services = json_array(), *links = json_array();

	for (size_t i = 0; i < provider->n_links; i++)
		array_add(links, link_entry(&provider->links[i]));
	for (size_t i = 0; i < provider->n_services; i++)
		array_add(services, service_entry(admin, &provider->services[i]));
	entry_put_attributes(entry, provider_options, provider);
	entry_put(entry, "services", services);
	entry_put(entry, "links", links);
	return entry;
}

static int add_provider(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct provider provider = PROVIDER_DEFAULT;

	provider.name = arguments->words[0];
	if (text_check("provider name", provider.name, PROVIDER_NAME_MAX_LENGTH, err) < 0 ||
	    provider_add_given(admin, arguments, &provider, err) < 0)
		return -1;
	admin_say(admin, "provider %s added, %zu service%s", provider.name, provider.n_services,
		  provider.n_services == 1 ? "" : "s");
	return 0;
}

const struct command provider_add = {
	.name = "provider add",
	.arguments = "NAME [SERVICE-URL ...]",
	.summary = "Add a provider",
	.details =
		"A SERVICE-URL is one of\n"
		"  imaps://HOST  imap+starttls://HOST  pop3s://HOST  pop3+starttls://HOST\n"
		"  submissions://HOST  submission+starttls://HOST\n"
		"  managesieve+starttls://HOST  managesieves://HOST\n"
		"  activesync+https://HOST/PATH  jmap+https://HOST/PATH\n"
		"  caldav+https://HOST/PATH  carddav+https://HOST/PATH  webdav+https://HOST/PATH\n"
		"with :PORT after the host if it is not the default. %EMAILDOMAIN% in a host "
		"stands\n"
		"for the domain of the request.",
	.example = "mailconfctl provider add uni --display-name 'University Mail' \\\n"
		   "        imaps://imap.example.org submissions://smtp.example.org",
	.options = { provider_options, plaintext_options },
	.database = DATABASE_CHANGE,
	.run = add_provider,
};

static int change_provider(struct admin *admin, const struct arguments *arguments,
			   struct error *err)
{
	bool has_services = arguments->count > 1;
	struct provider provider;

	if (!has_services && !option_any_given(arguments, provider_options))
		return usage_error(arguments, err,
				   "'provider set' needs something to set: an option or services");
	if (provider_require(admin, arguments->words[0], &provider, err) < 0 ||
	    provider_apply_options(admin, arguments, &provider, err) < 0 ||
	    store_update_provider(admin->store, &provider, err) != 0 ||
	    (has_services &&
	     (provider_parse_services(admin, arguments->words + 1, arguments->count - 1,
				      option_is_given(arguments, "allow-plaintext"), &provider,
				      err) < 0 ||
	      store_set_services(admin->store, provider.id, provider.services, provider.n_services,
				 err) != 0)) ||
	    provider_check(admin, &provider, err) < 0)
		return -1;
	if (has_services)
		provider_warn_later(admin, provider.name);
	if (option_is_given(arguments, "oauth2-issuer"))
		provider_warn_of_oauth2(admin, &provider);
	if (option_is_given(arguments, "pacc") && provider.pacc &&
	    logins_warn(admin, &provider, err) < 0)
		return -1;
	admin_say(admin, "provider %s changed", provider.name);
	return 0;
}

const struct command provider_set = {
	.name = "provider set",
	.arguments = "NAME [SERVICE-URL ...]",
	.summary = "Change a provider",
	.details = "Attributes without an option stay; an empty value unsets one. SERVICE-URLs "
		   "replace all\n"
		   "services, including what 'service add' set for them.",
	.example = "mailconfctl provider set uni --login %EMAILLOCALPART% --short-name ''",
	.options = { provider_options, plaintext_options },
	.database = DATABASE_CHANGE,
	.run = change_provider,
};

static int list_providers(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	_cleanup_(list_freep) struct list *lines = NULL;
	struct provider *providers;
	size_t count;

	if (store_list_providers(admin->store, admin->memory, &providers, &count, err) != 0)
		return -1;
	lines = list_new("name display_name login services", arguments->is_json);
	for (size_t i = 0; i < count; i++) {
		list_add(lines, provider_entry(admin, &providers[i]));
		provider_warn_of_invalid_rows(admin, &providers[i]);
	}
	list_end(lines, "there are no providers; 'provider add' makes one");
	return 0;
}

const struct command provider_list = {
	.name = "provider list",
	.arguments = "",
	.summary = "List all providers",
	.example = "mailconfctl provider list",
	.database = DATABASE_READ,
	.skips_invalid_rows = true,
	.run = list_providers,
};

static int show_provider(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const struct domain_filter filter = { .provider = arguments->words[0] };
	json_t *entry, *domains;
	struct provider provider;
	struct domain *list;
	size_t count;

	if (provider_require(admin, arguments->words[0], &provider, err) < 0 ||
	    store_list_domains(admin->store, admin->memory, &filter, &list, &count, err) != 0 ||
	    logins_warn(admin, &provider, err) < 0)
		return -1;
	entry = provider_entry(admin, &provider);
	domains = json_array();
	for (size_t i = 0; i < count; i++)
		array_add(domains, json_text(list[i].name));
	entry_put(entry, "domains", domains);
	entry_print(entry, arguments->is_json);
	provider_warn_of_invalid_rows(admin, &provider);
	return 0;
}

const struct command provider_show = {
	.name = "provider show",
	.arguments = "NAME",
	.summary = "Show a provider with its services and domains",
	.example = "mailconfctl --json provider show uni",
	.database = DATABASE_READ,
	.run = show_provider,
};

static int note_first(const struct user *user, void *context, struct error *err)
{
	struct bytes *address = context;

	(void)err;
	bytes_add_text(address, user->address);
	return 1;
}

/* By a domain, else by a user. */
static int refuse_used(struct admin *admin, const char *name, struct error *err)
{
	const struct domain_filter of_domains = { .provider = name };
	const struct user_filter of_users = { .provider = name };
	struct bytes address = BYTES_IN(admin->memory);
	const char *kind = "domain", *first;
	struct domain *domains;
	int64_t n_users;
	size_t count;

	if (store_list_domains(admin->store, admin->memory, &of_domains, &domains, &count, err) !=
	    0)
		return -1;
	if (count > 0) {
		first = domains[0].name;
	} else {
		if (store_count_users(admin->store, &of_users, &n_users, err) != 0 ||
		    (n_users > 0 &&
		     store_visit_users(admin->store, &of_users, note_first, &address, err) < 0))
			return -1;
		count = (size_t)n_users;
		kind = "user";
		first = bytes_text(&address);
	}
	if (count == 0)
		return 0;
	error_set(err, ERROR_INPUT, "provider '%s' is used by %s '%s'%s", name, kind, first,
		  count > 1 ? arena_printf(admin->memory, " and %zu more", count - 1) : "");
	return error_hint(err, "assign another provider to %s first", count > 1 ? "them" : "it");
}

static int remove_provider(struct admin *admin, const struct arguments *arguments,
			   struct error *err)
{
	const char *name = arguments->words[0];
	struct provider provider;

	if (provider_require(admin, name, &provider, err) < 0 ||
	    refuse_used(admin, name, err) < 0 ||
	    store_remove_provider(admin->store, provider.id, err) != 0)
		return -1;
	admin_say(admin, "provider %s removed", name);
	return 0;
}

const struct command provider_remove = {
	.name = "provider remove",
	.arguments = "NAME",
	.summary = "Remove a provider that no domain or user uses",
	.example = "mailconfctl provider remove uni",
	.options = { if_exists_options },
	.database = DATABASE_CHANGE,
	.run = remove_provider,
};
