/* mailconfctl service: the services of a provider, one by one. */

#include <string.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/providers.h"
#include "mail/pattern.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/error.h"

static int apply_options(struct cli *cli, const struct arguments *arguments,
			 struct service *service, struct error *err)
{
	const char *login = option_value(arguments, "login");
	const char *auth = option_value(arguments, "auth");

	if (login && *login && pattern_check(cli->memory, login, PATTERN_FOR_SERVICE, err) < 0)
		return -1;
	if (auth && service_parse_authentications(cli->memory, auth, service, err) < 0)
		return -1;
	service->login = login && *login ? login : NULL;
	service->is_first = option_is_given(arguments, "first");
	return 0;
}

/* One service of a kind can be first: a new one takes that from the one before. */
static struct service *services_with(struct cli *cli, const struct provider *provider,
				     const struct service *added)
{
	size_t count = provider->n_services;
	struct service *services = arena_array(cli->memory, struct service, count + 1);

	if (count)
		memcpy(services, provider->services, count * sizeof(*services));
	if (added->is_first)
		for (size_t i = 0; i < count; i++)
			if (services[i].kind == added->kind)
				services[i].is_first = false;
	services[count] = *added;
	return services;
}

static int add(struct cli *cli, const struct arguments *arguments, struct error *err)
{
	struct provider provider;
	struct service service;
	const char *url;

	if (provider_require(cli, arguments->words[0], &provider, err) < 0 ||
	    service_from_url(cli, arguments, arguments->words[1], &service, err) < 0 ||
	    apply_options(cli, arguments, &service, err) < 0)
		return -1;
	url = service_url(cli->memory, &service);
	if (service_find(cli, &provider, &service))
		return error_set(err, ERROR_INPUT,
				 "provider '%s' has the service '%s' already; to change it, use "
				 "'service remove' and 'service add'",
				 provider.name, url);
	if (provider.n_services >= SERVICES_MAX)
		return error_set(err, ERROR_INPUT,
				 "provider '%s' has %d services already, and more are too many",
				 provider.name, SERVICES_MAX);
	provider.services = services_with(cli, &provider, &service);
	provider.n_services++;
	if (provider_check(cli, &provider, err) < 0 ||
	    store_set_services(cli->store, provider.id, provider.services, provider.n_services,
			       err) != 0)
		return -1;
	provider_warn_of_gaps(cli, &provider);
	cli_say(cli, "service %s added to provider %s", url, provider.name);
	return 0;
}

static const struct option add_options[] = {
	{ "login", "PATTERN", "a login of its own, such as UNI\\%LOGIN% (the provider's)" },
	{ "auth", "A[,A...]", "ways to authenticate, best first (password-cleartext)" },
	{ "first", NULL, "put it before the others of its kind, whatever its security" },
	{ 0 },
};

static const struct command service_add = {
	.family = "service",
	.verb = "add",
	.arguments = "PROVIDER SERVICE-URL",
	.min = 2,
	.max = 2,
	.summary = "Add a service to a provider",
	.details = "Clients are told IMAP before POP3, and implicit TLS before STARTTLS, whatever "
		   "the\norder of adding. Ways to authenticate are password-cleartext (which is "
		   "sent over\nTLS), password-encrypted, OAuth2, GSSAPI, NTLM, TLS-client-cert,\n"
		   "client-IP-address and none. %LOGIN% in a pattern is the user's login.",
	.example = "mailconfctl service add uni imap+starttls://imap.example.org "
		   "--auth OAuth2,password-cleartext",
	.options = { add_options, plaintext_options },
	.database = DATABASE_CHANGE,
	.run = add,
};

static int list(struct cli *cli, const struct arguments *arguments, struct error *err)
{
	static const char *const columns[] = { "url", "login", "auth", "first", NULL };
	_cleanup_(list_freep) struct list *lines = NULL;
	struct provider provider;

	if (provider_require(cli, arguments->words[0], &provider, err) < 0)
		return -1;
	lines = list_new(columns, cli->is_json);
	for (size_t i = 0; i < provider.n_services; i++)
		list_add(lines, service_entry(cli, &provider.services[i]));
	list_end(lines, "the provider has no services; 'service add' adds one");
	return 0;
}

static const struct command service_list = {
	.family = "service",
	.verb = "list",
	.arguments = "PROVIDER",
	.min = 1,
	.max = 1,
	.summary = "List the services of a provider in the order clients are told",
	.example = "mailconfctl service list uni",
	.database = DATABASE_READ,
	.run = list,
};

static int remove_service(struct cli *cli, const struct arguments *arguments, struct error *err)
{
	bool if_exists = option_is_given(arguments, "if-exists");
	const char *name = arguments->words[0];
	const struct service *found;
	struct service service, *services;
	struct provider provider;
	size_t before;
	int r;

	if (service_parse(cli->memory, arguments->words[1], &service, err) < 0)
		return -1;
	r = store_find_provider(cli->store, cli->memory, name, &provider, err);
	if (r == STORE_NOT_FOUND && if_exists)
		return 0;
	if (r != 0)
		return r < 0 ? -1 : provider_require(cli, name, &provider, err);
	found = service_find(cli, &provider, &service);
	if (!found && if_exists)
		return 0;
	if (!found)
		return error_set(err, ERROR_INPUT,
				 "provider '%s' has no service '%s'; 'service list' shows those it "
				 "has",
				 name, service_url(cli->memory, &service));

	before = (size_t)(found - provider.services);
	services = arena_array(cli->memory, struct service, provider.n_services);
	memcpy(services, provider.services, before * sizeof(*services));
	memcpy(services + before, found + 1,
	       (provider.n_services - before - 1) * sizeof(*services));
	provider.services = services;
	provider.n_services--;
	if (provider_check(cli, &provider, err) < 0 ||
	    store_set_services(cli->store, provider.id, services, provider.n_services, err) != 0)
		return -1;
	provider_warn_of_gaps(cli, &provider);
	cli_say(cli, "service %s removed from provider %s", service_url(cli->memory, &service),
		name);
	return 0;
}

static const struct command service_remove = {
	.family = "service",
	.verb = "remove",
	.arguments = "PROVIDER SERVICE-URL",
	.min = 2,
	.max = 2,
	.summary = "Remove a service from a provider",
	.example = "mailconfctl service remove uni imap+starttls://imap.example.org",
	.options = { if_exists_options },
	.database = DATABASE_CHANGE,
	.run = remove_service,
};

const struct family family_service = {
	.name = "service",
	.title = "Services: what the clients of a provider can talk to",
	.commands = (const struct command *const[]){ &service_add, &service_list, &service_remove,
						     NULL },
};
