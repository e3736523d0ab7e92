#include "admin/moved-to.h"

#include "mail/address.h"
#include "mail/service.h"

int moves_parse_domain(struct arena *memory, const char *text, const char **ret_target,
		       struct error *err)
{
	struct service service;

	*ret_target = NULL;
	if (!*text)
		return 0;
	if (!strchr(text, '/')) {
		*ret_target = domain_parse(memory, text, false, err);
		return *ret_target ? 0 : -1;
	}
	/* The rules for the URL of a service hold here, too. */
	if (service_parse(memory, arena_printf(memory, "activesync+%s", text), &service, err) < 0 ||
	    strchr(service.host, '%')) {
		error_set(err, ERROR_INPUT, "'%s' is not a URL to send clients to", text);
		return error_hint(err, "write https://HOST[:PORT]/PATH");
	}
	*ret_target = arena_printf(
		memory, "https://%s%s%s", service.host,
		service.port == 443 ? "" : arena_printf(memory, ":%u", service.port), service.path);
	return 0;
}

int moves_parse_user(struct arena *memory, const char *text, const char **ret_target,
		     struct error *err)
{
	struct address address;

	*ret_target = NULL;
	if (!*text)
		return 0;
	if (address_parse(memory, text, &address, err) < 0)
		return -1;
	*ret_target = address.text;
	return 0;
}
