#include "cli/commands/explain.h"

#include <stdarg.h>

#include "admin/admin.h"
#include "cli/print.h"
#include "doctor/expected.h"
#include "mail/profile.h"
#include "mail/query.h"
#include "protocol/protocol.h"
#include "protocol/request.h"
#include "store/store.h"

static void add_explanation(struct bytes *lines, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_explanation(struct bytes *lines, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	bytes_add_format(lines, "%s\n",
			 text_escape(lines->memory, arena_vprintf(lines->memory, format, args)));
	va_end(args);
}

static const char *asked_domain(const struct query *query)
{
	const char *stripped = query->domain ? NULL : host_domains(query->host).stripped;

	return query->domain ? query->domain : stripped ? stripped : query->host;
}

int explain_disabled(struct admin *admin, const struct response *response, const char **ret_reason,
		     struct error *err)
{
	struct error reason;

	*ret_reason = NULL;
	if (!response->query || response->match)
		return 0;
	if (expected_find_disabled(admin->store, admin->memory, asked_domain(response->query),
				   &reason, err) < 0)
		return -1;
	if (*reason.text)
		*ret_reason = error_line(admin->memory, &reason);
	return 0;
}

/* Nothing matched: looks for the row that stood in the way. */
static int explain_nothing(struct admin *admin, struct bytes *lines,
			   const struct response *response, struct error *err)
{
	const char *domain = asked_domain(response->query), *disabled;
	struct domain row;
	int r;

	if (explain_disabled(admin, response, &disabled, err) < 0)
		return -1;
	if (disabled) {
		add_explanation(lines, "domain: %s", disabled);
		return 0;
	}
	r = store_serving_domain(admin->store, admin->memory, domain, &row, err);
	if (r == STORE_NOT_FOUND)
		add_explanation(
			lines,
			"domain: '%s' is not served: no domain has that name, and no wildcard "
			"matches it",
			domain);
	else if (r != 0)
		return -1;
	else
		add_explanation(
			lines,
			"domain: '%s' only matches if the host name of the request, '%s', is in "
			"the domain of the address",
			row.name, response->query->host);
	return 0;
}

static void explain_domain(struct bytes *lines, const struct query *query,
			   const struct match *match)
{
	if (match->is_host && query->domain)
		add_explanation(
			lines,
			"domain: '%s' is not served, so '%s' is used, from the host name '%s' of "
			"the request",
			query->domain, match->domain, query->host);
	else if (match->is_host)
		add_explanation(lines, "domain: '%s', from the host name '%s' of the request",
				match->domain, query->host);
	else
		add_explanation(lines, "domain: '%s', from the address", match->domain);
	if (strcmp(match->row, match->domain) != 0)
		add_explanation(lines, "wildcard: matched by '%s'", match->row);
	if (match->alias_of)
		add_explanation(lines, "alias: it shares the provider and the users of '%s'",
				match->alias_of);
	add_explanation(lines, "provider: '%s'%s", match->provider.name,
			match->has_own_provider ? ", the user's own" : "");
}

/* Nothing else withholds a row in a preview: the address limit does not apply, and Evolution's MD5
 * is not sent. */
static const char *why_no_row(struct arena *memory, const struct match *match)
{
	return match->withheld && match->user.address
		       ? arena_printf(memory,
				      "the login of user '%s' is withheld from this client "
				      "(--send-logins-to)",
				      match->user.address)
		       : "no user matches";
}

static void explain_login(struct bytes *lines, const struct query *query, const struct match *match)
{
	const struct provider *provider = &match->provider;

	if (!query->address)
		add_explanation(lines,
				"login: no address was given, so the pattern '%s' is sent as it is",
				provider->login);
	else if (match->has_user)
		add_explanation(lines, "login: '%s', from user '%s'", match->user.login,
				match->user.address);
	else
		add_explanation(lines, "login: '%s', from the provider's pattern '%s', because %s",
				login_of(lines->memory, query->address, match), provider->login,
				why_no_row(lines->memory, match));
	for (size_t i = 0; i < provider->n_services; i++)
		if (provider->services[i].login)
			add_explanation(lines, "service: %s uses its own pattern '%s'",
					service_url(lines->memory, &provider->services[i]),
					provider->services[i].login);
}

int explain_response(struct admin *admin, const struct response *response, struct bytes *lines,
		     struct error *err)
{
	const struct query *query = response->query;
	const struct match *match = response->match;
	const char *target;

	if (!query)
		return 0;
	if (!match)
		return explain_nothing(admin, lines, response, err);
	explain_domain(lines, query, match);
	/* The provider refuses such requests. */
	if (text_equals(response->outcome, failure_name(FAILURE_UNKNOWN_DOMAIN))) {
		add_explanation(lines, "login: none, because %s and provider '%s' has --%s refuse",
				why_no_row(lines->memory, match), match->provider.name,
				query->address ? "unknown-users" : "without-address");
		return 0;
	}
	explain_login(lines, query, match);
	target = move_target(lines->memory, query, match);
	if (target)
		add_explanation(
			lines, "moved: to '%s'%s", target,
			text_equals(response->protocol, protocol_outlook.name) ||
					text_equals(response->protocol, protocol_mobilesync.name)
				? ""
				: ", but this document has no redirects");
	return 0;
}
