#include "admin/provider-rules.h"

#include "admin/admin.h"
#include "admin/suggestions.h"
#include "admin/warnings.h"
#include "protocol/protocol.h"
#include "store/store.h"
#include "util/shell-words.h"

int provider_require(struct admin *admin, const char *name, struct provider *ret_provider,
		     struct error *err)
{
	int r = store_find_provider(admin->store, admin->memory, name, ret_provider, err);

	if (r != STORE_NOT_FOUND)
		return r;
	error_set(err, ERROR_MISSING, "there is no provider '%s'", name);
	return hint_similar(err, similar_name(admin, PROVIDER_NAMES, name),
			    "'provider list' shows all");
}

int service_from_url(struct admin *admin, const char *url, bool allows_plaintext,
		     struct service *ret_service, struct error *err)
{
	struct service service;

	if (service_parse(admin->memory, url, &service, err) < 0)
		return -1;
	if (service.security == SECURITY_PLAIN && !allows_plaintext) {
		error_set(err, ERROR_INPUT,
			  "'%s' would send passwords over the network in clear text",
			  service_url(admin->memory, &service));
		return error_hint(err, "use TLS or STARTTLS, or allow it with --allow-plaintext");
	}
	service_warn_of_port(admin, &service);
	*ret_service = service;
	return 0;
}

const struct service *service_find(struct admin *admin, const struct provider *provider,
				   const struct service *service)
{
	const char *url = service_url(admin->memory, service);

	for (size_t i = 0; i < provider->n_services; i++)
		if (text_equals(service_url(admin->memory, &provider->services[i]), url))
			return &provider->services[i];
	return NULL;
}

int provider_parse_services(struct admin *admin, const char *const *urls, size_t count,
			    bool allows_plaintext, struct provider *provider, struct error *err)
{
	struct service *services = arena_array(admin->memory, struct service, count);

	if (count > SERVICES_MAX)
		return error_set(err, ERROR_INPUT, "a provider has at most %d services",
				 SERVICES_MAX);
	provider->services = services;
	provider->n_services = 0;
	for (size_t i = 0; i < count; i++) {
		if (service_from_url(admin, urls[i], allows_plaintext, &services[i], err) < 0)
			return -1;
		if (service_find(admin, provider, &services[i]))
			return error_set(err, ERROR_INPUT, "service '%s' is given twice",
					 service_url(admin->memory, &services[i]));
		provider->n_services++;
	}
	return 0;
}

int provider_check(struct admin *admin, const struct provider *provider, struct error *err)
{
	const char *missing = NULL;
	bool has_any = false;

	/* Documents have all OAuth2 members, or none. */
	for (const struct option *option = provider_options; option->name; option++) {
		if (!text_starts_with_ignoring_case(option->name, "oauth2-"))
			continue;
		if (attribute_text(admin->memory, option, provider))
			has_any = true;
		else if (!missing)
			missing = option->name;
	}
	if (has_any && missing)
		return error_set(err, ERROR_INPUT,
				 "clients need all of --oauth2-issuer, --oauth2-scope, "
				 "--oauth2-auth-url and --oauth2-token-url, or none; provider "
				 "'%s' has no --%s",
				 provider->name, missing);
	if (provider->pacc && provider->without_address == UNANSWERED_REFUSE)
		return error_set(err, ERROR_INPUT,
				 "provider '%s' cannot have --pacc yes with --without-address "
				 "refuse: PACC publishes that the login is the address",
				 provider->name);
	if (provider->pacc && pacc_check(admin->memory, provider, err) < 0)
		return error_prefix(err, "provider '%s' cannot have --pacc yes", provider->name);
	return 0;
}

int provider_drop_if_unused(struct admin *admin, const char *name, struct error *err)
{
	int r = name ? store_remove_unused_provider(admin->store, name, err) : STORE_NOT_FOUND;

	if (r == 0)
		admin_say(admin, "provider %s removed: no longer used", name);
	return r == 0 || r == STORE_NOT_FOUND ? 0 : -1;
}

int provider_refuse_invalid_service(struct admin *admin, const struct provider *provider,
				    struct error *err)
{
	const char *name = word_in_sentence(admin->memory, provider->name), *url;

	if (provider->n_invalid_services == 0)
		return 0;
	url = provider->invalid_services[0].url;
	if (!url) {
		error_set(err, ERROR_INPUT, "a service of provider '%s' cannot be read",
			  provider->name);
		return error_hint(err, "'provider set %s SERVICE-URL ...' replaces all of them",
				  name);
	}
	error_set(err, ERROR_INPUT, "provider '%s' has the invalid service '%s'", provider->name,
		  url);
	return error_hint(err,
			  "'service remove %s %s' removes it, and 'provider set %s SERVICE-URL "
			  "...' replaces all",
			  name, word_in_sentence(admin->memory, url), name);
}
