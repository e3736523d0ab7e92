#include "acme/preflight.h"

#include <jansson.h>

#include "acme/local-names.h"
#include "acme/probe.h"
#include "admin/admin.h"
#include "acme/issue.h"
#include "acme/order.h"
#include "config/settings.h"
#include "dns/caa.h"
#include "doctor/connection.h"
#include "doctor/memo.h"
#include "import/download.h"
#include "mail/address.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* The directory of a CA (RFC 8555 7.1.1) is small. */
#define DIRECTORY_MAX ((size_t)64 * 1024)

/* The names that stand for a CA in CAA records, by its own account. */
struct identities {
	const char *server;
	const char **names;
	size_t count;
	const struct identities *next;
};

static void read_identities(struct arena *memory, const json_t *directory,
			    struct identities *identities)
{
	const json_t *list = json_object_get(json_object_get(directory, "meta"), "caaIdentities");
	size_t count = json_array_size(list);

	identities->names = arena_array(memory, const char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (name)
			identities->names[identities->count++] = arena_strdup(memory, name);
	}
}

/* NULL with err set where it cannot be fetched. */
static json_t *fetch_directory(struct arena *memory, const char *server, struct error *err)
{
	size_t size;
	const char *text = download(memory, server, false, NULL, DIRECTORY_MAX, &size, err);
	json_t *directory = text ? json_loadb(text, size, 0, NULL) : NULL;

	if (text && !directory)
		error_set(err, ERROR_INPUT, "'%s' is not the directory of a CA", server);
	return directory;
}

int preflight_reach(struct arena *memory, const char *server, struct error *err)
{
	json_t *directory = fetch_directory(memory, server, err);

	if (!directory)
		return PREFLIGHT_UNREACHABLE;
	json_decref(directory);
	return 0;
}

/* NULL with err set where they cannot be fetched. */
static const struct identities *find_identities(struct issuing *issuing, const char *server,
						struct error *err)
{
	struct arena *memory = issuing->admin->memory;
	struct identities *identities;
	json_t *directory;

	for (const struct identities *at = issuing->identities; at; at = at->next)
		if (text_equals(at->server, server))
			return at;
	directory = fetch_directory(memory, server, err);
	if (!directory)
		return NULL;
	identities = arena_array(memory, struct identities, 1);
	*identities = (struct identities){ .server = server, .next = issuing->identities };
	read_identities(memory, directory, identities);
	json_decref(directory);
	issuing->identities = identities;
	return identities;
}

/* Returns 0, or an outcome with err set. */
static int judge_set(struct issuing *issuing, const struct order *order, const struct caa_set *set,
		     struct error *err)
{
	bool is_dns = issuing->uacme.dns_hook || domain_is_pattern(set->name);
	struct caa_issuer issuer = { .method = is_dns ? "dns-01" : "http-01" };
	const char *objection;

	if (set->failure) {
		error_set(err, ERROR_SYSTEM,
			  "%s; nothing is requested before DNS answers, try again later",
			  set->failure);
		return PREFLIGHT_REFUSED;
	}
	if (caa_names_issuers(set)) {
		const struct identities *identities = find_identities(issuing, order->server, err);

		if (!identities)
			return PREFLIGHT_UNREACHABLE;
		issuer.identities = identities->names;
		issuer.n_identities = identities->count;
	}
	objection = caa_find_objection(issuing->admin->memory, set, &issuer);
	if (!objection)
		return 0;
	if (issuer.n_identities)
		error_set(err, ERROR_DATA, "%s: %s, but the CA is %s; nothing is requested",
			  set->name, objection, issuer.identities[0]);
	else
		error_set(err, ERROR_DATA, "%s: %s; nothing is requested", set->name, objection);
	return PREFLIGHT_REFUSED;
}

int preflight_caa(struct issuing *issuing, const struct order *order, const struct choice *choice,
		  struct error *err)
{
	struct arena *memory = issuing->admin->memory;
	struct caa_set *sets = arena_array(memory, struct caa_set, choice->count);

	for (size_t i = 0; i < choice->count; i++)
		sets[i] = (struct caa_set){ .name = choice->names[i] };
	caa_find(memory, issuing->resolver, sets, choice->count);
	for (size_t i = 0; i < choice->count; i++) {
		int r;

		if (sets[i].failure && order->kind == ORDER_RENEWAL &&
		    issuing->now >= choice->until)
			continue;
		r = judge_set(issuing, order, &sets[i], err);
		if (r != 0)
			return r;
	}
	return 0;
}

int preflight_probe(struct issuing *issuing, struct order *order, const struct choice *choice,
		    struct error *err)
{
	struct admin *admin = issuing->admin;
	struct probe probe;

	if (!issuing->silent)
		issuing->silent = memo_new();
	if (!issuing->trust && trust_load(NULL, &issuing->trust, err) < 0)
		return -1;
	probe = (struct probe){
		.directory = issuing->uacme.challenges,
		.silent = issuing->silent,
		.resolver = issuing->resolver,
		.trust = issuing->trust,
	};
	if (probe_begin(admin->memory, &admin->settings->server.listen_http, &probe, err) < 0)
		return -1;
	for (size_t i = 0; i < order->count; i++)
		if (choice_has(choice, order->places[i].name))
			probe_place(admin->memory, &probe, &order->places[i]);
	probe_end(&probe);
	return 0;
}
