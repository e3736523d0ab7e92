#include "cli/removals.h"

#include <limits.h>
#include <string.h>

#include "cli/options.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

#define PERCENT_BY_DEFAULT 10

const struct option removal_options[] = {
	{ "max-removals", "NUMBER[%]", "remove up to so many that are not in the file (10%)" },
	{ 0 },
};

int removals_parse(const struct arguments *arguments, struct removals *ret_removals,
		   struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *text = option_value(arguments, "max-removals");
	struct removals removals = { .max = PERCENT_BY_DEFAULT, .is_percent = true };
	size_t length;

	if (text) {
		length = strlen(text);
		removals.is_percent = length > 0 && text[length - 1] == '%';
		if (!number_parse(arena_strndup(&memory, text, length - removals.is_percent), 0,
				  removals.is_percent ? 100 : LONG_MAX, &removals.max))
			return usage_error(
				&memory, arguments->command, err,
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
	int64_t max = removals->is_percent ? all / 100 * (int64_t)removals->max +
						     all % 100 * (int64_t)removals->max / 100
					   : (int64_t)removals->max;

	if (removed <= max)
		return 0;
	return error_set(
		err, ERROR_INPUT,
		"this would remove %lld of %lld %s%s, more than the %lu%s allowed; if that "
		"is meant, say --max-removals %lld",
		(long long)removed, (long long)all, what, all == 1 ? "" : "s", removals->max,
		removals->is_percent ? " %" : "", (long long)removed);
}
