#include "cli/removal-limit.h"

#include <limits.h>

#include "admin/admin.h"
#include "cli/options.h"

#define PERCENT_BY_DEFAULT 10

const struct option removal_options[] = {
	{ "max-removals", "NUMBER[%]", "remove at most this many (default: 10%)" },
	{ 0 },
};

int removals_parse(struct admin *admin, const struct arguments *arguments,
		   struct removals *ret_removals, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *text = option_value(arguments, "max-removals");
	struct removals removals = {
		.admin = admin,
		.max = PERCENT_BY_DEFAULT,
		.is_percent = true,
		.only_warns = option_is_given(arguments, "dry-run"),
	};
	size_t length;

	if (text) {
		length = strlen(text);
		removals.is_percent = length > 0 && text[length - 1] == '%';
		if (!number_parse(arena_strndup(&memory, text, length - removals.is_percent), 0,
				  removals.is_percent ? 100 : LONG_MAX, &removals.max))
			return usage_error(
				arguments, err,
				"option '--max-removals' takes a number, or a percentage "
				"such as 25%%, not '%s'",
				text);
	}
	*ret_removals = removals;
	return 0;
}

int removals_check(const struct removals *removals, const char *what, int64_t removed, int64_t all,
		   struct error *err)
{
	return removals_check_part(removals, what, NULL, removed, all, removed, err);
}

int removals_check_part(const struct removals *removals, const char *what, const char *domain,
			int64_t removed, int64_t all, int64_t in_all, struct error *err)
{
	int64_t max = (int64_t)removals->max;

	if (domain && !removals->is_percent)
		return 0;
	if (removed <= (removals->is_percent ? all / 100 * max + all % 100 * max / 100 : max))
		return 0;
	error_set(err, ERROR_INPUT,
		  "this would remove %lld of %lld %s%s%s%s%s, more than the %lu%s allowed",
		  (long long)removed, (long long)all, what, all == 1 ? "" : "s",
		  domain ? " of '" : "", domain ? domain : "", domain ? "'" : "", removals->max,
		  removals->is_percent ? " %" : "");
	error_hint(err, "if this is intended, use --max-removals %lld", (long long)in_all);
	if (!removals->only_warns)
		return -1;
	admin_warn_of_error(removals->admin, err);
	return 0;
}
