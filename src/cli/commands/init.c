#include "admin/admin.h"
#include "cli/command.h"
#include "store/store.h"

/* Opening it for writing has done all that there is to do. */
static int init(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	if (store_is_new(admin->store))
		admin_say(admin, "database %s did not exist; created an empty one",
			  admin->database);
	else
		admin_say(admin, "database %s is ready", admin->database);
	return 0;
}

const struct command command_init = {
	.name = "init",
	.arguments = "",
	.summary = "Create the database, or migrate it to this version",
	.details =
		"Creates an empty database if there is none, and migrates one of an older "
		"version.\n"
		"Other commands that change something do the same, but only this one creates the\n"
		"database that --database names. The service runs it before it starts.",
	.example = "mailconfctl init",
	.database = DATABASE_CHANGE,
	.creates_database = true,
	.run = init,
};
