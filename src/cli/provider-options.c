#include "cli/provider-options.h"

#include "admin/admin.h"
#include "admin/provider-rules.h"
#include "admin/warnings.h"
#include "cli/entry.h"
#include "cli/options.h"
#include "mail/pattern.h"
#include "store/store.h"

const struct option plaintext_options[] = {
	{ "allow-plaintext", NULL, "accept services without encryption" },
	{ 0 },
};

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

int provider_add_given(struct admin *admin, const struct arguments *arguments,
		       struct provider *provider, struct error *err)
{
	int r;

	if (provider_apply_options(admin, arguments, provider, err) < 0 ||
	    provider_parse_services(admin, arguments->words + 1, arguments->count - 1,
				    option_is_given(arguments, "allow-plaintext"), provider,
				    err) < 0 ||
	    provider_check(admin, provider, err) < 0)
		return -1;
	r = store_add_provider(admin->store, provider, err);
	if (r == STORE_EXISTS) {
		error_set(err, ERROR_INPUT, "provider '%s' exists already", provider->name);
		return provider->is_implicit ? error_hint(err, "use 'domain add %s --provider %s'",
							  provider->name, provider->name)
					     : error_hint(err, "use 'provider set' to change it");
	}
	if (r == 0)
		provider_warn_later(admin, provider->name);
	return r;
}

json_t *service_entry(struct admin *admin, const struct service *service)
{
	json_t *entry = entry_of_texts("url", service_url(admin->memory, service));
	json_t *auth = json_array(), *pop3;

	for (size_t i = 0; i < service->n_authentications; i++)
		array_add(auth, json_string(authentication_name(service->authentications[i])));
	entry_put(entry, "auth", auth);
	entry_put_attributes(entry, service_options, service);
	if (pop3_wishes_any(&service->pop3)) {
		entry_put(entry, "pop3", pop3 = json_object());
		entry_put_attributes(pop3, pop3_options, service);
	}
	return entry;
}

json_t *link_entry(const struct link *link)
{
	json_t *entry = entry_of_texts("kind", link_kind_name(link->kind), "url", link->url);
	json_t *texts = json_object();

	for (size_t i = 0; i < link->n_texts; i++)
		entry_put_text(texts, link->texts[i].language, link->texts[i].text);
	entry_put(entry, "texts", texts);
	return entry;
}
