/* mailconfctl restore: a backup takes the place of the database, while the daemon runs. */

#include "admin/admin.h"
#include "cli/command.h"
#include "cli/file-argument.h"
#include "cli/options.h"
#include "store/store.h"
#include "util/base.h"

static int restore(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *file = arguments->words[0];
	struct restored restored;

	if (text_equals(file, "-")) {
		error_set(err, ERROR_INPUT, "a backup is a file");
		return error_hint(err, "'apply' reads from standard input");
	}
	if (store_restore(admin->memory, admin->database, arguments->files->input.fd, file,
			  &restored, err) < 0)
		return -1;
	admin_say(admin, "database %s restored from %s: %lld domain%s, %lld user%s",
		  admin->database, file, (long long)restored.domains,
		  restored.domains == 1 ? "" : "s", (long long)restored.users,
		  restored.users == 1 ? "" : "s");
	if (restored.migrated_from)
		admin_say(admin, "the backup was migrated from schema version %lld",
			  (long long)restored.migrated_from);
	if (restored.kept)
		admin_say(admin, "the old one is kept as %s", restored.kept);
	return 0;
}

const struct command command_restore = {
	.name = "restore",
	.arguments = "FILE",
	.summary = "Restore the database from a backup while the daemon runs",
	.details =
		"Checks that the file is an undamaged database of mailconfd, migrates one of an\n"
		"older version, and replaces the database in one transaction. Clients get the "
		"old\nor the new answers meanwhile. The old database is kept as\n"
		"DATABASE.before-restore.",
	.example = "mailconfctl restore /var/backups/mailconfd.db",
	.database = DATABASE_NONE,
	.file = FILE_BACKUP,
	.run = restore,
};
