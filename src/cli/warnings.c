#include "cli/warnings.h"

#include <string.h>

#include "cli/cli.h"
#include "mail/pattern.h"
#include "mail/provider.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/shell-words.h"
#include "util/string-list.h"

static bool has_service(const struct provider *provider, enum service_kind kind)
{
	for (size_t i = 0; i < provider->n_services; i++)
		if (provider->services[i].kind == kind)
			return true;
	return false;
}

void provider_warn_if_empty(struct cli *cli, const struct provider *provider)
{
	if (provider->n_services == 0)
		cli_warn(cli,
			 "provider '%s' has no services, so no client gets an answer; add some "
			 "with 'service add'",
			 provider->name);
}

static void warn_of_gaps(struct cli *cli, const struct provider *provider)
{
	bool has_incoming = has_service(provider, SERVICE_IMAP) ||
			    has_service(provider, SERVICE_POP3);
	bool has_outgoing = has_service(provider, SERVICE_SUBMISSION);

	provider_warn_if_empty(cli, provider);
	if (provider->n_services == 0 || (has_incoming && has_outgoing))
		return;
	cli_warn(cli, "provider '%s' has no %s service; without one (%s) Thunderbird refuses it",
		 provider->name, has_incoming ? "outgoing" : "incoming",
		 has_incoming ? "submissions://HOST" : "imaps://HOST");
}

void provider_warn_of_spoiled(struct cli *cli, const struct provider *provider)
{
	const char *name = word_in_sentence(cli->memory, provider->name), *remedy;
	struct error err;

	for (size_t i = 0; i < provider->n_spoiled; i++) {
		const struct spoiled_service *spoiled = &provider->spoiled[i];

		if (spoiled->url)
			cli_warn(cli,
				 "provider '%s' has the invalid service '%s', so no client "
				 "gets an answer: %s; 'service remove %s %s' removes it",
				 provider->name, spoiled->url, spoiled->reason, name,
				 word_in_sentence(cli->memory, spoiled->url));
		else
			cli_warn(cli,
				 "a service of provider '%s' cannot be read, so no client gets an "
				 "answer: %s, or replace all services with 'provider set %s "
				 "SERVICE-URL ...'",
				 provider->name, spoiled->reason, name);
	}
	if (pattern_check(cli->memory, provider->login, PATTERN_FOR_PROVIDER, &err) < 0)
		cli_warn(cli,
			 "provider '%s' has an invalid login pattern, so no client gets an "
			 "answer: %s; 'provider set %s --login PATTERN' replaces it",
			 provider->name, err.text, name);
	if (provider_check_links(cli->memory, provider, &remedy, &err) < 0)
		cli_warn(cli, "provider '%s': %s; no client gets an answer; '%s' fixes it",
			 provider->name, err.text, remedy);
}

static bool offers(const struct service *service, enum authentication authentication)
{
	for (size_t i = 0; i < service->n_authentications; i++)
		if (service->authentications[i] == authentication)
			return true;
	return false;
}

void service_warn_of_oauth2(struct cli *cli, const struct provider *provider,
			    const struct service *service)
{
	if (provider->oauth2.issuer || !offers(service, AUTHENTICATION_OAUTH2))
		return;
	cli_warn(cli,
		 "'%s' offers OAuth2, but provider '%s' does not say who issues the tokens "
		 "(--oauth2-issuer): only clients that know its host can use it, as Thunderbird "
		 "does from a list of its own%s",
		 service_url(cli->memory, service), provider->name,
		 service->n_authentications > 1 ? "; all others take its other ways"
						: "; all others pass over the service");
}

void provider_warn_of_oauth2(struct cli *cli, const struct provider *provider)
{
	for (size_t i = 0; i < provider->n_services; i++)
		service_warn_of_oauth2(cli, provider, &provider->services[i]);
}

static bool is_mail(enum service_kind kind)
{
	return kind == SERVICE_IMAP || kind == SERVICE_POP3 || kind == SERVICE_SUBMISSION;
}

/* Thunderbird has no way to read STARTTLS from Outlook's document, and goes by the port. */
void service_warn_of_port(struct cli *cli, const struct service *service)
{
	uint16_t port = service->port;
	bool is_starttls = service->security == SECURITY_STARTTLS;
	bool is_starttls_port = port == 143 || port == 110 || port == 25 || port == 587;

	if (!is_mail(service->kind) || service->security == SECURITY_PLAIN ||
	    is_starttls == is_starttls_port)
		return;
	cli_warn(cli, "'%s': in Outlook's document Thunderbird takes port %u for %s, as it does %s",
		 service_url(cli->memory, service), port, is_starttls ? "implicit TLS" : "STARTTLS",
		 is_starttls ? "all ports but 143, 110, 25 and 587" : "143, 110, 25 and 587");
}

/* Where autoconfig documents have the kinds of services that they have. */
static int place_in_autoconfig(enum service_kind kind)
{
	return is_mail(kind) ? 0 : kind == SERVICE_JMAP ? 1 : 2;
}

static bool comes_after(const struct service *a, const struct service *b)
{
	int a_place = place_in_autoconfig(a->kind), b_place = place_in_autoconfig(b->kind);

	return a_place != b_place ? a_place > b_place : service_compare(a, b) >= 0;
}

static const char *login_of_service(const struct service *service)
{
	return service->login ? service->login : "%LOGIN%";
}

/* FairEmail reads IMAP only, and no document without it. */
static void warn_of_last_login(struct cli *cli, const struct provider *provider)
{
	const struct service *last = NULL, *imap = NULL;

	for (size_t i = 0; i < provider->n_services; i++) {
		const struct service *service = &provider->services[i];

		if (service->kind == SERVICE_IMAP && (!imap || service_compare(service, imap) < 0))
			imap = service;
		if (service->kind != SERVICE_ACTIVESYNC && (!last || comes_after(service, last)))
			last = service;
	}
	if (!imap || text_equals(login_of_service(last), login_of_service(imap)))
		return;
	cli_warn(cli,
		 "FairEmail logs in to IMAP with the last user name of the autoconfig document, "
		 "here that of '%s' (%s), not that of '%s' (%s)",
		 service_url(cli->memory, last), login_of_service(last),
		 service_url(cli->memory, imap), login_of_service(imap));
}

void provider_warn_later(struct cli *cli, const char *name)
{
	bytes_add(&cli->changed, name, strlen(name) + 1);
}

static const char **changed_providers(struct cli *cli, size_t *ret_count)
{
	const char *at = bytes_text(&cli->changed), *end = at + cli->changed.size, **names;
	size_t count = 0;

	for (const char *c = at; c < end; c++)
		count += !*c;
	names = arena_array(cli->memory, const char *, count);
	for (size_t i = 0; i < count; i++, at += strlen(at) + 1)
		names[i] = at;
	*ret_count = texts_sort(names, count);
	return names;
}

int providers_warn(struct cli *cli, struct error *err)
{
	size_t count;
	const char **names = changed_providers(cli, &count);

	for (size_t i = 0; i < count; i++) {
		struct provider provider;
		int r;

		r = store_find_provider(cli->store, cli->memory, names[i], &provider, err);
		if (r == STORE_NOT_FOUND)
			continue;
		if (r != 0)
			return -1;
		warn_of_gaps(cli, &provider);
		warn_of_last_login(cli, &provider);
	}
	return 0;
}
