#include "cli/moves.h"

#include <string.h>

#include "cli/cli.h"
#include "config/settings.h"
#include "mail/address.h"
#include "mail/profile.h"
#include "mail/service.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* Outlook follows ten redirects at the most, Thunderbird two. */
#define MOVES_MAX 10

/* Whoever is in a domain; an address that nobody has. */
#define ANYONE "*"

/* The rules for the URL of a service hold here, too. */
static int parse_url(struct arena *memory, const char *text, const char **ret_target,
		     struct error *err)
{
	struct service service;

	if (service_parse(memory, arena_printf(memory, "activesync+%s", text), &service, err) < 0 ||
	    strchr(service.host, '%'))
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
	if (strchr(text, '/'))
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

/* Whether the URL is at the host[:port]. */
static bool is_at(const char *url, const char *host)
{
	size_t length = strlen(host);

	url += strlen("https://");
	return length > 0 && strncmp(url, host, length) == 0 && url[length] == '/';
}

/* The port that goes without saying is not in a URL of ours, but may be in a name. */
static const char *without_usual_port(struct arena *memory, const char *host)
{
	const char *colon = strchrnul(host, ':');

	return text_equals(colon, ":443") ? arena_strndup(memory, host, (size_t)(colon - host))
					  : host;
}

int moves_check_target(struct cli *cli, const char *target, struct error *err)
{
	const char *own = cli->settings->server.public_name;
	struct provider *providers;
	size_t count;

	if (!target || !strchr(target, '/'))
		return 0;
	if (store_list_providers(cli->store, cli->memory, &providers, &count, err) != 0)
		return -1;
	for (size_t i = 0; i <= count; i++) {
		if (i > 0)
			own = providers[i - 1].public_name;
		if (own && is_at(target, without_usual_port(cli->memory, own)))
			return error_set(err, ERROR_INPUT,
					 "'%s' is this server's own name, and clients would come "
					 "back to ask for the same domain; say which domain they "
					 "shall ask for instead: --moved-to DOMAIN",
					 own);
	}
	return 0;
}

/* Sets ret_next to where the address is sent on to, NULL for nowhere: found as answers find it,
 * with aliases, patterns and tags. */
static int follow(struct cli *cli, const char *text, const char **ret_next, struct error *err)
{
	struct address address;
	struct query query = { .address = &address };
	struct match match;
	int r;

	*ret_next = NULL;
	if (address_parse(cli->memory, text, &address, err) < 0)
		return -1;
	query.domain = query.host = address.domain;
	r = store_match(cli->store, cli->memory, &query, &match, err);
	if (r == STORE_NOT_FOUND)
		return 0;
	if (r != 0)
		return -1;
	*ret_next = move_target(cli->memory, &query, &match);
	if (*ret_next && !strchr(*ret_next, '@'))
		*ret_next = NULL;
	return 0;
}

static const char *without_anyone(const char *address)
{
	return text_starts_with_ignoring_case(address, ANYONE "@") ? address + strlen(ANYONE "@")
								   : address;
}

static int refuse_circle(const char *address, struct error *err)
{
	return error_set(err, ERROR_INPUT,
			 "clients would be sent from '%s' in a circle; change where it leads",
			 without_anyone(address));
}

int moves_check_address(struct cli *cli, const char *address, struct error *err)
{
	const char *way[MOVES_MAX + 2] = { address };

	for (int moves = 0; moves <= MOVES_MAX; moves++) {
		const char **next = &way[moves + 1];

		if (follow(cli, way[moves], next, err) < 0)
			return -1;
		if (!*next)
			return 0;
		for (int i = 0; i <= moves; i++)
			if (text_equals_ignoring_case(way[i], *next))
				return refuse_circle(*next, err);
	}
	return error_set(err, ERROR_INPUT,
			 "clients would be sent on more than %d times from '%s'; shorten the way",
			 MOVES_MAX, without_anyone(address));
}

/* There may be many: what one needs of memory is gone after it. */
static int check_user(const struct user *user, void *context, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct cli own = *(const struct cli *)context;

	own.memory = &memory;
	return moves_check_address(&own, user->address, err);
}

int moves_check_users(struct cli *cli, struct error *err)
{
	return store_visit_moved_users(cli->store, check_user, cli, err) == 0 ? 0 : -1;
}

/* Follows whoever is in the domain, and sets ret_leads to whether others may come by. */
static int check_anyone(struct cli *cli, const struct domain *domain, bool *ret_leads,
			struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *name = domain->name, *address, *next;
	struct cli own = *cli;

	own.memory = &memory;
	if (name[0] == '*')
		name = arena_printf(&memory, "any%s", name[1] ? name + 1 : ".invalid");
	address = arena_printf(&memory, ANYONE "@%s", name);
	if (moves_check_address(&own, address, err) < 0 || follow(&own, address, &next, err) < 0)
		return -1;
	*ret_leads = next || domain->alias_of;
	return 0;
}

int moves_check_domains(struct cli *cli, const struct domain *const *domains, size_t count,
			struct error *err)
{
	bool any_leads = false;

	for (size_t i = 0; i < count; i++) {
		bool leads = false;

		if (check_anyone(cli, domains[i], &leads, err) < 0)
			return -1;
		any_leads |= leads;
	}
	return any_leads ? moves_check_users(cli, err) : 0;
}

int moves_check_domain(struct cli *cli, const struct domain *domain, struct error *err)
{
	return moves_check_domains(cli, &domain, 1, err);
}
