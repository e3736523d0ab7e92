#include "mail/url.h"

#include "util/idna.h"
#include "util/log.h"

bool url_path_is_valid(const char *path)
{
	for (; *path; path++)
		if (*path <= ' ' || (unsigned char)*path >= 0x7f || strchr("\"<>\\^`{|}#", *path))
			return false;
	return true;
}

/*
 * https://help.example.org:8443/mail?page=2#imap
 * ^scheme ^host            ^port^rest
 *
 * Returns what is wrong with the URL, or NULL.
 */
static const char *parse_url(struct arena *memory, const char *text, enum url_use use,
			     const char **ret_url)
{
	bool is_https = text_starts_with_ignoring_case(text, "https://");
	bool is_http = text_starts_with_ignoring_case(text, "http://");
	unsigned long usual = is_https ? 443 : 80, port = usual;
	const char *authority, *rest, *fragment, *colon, *host, *url;

	if (!is_https && (!is_http || use != URL_OF_PAGE))
		return is_http ? "is not encrypted" : "is not a URL";
	authority = strchr(text, '/') + 2;
	rest = authority + strcspn(authority, "/?#");
	authority = arena_strndup(memory, authority, (size_t)(rest - authority));
	colon = strchrnul(authority, ':');
	if (*colon && !number_parse(colon + 1, 1, UINT16_MAX, &port))
		return "has a port that is not a number from 1 to 65535";
	host = idna_to_ascii(memory, arena_strndup(memory, authority, (size_t)(colon - authority)));
	if (!host)
		return "has a host that is not a host name (letters, digits, hyphens, dots)";
	fragment = strchrnul(rest, '#');
	if (!url_path_is_valid(arena_strndup(memory, rest, (size_t)(fragment - rest))) ||
	    (*fragment && !url_path_is_valid(fragment + 1)))
		return "has a character that must be percent-encoded after its host";
	url = arena_printf(memory, "%s://%s%s%s", is_https ? "https" : "http", host,
			   port == usual ? "" : arena_printf(memory, ":%lu", port), rest);
	if (strlen(url) > URL_MAX_LENGTH)
		return "has more than 1000 bytes";
	*ret_url = url;
	return NULL;
}

const char *url_parse(struct arena *memory, const char *what, const char *text, enum url_use use,
		      struct error *err)
{
	const char *url = NULL, *wrong = parse_url(memory, text, use, &url);

	if (wrong) {
		error_set(err, ERROR_INPUT, "the %s %s %s", what, log_quote(memory, text), wrong);
		if (!text_starts_with_ignoring_case(text, "https://"))
			error_hint(err, "write https://HOST/PATH");
	}
	return url;
}

/* Thunderbird's list has issuers by their host name, RFC 8414 by a URL. */
const char *issuer_parse(struct arena *memory, const char *text, struct error *err)
{
	const char *host;

	if (strstr(text, "://"))
		return url_parse(memory, "issuer", text, URL_OF_SERVICE, err);
	host = idna_to_ascii(memory, text);
	if (!host) {
		error_set(err, ERROR_INPUT, "the issuer %s is not a URL or a host name",
			  log_quote(memory, text));
		error_hint(err, "write https://HOST");
	}
	return host;
}

const char *public_name_parse(struct arena *memory, const char *text)
{
	const char *colon = strchrnul(text, ':');
	const char *host = idna_to_ascii(memory,
					 arena_strndup(memory, text, (size_t)(colon - text)));
	unsigned long port;

	if (!host || (*colon && !number_parse(colon + 1, 1, UINT16_MAX, &port)))
		return NULL;
	return *colon ? arena_printf(memory, "%s:%lu", host, port) : host;
}
