#include "cli/providers.h"

#include <string.h>

#include "admin/admin.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"
#include "admin/suggestions.h"
#include "admin/warnings.h"
#include "mail/address.h"
#include "mail/login.h"
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

const struct option provider_options[] = {
	{ "display-name", "TEXT", "how clients name the account (its domain)" },
	{ "short-name", "TEXT", "the same where there is little room" },
	{ "login", "PATTERN", "login of addresses without a user (%EMAILADDRESS%)" },
	{ "login-case", "lower|keep", "letter case of what patterns put in (lower)" },
	{ "recipient-delimiter", "CHARS", "characters that begin the tag of an address (+)" },
	{ "show-names", "yes|no", "send the names of users to clients (no)" },
	{ "mx-fallback", "yes|no", "answer for other domains whose MX points here (yes)" },
	{ "public-name", "HOST", "the host[:port] in URLs, for its own brand (the server's)" },
	{ "ttl", "HOURS", "how long Outlook may keep an answer (168)" },
	{ "pox-dav", "yes|no", "CalDAV and CardDAV in Outlook's document, for eM Client (no)" },
	{ "activesync-v2", "yes|no", "give the ActiveSync URL to Autodiscover v2, too (no)" },
	{ "pacc", "yes|no", "publish a PACC document; its digest belongs in DNS (no)" },
	{ "unknown-users", "pattern|refuse", "what addresses without a user get (pattern)" },
	{ "without-address", "pattern|refuse", "what questions without an address get (pattern)" },
	{ "md5-lookup", "yes|no", "find people by the MD5 that Evolution tells (no)" },
	{ "send-logins-to", "WHOM", "everyone, nobody, or networks (everyone)" },
	{ "keep", "yes|no", "keep it when nothing has it any more (yes; of 'domain add': no)" },
	{ "webmail", "URL", "where its web mail is" },
	{ "oauth2-issuer", "URL", "who issues the tokens for OAuth2; or only its host" },
	{ "oauth2-scope", "SCOPES", "what clients ask the issuer for, separated by blanks" },
	{ "oauth2-auth-url", "URL", "where a person consents" },
	{ "oauth2-token-url", "URL", "where clients get the tokens" },
	{ 0 },
};

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

/* A text that may be unset with ''. */
static int apply_text(struct admin *admin, const struct arguments *arguments, const char *option,
		      const char *what, size_t max, const char **text, struct error *err)
{
	const char *value = option_value(arguments, option);

	if (!value)
		return 0;
	if (*value && text_check(what, value, max, err) < 0)
		return -1;
	*text = *value ? value : NULL;
	return 0;
}

static int apply_login(struct admin *admin, const struct arguments *arguments,
		       struct provider *provider, struct error *err)
{
	const char *login = option_value(arguments, "login");

	if (!login)
		return 0;
	if (!*login)
		login = PROVIDER_DEFAULT.login;
	if (pattern_check(admin->memory, login, PATTERN_FOR_PROVIDER, err) < 0)
		return -1;
	if (!pattern_has_placeholder(login))
		admin_warn(
			admin,
			"the login pattern '%s' has no placeholder such as %%EMAILLOCALPART%%, so "
			"all addresses without a user get this one login",
			login);
	provider->login = login;
	return 0;
}

static void apply_truth(const struct arguments *arguments, const char *option, bool *truth)
{
	const char *value = option_value(arguments, option);

	if (value)
		*truth = text_equals(value, "yes");
}

static void apply_unanswered(const struct arguments *arguments, const char *option,
			     enum unanswered *unanswered)
{
	const char *value = option_value(arguments, option);

	if (value)
		*unanswered = text_equals(value, "refuse") ? UNANSWERED_REFUSE : UNANSWERED_PATTERN;
}

static int apply_ttl(const struct arguments *arguments, struct provider *provider,
		     struct error *err)
{
	const char *value = option_value(arguments, "ttl");
	unsigned long hours;

	if (!value)
		return 0;
	if (!number_parse(value, 0, TTL_MAX_HOURS, &hours))
		return error_set(err, ERROR_USAGE, "--ttl takes hours, from 0 to %d, not '%s'",
				 TTL_MAX_HOURS, value);
	provider->ttl = (unsigned)hours;
	return 0;
}

static int apply_send_logins_to(struct admin *admin, const struct arguments *arguments,
				struct provider *provider, struct error *err)
{
	const char *value = option_value(arguments, "send-logins-to");

	if (!value)
		return 0;
	if (!text_equals(value, "everyone") && !text_equals(value, "nobody") &&
	    networks_check(admin->memory, value, err) < 0)
		return error_prefix(err, "--send-logins-to takes everyone, nobody or networks");
	provider->send_logins_to = value;
	return 0;
}

/* '' unsets. */
static int apply_public_name(struct admin *admin, const struct arguments *arguments,
			     struct provider *provider, struct error *err)
{
	const char *value = option_value(arguments, "public-name");

	if (!value)
		return 0;
	provider->public_name = *value ? public_name_parse(admin->memory, value) : NULL;
	if (*value && !provider->public_name)
		return error_set(err, ERROR_INPUT, "'%s' is not a host name, or HOST:PORT", value);
	return 0;
}

/* '' unsets. */
static int apply_url(struct admin *admin, const struct arguments *arguments, const char *option,
		     const char *what, const char **url, struct error *err)
{
	const char *value = option_value(arguments, option);

	if (!value)
		return 0;
	*url = *value ? url_parse(admin->memory, what, value, URL_OF_SERVICE, err) : NULL;
	return *value && !*url ? -1 : 0;
}

/* '' unsets. */
static int apply_issuer(struct admin *admin, const struct arguments *arguments,
			struct provider *provider, struct error *err)
{
	const char *value = option_value(arguments, "oauth2-issuer");

	if (!value)
		return 0;
	provider->oauth2.issuer = *value ? issuer_parse(admin->memory, value, err) : NULL;
	return *value && !provider->oauth2.issuer ? -1 : 0;
}

static int apply_oauth2(struct admin *admin, const struct arguments *arguments,
			struct provider *provider, struct error *err)
{
	struct oauth2 *oauth2 = &provider->oauth2;

	if (apply_issuer(admin, arguments, provider, err) < 0 ||
	    apply_text(admin, arguments, "oauth2-scope", "scope", SCOPE_MAX_LENGTH, &oauth2->scope,
		       err) < 0 ||
	    apply_url(admin, arguments, "oauth2-auth-url", "auth URL", &oauth2->auth_url, err) <
		    0 ||
	    apply_url(admin, arguments, "oauth2-token-url", "token URL", &oauth2->token_url, err) <
		    0)
		return -1;
	return 0;
}

int provider_apply_options(struct admin *admin, const struct arguments *arguments,
			   struct provider *provider, struct error *err)
{
	const char *delimiters = option_value(arguments, "recipient-delimiter");
	const char *login_case = option_value(arguments, "login-case");
	const char *keep = option_value(arguments, "keep");

	if (apply_text(admin, arguments, "display-name", "display name", DISPLAY_NAME_MAX_LENGTH,
		       &provider->display_name, err) < 0 ||
	    apply_text(admin, arguments, "short-name", "short name", SHORT_NAME_MAX_LENGTH,
		       &provider->short_name, err) < 0 ||
	    apply_login(admin, arguments, provider, err) < 0 ||
	    (delimiters && delimiters_check(delimiters, err) < 0) ||
	    apply_public_name(admin, arguments, provider, err) < 0 ||
	    apply_ttl(arguments, provider, err) < 0 ||
	    apply_send_logins_to(admin, arguments, provider, err) < 0 ||
	    apply_url(admin, arguments, "webmail", "web mail address", &provider->webmail, err) <
		    0 ||
	    apply_oauth2(admin, arguments, provider, err) < 0)
		return -1;
	if (delimiters)
		provider->recipient_delimiter = delimiters;
	if (login_case)
		provider->login_case = text_equals(login_case, "keep") ? LOGIN_CASE_KEEP
								       : LOGIN_CASE_LOWER;
	apply_truth(arguments, "show-names", &provider->show_names);
	apply_truth(arguments, "mx-fallback", &provider->mx_fallback);
	apply_truth(arguments, "pox-dav", &provider->pox_dav);
	apply_truth(arguments, "activesync-v2", &provider->activesync_v2);
	apply_truth(arguments, "pacc", &provider->pacc);
	apply_truth(arguments, "md5-lookup", &provider->md5_lookup);
	if (keep)
		provider->is_implicit = text_equals(keep, "no");
	apply_unanswered(arguments, "unknown-users", &provider->unknown_users);
	apply_unanswered(arguments, "without-address", &provider->without_address);
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

static void entry_put_wish(json_t *entry, const char *key, enum wish wish)
{
	if (wish != WISH_NONE)
		entry_put_truth(entry, key, wish == WISH_YES);
}

static json_t *pop3_entry(const struct pop3_wishes *wishes)
{
	json_t *entry = json_object();

	entry_put_wish(entry, "leave_on_server", wishes->leave_on_server);
	if (wishes->leave_days)
		entry_put(entry, "leave_days", json_integer(wishes->leave_days));
	if (wishes->check_interval)
		entry_put(entry, "check_interval", json_integer(wishes->check_interval));
	entry_put_wish(entry, "download_at_check", wishes->download_at_check);
	return entry;
}

json_t *service_entry(struct admin *admin, const struct service *service)
{
	json_t *entry = json_object(), *auth = json_array();

	for (size_t i = 0; i < service->n_authentications; i++)
		json_array_append_new(
			auth, json_string(authentication_name(service->authentications[i])));
	entry_put_text(entry, "url", service_url(admin->memory, service));
	entry_put_text(entry, "login", service->login);
	entry_put(entry, "auth", auth);
	entry_put_truth(entry, "first", service->is_first);
	if (pop3_wishes_any(&service->pop3))
		entry_put(entry, "pop3", pop3_entry(&service->pop3));
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
