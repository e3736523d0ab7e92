/* mailconfctl certificate request: certificates for the names of domains that lead here. */

#include <string.h>

#include "acme/failures.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/issuing.h"
#include "cli/options.h"
#include "cli/order.h"
#include "config/settings.h"
#include "dns/wanted.h"
#include "doctor/subject.h"
#include "mail/address.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/idna.h"

struct request {
	struct issuing issuing;
	const char *server;
};

/* A public name that is in no domain of ours has a certificate for itself. */
static int request_host(struct request *request, enum order_kind kind, const char *name,
			struct error *err)
{
	struct order order = order_begin(&request->issuing, kind, name, request->server);

	order_add(&request->issuing, &order, name);
	return issuing_place(&request->issuing, &order, err);
}

/* Returns 0, STORE_NOT_FOUND where nothing serves the domain, or -1 with err set. */
static int request_domain(struct request *request, enum order_kind kind, const char *domain,
			  struct error *err)
{
	struct order order = order_begin(&request->issuing, kind, domain, request->server);
	int r = order_add_wanted(&request->issuing, &order, err);

	return r == 0 ? issuing_place(&request->issuing, &order, err) : r;
}

static int refuse_unserved(struct request *request, const char *domain, struct error *err)
{
	struct cli *cli = request->issuing.cli;
	const char *disabled, *problem;

	if (subject_find_disabled(cli->store, cli->memory, domain, &disabled, err) < 0)
		return -1;
	problem = disabled ? arena_printf(cli->memory, "domain %s", disabled)
			   : arena_printf(cli->memory,
					  "is not served here; add it first, with "
					  "'mailconfctl domain add %s'",
					  domain);
	issuing_fail(&request->issuing, domain, problem);
	return 0;
}

/* A wildcard domain of the database, or the names below any domain that is served. */
static int request_wildcard(struct request *request, const char *pattern, struct error *err)
{
	struct order order = order_begin(&request->issuing, ORDER_NAMED, pattern, request->server);
	struct cli *cli = request->issuing.cli;
	const char *domain = pattern;
	struct domain row;
	int r;

	if (text_equals(pattern, "*")) {
		issuing_fail(&request->issuing, pattern,
			     "stands for all domains, and no certificate does; name a domain");
		return 0;
	}
	r = store_find_domain(cli->store, cli->memory, pattern, &row, err);
	if (r == STORE_NOT_FOUND) {
		domain = pattern + strlen("*.");
		r = store_serving_domain(cli->store, cli->memory, domain, &row, err);
	}
	if (r != 0 && r != STORE_NOT_FOUND)
		return -1;
	if (r == STORE_NOT_FOUND || !row.is_enabled)
		return refuse_unserved(request, domain, err);
	order_add(&request->issuing, &order, pattern);
	return issuing_place(&request->issuing, &order, err);
}

static int request_word(struct request *request, const char *word, struct error *err)
{
	struct arena *memory = request->issuing.cli->memory;
	const char *domain = domain_parse(memory, word, true, err);
	int r;

	if (!domain)
		return -1;
	if (domain_is_pattern(domain))
		return request_wildcard(request, domain, err);
	r = request_domain(request, ORDER_NAMED, domain, err);
	if (r == STORE_NOT_FOUND && public_hosts_have(&request->issuing.hosts, domain))
		return request_host(request, ORDER_NAMED, domain, err);
	return r == STORE_NOT_FOUND ? refuse_unserved(request, domain, err) : r;
}

static bool is_covered(const struct request *request, const char *name)
{
	return coverage_has(request->issuing.cli->memory, &request->issuing.coverage, name);
}

/* Whether a request that failed must rest. */
static bool must_rest(const struct request *request, const char *domain)
{
	const struct issuing *issuing = &request->issuing;

	return failure_until(issuing->uacme.directory, domain) > issuing->now;
}

static void rest(struct request *request, const char *domain)
{
	issuing_pass(&request->issuing, domain, "postponed",
		     "failed lately; left alone for a while, unless it is named");
}

/* Whether a name that clients ask for has no certificate. */
static int is_missing(struct request *request, const char *domain, bool *ret_missing,
		      struct error *err)
{
	struct cli *cli = request->issuing.cli;
	const struct query query = { .domain = domain };
	const char *const *names;
	struct match match;
	size_t count;
	int r = store_match(cli->store, cli->memory, &query, &match, err);

	*ret_missing = false;
	if (r != 0)
		return r == STORE_NOT_FOUND ? 0 : -1;
	names = wanted_names(cli->memory, domain, match.provider.pacc, &count);
	for (size_t i = 0; i < count && !*ret_missing; i++)
		*ret_missing = !is_covered(request, names[i]);
	return 0;
}

static int request_missing_domains(struct request *request, const struct domain *domains,
				   size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		bool missing;

		if (domain_is_pattern(domains[i].name) || !domains[i].is_enabled)
			continue;
		if (is_missing(request, domains[i].name, &missing, err) < 0)
			return -1;
		if (!missing)
			continue;
		if (must_rest(request, domains[i].name))
			rest(request, domains[i].name);
		else if (request_domain(request, ORDER_MISSING, domains[i].name, err) < 0)
			return -1;
	}
	return 0;
}

static bool is_within_any(const char *name, const struct domain *domains, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (domains[i].is_enabled && host_name_is_within(name, domains[i].name))
			return true;
	return false;
}

static int request_missing(struct request *request, struct error *err)
{
	struct cli *cli = request->issuing.cli;
	const struct domain_filter all = { 0 };
	struct domain *domains;
	size_t count;

	if (store_list_domains(cli->store, cli->memory, &all, &domains, &count, err) != 0 ||
	    request_missing_domains(request, domains, count, err) < 0)
		return -1;
	for (size_t i = 0; i < request->issuing.hosts.count; i++) {
		const char *host = request->issuing.hosts.names[i];

		if (is_covered(request, host) || is_within_any(host, domains, count))
			continue;
		if (must_rest(request, host))
			rest(request, host);
		else if (request_host(request, ORDER_MISSING, host, err) < 0)
			return -1;
	}
	return 0;
}

static int request_all(struct request *request, const struct arguments *arguments,
		       struct error *err)
{
	if (option_is_given(arguments, "missing") && request_missing(request, err) < 0)
		return -1;
	for (size_t i = 0; i < arguments->count; i++)
		if (request_word(request, arguments->words[i], err) < 0)
			return -1;
	return issuing_end(&request->issuing, err);
}

static int run(struct cli *cli, const struct arguments *arguments, struct error *err)
{
	const char *server = option_value(arguments, "server");
	struct request request = { .server = server ? server : cli->settings->acme.server };
	int r;

	if (!arguments->count == !option_is_given(arguments, "missing"))
		return usage_error(cli->memory, arguments->command, err,
				   "name domains, or say --missing");
	if (strncmp(request.server, "https://", strlen("https://")) != 0)
		return usage_error(cli->memory, arguments->command, err,
				   "'%s' is not a server; write the https URL of its directory",
				   request.server);
	r = issuing_open(&request.issuing, cli, arguments, err);
	request.issuing.email = option_value(arguments, "email");
	request.issuing.accepts_terms = option_is_given(arguments, "accept-terms");
	if (r == 0)
		r = request_all(&request, arguments, err);
	issuing_close(&request.issuing);
	return r;
}

static const struct option options[] = {
	{ "missing", NULL, "for all domains and public names that have none" },
	{ "server", "URL", "the directory of the CA (that of the settings)" },
	{ "accept-terms", NULL, "accept the terms of service of the authority" },
	{ "email", "ADDRESS", "where the authority may write to; at the first request" },
	{ 0 },
};

const struct command certificate_request = {
	.family = "certificate",
	.verb = "request",
	.arguments = "[DOMAIN ...]",
	.max = ANY_NUMBER,
	.summary = "Request certificates by ACME for names that lead here",
	.details =
		"One for each domain: autoconfig, autodiscover, with PACC ua-auto-config, the "
		"public\nname and the domain itself, as far as their addresses are those of this "
		"server.\nThe authority asks for them on port 80 of mailconfd, which must run.",
	.example = "mailconfctl certificate request example.org --accept-terms\n"
		   "mailconfctl certificate request --missing",
	.options = { options, issuing_options },
	.database = DATABASE_EXCERPT,
	.run = run,
};
