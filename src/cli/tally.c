#include "cli/tally.h"

#include "admin/admin.h"
#include "cli/options.h"
#include "cli/print.h"
#include "util/arena.h"

static void print_json(const struct tally *tally, bool is_dry)
{
	json_t *entry = json_object();

	entry_put(entry, "added", json_integer(tally->added));
	entry_put(entry, "changed", json_integer(tally->changed));
	entry_put(entry, "removed", json_integer(tally->removed));
	entry_put(entry, "unchanged", json_integer(tally->unchanged));
	entry_put(entry, "skipped", json_integer((json_int_t)tally->skipped));
	entry_put_truth(entry, "dry_run", is_dry);
	entry_print(entry, true);
}

void tally_say(struct admin *admin, const struct arguments *arguments, const struct tally *tally,
	       const char *what)
{
	bool is_dry = option_is_given(arguments, "dry-run");
	struct texts others = admin->messages;
	const char *skipped = "";

	/* In a dry run the other messages, of what would be done, follow. */
	if (is_dry || arguments->is_json)
		admin->messages = TEXTS_IN(others.memory);
	if (arguments->is_json) {
		print_json(tally, is_dry);
		return;
	}
	if (tally->skipped > 0)
		skipped = arena_printf(admin->memory, "; %zu line%s skipped", tally->skipped,
				       tally->skipped == 1 ? "" : "s");
	admin_say(admin, "%s%lld %s%s added, %lld changed, %lld removed%s",
		  is_dry ? "dry run, nothing is done: " : "", (long long)tally->added, what,
		  tally->added == 1 ? "" : "s", (long long)tally->changed,
		  (long long)tally->removed, skipped);
	for (size_t i = 0; i < others.count && is_dry; i++)
		texts_add(&admin->messages, others.items[i]);
}
