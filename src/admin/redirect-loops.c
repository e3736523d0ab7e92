/*
 * A loop can be closed from many sides: by a move, an alias, a pattern, a delimiter, a name of this
 * server, or the removal of a more specific row. So the check runs at the end of a change and
 * follows every redirect there is. A change is refused for loops that were not there before; they
 * are compared by their text.
 */

#include "admin/redirect-loops.h"

#include <stdarg.h>

#include "admin/admin.h"
#include "mail/address.h"
#include "mail/profile.h"
#include "mail/query.h"
#include "mail/service.h"
#include "store/store.h"
#include "util/idna.h"
#include "util/string-list.h"

/* Outlook follows ten redirects at the most, Thunderbird two. */
#define MOVES_MAX 10

/* More than an admin reads. */
#define FOUND_MAX 100

/* Stands for every address of a domain; no user has it. */
#define ANYONE "*"

#define HTTPS "https://"

struct loops {
	struct store *store;
	struct texts found, hints; /* a sentence for each, and what to do */
	const char *own_name;	   /* [:port], the server's; NULL where it was not needed yet */
	char end[HOST_NAME_MAX_LENGTH + 1]; /* the last domain found to be the end of all ways */
	struct admin *admin;
};

static void add_loop(struct loops *loops, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add_loop(struct loops *loops, const char *hint, const char *format, ...)
{
	const char *sentence;
	va_list args;

	if (loops->found.count >= FOUND_MAX)
		return;
	va_start(args, format);
	sentence = arena_vprintf(loops->found.memory, format, args);
	va_end(args);
	if (texts_has(&loops->found, sentence))
		return;
	texts_add(&loops->found, sentence);
	texts_add(&loops->hints, hint);
}

/* Sets ret_next to where the address is redirected to, NULL for nowhere: found as for a request,
 * with aliases, patterns and subaddresses. Invalid rows redirect nowhere. */
static int next_redirect(struct loops *loops, struct arena *memory, const char *text,
			 const char **ret_next, struct error *err)
{
	struct address address;
	struct query query = { .address = &address };
	struct match match;
	int r;

	*ret_next = NULL;
	if (address_parse(memory, text, &address, err) < 0)
		return 0;
	query.domain = query.host = address.domain;
	r = store_match(loops->store, memory, &query, &match, err);
	if (r == STORE_NOT_FOUND || (r < 0 && err->kind == ERROR_DATA))
		return 0;
	if (r != 0)
		return -1;
	*ret_next = move_target(memory, &query, &match);
	if (*ret_next && !strchr(*ret_next, '@'))
		*ret_next = NULL;
	return 0;
}

static const char *without_anyone(const char *address)
{
	return text_starts_with_ignoring_case(address, ANYONE "@") ? address + strlen(ANYONE "@")
								   : address;
}

/* Follows the redirects from an address, or from a move between two. */
static int follow_redirects(struct loops *loops, const char *from, const char *to,
			    struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *way[MOVES_MAX + 2] = { from, to };

	for (int moves = to ? 1 : 0; moves <= MOVES_MAX; moves++) {
		const char **next = &way[moves + 1];

		if (next_redirect(loops, &memory, way[moves], next, err) < 0)
			return -1;
		if (!*next)
			return 0;
		for (int i = 0; i <= moves; i++)
			if (text_equals_ignoring_case(way[i], *next)) {
				add_loop(loops, "change where it redirects to",
					 "clients of '%s' would be redirected in a loop",
					 without_anyone(*next));
				return 0;
			}
	}
	add_loop(loops, "shorten the chain of redirects",
		 "clients of '%s' would be redirected more than %d times", without_anyone(from),
		 MOVES_MAX);
	return 0;
}

/* Whether a client that came to the domain could be redirected from it. */
static int redirects_from(struct loops *loops, const char *name, bool *ret_leads, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct domain domain, target = { 0 };
	int r;

	r = store_serving_domain(loops->store, &memory, name, &domain, err);
	if (r == 0 && domain.alias_of)
		r = store_find_domain(loops->store, &memory, domain.alias_of, &target, err);
	*ret_leads = r == 0 && (domain.moved_to || target.moved_to);
	if (r != 0 || *ret_leads)
		return r == STORE_NOT_FOUND ? 0 : r;
	r = store_has_moved_users(loops->store, name, ret_leads, err);
	if (r == 0 && !*ret_leads && domain.alias_of)
		r = store_has_moved_users(loops->store, domain.alias_of, ret_leads, err);
	return r;
}

/* There may be millions, but most move to the same domain, which has no redirect: its
 * result is cached. */
static int check_user(const struct user *user, void *context, struct error *err)
{
	const char *at = strrchr(user->moved_to, '@');
	struct loops *loops = context;
	bool leads;

	if (!at || text_equals(loops->end, at + 1))
		return 0;
	if (redirects_from(loops, at + 1, &leads, err) != 0)
		return -1;
	if (leads)
		return follow_redirects(loops, user->address, NULL, err);
	snprintf(loops->end, sizeof(loops->end), "%s", at + 1);
	return 0;
}

static int is_served(struct loops *loops, struct arena *memory, const char *name, bool *ret_is,
		     struct error *err)
{
	struct domain domain;
	int r = name ? store_find_domain(loops->store, memory, name, &domain, err)
		     : STORE_NOT_FOUND;

	*ret_is = r == 0 && domain.is_enabled;
	return r == 0 || r == STORE_NOT_FOUND ? 0 : -1;
}

/* Whether host[:port] is this server: by a public name of the server or of a provider, or because
 * it is a domain that we serve (its autoconfig or autodiscover name). */
static int is_this_server(struct loops *loops, struct arena *memory, const char *host,
			  bool *ret_leads, struct error *err)
{
	if (!loops->own_name) {
		const char *name = admin_public_name(loops->admin), *colon = strchrnul(name, ':');

		/* Our URLs leave out port 443, but a name may have it. */
		loops->own_name = text_equals(colon, ":443")
					  ? arena_strndup(loops->found.memory, name,
							  (size_t)(colon - name))
					  : name;
	}
	*ret_leads = text_equals(host, loops->own_name);
	if (!*ret_leads && store_has_public_name(loops->store, host, ret_leads, err) != 0)
		return -1;
	return *ret_leads ? 0
			  : is_served(loops, memory, host_domains(host).stripped, ret_leads, err);
}

/* Every move to a domain begins with one of these rows. */
static int check_domain(struct loops *loops, const struct domain *domain, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *from = arena_printf(&memory, ANYONE "@%s", domain->name), *to = NULL, *host;
	bool leads;

	if (!domain->is_enabled)
		return 0;
	if (domain_is_pattern(domain->name))
		to = arena_printf(&memory, ANYONE "@%s", domain->moved_to);
	if (strncmp(domain->moved_to, HTTPS, strlen(HTTPS)) != 0)
		return follow_redirects(loops, from, to, err);
	/* A target is stored as https://HOST[:PORT]/PATH. */
	host = domain->moved_to + strlen(HTTPS);
	host = arena_strndup(&memory, host, strcspn(host, "/"));
	if (is_this_server(loops, &memory, host, &leads, err) < 0)
		return -1;
	if (leads)
		add_loop(loops, "name the domain to ask for instead: --moved-to DOMAIN",
			 "domain '%s' cannot move to '%s': that is this server, which would "
			 "redirect clients again",
			 domain->name, host);
	return 0;
}

/* Clients ask for DAV at the domain itself, so the domain may be a name of this server, too. */
static int check_service(const char *provider, const struct service *service, void *context,
			 struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct loops *loops = context;
	struct host_domains domains = host_domains(service->host);
	const char *asked = domains.stripped ? domains.stripped : domains.bare,
		   *host = service->host;
	bool leads;

	if (service->port != 443)
		host = arena_printf(&memory, "%s:%u", host, service->port);
	leads = service->port == 443 && text_equals(asked, "%EMAILDOMAIN%");
	if (!leads && is_this_server(loops, &memory, host, &leads, err) < 0)
		return -1;
	if (!leads && is_served(loops, &memory, host, &leads, err) < 0)
		return -1;
	if (leads)
		add_loop(loops,
			 arena_printf(loops->hints.memory,
				      "say where its %s is, as in https://HOST/dav/",
				      service_kind_name(service->kind)),
			 "provider '%s' cannot have '%s': there clients ask this server, which "
			 "would redirect them in a loop",
			 provider, service_url(&memory, service));
	return 0;
}

static int find_loops(struct loops *loops, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct domain *domains;
	size_t count;

	if (store_list_moved_domains(loops->store, &memory, &domains, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (check_domain(loops, &domains[i], err) < 0)
			return -1;
	return store_visit_moved_users(loops->store, check_user, loops, err) == 0 &&
			       store_visit_asking_services(loops->store, check_service, loops,
							   err) == 0
		       ? 0
		       : -1;
}

int loops_check(struct admin *admin, struct error *err)
{
	struct loops now = { admin->store, TEXTS_IN(admin->memory), TEXTS_IN(admin->memory),
			     .admin = admin };
	struct loops before = { NULL, TEXTS_IN(admin->memory), TEXTS_IN(admin->memory),
				.admin = admin };
	_cleanup_(store_closep) struct store *committed = NULL;

	if (find_loops(&now, err) < 0)
		return -1;
	if (now.found.count == 0)
		return 0;
	/* Another connection sees what is committed. A trial has begun with nothing. */
	if (!admin->is_trial) {
		if (store_open(admin->database, STORE_READ, &committed, err) != 0 ||
		    store_snapshot(committed, err) != 0)
			return -1;
		admin_skip_invalid_rows(admin, committed);
		before.store = committed;
		if (find_loops(&before, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < now.found.count; i++)
		if (!texts_has(&before.found, now.found.items[i])) {
			error_set(err, ERROR_INPUT, "%s", now.found.items[i]);
			return error_hint(err, "%s", now.hints.items[i]);
		}
	admin_warn(admin, "%s%s", now.found.items[0],
		   now.found.count == 1 ? ""
					: arena_printf(admin->memory, " (and so for %zu more)",
						       now.found.count - 1));
	admin_hint(admin, "%s", now.hints.items[0]);
	return 0;
}
