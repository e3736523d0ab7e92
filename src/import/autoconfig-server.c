/* The servers of an autoconfig document, as services of ours. */

#include <string.h>

#include "import/autoconfig-parts.h"
#include "import/provider-draft.h"
#include "protocol/xml.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/log.h"

/* What the elements are that have a service in them; version 1.1 and its draft spell some of them
 * differently, and so do those who write them. */
static const struct {
	const char *element, *type;
	enum service_kind kind;
	bool has_url;
} kinds[] = {
	{ "incomingServer", "imap", SERVICE_IMAP },
	{ "incomingServer", "pop3", SERVICE_POP3 },
	{ "incomingServer", "jmap", SERVICE_JMAP, .has_url = true },
	{ "incomingServer", "activesync", SERVICE_ACTIVESYNC, .has_url = true },
	{ "outgoingServer", "smtp", SERVICE_SUBMISSION },
	{ "calendar", "caldav", SERVICE_CALDAV, .has_url = true },
	{ "addressbook", "carddav", SERVICE_CARDDAV, .has_url = true },
	{ "fileShare", "webdav", SERVICE_WEBDAV, .has_url = true },
	{ "setupServer", "managesieve", SERVICE_MANAGESIEVE },
};

static const struct {
	const char *name;
	enum service_security security;
} socket_types[] = {
	{ "SSL", SECURITY_TLS },
	{ "STARTTLS", SECURITY_STARTTLS },
	{ "plain", SECURITY_PLAIN },
};

/* Names of version 1.0, and those of HTTP in the draft of 1.2; the others are ours. */
static const struct {
	const char *name, *authentication;
} old_names[] = {
	{ "plain", "password-cleartext" },	    { "secure", "password-encrypted" },
	{ "Basic", "password-cleartext" },	    { "Digest", "password-encrypted" },
	{ "client-ip-based", "client-IP-address" },
};

/* "imap server 'imap.example.org'", as far as it says what it is. */
static const char *server_words(struct draft *draft, const struct xml_element *element)
{
	static const char *const names[] = { "hostname", "url", "serverURL", "ewsURL", "owaURL" };
	const char *type = xml_attribute(element, "type");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *where = part_text(element, names[i]);

		if (where)
			return arena_printf(draft->memory, "the %s%sserver %s", type ? type : "",
					    type ? " " : "", log_quote(draft->memory, where));
	}
	return arena_printf(draft->memory, "a server of type %s", log_quote(draft->memory, type));
}

static int parse_security(struct draft *draft, const char *text,
			  enum service_security *ret_security, struct error *err)
{
	for (size_t i = 0; text && i < sizeof(socket_types) / sizeof(*socket_types); i++)
		if (text_equals_ignoring_case(socket_types[i].name, text)) {
			*ret_security = socket_types[i].security;
			return 0;
		}
	if (!text)
		return error_set(err, ERROR_INPUT, "it has no <socketType>");
	return error_set(err, ERROR_INPUT, "its <socketType> %s is none of SSL, STARTTLS and plain",
			 log_quote(draft->memory, text));
}

static int host_service(struct draft *draft, const struct xml_element *element,
			enum service_kind kind, struct service *service, struct error *err)
{
	const char *host = part_text(element, "hostname"), *port = part_text(element, "port");
	enum service_security security = SECURITY_PLAIN;

	if (!host || !port)
		return error_set(err, ERROR_INPUT, "it has no <%s>", host ? "port" : "hostname");
	if (parse_security(draft, part_text(element, "socketType"), &security, err) < 0)
		return -1;
	return draft_host_service(draft, kind, security, host, port, service, err);
}

static int url_service(struct draft *draft, const struct xml_element *element,
		       enum service_kind kind, struct service *service, struct error *err)
{
	const char *url = part_text(element, "url");

	if (!url)
		url = part_text(element, "serverURL");
	if (!url)
		return error_set(err, ERROR_INPUT, "it has no <url>");
	return draft_url_service(draft, kind, url, service, err);
}

static const char *authentication_in_our_words(const char *text)
{
	for (size_t i = 0; i < sizeof(old_names) / sizeof(*old_names); i++)
		if (text_equals_ignoring_case(old_names[i].name, text))
			return old_names[i].authentication;
	return text;
}

/* The ways to authenticate that are known here, in their order. One that offers only others is no
 * use to clients of ours, and a password must not be sent to it in their place. */
static int read_authentications(struct draft *draft, const struct xml_element *element,
				struct service *service, const char *words, struct error *err)
{
	static const char *const attributes[] = { "system", NULL };
	struct bytes list = BYTES_IN(draft->memory);
	bool has_any = false;

	for (const struct xml_element *child = element->first_child; child; child = child->next) {
		const char *name = authentication_in_our_words(child->text), *more;

		if (!element_is(child, "authentication"))
			continue;
		has_any = true;
		note_attributes(draft, child, attributes);
		more = list.size ? arena_printf(draft->memory, "%s,%s", bytes_text(&list), name)
				 : name;
		if (strchr(name, ',') ||
		    service_parse_authentications(draft->memory, more, service, err) < 0) {
			draft_note(draft, "%s: the authentication %s is left out", words,
				   log_quote(draft->memory, child->text));
			continue;
		}
		bytes_add_format(&list, "%s%s", list.size ? "," : "", name);
	}
	if (has_any && list.size == 0)
		return error_set(err, ERROR_INPUT, "no <authentication> of it is known here");
	return 0;
}

static void note_rest_of_server(struct draft *draft, const struct xml_element *element,
				const char *url)
{
	static const char *const attributes[] = { "type", NULL };
	static const char *const known[] = {
		"hostname", "port",	 "socketType", "username", "authentication",
		"url",	    "serverURL", "pop3",       NULL,
	};

	note_attributes(draft, element, attributes);
	note_children(draft, element, url, known);
}

static enum wish read_wish(struct draft *draft, const struct xml_element *element, const char *url)
{
	if (text_equals_ignoring_case(element->text, "true"))
		return WISH_YES;
	if (text_equals_ignoring_case(element->text, "false"))
		return WISH_NO;
	note_element(draft, element, url);
	return WISH_NONE;
}

/* As its text, or as Mozilla's description of version 1.1 has it, <checkInterval minutes="15"/>. */
static unsigned read_number(struct draft *draft, const struct xml_element *element,
			    unsigned long max, const char *url)
{
	const char *minutes = xml_attribute(element, "minutes");
	unsigned long number;

	if (number_parse(minutes ? minutes : element->text, 1, max, &number))
		return (unsigned)number;
	note_element(draft, element, url);
	return 0;
}

/* Days go with messages that are left on the server. */
static void read_pop3(struct draft *draft, const struct xml_element *pop3, struct service *service)
{
	const char *url = service_url(draft->memory, service);
	struct pop3_wishes *wishes = &service->pop3;

	for (const struct xml_element *child = pop3->first_child; child; child = child->next)
		if (element_is(child, "leaveMessagesOnServer"))
			wishes->leave_on_server = read_wish(draft, child, url);
		else if (element_is(child, "daysToLeaveMessagesOnServer"))
			wishes->leave_days = read_number(draft, child, LEAVE_MAX_DAYS, url);
		else if (element_is(child, "checkInterval"))
			wishes->check_interval = read_number(draft, child, CHECK_MAX_MINUTES, url);
		else if (element_is(child, "downloadOnBiff"))
			wishes->download_at_check = read_wish(draft, child, url);
		else
			note_element(draft, child, url);
	if (wishes->leave_days && wishes->leave_on_server != WISH_YES) {
		draft_note(draft,
			   "<daysToLeaveMessagesOnServer> of %s is left out: nothing is left "
			   "there",
			   url);
		wishes->leave_days = 0;
	}
}

static void read_pop3_of(struct draft *draft, const struct xml_element *element,
			 struct service *service)
{
	for (const struct xml_element *child = element->first_child; child; child = child->next)
		if (!element_is(child, "pop3"))
			continue;
		else if (service->kind == SERVICE_POP3)
			read_pop3(draft, child, service);
		else
			note_element(draft, child, service_url(draft->memory, service));
}

static int read_service(struct draft *draft, const struct xml_element *element, size_t kind,
			struct error *err)
{
	const char *words = server_words(draft, element);
	struct service service;
	int r;

	r = kinds[kind].has_url ? url_service(draft, element, kinds[kind].kind, &service, err)
				: host_service(draft, element, kinds[kind].kind, &service, err);
	if (r < 0 || read_authentications(draft, element, &service, words, err) < 0)
		return -1;
	read_pop3_of(draft, element, &service);
	note_rest_of_server(draft, element, service_url(draft->memory, &service));
	draft_add_service(draft, &service, part_text(element, "username"));
	return 0;
}

bool read_server(struct draft *draft, const struct xml_element *element)
{
	const char *type = xml_attribute(element, "type");
	bool is_server = false;
	struct error err;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!element_is(element, kinds[i].element))
			continue;
		is_server = true;
		if (!type || !text_equals_ignoring_case(type, kinds[i].type))
			continue;
		if (read_service(draft, element, i, &err) < 0)
			draft_note(draft, "%s is left out: %s", server_words(draft, element),
				   err.text);
		return true;
	}
	if (is_server)
		draft_note(draft, "%s is left out: mailconfd knows no such service",
			   server_words(draft, element));
	return is_server;
}
