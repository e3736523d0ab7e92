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
			"domain: nothing here serves '%s': neither a domain of that name, nor "
			"a pattern that covers it",
			domain);
	else if (r != 0)
		return -1;
	else
		add_explanation(
			lines,
			"domain: '%s' answers only where the host asked, '%s', is of the same "
			"domain as the address",
			row.name, response->query->host);
	return 0;
}

static void explain_domain(struct bytes *lines, const struct query *query,
			   const struct match *match)
{
	if (match->is_host && query->domain)
		add_explanation(
			lines,
			"domain: '%s' is not served here, so '%s' decides, of the host '%s' "
			"that was asked",
			query->domain, match->domain, query->host);
	else if (match->is_host)
		add_explanation(lines, "domain: '%s', of the host '%s' that was asked",
				match->domain, query->host);
	else
		add_explanation(lines, "domain: '%s', of the address", match->domain);
	if (strcmp(match->row, match->domain) != 0)
		add_explanation(lines, "pattern: '%s' covers it", match->row);
	if (match->alias_of)
		add_explanation(lines, "alias: it shares the provider and the users of '%s'",
				match->alias_of);
	add_explanation(lines, "provider: '%s'%s", match->provider.name,
			match->has_own_provider ? ", which the user has instead of the domain's"
						: "");
}

/* Nothing else withholds a row in a preview: the address limit does not apply, and Evolution's MD5
 * is not sent. */
static const char *why_no_row(struct arena *memory, const struct match *match)
{
	return match->withheld && match->user.address
		       ? arena_printf(memory,
				      "the row of user '%s' is not for this client "
				      "(--send-logins-to)",
				      match->user.address)
		       : "no row fits";
}

static void explain_login(struct bytes *lines, const struct query *query, const struct match *match)
{
	const struct provider *provider = &match->provider;

	if (!query->address)
		add_explanation(lines, "login: no address was given, so the pattern '%s' goes out",
				provider->login);
	else if (match->has_user)
		add_explanation(lines, "login: '%s', from the row of user '%s'", match->user.login,
				match->user.address);
	else
		add_explanation(lines, "login: '%s', from the provider's pattern '%s', for %s",
				login_of(lines->memory, query->address, match), provider->login,
				why_no_row(lines->memory, match));
	for (size_t i = 0; i < provider->n_services; i++)
		if (provider->services[i].login)
			add_explanation(lines, "service: %s makes of it '%s'",
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
	/* The provider would rather say nothing. */
	if (text_equals(response->outcome, failure_name(FAILURE_UNKNOWN_DOMAIN))) {
		add_explanation(lines, "login: none, for %s and provider '%s' has --%s refuse",
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
				: ", which this document cannot say");
	return 0;
}
