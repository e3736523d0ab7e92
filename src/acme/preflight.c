#include "acme/preflight.h"

#include <jansson.h>

#include "acme/order.h"
#include "acme/probe.h"
#include "acme/run.h"
#include "config/settings.h"
#include "dns/caa.h"
#include "doctor/stream.h"
#include "doctor/memo.h"
#include "import/download.h"
#include "mail/address.h"
#include "util/process.h"

/* The directory of a CA (RFC 8555 7.1.1) is small. */
#define DIRECTORY_MAX ((size_t)64 * 1024)

static bool has_wildcard(const struct texts *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (domain_is_pattern(names->items[i]))
			return true;
	return false;
}

static int probe_names(struct acme_run *run, const struct probe *probe, struct order *order,
		       const struct choice *choice, struct error *err)
{
	if (!run->can_show_challenges && probe_own_listener(run->memory, probe, err) < 0)
		return -1;
	run->can_show_challenges = true;
	for (size_t i = 0; i < order->count; i++)
		if (texts_has(&choice->names, order->places[i].name))
			probe_place(run->memory, probe, &order->places[i]);
	return 0;
}

static int prepare_http(struct acme_run *run, struct order *order, const struct choice *choice,
			struct error *err)
{
	const struct texts *listen_http = &run->settings->server.listen_http;
	struct probe probe;
	int r;

	if (!listen_http->count) {
		error_set(err, ERROR_CONFIG,
			  "[server] listen-http is empty, but the CA validates names on port 80");
		return error_hint(err, "set it to [::]:80 and restart mailconfd, or use DNS-01 "
				       "with dns-hook in [acme]");
	}
	if (!run->silent)
		run->silent = memo_new();
	if (!run->trust && trust_load(NULL, &run->trust, err) < 0)
		return -1;
	probe = (struct probe){
		.directory = run->uacme.challenges,
		.listen = listen_http->items[0],
		.silent = run->silent,
		.resolver = run->resolver,
		.trust = run->trust,
	};
	if (probe_begin(run->memory, &probe, err) < 0)
		return -1;
	r = probe_names(run, &probe, order, choice, err);
	probe_end(&probe);
	return r;
}

int preflight_challenges(struct acme_run *run, struct order *order, const struct choice *choice,
			 struct error *err)
{
	const char *hook = run->settings->acme.dns_hook;
	bool is_wildcard = has_wildcard(&choice->names);

	run->uacme.dns_hook = NULL;
	if (is_wildcard && !*hook) {
		error_set(err, ERROR_CONFIG,
			  "a wildcard certificate requires DNS-01, but [acme] dns-hook is empty");
		error_hint(err, "set dns-hook in [acme] of the settings");
		return PREFLIGHT_REFUSED;
	}
	if (!*hook || (!is_wildcard && run->settings->server.listen_http.count))
		return prepare_http(run, order, choice, err);
	if (process_check_program(hook, err) < 0)
		return error_prefix(err, "[acme] dns-hook");
	run->uacme.dns_hook = hook;
	return 0;
}

/* NULL with err set if it cannot be fetched. */
static json_t *fetch_directory(struct arena *memory, const char *server, struct error *err)
{
	size_t size;
	const char *text = download(memory, server, false, NULL, DIRECTORY_MAX, &size, err);
	json_t *directory = text ? json_loadb(text, size, 0, NULL) : NULL;

	if (text && !directory)
		error_set(err, ERROR_INPUT, "'%s' is not the directory of a CA", server);
	return directory;
}

int preflight_reach(struct acme_run *run, const char *server, struct error *err)
{
	json_t *directory = fetch_directory(run->memory, server, err);

	if (!directory)
		return PREFLIGHT_UNREACHABLE;
	json_decref(directory);
	return 0;
}

/* Fetches the names by which the CA is called in CAA records. */
static int find_identities(struct acme_run *run, struct authority *authority, struct error *err)
{
	struct texts identities = TEXTS_IN(run->memory);
	json_t *directory;
	const json_t *list;

	if (authority->has_identities)
		return 0;
	directory = fetch_directory(run->memory, authority->server, err);
	if (!directory)
		return PREFLIGHT_UNREACHABLE;
	list = json_object_get(json_object_get(directory, "meta"), "caaIdentities");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (name)
			texts_add(&identities, arena_strdup(run->memory, name));
	}
	json_decref(directory);
	authority->identities = identities;
	authority->has_identities = true;
	return 0;
}

/* Returns 0, or an outcome with err set. */
static int check_caa_set(struct acme_run *run, const struct order *order, const struct caa_set *set,
			 struct error *err)
{
	bool is_dns = run->uacme.dns_hook || domain_is_pattern(set->name);
	struct caa_issuer issuer = { .method = is_dns ? "dns-01" : "http-01" };
	const char *objection;

	if (set->failure) {
		error_set(err, ERROR_SYSTEM, "%s; nothing is requested before DNS answers",
			  set->failure);
		error_hint(err, "try again later");
		return PREFLIGHT_REFUSED;
	}
	if (caa_names_issuers(run->memory, set)) {
		struct authority *authority = acme_run_authority(run, order->server);

		if (find_identities(run, authority, err) != 0)
			return PREFLIGHT_UNREACHABLE;
		issuer.identities = authority->identities.items;
		issuer.n_identities = authority->identities.count;
	}
	objection = caa_find_objection(run->memory, set, &issuer);
	if (!objection)
		return 0;
	if (issuer.n_identities)
		error_set(err, ERROR_DATA, "%s: %s, but the CA is %s; nothing is requested",
			  set->name, objection, issuer.identities[0]);
	else
		error_set(err, ERROR_DATA, "%s: %s; nothing is requested", set->name, objection);
	return PREFLIGHT_REFUSED;
}

int preflight_caa(struct acme_run *run, const struct order *order, const struct choice *choice,
		  struct error *err)
{
	size_t count = choice->names.count;
	struct caa_set *sets = arena_array(run->memory, struct caa_set, count);

	for (size_t i = 0; i < count; i++)
		sets[i] = (struct caa_set){ .name = choice->names.items[i] };
	caa_find(run->memory, run->resolver, sets, count);
	for (size_t i = 0; i < count; i++) {
		int r;

		if (sets[i].failure && order->kind == ORDER_RENEWAL && run->now >= choice->until)
			continue;
		r = check_caa_set(run, order, &sets[i], err);
		if (r != 0)
			return r;
	}
	return 0;
}
