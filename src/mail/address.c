#include "mail/address.h"

#include "mail/text.h"
#include "util/idna.h"
#include "util/log.h"

/* Characters of RFC 5321 that need quotes, and those that trouble URLs, XML and log lines more
 * than any mailbox is worth (RFC 5322 3.2.3 calls the first group specials). */
static bool local_part_may_have(char c)
{
	return !char_is_control(c) && !strchr(" \"()<>[]:;,@\\", c);
}

/* Returns why the text is not an address, or NULL. */
static const char *parse_address(struct arena *memory, const char *text,
				 struct address *ret_address)
{
	const char *at = strrchr(text, '@'), *local, *domain;
	size_t length = strlen(text);

	if (length > 0 && (strchr(" \t", text[0]) || strchr(" \t", text[length - 1])))
		return "it begins or ends with whitespace";
	if (!at)
		return "it has no '@'";
	length = (size_t)(at - text);
	if (length == 0)
		return "nothing stands before the '@'";
	if (length > ADDRESS_LOCAL_MAX_LENGTH)
		return "more than 64 bytes stand before the '@'";
	for (size_t i = 0; i < length; i++)
		if (!local_part_may_have(text[i]))
			return "it has a character that needs quotes before the '@'";
	if (!utf8_is_valid(text, length))
		return "it is not UTF-8";
	local = arena_strndup(memory, text, length);
	if (text_has_unbearable(local))
		return "it has a character before the '@' that no document can have";
	domain = idna_to_ascii(memory, at + 1);
	if (!domain)
		return "what follows the '@' is not a domain name";
	if (length + 1 + strlen(domain) > ADDRESS_MAX_LENGTH)
		return "it has more than 254 bytes";
	*ret_address = (struct address){
		.typed = arena_strdup(memory, text),
		.text = arena_printf(memory, "%s@%s", local, domain),
		.local = local,
		.domain = domain,
		.key = text_lower(memory, local),
	};
	return NULL;
}

int address_parse(struct arena *memory, const char *text, struct address *ret_address,
		  struct error *err)
{
	const char *reason = parse_address(memory, text, ret_address);

	return reason ? error_set(err, ERROR_INPUT, "%s is not a mail address: %s",
				  log_quote(memory, text), reason)
		      : 0;
}

const char *domain_parse(struct arena *memory, const char *text, bool patterns, struct error *err)
{
	bool is_pattern = patterns && strncmp(text, "*.", 2) == 0;
	const char *name;

	if (patterns && text_equals(text, "*"))
		return "*";
	name = idna_to_ascii(memory, is_pattern ? text + 2 : text);
	if (!name) {
		error_set(err, ERROR_INPUT, "%s is not a domain name", log_quote(memory, text));
		return NULL;
	}
	return is_pattern ? arena_printf(memory, "*.%s", name) : name;
}

bool domain_is_pattern(const char *domain)
{
	return domain[0] == '*';
}

const char *local_without_tag(struct arena *memory, const char *local, const char *delimiters)
{
	size_t length = strlen(local);

	if (length > 1)
		length = 1 + strcspn(local + 1, delimiters);
	return arena_strndup(memory, local, length);
}

int delimiters_check(const char *text, struct error *err)
{
	for (const char *at = text; *at; at++) {
		if ((unsigned char)*at >= 0x80 || !local_part_may_have(*at))
			return error_set(err, ERROR_INPUT,
					 "recipient delimiter '%s' has a character that no address "
					 "may have before its '@'",
					 text);
		if (char_is_alphanumeric(*at))
			return error_set(err, ERROR_INPUT,
					 "recipient delimiter '%s' has a letter or digit; it is a "
					 "set of characters such as + or -",
					 text);
		if (strchr(at + 1, *at))
			return error_set(err, ERROR_INPUT,
					 "recipient delimiter '%s' has a character twice", text);
	}
	return 0;
}

struct host_domains host_domains(const char *host)
{
	static const char *const prefixes[] = { "autoconfig.", "autodiscover.", "ua-auto-config." };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t length = strlen(prefixes[i]);

		if (strncmp(host, prefixes[i], length) == 0 && host[length])
			return (struct host_domains){ .stripped = host + length, .bare = host };
	}
	return (struct host_domains){ .bare = host };
}
