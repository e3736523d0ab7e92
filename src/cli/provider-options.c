#include "cli/provider-options.h"

#include "admin/admin.h"
#include "cli/options.h"
#include "cli/print.h"
#include "mail/pattern.h"

const struct option plaintext_options[] = {
	{ "allow-plaintext", NULL, "accept services that do not encrypt" },
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
