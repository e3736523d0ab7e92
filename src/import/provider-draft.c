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
	draft->links[provider->n_links] = *link;
	draft->links[provider->n_links++].url = url;
	provider->links = draft->links;
}

/* Stable, into the order of documents. */
static void sort_services(struct service *services, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = i; j > 0 && service_compare(&services[j - 1], &services[j]) > 0;
		     j--) {
			struct service service = services[j];

			services[j] = services[j - 1];
			services[j - 1] = service;
		}
}

/* Stable, by kind as in documents. */
static void sort_links(struct link *links, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = i; j > 0 && links[j - 1].kind > links[j].kind; j--) {
			struct link link = links[j];

			links[j] = links[j - 1];
			links[j - 1] = link;
		}
}

static struct service *first_of(struct service *services, size_t count, enum service_kind kind)
{
	for (size_t i = 0; i < count; i++)
		if (services[i].kind == kind)
			return &services[i];
	return NULL;
}

/* Marks the first of a kind as first where its security would put it behind another. */
static void mark_first(struct draft *draft)
{
	for (enum service_kind kind = 0; kind < SERVICE_KINDS; kind++) {
		struct service *first = first_of(draft->gathered, draft->n_gathered, kind);

		for (size_t i = 0; first && i < draft->n_gathered; i++)
			if (draft->gathered[i].kind == kind &&
			    draft->gathered[i].security < first->security)
				first->is_first = true;
	}
}

/* Whether the services of one kind are in the order of the source. */
static bool keeps_order(struct draft *draft, const struct service *sorted, enum service_kind kind)
{
	size_t at = 0;

	for (size_t i = 0; i < draft->n_gathered; i++) {
		if (draft->gathered[i].kind != kind)
			continue;
		while (sorted[at].kind != kind)
			at++;
		if (!text_equals(service_url(draft->memory, &draft->gathered[i]),
				 service_url(draft->memory, &sorted[at++])))
			return false;
	}
	return true;
}

static void note_order(struct draft *draft, const struct service *sorted)
{
	const struct service *imap = first_of(draft->gathered, draft->n_gathered, SERVICE_IMAP);
	const struct service *pop3 = first_of(draft->gathered, draft->n_gathered, SERVICE_POP3);

	if (imap && pop3 && pop3 < imap)
		draft_note(draft, "POP3 is listed before IMAP; clients get IMAP first");
	for (enum service_kind kind = 0; kind < SERVICE_KINDS; kind++)
		if (!keeps_order(draft, sorted, kind))
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
	struct service *sorted = arena_array(draft->memory, struct service, count);
	const char *login;

	sort_links(draft->links, draft->provider.n_links);
	mark_first(draft);
	if (count)
		memcpy(sorted, draft->gathered, count * sizeof(*sorted));
	sort_services(sorted, count);
	note_order(draft, sorted);

	login = usual_login(sorted, count);
	if (login)
		draft->provider.login = login;
	for (size_t i = 0; i < count; i++)
		if (sorted[i].login && text_equals(sorted[i].login, draft->provider.login))
			sorted[i].login = NULL;
	draft->provider.services = sorted;
	draft->provider.n_services = count;
}
