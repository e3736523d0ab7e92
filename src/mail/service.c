#include "mail/service.h"

#include "mail/pattern.h"
#include "mail/url.h"
#include "util/idna.h"
#include "util/log.h"

/* The first scheme of a kind and security is the one that service_url() writes. */
static const struct scheme {
	const char *name;
	enum service_kind kind;
	enum service_security security;
	uint16_t port;
	bool has_path;
} schemes[] = {
	{ "imaps", SERVICE_IMAP, SECURITY_TLS, 993 },
	{ "imap+starttls", SERVICE_IMAP, SECURITY_STARTTLS, 143 },
	{ "imap", SERVICE_IMAP, SECURITY_PLAIN, 143 },
	{ "pop3s", SERVICE_POP3, SECURITY_TLS, 995 },
	{ "pop3+starttls", SERVICE_POP3, SECURITY_STARTTLS, 110 },
	{ "pop3", SERVICE_POP3, SECURITY_PLAIN, 110 },
	{ "submissions", SERVICE_SUBMISSION, SECURITY_TLS, 465 },
	{ "submission+starttls", SERVICE_SUBMISSION, SECURITY_STARTTLS, 587 },
	{ "submission", SERVICE_SUBMISSION, SECURITY_PLAIN, 587 },
	{ "managesieves", SERVICE_MANAGESIEVE, SECURITY_TLS, 4190 },
	{ "managesieve+starttls", SERVICE_MANAGESIEVE, SECURITY_STARTTLS, 4190 },
	{ "managesieve", SERVICE_MANAGESIEVE, SECURITY_PLAIN, 4190 },
	{ "jmap+https", SERVICE_JMAP, SECURITY_TLS, 443, .has_path = true },
	{ "caldav+https", SERVICE_CALDAV, SECURITY_TLS, 443, .has_path = true },
	{ "carddav+https", SERVICE_CARDDAV, SECURITY_TLS, 443, .has_path = true },
	{ "webdav+https", SERVICE_WEBDAV, SECURITY_TLS, 443, .has_path = true },
	{ "activesync+https", SERVICE_ACTIVESYNC, SECURITY_TLS, 443, .has_path = true },
	{ "smtps", SERVICE_SUBMISSION, SECURITY_TLS, 465 },
	{ "smtp+starttls", SERVICE_SUBMISSION, SECURITY_STARTTLS, 587 },
};

#define SCHEMES (sizeof(schemes) / sizeof(*schemes))

static const char *const authentication_names[AUTHENTICATIONS] = {
	[AUTHENTICATION_PASSWORD_CLEARTEXT] = "password-cleartext",
	[AUTHENTICATION_PASSWORD_ENCRYPTED] = "password-encrypted",
	[AUTHENTICATION_OAUTH2] = "OAuth2",
	[AUTHENTICATION_GSSAPI] = "GSSAPI",
	[AUTHENTICATION_NTLM] = "NTLM",
	[AUTHENTICATION_TLS_CLIENT_CERT] = "TLS-client-cert",
	[AUTHENTICATION_CLIENT_IP_ADDRESS] = "client-IP-address",
	[AUTHENTICATION_NONE] = "none",
};

static const char *const kind_names[SERVICE_KINDS] = {
	[SERVICE_IMAP] = "IMAP",
	[SERVICE_POP3] = "POP3",
	[SERVICE_JMAP] = "JMAP",
	[SERVICE_SUBMISSION] = "submission",
	[SERVICE_MANAGESIEVE] = "ManageSieve",
	[SERVICE_CALDAV] = "CalDAV",
	[SERVICE_CARDDAV] = "CardDAV",
	[SERVICE_WEBDAV] = "WebDAV",
	[SERVICE_ACTIVESYNC] = "ActiveSync",
};

/*
 * imap+starttls://mail.example.org:143
 * ^scheme         ^host            ^port    and for HTTP services ^path
 *
 * Returns why the URL is not a service, or NULL.
 */
static const char *parse_service(struct arena *memory, const char *url, struct service *ret_service)
{
	const char *authority = strstr(url, "://"), *host, *path, *colon;
	const struct scheme *scheme = NULL;
	struct bytes names = BYTES_IN(memory);
	unsigned long port;

	if (!authority)
		return "write SCHEME://HOST[:PORT], as in imaps://imap.example.org";
	for (size_t i = 0; i < SCHEMES && !scheme; i++)
		if (text_starts_with_ignoring_case(url, schemes[i].name) &&
		    url + strlen(schemes[i].name) == authority)
			scheme = &schemes[i];
	for (size_t i = 0; i < SCHEMES && !scheme; i++)
		bytes_add_format(&names, " %s", schemes[i].name);
	if (!scheme)
		return arena_printf(memory, "its scheme is none of%s", bytes_text(&names));
	authority += strlen("://");
	path = authority + strcspn(authority, "/?#");
	authority = arena_strndup(memory, authority, (size_t)(path - authority));

	port = scheme->port;
	colon = strchrnul(authority, ':');
	if (*colon && !number_parse(colon + 1, 1, UINT16_MAX, &port))
		return "its port is not a number from 1 to 65535";
	host = host_pattern_parse(memory,
				  arena_strndup(memory, authority, (size_t)(colon - authority)));
	if (!host)
		return "its host is not a host name (letters, digits, hyphens, dots)";

	if (!scheme->has_path && path[0] != '\0' && !text_equals(path, "/"))
		return "nothing may follow the host and port";
	if (scheme->has_path && (path[0] != '/' || !url_path_is_valid(path)))
		return "it needs a path after the host, as a client requests it";

	*ret_service = (struct service){
		.kind = scheme->kind,
		.security = scheme->security,
		.host = host,
		.port = (uint16_t)port,
		.path = scheme->has_path ? arena_strdup(memory, path) : NULL,
		.authentications = { AUTHENTICATION_DEFAULT },
		.n_authentications = 1,
	};
	return NULL;
}

int service_parse(struct arena *memory, const char *url, struct service *ret_service,
		  struct error *err)
{
	const char *reason = parse_service(memory, url, ret_service);

	return reason ? error_set(err, ERROR_INPUT, "%s is not a service: %s",
				  log_quote(memory, url), reason)
		      : 0;
}

const char *service_url(struct arena *memory, const struct service *service)
{
	const struct scheme *scheme = schemes;
	const char *path = service->path ?: "";

	while (scheme->kind != service->kind || scheme->security != service->security)
		scheme++;
	if (service->port == scheme->port)
		return arena_printf(memory, "%s://%s%s", scheme->name, service->host, path);
	return arena_printf(memory, "%s://%s:%u%s", scheme->name, service->host, service->port,
			    path);
}

int service_parse_authentications(struct arena *memory, const char *text, struct service *service,
				  struct error *err)
{
	enum authentication list[AUTHENTICATIONS];
	char *rest = arena_strdup(memory, text), *name;
	struct bytes names = BYTES_IN(memory);
	size_t count = 0;

	while ((name = strsep(&rest, ","))) {
		enum authentication way = 0;

		while (way < AUTHENTICATIONS &&
		       !text_equals_ignoring_case(authentication_names[way], name))
			way++;
		if (way == AUTHENTICATIONS) {
			for (size_t i = 0; i < AUTHENTICATIONS; i++)
				bytes_add_format(&names, " %s", authentication_names[i]);
			error_set(err, ERROR_INPUT, "%s is not a way to authenticate",
				  log_quote(memory, name));
			return error_hint(err, "write a comma-separated list of%s",
					  bytes_text(&names));
		}
		for (size_t i = 0; i < count; i++)
			if (list[i] == way)
				return error_set(err, ERROR_INPUT, "'%s' is listed twice", name);
		list[count++] = way;
	}
	memcpy(service->authentications, list, count * sizeof(*list));
	service->n_authentications = count;
	return 0;
}

const char *service_authentications(struct arena *memory, const struct service *service)
{
	struct bytes list = BYTES_IN(memory);

	for (size_t i = 0; i < service->n_authentications; i++)
		bytes_add_format(&list, "%s%s", i ? "," : "",
				 authentication_names[service->authentications[i]]);
	return bytes_text(&list);
}

/* As the routes are: in any letter case, with whatever arguments. */
bool path_asks_for_dav(const char *path)
{
	static const char *const questions[] = { "/.well-known/caldav", "/.well-known/carddav" };

	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
		const char *rest;

		if (!text_starts_with_ignoring_case(path, questions[i]))
			continue;
		rest = path + strlen(questions[i]);
		rest += strspn(rest, "/");
		if (!*rest || *rest == '?')
			return true;
	}
	return false;
}

static const char *parse_login(struct arena *memory, const struct option *option, const char *text,
			       struct error *err)
{
	return pattern_check(memory, text, PATTERN_FOR_SERVICE, err) == 0 ? text : NULL;
}

#define MEMBER(kind, member) .type = kind, .offset = offsetof(struct service, member)

const struct option service_options[] = {
	{ "login", "PATTERN", "login pattern of this service, such as UNI\\%LOGIN%",
	  MEMBER(ATTRIBUTE_TEXT, login), .is_optional = true, .parse = parse_login },
	{ "auth", "A[,A...]", "authentication methods, best first (default: password-cleartext)" },
	{ "first", NULL, "list it before other services of its type",
	  MEMBER(ATTRIBUTE_TRUTH, is_first), .column = "is_first" },
	{ 0 },
};

const struct option pop3_options[] = {
	{ "leave-on-server", "unset|no|yes", "POP3: leave messages on the server (default: unset)",
	  MEMBER(ATTRIBUTE_WISH, pop3.leave_on_server) },
	{ "leave-days", "DAYS", "POP3: days after which clients delete messages on the server",
	  MEMBER(ATTRIBUTE_NUMBER, pop3.leave_days), .is_optional = true, .min = 1,
	  .max = LEAVE_MAX_DAYS },
	{ "check-interval", "MINUTES", "POP3: minutes between two checks for new messages",
	  MEMBER(ATTRIBUTE_NUMBER, pop3.check_interval), .is_optional = true, .min = 1,
	  .max = CHECK_MAX_MINUTES },
	{ "download-at-check", "unset|no|yes", "POP3: fetch new messages at once (default: unset)",
	  MEMBER(ATTRIBUTE_WISH, pop3.download_at_check) },
	{ 0 },
};

bool pop3_wishes_any(const struct pop3_wishes *wishes)
{
	return wishes->leave_on_server || wishes->leave_days || wishes->check_interval ||
	       wishes->download_at_check;
}

const char *authentication_name(enum authentication authentication)
{
	return authentication_names[authentication];
}

const char *service_kind_name(enum service_kind kind)
{
	return kind_names[kind];
}

int service_compare(const struct service *a, const struct service *b)
{
	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	if (a->is_first != b->is_first)
		return a->is_first ? -1 : 1;
	return (int)a->security - (int)b->security;
}

const char *service_scheme(size_t index)
{
	return index < SCHEMES ? schemes[index].name : NULL;
}
