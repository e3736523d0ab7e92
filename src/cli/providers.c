#include "cli/providers.h"

#include <string.h>

#include "admin/admin.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"
#include "admin/suggestions.h"
#include "admin/warnings.h"
#include "mail/address.h"
#include "mail/pattern.h"
#include "mail/text.h"
#include "mail/url.h"
#include "protocol/pacc.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/network.h"
#include "util/shell-words.h"

const struct option plaintext_options[] = {
	{ "allow-plaintext", NULL, "accept services that do not encrypt" },
	{ 0 },
};

int provider_require(struct admin *admin, const char *name, struct provider *ret_provider,
		     struct error *err)
{
	int r = store_find_provider(admin->store, admin->memory, name, ret_provider, err);
	const char *similar;

	if (r != STORE_NOT_FOUND)
		return r == 0 ? 0 : -1;
	similar = similar_provider(admin, name);
	if (similar)
		return error_set(err, ERROR_INPUT, "there is no provider '%s'; did you mean '%s'?",
				 name, similar);
	return error_set(err, ERROR_INPUT, "there is no provider '%s'; 'provider list' shows all",
			 name);
}

int provider_apply_options(struct admin *admin, const struct arguments *arguments,
			   struct provider *provider, struct error *err)
{
	if (options_apply(admin->memory, arguments, provider_options, provider, err) < 0)
		return -1;
	if (option_is_given(arguments, "login") && !pattern_has_placeholder(provider->login))
		admin_warn(
			admin,
			"the login pattern '%s' has no placeholder such as %%EMAILLOCALPART%%, so "
			"all addresses without a user get this one login",
			provider->login);
	return 0;
}

int service_from_url(struct admin *admin, const struct arguments *arguments, const char *url,
		     struct service *ret_service, struct error *err)
{
	struct service service;

	if (service_parse(admin->memory, url, &service, err) < 0)
		return -1;
	if (service.security == SECURITY_PLAIN && !option_is_given(arguments, "allow-plaintext"))
		return error_set(err, ERROR_INPUT,
				 "'%s' would send passwords over the network in clear text; give "
				 "a service with TLS or STARTTLS, or say --allow-plaintext",
				 service_url(admin->memory, &service));
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

int provider_apply_services(struct admin *admin, const struct arguments *arguments,
			    const char *const *urls, size_t count, struct provider *provider,
			    struct error *err)
{
	struct service *services = arena_array(admin->memory, struct service, count);

	if (count > SERVICES_MAX)
		return error_set(err, ERROR_INPUT, "a provider has at most %d services",
				 SERVICES_MAX);
	provider->services = services;
	provider->n_services = 0;
	for (size_t i = 0; i < count; i++) {
		if (service_from_url(admin, arguments, urls[i], &services[i], err) < 0)
			return -1;
		if (service_find(admin, provider, &services[i]))
			return error_set(err, ERROR_INPUT, "service '%s' is given twice",
					 service_url(admin->memory, &services[i]));
		provider->n_services++;
	}
	return 0;
}

/* Documents have all of it or none. */
static int check_oauth2(const struct provider *provider, struct error *err)
{
	const struct oauth2 *oauth2 = &provider->oauth2;
	const struct {
		const char *option, *value;
	} parts[] = {
		{ "issuer", oauth2->issuer },
		{ "scope", oauth2->scope },
		{ "auth-url", oauth2->auth_url },
		{ "token-url", oauth2->token_url },
	};
	const char *missing = NULL;
	size_t count = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (parts[i].value)
			count++;
		else if (!missing)
			missing = parts[i].option;
	}
	if (count == 0 || !missing)
		return 0;
	return error_set(err, ERROR_INPUT,
			 "clients need all of --oauth2-issuer, --oauth2-scope, --oauth2-auth-url "
			 "and --oauth2-token-url, or none; provider '%s' has no --oauth2-%s",
			 provider->name, missing);
}

int provider_check(struct admin *admin, const struct provider *provider, struct error *err)
{
	if (check_oauth2(provider, err) < 0)
		return -1;
	if (provider->pacc && provider->without_address == UNANSWERED_REFUSE)
		return error_set(err, ERROR_INPUT,
				 "provider '%s' cannot have --pacc yes with --without-address "
				 "refuse: PACC tells everybody that the login is the address, and "
				 "where that never works nobody may be told",
				 provider->name);
	if (provider->pacc && pacc_check(admin->memory, provider, err) < 0)
		return error_prefix(err, "provider '%s' cannot have --pacc yes", provider->name);
	return 0;
}

int provider_drop_if_unused(struct admin *admin, const char *name, struct error *err)
{
	const struct domain_filter domains = { .provider = name };
	const struct user_filter users = { .provider = name };
	struct provider provider;
	struct domain *list;
	size_t n_domains;
	int64_t n_users;
	int r;

	if (!name)
		return 0;
	r = store_find_provider(admin->store, admin->memory, name, &provider, err);
	if (r == STORE_NOT_FOUND || (r == 0 && !provider.is_implicit))
		return 0;
	if (r != 0 ||
	    store_list_domains(admin->store, admin->memory, &domains, &list, &n_domains, err) !=
		    0 ||
	    store_count_users(admin->store, &users, &n_users, err) != 0)
		return -1;
	if (n_domains > 0 || n_users > 0)
		return 0;
	if (store_remove_provider(admin->store, provider.id, err) != 0)
		return -1;
	admin_say(admin, "provider %s removed: nothing uses it any more", name);
	return 0;
}

int provider_refuse_spoiled(struct admin *admin, const struct provider *provider, struct error *err)
{
	const char *name;

	if (provider->n_spoiled == 0)
		return 0;
	name = word_in_sentence(admin->memory, provider->name);
	if (!provider->spoiled[0].url)
		return error_set(err, ERROR_INPUT,
				 "a service of provider '%s' cannot be read; 'provider set %s "
				 "SERVICE-URL ...' replaces all of them",
				 provider->name, name);
	return error_set(err, ERROR_INPUT,
			 "provider '%s' has the invalid service '%s'; 'service remove %s %s' "
			 "removes it, and 'provider set %s SERVICE-URL ...' replaces all",
			 provider->name, provider->spoiled[0].url, name,
			 word_in_sentence(admin->memory, provider->spoiled[0].url), name);
}

json_t *service_entry(struct admin *admin, const struct service *service)
{
	json_t *entry = json_object(), *auth = json_array();

	for (size_t i = 0; i < service->n_authentications; i++)
		json_array_append_new(
			auth, json_string(authentication_name(service->authentications[i])));
	entry_put_text(entry, "url", service_url(admin->memory, service));
	entry_put(entry, "auth", auth);
	entry_put_attributes(entry, service_options, service);
	if (pop3_wishes_any(&service->pop3)) {
		json_t *pop3 = json_object();

		entry_put_attributes(pop3, pop3_options, service);
		entry_put(entry, "pop3", pop3);
	}
	return entry;
}

json_t *link_entry(const struct link *link)
{
	json_t *entry = json_object(), *texts = json_object();

	for (size_t i = 0; i < link->n_texts; i++)
		entry_put_text(texts, link->texts[i].language, link->texts[i].text);
	entry_put_text(entry, "kind", link_kind_name(link->kind));
	entry_put_text(entry, "url", link->url);
	entry_put(entry, "texts", texts);
	return entry;
}
