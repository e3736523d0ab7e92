#include "cli/tally.h"

#include "cli/cli.h"
#include "cli/print.h"
#include "util/arena.h"

static void say_json(struct cli *cli, const struct tally *tally, bool is_dry)
{
	json_t *entry = json_object();

	cli->said = BYTES_IN(cli->memory);
	entry_put(entry, "added", json_integer(tally->added));
	entry_put(entry, "changed", json_integer(tally->changed));
	entry_put(entry, "removed", json_integer(tally->removed));
	entry_put(entry, "unchanged", json_integer(tally->unchanged));
	entry_put(entry, "skipped", json_integer((json_int_t)tally->skipped));
	entry_put_truth(entry, "dry_run", is_dry);
	entry_print(entry, true);
}

void tally_say(struct cli *cli, const struct tally *tally, const char *what, bool is_dry)
{
	const char *skipped = "", *others = "";

	if (cli->is_json) {
		say_json(cli, tally, is_dry);
		return;
	}
	if (tally->skipped > 0)
		skipped = arena_printf(cli->memory, "; %zu line%s skipped", tally->skipped,
				       tally->skipped == 1 ? "" : "s");
	/* What else was said is then what would be done. */
	if (is_dry) {
		others = bytes_text(&cli->said);
		cli->said = BYTES_IN(cli->memory);
	}
	cli_say(cli, "%s%lld %s%s added, %lld changed, %lld removed%s",
		is_dry ? "dry run, nothing is done: " : "", (long long)tally->added, what,
		tally->added == 1 ? "" : "s", (long long)tally->changed, (long long)tally->removed,
		skipped);
	bytes_add_text(&cli->said, others);
}
