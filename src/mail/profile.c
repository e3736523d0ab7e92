#include "mail/profile.h"

#include "mail/pattern.h"
#include "mail/url.h"
#include "util/idna.h"

/* What patterns see of an address: without its tag, in the provider's letter case. */
static struct pattern_values pattern_values_of(struct arena *memory, const struct address *address,
					       const struct provider *provider)
{
	const char *local = local_without_tag(memory, address->local,
					      provider->recipient_delimiter);

	if (provider->login_case == LOGIN_CASE_LOWER)
		local = text_lower(memory, local);
	return (struct pattern_values){
		.address = arena_printf(memory, "%s@%s", local, address->domain),
		.local = local,
		.domain = address->domain,
	};
}

const char *login_of(struct arena *memory, const struct address *address, const struct match *match)
{
	struct pattern_values values;

	if (match->has_user)
		return match->user.login;
	values = pattern_values_of(memory, address, &match->provider);
	return pattern_expand(memory, match->provider.login, &values);
}

/* A client that replaces placeholders puts in what was typed, so only that may stay unwritten.
 * FairEmail knows no other placeholder texts than these two, and those only alone. */
static const char *login_template(const struct address *address, const char *login)
{
	if (text_equals(login, address->typed))
		return "%EMAILADDRESS%";
	if (text_equals(login, address->local))
		return "%EMAILLOCALPART%";
	return login;
}

static int endpoint_build(struct arena *memory, const struct query *query,
			  const struct match *match, const struct service *service,
			  struct endpoint *ret_endpoint, struct error *err)
{
	const struct pattern_values host_values = { .domain = match->domain };
	const char *host = pattern_expand(memory, service->host, &host_values), *login;
	struct pattern_values values = { .login = match->provider.login };

	if (!host_name_is_valid(host))
		return error_set(err, ERROR_DATA, "provider '%s': '%s' is not a host name for '%s'",
				 match->provider.name, service->host, match->domain);
	if (query->address) {
		values = pattern_values_of(memory, query->address, &match->provider);
		values.login = login_of(memory, query->address, match);
	}
	login = service->login ? pattern_expand(memory, service->login, &values) : values.login;
	*ret_endpoint = (struct endpoint){
		.kind = service->kind,
		.security = service->security,
		.host = host,
		.port = service->port,
		.path = service->path,
		.login = query->address ? login : NULL,
		.login_template = query->address ? login_template(query->address, login) : login,
		.authentications = service->authentications,
		.n_authentications = service->n_authentications,
		.pop3 = service->pop3,
	};
	if (service->path)
		ret_endpoint->url = arena_printf(
			memory, "https://%s%s%s", host,
			service->port == 443 ? "" : arena_printf(memory, ":%u", service->port),
			service->path);
	return 0;
}

bool names_person(const struct query *query, const struct match *match)
{
	return query->address || (query->md5 && match->domain_provider.md5_lookup);
}

static bool is_url(const char *text)
{
	return strncmp(text, "https://", strlen("https://")) == 0;
}

/* As the row has it. */
static const char *row_target(const struct match *match)
{
	return match->has_user && match->user.moved_to ? match->user.moved_to : match->moved_to;
}

const char *move_target(struct arena *memory, const struct query *query, const struct match *match)
{
	const char *to = row_target(match);

	if (!to || is_url(to))
		return to;
	if (!query->address)
		return NULL;
	if (!strchr(to, '@'))
		to = arena_printf(memory, "%s@%s", query->address->local, to);
	return text_equals_ignoring_case(to, query->address->text) ? NULL : to;
}

static int add_move(struct arena *memory, const struct query *query, const struct match *match,
		    struct profile *profile, struct error *err)
{
	const char *row = row_target(match), *target;
	struct address address;

	if (!row)
		return 0;
	/* The administration tool has checked it, but sqlite3 may have changed it since. */
	if (is_url(row)	       ? !url_parse(memory, "target", row, URL_OF_SERVICE, err)
	    : strchr(row, '@') ? address_parse(memory, row, &address, err) < 0
			       : !domain_parse(memory, row, false, err)) {
		err->kind = ERROR_DATA;
		return error_prefix(err, "domain '%s' has a wrong --moved-to", match->domain);
	}
	target = move_target(memory, query, match);
	if (target && is_url(target))
		profile->moved_url = target;
	else
		profile->moved_address = target;
	return 0;
}

int profile_build(struct arena *memory, const struct query *query, const struct match *match,
		  struct profile *ret_profile, struct error *err)
{
	const struct provider *provider = &match->provider;
	struct endpoint *endpoints = arena_array(memory, struct endpoint, provider->n_services);
	struct profile profile;

	if (provider->n_services == 0)
		return error_set(err, ERROR_DATA, "provider '%s' has no services", provider->name);
	for (size_t i = 0; i < provider->n_services; i++)
		if (endpoint_build(memory, query, match, &provider->services[i], &endpoints[i],
				   err) < 0)
			return -1;
	profile = (struct profile){
		.domain = match->domain,
		.display_name = provider->display_name ? provider->display_name : match->domain,
		.short_name = provider->short_name,
		.address = query->address,
		.is_personal = names_person(query, match),
		.person = provider->show_names && match->has_user ? match->user.name : NULL,
		.public_name = provider->public_name,
		.ttl = provider->ttl,
		.pox_dav = provider->pox_dav,
		.activesync_v2 = provider->activesync_v2,
		.pacc = provider->pacc,
		.endpoints = endpoints,
		.n_endpoints = provider->n_services,
		.oauth2 = provider->oauth2,
		.webmail = provider->webmail,
		.links = provider->links,
		.n_links = provider->n_links,
	};
	if (add_move(memory, query, match, &profile, err) < 0)
		return -1;
	*ret_profile = profile;
	return 0;
}

const struct endpoint *profile_first(const struct profile *profile, enum service_kind kind)
{
	for (size_t i = 0; i < profile->n_endpoints; i++)
		if (profile->endpoints[i].kind == kind)
			return &profile->endpoints[i];
	return NULL;
}
