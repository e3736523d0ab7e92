#include "cli/challenges.h"

#include "acme/challenge.h"
#include "admin/admin.h"
#include "acme/issue.h"
#include "config/settings.h"
#include "mail/address.h"
#include "util/error.h"
#include "util/process.h"

static bool has_wildcard(const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (domain_is_pattern(names[i]))
			return true;
	return false;
}

static int prepare_http(struct issuing *issuing, struct error *err)
{
	struct admin *admin = issuing->admin;

	if (!issuing->can_show_challenges &&
	    challenge_try(admin->memory, issuing->uacme.challenges,
			  &admin->settings->server.listen_http, err) < 0)
		return -1;
	issuing->can_show_challenges = true;
	return 0;
}

int challenges_prepare(struct issuing *issuing, const char *const *names, size_t count,
		       struct error *err)
{
	const struct settings *settings = issuing->admin->settings;
	const char *hook = settings->acme.dns_hook;
	bool is_wildcard = has_wildcard(names, count);

	issuing->uacme.dns_hook = NULL;
	if (is_wildcard && !*hook) {
		error_set(err, ERROR_CONFIG,
			  "a wildcard certificate needs DNS-01; set dns-hook in [acme] of "
			  "the settings");
		return CHALLENGES_IMPOSSIBLE;
	}
	if (!*hook || (!is_wildcard && settings->server.listen_http.count))
		return prepare_http(issuing, err);
	if (process_check_program(hook, err) < 0)
		return error_prefix(err, "[acme] dns-hook");
	issuing->uacme.dns_hook = hook;
	return 0;
}
