#include "admin/login-mismatch.h"

#include "admin/admin.h"
#include "mail/profile.h"
#include "store/store.h"

struct login_count {
	const struct match match; /* for somebody without a row */
	bool skips_others;	  /* users with a provider of their own */
	int64_t users, unlike;	  /* unlike what the pattern gives */
};

static int count_user(const struct user *user, void *context, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct login_count *count = context;
	const char *at = strrchr(user->address, '@');
	const struct address address = {
		.local = arena_strndup(&memory, user->address, (size_t)(at - user->address)),
		.domain = at + 1,
	};

	(void)err;
	if (count->skips_others && user->provider)
		return 0;
	count->users++;
	if (!text_equals(login_of(&memory, &address, &count->match), user->login))
		count->unlike++;
	return 0;
}

/* Counts the users of the domains that the provider answers for, then those of its own. */
static int count_users(struct admin *admin, const char *provider, struct login_count *counted,
		       struct error *err)
{
	const struct user_filter own = { .provider = provider };
	struct store *store = admin->store;
	const char **domains;
	size_t count;

	if (store_list_user_domains(store, admin->memory, &domains, &count, err) != 0)
		return -1;
	counted->skips_others = true;
	for (size_t i = 0; i < count; i++) {
		const struct user_filter here = { .domain = domains[i] };
		struct domain domain;
		int r;

		r = store_serving_domain(store, admin->memory, domains[i], &domain, err);
		if (r == 0 && domain.alias_of)
			r = store_find_domain(store, admin->memory, domain.alias_of, &domain, err);
		if (r == 0 && domain.provider && text_equals(domain.provider, provider))
			r = store_visit_users(store, &here, count_user, counted, err);
		if (r != 0 && r != STORE_NOT_FOUND)
			return -1;
	}
	counted->skips_others = false;
	return store_visit_users(store, &own, count_user, counted, err) == 0 ? 0 : -1;
}

int logins_warn(struct admin *admin, const struct provider *provider, struct error *err)
{
	struct login_count count = { .match = { .provider = *provider } };
	bool is_refused = provider->unknown_users == UNANSWERED_REFUSE;
	bool is_silent = provider->without_address == UNANSWERED_REFUSE;
	const char *recipients = provider->send_logins_to;

	if (count_users(admin, provider->name, &count, err) < 0)
		return -1;
	if (count.unlike == 0)
		return 0;
	if (!text_equals(recipients, "everyone") && !text_equals(recipients, "nobody"))
		recipients = arena_printf(admin->memory, "clients in %s", recipients);
	admin_warn(admin,
		   "%lld of %lld user%s %s a login that the pattern '%s' does not give: it is sent "
		   "to %s (--send-logins-to %s); other clients get %s (--unknown-users %s), and a "
		   "request without an address gets %s (--without-address %s)",
		   (long long)count.unlike, (long long)count.users, count.users == 1 ? "" : "s",
		   count.unlike == 1 ? "has" : "have", provider->login, recipients,
		   provider->send_logins_to,
		   is_refused ? "no answer" : "the pattern, which does not work",
		   unanswered_name(provider->unknown_users),
		   is_silent ? "no answer" : "the pattern",
		   unanswered_name(provider->without_address));
	return 0;
}
