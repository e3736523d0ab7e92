#include "util/idna.h"

#include <gnutls/gnutls.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

bool host_name_is_valid(const char *name)
{
	if (strlen(name) > HOST_NAME_MAX_LENGTH)
		return false;
	for (;; name++) {
		size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

		if (length == 0 || length > HOST_LABEL_MAX_LENGTH || name[0] == '-' ||
		    name[length - 1] == '-' || (name[length] && name[length] != '.'))
			return false;
		/* No top-level domain is a number: this tells 192.0.2.1 from a name. */
		if (!name[length])
			return strspn(name, "0123456789") != length;
		name += length;
	}
}

bool host_pattern_is_valid(const char *name)
{
	return host_name_is_valid(strncmp(name, "*.", 2) == 0 ? name + 2 : name);
}

bool host_name_is_within(const char *name, const char *domain)
{
	size_t length = strlen(name), wanted = strlen(domain);

	return length >= wanted && text_equals(name + length - wanted, domain) &&
	       (length == wanted || name[length - wanted - 1] == '.');
}

const char *idna_to_ascii(struct arena *memory, const char *name)
{
	size_t length = strlen(name);
	bool is_ascii = true, has_only_letters = true;
	gnutls_datum_t mapped = { 0 };
	const char *ascii;

	if (length > 0 && name[length - 1] == '.')
		length--;
	/* A U-label of 63 letters takes up to four times as many bytes in UTF-8. */
	if (length == 0 || length > (size_t)HOST_NAME_MAX_LENGTH * 4)
		return NULL;
	ascii = arena_strndup(memory, name, length);
	/* Of the ASCII characters that no name may have, libidn2 drops all but a few without a
	 * word, and one domain would be taken for another. */
	for (const char *c = ascii; *c; c++) {
		if ((unsigned char)*c >= 0x80)
			is_ascii = false;
		else if (!char_is_alphanumeric(*c) && *c != '-' && *c != '.')
			has_only_letters = false;
	}
	if (!is_ascii) {
		if (!has_only_letters || !utf8_is_valid(ascii, length) ||
		    gnutls_idna_map(ascii, (unsigned)length, &mapped, 0) < 0)
			return NULL;
		ascii = arena_strndup(memory, (const char *)mapped.data, mapped.size);
		gnutls_free(mapped.data);
	}
	ascii = text_lower(memory, ascii);
	return host_name_is_valid(ascii) ? ascii : NULL;
}

const char *own_name(struct arena *memory)
{
	const struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM };
	char name[HOST_NAME_MAX_LENGTH + 1] = "";
	struct addrinfo *found = NULL;
	const char *own;

	if (gethostname(name, sizeof(name) - 1) < 0)
		return NULL;
	own = idna_to_ascii(memory, name);
	if (own && !strchr(own, '.') && getaddrinfo(name, NULL, &hints, &found) == 0) {
		if (found->ai_canonname && strchr(found->ai_canonname, '.'))
			own = idna_to_ascii(memory, found->ai_canonname);
		freeaddrinfo(found);
	}
	return own;
}
