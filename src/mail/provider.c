#include "mail/provider.h"

#include "mail/address.h"
#include "mail/pattern.h"
#include "mail/url.h"
#include "util/network.h"
#include "util/shell-words.h"
#include "util/log.h"

/* '' stands for the default. */
static const char *parse_login(struct arena *memory, const struct option *option, const char *text,
			       struct error *err)
{
	if (!*text)
		text = PROVIDER_DEFAULT.login;
	return pattern_check(memory, text, PATTERN_FOR_PROVIDER, err) == 0 ? text : NULL;
}

static const char *parse_delimiters(struct arena *memory, const struct option *option,
				    const char *text, struct error *err)
{
	return delimiters_check(text, err) == 0 ? text : NULL;
}

static const char *parse_public_name(struct arena *memory, const struct option *option,
				     const char *text, struct error *err)
{
	const char *name = public_name_parse(memory, text);

	if (!name)
		error_set(err, ERROR_INPUT, "the public name '%s' is not a host name or HOST:PORT",
			  text);
	return name;
}

static const char *parse_send_logins_to(struct arena *memory, const struct option *option,
					const char *text, struct error *err)
{
	if (text_equals(text, "everyone") || text_equals(text, "nobody") ||
	    networks_check(memory, text, err) == 0)
		return text;
	error_prefix(err, "--send-logins-to takes everyone, nobody or networks");
	return NULL;
}

static const char *parse_issuer(struct arena *memory, const struct option *option, const char *text,
				struct error *err)
{
	return issuer_parse(memory, text, err);
}

#define MEMBER(kind, member) .type = kind, .offset = offsetof(struct provider, member)
#define TEXT(member, check) MEMBER(ATTRIBUTE_TEXT, member), .parse = check
#define TRUTH(member) MEMBER(ATTRIBUTE_TRUTH, member)
#define CHOICE(member) MEMBER(ATTRIBUTE_CHOICE, member)
#define NUMBER(member) MEMBER(ATTRIBUTE_NUMBER, member)

const struct option provider_options[] = {
	{ "display-name", "TEXT", "account name that clients show (default: its domain)",
	  TEXT(display_name, attribute_parse_text), .is_optional = true, .what = "display name",
	  .max = DISPLAY_NAME_MAX_LENGTH },
	{ "short-name", "TEXT", "short form of --display-name",
	  TEXT(short_name, attribute_parse_text), .is_optional = true, .what = "short name",
	  .max = SHORT_NAME_MAX_LENGTH },
	{ "login", "PATTERN", "login of addresses without a user (default: %EMAILADDRESS%)",
	  TEXT(login, parse_login) },
	{ "login-case", "lower|keep", "letter case of addresses in patterns (default: lower)",
	  CHOICE(login_case) },
	{ "recipient-delimiter", "CHARS", "characters that begin a subaddress (default: +)",
	  TEXT(recipient_delimiter, parse_delimiters) },
	{ "show-names", "yes|no", "send the names of users to clients (default: no)",
	  TRUTH(show_names) },
	{ "mx-fallback", "yes|no", "answer for other domains whose MX points here (default: yes)",
	  TRUTH(mx_fallback) },
	{ "public-name", "HOST", "the host[:port] in URLs (default: the server's)",
	  TEXT(public_name, parse_public_name), .is_optional = true, .leads_away = true },
	{ "ttl", "HOURS", "how long Outlook may cache a response (default: 168)", NUMBER(ttl),
	  .max = TTL_MAX_HOURS },
	{ "pox-dav", "yes|no", "add CalDAV and CardDAV to Outlook's document (default: no)",
	  TRUTH(pox_dav) },
	{ "activesync-v2", "yes|no", "ActiveSync URL in Autodiscover v2 responses (default: no)",
	  TRUTH(activesync_v2) },
	{ "pacc", "yes|no", "publish a PACC document (default: no)", TRUTH(pacc) },
	{ "unknown-users", "pattern|refuse",
	  "response to addresses without a user (default: pattern)", CHOICE(unknown_users) },
	{ "without-address", "pattern|refuse",
	  "response to requests without an address (default: pattern)", CHOICE(without_address) },
	{ "md5-lookup", "yes|no", "find users by the MD5 that Evolution sends (default: no)",
	  TRUTH(md5_lookup) },
	{ "send-logins-to", "NETWORKS", "everyone, nobody, or networks (default: everyone)",
	  TEXT(send_logins_to, parse_send_logins_to) },
	{ "keep", "yes|no", "keep it if no domain uses it (default: yes; of 'domain add': no)",
	  TRUTH(is_implicit), .column = "is_implicit", .is_negated = true },
	{ "webmail", "URL", "URL of the webmail", TEXT(webmail, attribute_parse_url),
	  .is_optional = true, .leads_away = true, .what = "web mail address" },
	{ "oauth2-issuer", "URL", "URL or host name of the OAuth2 issuer",
	  TEXT(oauth2.issuer, parse_issuer), .is_optional = true, .leads_away = true },
	{ "oauth2-scope", "SCOPES", "scopes that clients request, separated by spaces",
	  TEXT(oauth2.scope, attribute_parse_text), .is_optional = true, .what = "scope",
	  .max = SCOPE_MAX_LENGTH },
	{ "oauth2-auth-url", "URL", "authorization endpoint of the issuer",
	  TEXT(oauth2.auth_url, attribute_parse_url), .is_optional = true, .leads_away = true,
	  .what = "auth URL" },
	{ "oauth2-token-url", "URL", "token endpoint of the issuer",
	  TEXT(oauth2.token_url, attribute_parse_url), .is_optional = true, .leads_away = true,
	  .what = "token URL" },
	{ 0 },
};

const char *unanswered_name(enum unanswered unanswered)
{
	return unanswered == UNANSWERED_PATTERN ? "pattern" : "refuse";
}

int provider_check_links(struct arena *memory, const struct provider *provider,
			 const char **ret_remedy, struct error *err)
{
	for (const struct option *option = provider_options; option->name; option++) {
		const char *text = option->leads_away ? attribute_text(memory, option, provider)
						      : NULL;

		if (!text || option->parse(memory, option, text, err))
			continue;
		*ret_remedy = arena_printf(memory, "provider set %s --%s %s",
					   word_in_sentence(memory, provider->name), option->name,
					   option->value);
		return -1;
	}
	for (size_t i = 0; i < provider->n_links; i++) {
		const struct link *link = &provider->links[i];

		if (url_parse(memory, "link", link->url, URL_OF_PAGE, err))
			continue;
		*ret_remedy = arena_printf(
			memory, "link remove %s %s %s", word_in_sentence(memory, provider->name),
			link_kind_name(link->kind), word_in_sentence(memory, link->url));
		return -1;
	}
	return 0;
}

const char *link_kind_name(enum link_kind kind)
{
	return kind == LINK_ENABLE ? "enable" : "documentation";
}

int link_kind_parse(struct arena *memory, const char *text, enum link_kind *ret_kind,
		    struct error *err)
{
	int kind = choice_index(LINK_KIND_WORDS, text);

	if (kind < 0)
		return error_set(err, ERROR_INPUT,
				 "%s is not a kind of link; there are documentation and enable",
				 log_quote(memory, text));
	*ret_kind = (enum link_kind)kind;
	return 0;
}

/* pt-br-1994
 * ^language, of 2 to 8 letters; then parts of 1 to 8 letters and digits */
static bool is_language(const char *text)
{
	size_t length = 0;

	while (char_is_alphanumeric(text[length]) && !char_is_digit(text[length]))
		length++;
	if (length < 2 || length > 8)
		return false;
	for (text += length; *text == '-'; text += length) {
		text++;
		for (length = 0; char_is_alphanumeric(text[length]); length++)
			;
		if (length < 1 || length > 8)
			return false;
	}
	return *text == '\0';
}

const char *language_parse(struct arena *memory, const char *text, struct error *err)
{
	if (strlen(text) <= LANGUAGE_MAX_LENGTH && is_language(text))
		return text_lower(memory, text);
	error_set(err, ERROR_INPUT, "%s is not a language", log_quote(memory, text));
	error_hint(err, "write a tag such as en, de, pt-br");
	return NULL;
}
