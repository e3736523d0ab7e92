#include "import/autoconfig-server.h"

#include "import/autoconfig-parts.h"
#include "import/provider-draft.h"
#include "protocol/xml.h"
#include "util/log.h"

/* The elements with a service. */
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

/* Names of version 1.0, and those of HTTP in the draft of 1.2. */
static const struct {
	const char *name, *authentication;
} other_names[] = {
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
	return error_set(err, ERROR_INPUT, "its <socketType> %s is not SSL, STARTTLS or plain",
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

static const char *current_name(const char *text)
{
	for (size_t i = 0; i < sizeof(other_names) / sizeof(*other_names); i++)
		if (text_equals_ignoring_case(other_names[i].name, text))
			return other_names[i].authentication;
	return text;
}

/* Reads the known authentications in their order. A server that offers only others is not imported,
 * so that no password is sent to it instead. */
static int read_authentications(struct draft *draft, const struct xml_element *element,
				struct service *service, const char *words, struct error *err)
{
	struct bytes list = BYTES_IN(draft->memory);
	bool has_any = false;

	for (const struct xml_element *child = element->first_child; child; child = child->next) {
		const char *name = current_name(child->text), *more;

		if (!element_is(child, "authentication"))
			continue;
		has_any = true;
		note_attributes(draft, child, "system");
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
		return error_set(err, ERROR_INPUT, "it has no known <authentication>");
	return 0;
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

/* <checkInterval>15</checkInterval>, or <checkInterval minutes="15"/> as Mozilla describes it for
 * version 1.1. */
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
			   "<daysToLeaveMessagesOnServer> of %s is left out: no messages are "
			   "left on the server",
			   url);
		wishes->leave_days = 0;
	}
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
	for (const struct xml_element *child = element->first_child; child; child = child->next)
		if (element_is(child, "pop3") && service.kind == SERVICE_POP3)
			read_pop3(draft, child, &service);
		else if (element_is(child, "pop3"))
			note_element(draft, child, service_url(draft->memory, &service));
	note_attributes(draft, element, "type");
	note_children(draft, element, service_url(draft->memory, &service),
		      "hostname port socketType username authentication url serverURL pop3");
	draft_add_service(draft, &service, part_text(element, "username"));
	return 0;
}

bool autoconfig_read_server(struct draft *draft, const struct xml_element *element)
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
		draft_note(draft, "%s is left out: mailconfd does not support such a service",
			   server_words(draft, element));
	return is_server;
}
