/* mailconfctl service: the services of a provider, one by one. */

#include "admin/admin.h"
#include "admin/provider-rules.h"
#include "admin/warnings.h"
#include "cli/command.h"
#include "cli/entry.h"
#include "cli/options.h"
#include "cli/provider-options.h"
#include "mail/pattern.h"
#include "store/store.h"
#include "util/base.h"

static int apply_service_options(struct admin *admin, const struct arguments *arguments,
				 struct service *service, struct error *err)
{
	const char *auth = option_value(arguments, "auth");
	const struct pop3_wishes *wishes = &service->pop3;

	if ((auth && service_parse_authentications(admin->memory, auth, service, err) < 0) ||
	    options_apply(admin->memory, arguments, service_options, service, err) < 0 ||
	    options_apply(admin->memory, arguments, pop3_options, service, err) < 0)
		return -1;
	if (wishes->leave_days && wishes->leave_on_server != WISH_YES) {
		error_set(err, ERROR_INPUT,
			  "--leave-days says how long messages stay on the server, and goes with "
			  "--leave-on-server yes only");
		return error_hint(err, "--leave-days '' unsets it");
	}
	if (service->kind != SERVICE_POP3 && pop3_wishes_any(wishes))
		return error_set(
			err, ERROR_INPUT,
			"'%s' is not a POP3 service, and only those have --leave-on-server, "
			"--leave-days, --check-interval and --download-at-check",
			service_url(admin->memory, service));
	return 0;
}

/* Stores the services of the provider with one of them changed: before is NULL where after is new,
 * and after is NULL where before is removed. One service of a kind can be first. */
static int replace_service(struct admin *admin, struct provider *provider,
			   const struct service *before, const struct service *after,
			   struct error *err)
{
	struct service *services = arena_array(admin->memory, struct service,
					       provider->n_services + 1);
	size_t count = 0;

	for (size_t i = 0; i < provider->n_services; i++) {
		const struct service *service = &provider->services[i];

		if (service != before)
			services[count] = *service;
		else if (after)
			services[count] = *after;
		else
			continue;
		if (service != before && after && after->is_first && service->kind == after->kind)
			services[count].is_first = false;
		count++;
	}
	if (!before)
		services[count++] = *after;
	provider->services = services;
	provider->n_services = count;
	if (provider_check(admin, provider, err) < 0 ||
	    store_set_services(admin->store, provider->id, services, count, err) != 0)
		return -1;
	provider_warn_later(admin, provider->name);
	if (after)
		service_warn_of_oauth2(admin, provider, after);
	return 0;
}

/* A provider that has a service by this URL or has none; *ret_found is then NULL. */
static int find_in_provider(struct admin *admin, const char *name, const struct service *service,
			    struct provider *provider, const struct service **ret_found,
			    struct error *err)
{
	if (provider_require(admin, name, provider, err) < 0 ||
	    provider_refuse_invalid_service(admin, provider, err) < 0)
		return -1;
	*ret_found = service_find(admin, provider, service);
	return 0;
}

static int require_in_provider(struct admin *admin, const char *name, const struct service *service,
			       struct provider *provider, const struct service **ret_found,
			       struct error *err)
{
	if (find_in_provider(admin, name, service, provider, ret_found, err) < 0)
		return -1;
	if (*ret_found)
		return 0;
	error_set(err, ERROR_MISSING, "provider '%s' has no service '%s'", name,
		  service_url(admin->memory, service));
	return error_hint(err, "'service list' shows those it has");
}

static int add_service(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const struct service *found;
	struct provider provider;
	struct service service;
	const char *url;

	if (service_from_url(admin, arguments->words[1],
			     option_is_given(arguments, "allow-plaintext"), &service, err) < 0 ||
	    find_in_provider(admin, arguments->words[0], &service, &provider, &found, err) < 0 ||
	    apply_service_options(admin, arguments, &service, err) < 0)
		return -1;
	url = service_url(admin->memory, &service);
	if (found) {
		error_set(err, ERROR_INPUT, "provider '%s' has the service '%s' already",
			  provider.name, url);
		return error_hint(err, "'service set' changes it");
	}
	if (provider.n_services >= SERVICES_MAX)
		return error_set(err, ERROR_INPUT,
				 "provider '%s' has %d services already, and more are too many",
				 provider.name, SERVICES_MAX);
	if (replace_service(admin, &provider, NULL, &service, err) < 0)
		return -1;
	admin_say(admin, "service %s added to provider %s", url, provider.name);
	return 0;
}

const struct command service_add = {
	.name = "service add",
	.arguments = "PROVIDER SERVICE-URL",
	.summary = "Add a service to a provider",
	.details = "Documents list IMAP before POP3, and implicit TLS before STARTTLS, regardless "
		   "of the\n"
		   "order in which services are added. The authentication methods are "
		   "password-cleartext\n"
		   "(sent over TLS), password-encrypted, OAuth2, GSSAPI, NTLM, TLS-client-cert,\n"
		   "client-IP-address and none. %LOGIN% in a pattern is the user's login. If an "
		   "option of\n"
		   "POP3 is unset, the client decides.",
	.example = "mailconfctl service add uni imap+starttls://imap.example.org "
		   "--auth OAuth2,password-cleartext",
	.options = { service_options, pop3_options, plaintext_options },
	.database = DATABASE_CHANGE,
	.run = add_service,
};

static int change_service(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const struct service *found;
	struct provider provider;
	struct service service;

	if (service_parse(admin->memory, arguments->words[1], &service, err) < 0 ||
	    require_in_provider(admin, arguments->words[0], &service, &provider, &found, err) < 0)
		return -1;
	service = *found;
	if (apply_service_options(admin, arguments, &service, err) < 0 ||
	    replace_service(admin, &provider, found, &service, err) < 0)
		return -1;
	admin_say(admin, "service %s of provider %s changed", service_url(admin->memory, &service),
		  provider.name);
	return 0;
}

const struct command service_set = {
	.name = "service set",
	.arguments = "PROVIDER SERVICE-URL",
	.summary = "Change a service of a provider",
	.details = "Attributes without an option stay; an empty value unsets one.",
	.example = "mailconfctl service set uni pop3s://pop.example.org --leave-on-server yes "
		   "--leave-days 14",
	.options = { service_options, pop3_options },
	.changes = "an option that says what to change",
	.database = DATABASE_CHANGE,
	.run = change_service,
};

static int list_services(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	_cleanup_(list_freep) struct list *lines = NULL;
	struct provider provider;

	if (provider_require(admin, arguments->words[0], &provider, err) < 0)
		return -1;
	lines = list_new("url login auth first pop3", arguments->is_json);
	for (size_t i = 0; i < provider.n_services; i++)
		list_add(lines, service_entry(admin, &provider.services[i]));
	list_end(lines, "the provider has no services; 'service add' adds one");
	provider_warn_of_invalid_rows(admin, &provider);
	return 0;
}

const struct command service_list = {
	.name = "service list",
	.arguments = "PROVIDER",
	.summary = "List the services of a provider in the order of documents",
	.example = "mailconfctl service list uni",
	.database = DATABASE_READ,
	.skips_invalid_rows = true,
	.run = list_services,
};

static int remove_service(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *name = arguments->words[0], *url = arguments->words[1];
	const struct service *found;
	struct provider provider;
	struct service service;
	int r = store_find_provider(admin->store, admin->memory, name, &provider, err);

	if (r < 0)
		return -1;
	/* An invalid service is found by the text in its row, which may not be a URL. */
	for (size_t i = 0; r == 0 && i < provider.n_invalid_services; i++) {
		if (!text_same(provider.invalid_services[i].url, url))
			continue;
		if (store_remove_service(admin->store, provider.id, url, err) != 0)
			return -1;
		provider_warn_later(admin, name);
		admin_say(admin, "service %s removed from provider %s", url, name);
		return 0;
	}
	if (service_parse(admin->memory, url, &service, err) < 0 ||
	    require_in_provider(admin, name, &service, &provider, &found, err) < 0 ||
	    replace_service(admin, &provider, found, NULL, err) < 0)
		return -1;
	admin_say(admin, "service %s removed from provider %s",
		  service_url(admin->memory, &service), name);
	return 0;
}

const struct command service_remove = {
	.name = "service remove",
	.arguments = "PROVIDER SERVICE-URL",
	.summary = "Remove a service from a provider",
	.example = "mailconfctl service remove uni imap+starttls://imap.example.org",
	.options = { if_exists_options },
	.database = DATABASE_CHANGE,
	.run = remove_service,
};
