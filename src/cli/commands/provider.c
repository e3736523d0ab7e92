/* mailconfctl provider: named sets of services, texts and a login pattern. */

#include "admin/admin.h"
#include "admin/provider-rules.h"
#include "admin/warnings.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/provider-options.h"
#include "mail/text.h"
#include "store/store.h"
#include "util/base.h"

static json_t *provider_entry(struct admin *admin, const struct provider *provider)
{
	json_t *entry = json_object(), *services = json_array(), *links = json_array();

	for (size_t i = 0; i < provider->n_links; i++)
		json_array_append_new(links, link_entry(&provider->links[i]));
	for (size_t i = 0; i < provider->n_services; i++)
		json_array_append_new(services, service_entry(admin, &provider->services[i]));
	entry_put_text(entry, "name", provider->name);
	entry_put_attributes(entry, provider_options, provider);
	entry_put(entry, "services", services);
	entry_put(entry, "links", links);
	return entry;
}

static const char *services_counted(struct admin *admin, size_t count)
{
	return count == 1 ? "1 service" : arena_printf(admin->memory, "%zu services", count);
}

static int add_provider(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct provider provider = PROVIDER_DEFAULT;
	int r;

	provider.name = arguments->words[0];
	if (text_check("provider name", provider.name, PROVIDER_NAME_MAX_LENGTH, err) < 0 ||
	    provider_apply_options(admin, arguments, &provider, err) < 0 ||
	    provider_parse_services(admin, arguments->words + 1, arguments->count - 1,
				    option_is_given(arguments, "allow-plaintext"), &provider,
				    err) < 0 ||
	    provider_check(admin, &provider, err) < 0)
		return -1;
	r = store_add_provider(admin->store, &provider, err);
	if (r == STORE_EXISTS) {
		error_set(err, ERROR_INPUT, "provider '%s' exists already", provider.name);
		return error_hint(err, "use 'provider set' to change it");
	}
	if (r != 0)
		return -1;
	provider_warn_later(admin, provider.name);
	admin_say(admin, "provider %s added, %s", provider.name,
		  services_counted(admin, provider.n_services));
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
		"with :PORT after the host where it is not the usual one. %EMAILDOMAIN% in a "
		"host\nstands for the domain that is asked for.",
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
	    provider_apply_options(admin, arguments, &provider, err) < 0)
		return -1;
	if (store_update_provider(admin->store, &provider, err) != 0)
		return -1;
	if (has_services) {
		if (provider_parse_services(admin, arguments->words + 1, arguments->count - 1,
					    option_is_given(arguments, "allow-plaintext"),
					    &provider, err) < 0)
			return -1;
		if (store_set_services(admin->store, provider.id, provider.services,
				       provider.n_services, err) != 0)
			return -1;
	}
	if (provider_check(admin, &provider, err) < 0)
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
	.details = "What no option names stays as it is; an empty text unsets. SERVICE-URLs take "
		   "the\nplace of all services, with what 'service add' said about them.",
	.example = "mailconfctl provider set uni --login %EMAILLOCALPART% --short-name ''",
	.options = { provider_options, plaintext_options },
	.database = DATABASE_CHANGE,
	.run = change_provider,
};

static int list_providers(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	static const char *const columns[] = { "name", "display_name", "login", "services", NULL };
	_cleanup_(list_freep) struct list *lines = NULL;
	struct provider *providers;
	size_t count;

	if (store_list_providers(admin->store, admin->memory, &providers, &count, err) != 0)
		return -1;
	lines = list_new(columns, arguments->is_json);
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
		json_array_append_new(domains, json_string(list[i].name));
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

/* Who has the provider: how many, and the first of them in words. */
static int find_uses(struct admin *admin, const char *name, size_t *ret_count,
		     const char **ret_first, struct error *err)
{
	const struct domain_filter domains = { .provider = name };
	const struct user_filter users = { .provider = name };
	struct bytes address = BYTES_IN(admin->memory);
	struct domain *list;
	int64_t n_users;

	if (store_list_domains(admin->store, admin->memory, &domains, &list, ret_count, err) != 0)
		return -1;
	if (*ret_count > 0) {
		*ret_first = arena_printf(admin->memory, "domain '%s'", list[0].name);
		return 0;
	}
	if (store_count_users(admin->store, &users, &n_users, err) != 0)
		return -1;
	if (n_users > 0 && store_visit_users(admin->store, &users, note_first, &address, err) < 0)
		return -1;
	*ret_count = (size_t)n_users;
	*ret_first = arena_printf(admin->memory, "user '%s'", bytes_text(&address));
	return 0;
}

static int refuse_used(struct admin *admin, const char *name, struct error *err)
{
	const char *first;
	size_t count;

	if (find_uses(admin, name, &count, &first, err) < 0)
		return -1;
	if (count > 1) {
		error_set(err, ERROR_INPUT, "provider '%s' is used by %s and %zu more", name, first,
			  count - 1);
		return error_hint(err, "assign another provider to them first");
	}
	if (count > 0) {
		error_set(err, ERROR_INPUT, "provider '%s' is used by %s", name, first);
		return error_hint(err, "assign another provider to it first");
	}
	return 0;
}

static int remove_provider(struct admin *admin, const struct arguments *arguments,
			   struct error *err)
{
	const char *name = arguments->words[0];
	struct provider provider;
	int r;

	r = store_find_provider(admin->store, admin->memory, name, &provider, err);
	if (r == STORE_NOT_FOUND && option_is_given(arguments, "if-exists"))
		return 0;
	if (r == STORE_NOT_FOUND)
		return provider_require(admin, name, &provider, err);
	if (r != 0 || refuse_used(admin, name, err) < 0 ||
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
