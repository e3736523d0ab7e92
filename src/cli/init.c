#include "cli/cli.h"
#include "cli/command.h"
#include "store/store.h"

/* Opening it for writing has done all that there is to do. */
static int init(struct cli *cli, const struct arguments *arguments, struct error *err)
{
	if (store_is_new(cli->store))
		cli_say(cli, "database %s did not exist; created an empty one", cli->database);
	else
		cli_say(cli, "database %s is ready", cli->database);
	return 0;
}

static const struct command command_init = {
	.family = "init",
	.arguments = "",
	.summary = "Make the database, or bring it up to this version",
	.details =
		"Makes an empty database where there is none, and brings one of an older version\n"
		"up to this one, with all that is in it; every command that changes something\n"
		"does so too. The service runs this before it starts.",
	.example = "mailconfctl init",
	.database = DATABASE_CHANGE,
	.run = init,
};

static const struct command *const commands[] = { &command_init, NULL };

const struct family family_init = {
	.name = "init",
	.title = "Database",
	.commands = commands,
};
