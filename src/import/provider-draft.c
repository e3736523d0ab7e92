#include "import/provider-draft.h"

#include <stdarg.h>

#include "mail/address.h"
#include "mail/pattern.h"
#include "mail/text.h"
#include "mail/url.h"
#include "util/log.h"

void draft_init(struct draft *draft, struct arena *memory)
{
	*draft = (struct draft){
		.memory = memory,
		.provider = PROVIDER_DEFAULT,
		.domains = TEXTS_IN(memory),
		.notes = TEXTS_IN(memory),
		.gathered = arena_array(memory, struct service, SERVICES_MAX),
		.links = arena_array(memory, struct link, LINKS_MAX),
	};
}

void draft_note(struct draft *draft, const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	text = arena_vprintf(draft->memory, format, args);
	va_end(args);
	if (!texts_has(&draft->notes, text))
		texts_add(&draft->notes, text);
}

/* A placeholder in a name would not be replaced in all documents. */
static const char *checked_name(struct draft *draft, const char *what, const char *text, size_t max)
{
	struct error err;

	if (text_check(what, text, max, &err) < 0) {
		draft_note(draft, "%s; it is left out", err.text);
		return NULL;
	}
	if (pattern_has_placeholder(text)) {
		draft_note(draft, "the %s '%s' has a placeholder, and is left out", what, text);
		return NULL;
	}
	return text;
}

void draft_set_display_name(struct draft *draft, const char *text)
{
	/* The default. */
	if (text_equals(text, "%EMAILDOMAIN%"))
		return;
	draft->provider.display_name = checked_name(draft, "display name", text,
						    DISPLAY_NAME_MAX_LENGTH);
}

void draft_set_short_name(struct draft *draft, const char *text)
{
	draft->provider.short_name = checked_name(draft, "short name", text, SHORT_NAME_MAX_LENGTH);
}

void draft_add_domain(struct draft *draft, const char *text)
{
	struct error err;
	const char *domain = domain_parse(draft->memory, text, false, &err);

	if (!domain)
		draft_note(draft, "a domain is left out: %s", err.text);
	else if (!texts_has(&draft->domains, domain))
		texts_add(&draft->domains, domain);
}

int draft_host_service(struct draft *draft, enum service_kind kind, enum service_security security,
		       const char *host, const char *port, struct service *ret_service,
		       struct error *err)
{
	struct service service = { .kind = kind, .security = security };
	unsigned long number;

	if (!number_parse(port, 1, UINT16_MAX, &number))
		return error_set(err, ERROR_INPUT, "%s is not a port from 1 to 65535",
				 log_quote(draft->memory, port));
	service.host = host_pattern_parse(draft->memory, host);
	if (!service.host)
		return error_set(err, ERROR_INPUT, "%s is not a host name",
				 log_quote(draft->memory, host));
	service.port = (uint16_t)number;
	return service_parse(draft->memory, service_url(draft->memory, &service), ret_service, err);
}

int draft_url_service(struct draft *draft, enum service_kind kind, const char *url,
		      struct service *ret_service, struct error *err)
{
	const struct service any = { .kind = kind, .security = SECURITY_TLS, .host = "" };
	const char *scheme = service_url(draft->memory, &any), *authority;

	if (!text_starts_with_ignoring_case(url, "https://"))
		return error_set(err, ERROR_INPUT, "%s does not begin with https://",
				 log_quote(draft->memory, url));
	authority = url + strlen("https://");
	return service_parse(draft->memory,
			     arena_printf(draft->memory, "%.*s://%s%s", (int)strcspn(scheme, ":"),
					  scheme, authority, strchr(authority, '/') ? "" : "/"),
			     ret_service, err);
}

void draft_add_service(struct draft *draft, const struct service *service, const char *login)
{
	const char *url = service_url(draft->memory, service);
	struct service added = *service;
	struct error err;

	for (size_t i = 0; i < draft->n_gathered; i++)
		if (text_equals(service_url(draft->memory, &draft->gathered[i]), url)) {
			draft_note(draft, "%s occurs twice; the second one is left out", url);
			return;
		}
	if (draft->n_gathered == SERVICES_MAX) {
		draft_note(draft, "%s is left out: a provider has at most %d services", url,
			   SERVICES_MAX);
		return;
	}
	if (login && pattern_check(draft->memory, login, PATTERN_FOR_PROVIDER, &err) < 0) {
		draft_note(draft, "the login of %s is left out: %s", url, err.text);
		login = NULL;
	}
	if (login && !pattern_has_placeholder(login))
		draft_note(draft, "the login '%s' of %s has no placeholder, so all users have it",
			   login, url);
	added.login = login;
	draft->gathered[draft->n_gathered++] = added;
}

void draft_add_link(struct draft *draft, const struct link *link)
{
	const char *kind = link_kind_name(link->kind), *url;
	struct provider *provider = &draft->provider;
	struct error err;
	size_t at;

	url = url_parse(draft->memory, "link", link->url, URL_OF_PAGE, &err);
	if (!url) {
		draft_note(draft, "<%s> is left out: %s", kind, err.text);
		return;
	}
	for (size_t i = 0; i < provider->n_links; i++)
		if (draft->links[i].kind == link->kind && text_equals(draft->links[i].url, url)) {
			draft_note(draft, "<%s> %s occurs twice; the second one is left out", kind,
				   url);
			return;
		}
	if (provider->n_links == LINKS_MAX) {
		draft_note(draft, "<%s> %s is left out: a provider has at most %d links", kind, url,
			   LINKS_MAX);
		return;
	}
	provider->links = draft->links;
	/* By kind, as in documents. */
	at = provider->n_links++;
	for (; at > 0 && draft->links[at - 1].kind > link->kind; at--)
		draft->links[at] = draft->links[at - 1];
	draft->links[at] = *link;
	draft->links[at].url = url;
}

static struct service *first_of(struct service *services, size_t count, enum service_kind kind)
{
	for (size_t i = 0; i < count; i++)
		if (services[i].kind == kind)
			return &services[i];
	return NULL;
}

/* Sorts stably into the order of documents, and notes the kinds whose order changes. */
static void sort_services(struct draft *draft, struct service *services, size_t count)
{
	bool is_changed[SERVICE_KINDS] = { false };

	for (size_t i = 1; i < count; i++)
		for (size_t j = i; j > 0 && service_compare(&services[j - 1], &services[j]) > 0;
		     j--) {
			struct service service = services[j];

			services[j] = services[j - 1];
			services[j - 1] = service;
			if (services[j].kind == service.kind)
				is_changed[service.kind] = true;
		}
	for (enum service_kind kind = 0; kind < SERVICE_KINDS; kind++)
		if (is_changed[kind])
			draft_note(draft,
				   "the order of the %s services is not kept: after the first one, "
				   "clients get implicit TLS before STARTTLS",
				   service_kind_name(kind));
}

/* The login that most services have; the first one if there are several. */
static const char *usual_login(const struct service *services, size_t count)
{
	const char *usual = NULL;
	size_t most = 0;

	for (size_t i = 0; i < count; i++) {
		size_t with_it = 0;

		for (size_t j = 0; services[i].login && j < count; j++)
			with_it += services[j].login &&
				   text_equals(services[j].login, services[i].login);
		if (with_it > most) {
			usual = services[i].login;
			most = with_it;
		}
	}
	return usual;
}

void draft_settle(struct draft *draft)
{
	size_t count = draft->n_gathered;
	const struct service *imap = first_of(draft->gathered, count, SERVICE_IMAP);
	const struct service *pop3 = first_of(draft->gathered, count, SERVICE_POP3);
	struct service *sorted;
	const char *login;

	if (imap && pop3 && pop3 < imap)
		draft_note(draft, "POP3 is listed before IMAP; clients get IMAP first");
	/* The first of a kind is marked where its security would put it behind another. */
	for (size_t i = 0; i < count; i++) {
		struct service *first = first_of(draft->gathered, count, draft->gathered[i].kind);

		if (draft->gathered[i].security < first->security)
			first->is_first = true;
	}
	sorted = arena_copy(draft->memory, draft->gathered, count, sizeof(*sorted));
	sort_services(draft, sorted, count);
	login = usual_login(sorted, count);
	if (login)
		draft->provider.login = login;
	for (size_t i = 0; i < count; i++)
		if (sorted[i].login && text_equals(sorted[i].login, draft->provider.login))
			sorted[i].login = NULL;
	draft->provider.services = sorted;
	draft->provider.n_services = count;
}
