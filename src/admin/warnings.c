#include "admin/warnings.h"

#include "admin/admin.h"
#include "mail/pattern.h"
#include "mail/profile.h"
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

struct login_count {
	const struct match match; /* for somebody without a row */
	bool skips_others;	  /* users with a provider of their own */
	int64_t users, unlike;	  /* unlike what the pattern gives */
};

static int count_user(const struct user *user, void *context, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct login_count *count = context;
	const char *at = strrchr(user->address, '@');
	const struct address address = {
		.local = arena_strndup(&memory, user->address, (size_t)(at - user->address)),
		.domain = at + 1,
	};

	(void)err;
	if (count->skips_others && user->provider)
		return 0;
	count->users++;
	if (!text_equals(login_of(&memory, &address, &count->match), user->login))
		count->unlike++;
	return 0;
}

/* Counts the users of the domains that the provider answers for, then those of its own. */
static int count_users(struct admin *admin, const char *provider, struct login_count *counted,
		       struct error *err)
{
	const struct user_filter own = { .provider = provider };
	struct store *store = admin->store;
	const char **domains;
	size_t count;

	if (store_list_user_domains(store, admin->memory, &domains, &count, err) != 0)
		return -1;
	counted->skips_others = true;
	for (size_t i = 0; i < count; i++) {
		const struct user_filter here = { .domain = domains[i] };
		struct domain domain;
		int r;

		r = store_serving_domain(store, admin->memory, domains[i], &domain, err);
		if (r == 0 && domain.alias_of)
			r = store_find_domain(store, admin->memory, domain.alias_of, &domain, err);
		if (r == 0 && domain.provider && text_equals(domain.provider, provider))
			r = store_visit_users(store, &here, count_user, counted, err);
		if (r != 0 && r != STORE_NOT_FOUND)
			return -1;
	}
	counted->skips_others = false;
	return store_visit_users(store, &own, count_user, counted, err) == 0 ? 0 : -1;
}

int logins_warn(struct admin *admin, const struct provider *provider, struct error *err)
{
	struct login_count count = { .match = { .provider = *provider } };
	bool is_refused = provider->unknown_users == UNANSWERED_REFUSE;
	bool is_silent = provider->without_address == UNANSWERED_REFUSE;
	const char *recipients = provider->send_logins_to;

	if (count_users(admin, provider->name, &count, err) < 0)
		return -1;
	if (count.unlike == 0)
		return 0;
	if (!text_equals(recipients, "everyone") && !text_equals(recipients, "nobody"))
		recipients = arena_printf(admin->memory, "clients in %s", recipients);
	admin_warn(admin,
		   "%lld of %lld user%s %s a login that the pattern '%s' does not give: it is sent "
		   "to %s (--send-logins-to %s); other clients get %s (--unknown-users %s), and a "
		   "request without an address gets %s (--without-address %s)",
		   (long long)count.unlike, (long long)count.users, count.users == 1 ? "" : "s",
		   count.unlike == 1 ? "has" : "have", provider->login, recipients,
		   provider->send_logins_to,
		   is_refused ? "no answer" : "the pattern, which does not work",
		   unanswered_name(provider->unknown_users),
		   is_silent ? "no answer" : "the pattern",
		   unanswered_name(provider->without_address));
	return 0;
}
