/* mailconfctl certificate request: certificates for the names of domains that lead here. */

#include <string.h>

#include "admin/admin.h"
#include "cli/command.h"
#include "acme/issue.h"
#include "acme/missing.h"
#include "cli/options.h"
#include "acme/order.h"
#include "cli/renewal-timer.h"
#include "config/settings.h"
#include "doctor/expected.h"
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
static int request_host(struct request *request, const char *name, struct error *err)
{
	struct order order = order_begin(&request->issuing, ORDER_NAMED, name, request->server);

	order_add(&request->issuing, &order, name);
	return issuing_place(&request->issuing, &order, err);
}

/* Returns 0, STORE_NOT_FOUND where nothing serves the domain, or -1 with err set. */
static int request_domain(struct request *request, const char *domain, struct error *err)
{
	struct order order = order_begin(&request->issuing, ORDER_NAMED, domain, request->server);
	int r = order_add_wanted(&request->issuing, &order, err);

	return r == 0 ? issuing_place(&request->issuing, &order, err) : r;
}

static int refuse_unserved(struct request *request, const char *domain, struct error *err)
{
	struct admin *admin = request->issuing.admin;
	const char *disabled, *problem;

	if (subject_find_disabled(admin->store, admin->memory, domain, &disabled, err) < 0)
		return -1;
	problem = disabled ? arena_printf(admin->memory, "domain %s", disabled)
			   : arena_printf(admin->memory,
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
	struct admin *admin = request->issuing.admin;
	const char *domain = pattern;
	struct domain row;
	int r;

	if (text_equals(pattern, "*")) {
		issuing_fail(&request->issuing, pattern,
			     "stands for all domains, and no certificate does; name a domain");
		return 0;
	}
	r = store_find_domain(admin->store, admin->memory, pattern, &row, err);
	if (r == STORE_NOT_FOUND) {
		domain = pattern + strlen("*.");
		r = store_serving_domain(admin->store, admin->memory, domain, &row, err);
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
	struct arena *memory = request->issuing.admin->memory;
	const char *domain = domain_parse(memory, word, true, err);
	int r;

	if (!domain)
		return -1;
	if (domain_is_pattern(domain))
		return request_wildcard(request, domain, err);
	r = request_domain(request, domain, err);
	if (r == STORE_NOT_FOUND && public_hosts_have(&request->issuing.hosts, domain))
		return request_host(request, domain, err);
	return r == STORE_NOT_FOUND ? refuse_unserved(request, domain, err) : r;
}

static int request_all(struct request *request, const struct arguments *arguments,
		       struct error *err)
{
	if (option_is_given(arguments, "missing") &&
	    missing_request(&request->issuing, request->server,
			    option_is_given(arguments, "verbose"), err) < 0)
		return -1;
	for (size_t i = 0; i < arguments->count; i++)
		if (request_word(request, arguments->words[i], err) < 0)
			return -1;
	return issuing_end(&request->issuing, err);
}

static int run(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *server = option_value(arguments, "server");
	struct request request = { .server = server ? server : admin->settings->acme.server };
	int r;

	if (!arguments->count == !option_is_given(arguments, "missing"))
		return usage_error(admin->memory, arguments->command, err,
				   "name domains, or say --missing");
	if (strncmp(request.server, "https://", strlen("https://")) != 0)
		return usage_error(admin->memory, arguments->command, err,
				   "'%s' is not a server; write the https URL of its directory",
				   request.server);
	r = issuing_open(&request.issuing, admin, arguments, err);
	request.issuing.email = option_value(arguments, "email");
	request.issuing.accepts_terms = option_is_given(arguments, "accept-terms");
	if (r == 0)
		r = request_all(&request, arguments, err);
	if (request.issuing.n_requested && !arguments->is_json)
		renewal_timer_tell(admin);
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
