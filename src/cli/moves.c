#include "cli/moves.h"

#include <string.h>

#include "cli/cli.h"
#include "mail/address.h"
#include "mail/service.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* Outlook follows ten redirects at the most, Thunderbird two. */
#define MOVES_MAX 10

/* The rules for the URL of a service hold here, too. */
static int parse_url(struct arena *memory, const char *text, const char **ret_target,
		     struct error *err)
{
	const char *rest = text + strlen("https://");
	struct service service;

	if (service_parse(memory, arena_printf(memory, "activesync+https://%s", rest), &service,
			  err) < 0)
		return error_set(err, ERROR_INPUT,
				 "'%s' is not a URL to send clients to; write "
				 "https://HOST[:PORT]/PATH",
				 text);
	*ret_target = arena_printf(
		memory, "https://%s%s%s", service.host,
		service.port == 443 ? "" : arena_printf(memory, ":%u", service.port), service.path);
	return 0;
}

int moves_parse_domain(struct arena *memory, const char *text, const char **ret_target,
		       struct error *err)
{
	*ret_target = NULL;
	if (!*text)
		return 0;
	if (text_starts_with_ignoring_case(text, "https://"))
		return parse_url(memory, text, ret_target, err);
	*ret_target = domain_parse(memory, text, false, err);
	return *ret_target ? 0 : -1;
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

/* Sets ret_next to where the address is sent on to, NULL for nowhere. */
static int follow(struct cli *cli, const char *address, const char **ret_next, struct error *err)
{
	const char *at = strrchr(address, '@');
	struct domain domain = { 0 };
	struct user user = { 0 };
	int r;

	*ret_next = NULL;
	r = store_find_user(cli->store, cli->memory, text_lower(cli->memory, address), &user, err);
	if (r != 0 && r != STORE_NOT_FOUND)
		return -1;
	if (r == 0 && user.moved_to) {
		*ret_next = user.moved_to;
		return 0;
	}
	r = store_serving_domain(cli->store, cli->memory, at + 1, &domain, err);
	if (r != 0 && r != STORE_NOT_FOUND)
		return -1;
	if (domain.moved_to && !strchr(domain.moved_to, '/'))
		*ret_next = arena_printf(cli->memory, "%.*s@%s", (int)(at - address), address,
					 domain.moved_to);
	return 0;
}

int moves_check(struct cli *cli, const char *address, struct error *err)
{
	const char *next = address;

	for (int moves = 0; moves < MOVES_MAX; moves++) {
		if (follow(cli, next, &next, err) < 0)
			return -1;
		if (!next)
			return 0;
		if (text_equals_ignoring_case(next, address))
			break;
	}
	return error_set(err, ERROR_INPUT,
			 "clients would be sent from '%s' in a circle; change where it leads",
			 address[0] == '*' ? address + 2 : address);
}
