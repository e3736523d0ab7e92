#include "admin/warnings.h"

#include "admin/admin.h"
#include "mail/pattern.h"
#include "mail/provider.h"
#include "store/store.h"
#include "util/shell-words.h"
#include "util/string-list.h"

static bool has_service(const struct provider *provider, enum service_kind kind)
{
	for (size_t i = 0; i < provider->n_services; i++)
		if (provider->services[i].kind == kind)
			return true;
	return false;
}

void provider_warn_if_empty(struct admin *admin, const struct provider *provider)
{
	if (provider->n_services == 0) {
		admin_warn(admin, "provider '%s' has no services, so no client gets an answer",
			   provider->name);
		admin_hint(admin, "add some with 'service add'");
	}
}

void provider_warn_of_invalid_rows(struct admin *admin, const struct provider *provider)
{
	const char *name = word_in_sentence(admin->memory, provider->name), *remedy;
	struct error err;

	for (size_t i = 0; i < provider->n_invalid_services; i++) {
		const struct invalid_service *invalid = &provider->invalid_services[i];

		if (invalid->url) {
			admin_warn(admin,
				   "provider '%s' has the invalid service '%s', so no client gets "
				   "an answer: %s",
				   provider->name, invalid->url, invalid->reason);
			admin_hint(admin, "'service remove %s %s' removes it", name,
				   word_in_sentence(admin->memory, invalid->url));
		} else
			admin_warn(
				admin,
				"a service of provider '%s' cannot be read, so no client gets an "
				"answer: %s, or replace all services with 'provider set %s "
				"SERVICE-URL ...'",
				provider->name, invalid->reason, name);
	}
	if (pattern_check(admin->memory, provider->login, PATTERN_FOR_PROVIDER, &err) < 0) {
		admin_warn(admin,
			   "provider '%s' has an invalid login pattern, so no client gets an "
			   "answer: %s",
			   provider->name, err.text);
		admin_hint(admin, "'provider set %s --login PATTERN' replaces it", name);
	}
	if (provider_check_links(admin->memory, provider, &remedy, &err) < 0) {
		admin_warn(admin, "provider '%s': %s; no client gets an answer", provider->name,
			   err.text);
		admin_hint(admin, "'%s' fixes it", remedy);
	}
}

void service_warn_of_oauth2(struct admin *admin, const struct provider *provider,
			    const struct service *service)
{
	bool is_offered = false;

	for (size_t i = 0; i < service->n_authentications; i++)
		is_offered |= service->authentications[i] == AUTHENTICATION_OAUTH2;
	if (provider->oauth2.issuer || !is_offered)
		return;
	admin_warn(admin,
		   "'%s' offers OAuth2, but provider '%s' does not say who issues the tokens "
		   "(--oauth2-issuer): only clients that know its host can use it, as Thunderbird "
		   "does from a list of its own%s",
		   service_url(admin->memory, service), provider->name,
		   service->n_authentications > 1 ? "; all others take its other ways"
						  : "; all others pass over the service");
}

void provider_warn_of_oauth2(struct admin *admin, const struct provider *provider)
{
	for (size_t i = 0; i < provider->n_services; i++)
		service_warn_of_oauth2(admin, provider, &provider->services[i]);
}

static bool is_mail(enum service_kind kind)
{
	return kind == SERVICE_IMAP || kind == SERVICE_POP3 || kind == SERVICE_SUBMISSION;
}

/* Thunderbird has no way to read STARTTLS from Outlook's document, and goes by the port. */
void service_warn_of_port(struct admin *admin, const struct service *service)
{
	uint16_t port = service->port;
	bool is_starttls = service->security == SECURITY_STARTTLS;
	bool is_starttls_port = port == 143 || port == 110 || port == 25 || port == 587;

	if (!is_mail(service->kind) || service->security == SECURITY_PLAIN ||
	    is_starttls == is_starttls_port)
		return;
	admin_warn(admin,
		   "'%s': in Outlook's document Thunderbird takes port %u for %s, as it does %s",
		   service_url(admin->memory, service), port,
		   is_starttls ? "implicit TLS" : "STARTTLS",
		   is_starttls ? "all ports but 143, 110, 25 and 587" : "143, 110, 25 and 587");
}

/* Where autoconfig documents have the service: mail, then JMAP, then all others. */
static int compare_in_autoconfig(const struct service *a, const struct service *b)
{
	int a_place = is_mail(a->kind) ? 0 : a->kind == SERVICE_JMAP ? 1 : 2;
	int b_place = is_mail(b->kind) ? 0 : b->kind == SERVICE_JMAP ? 1 : 2;

	return a_place != b_place ? a_place - b_place : service_compare(a, b);
}

static const char *login_of_service(const struct service *service)
{
	return service->login ? service->login : "%LOGIN%";
}

/* FairEmail reads IMAP only, and no document without it. */
static void warn_of_last_login(struct admin *admin, const struct provider *provider)
{
	const struct service *last = NULL, *imap = NULL;

	for (size_t i = 0; i < provider->n_services; i++) {
		const struct service *service = &provider->services[i];

		if (service->kind == SERVICE_IMAP && (!imap || service_compare(service, imap) < 0))
			imap = service;
		if (service->kind != SERVICE_ACTIVESYNC &&
		    (!last || compare_in_autoconfig(service, last) >= 0))
			last = service;
	}
	if (!imap || text_equals(login_of_service(last), login_of_service(imap)))
		return;
	admin_warn(admin,
		   "FairEmail logs in to IMAP with the last user name of the autoconfig document, "
		   "here that of '%s' (%s), not that of '%s' (%s)",
		   service_url(admin->memory, last), login_of_service(last),
		   service_url(admin->memory, imap), login_of_service(imap));
}

void provider_warn_later(struct admin *admin, const char *name)
{
	struct texts *names = &admin->changed_providers;

	texts_add(names, arena_strdup(names->memory, name));
}

int providers_warn(struct admin *admin, struct error *err)
{
	struct texts *names = &admin->changed_providers;
	size_t count = texts_sort(names->items, names->count);

	for (size_t i = 0; i < count; i++) {
		struct provider provider;
		bool has_incoming, has_outgoing;
		int r;

		r = store_find_provider(admin->store, admin->memory, names->items[i], &provider,
					err);
		if (r == STORE_NOT_FOUND)
			continue;
		if (r != 0)
			return -1;
		provider_warn_if_empty(admin, &provider);
		has_incoming = has_service(&provider, SERVICE_IMAP) ||
			       has_service(&provider, SERVICE_POP3);
		has_outgoing = has_service(&provider, SERVICE_SUBMISSION);
		if (provider.n_services > 0 && (!has_incoming || !has_outgoing)) {
			admin_warn(admin,
				   "provider '%s' has no %s service, so Thunderbird refuses its "
				   "documents",
				   provider.name, has_incoming ? "outgoing" : "incoming");
			admin_hint(admin, "add one with 'service add': %s",
				   has_incoming ? "submissions://HOST" : "imaps://HOST");
		}
		warn_of_last_login(admin, &provider);
	}
	return 0;
}
