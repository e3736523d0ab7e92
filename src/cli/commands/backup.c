/* mailconfctl backup: a copy of the database, made while the daemon runs. */

#include "admin/admin.h"
#include "cli/command.h"
#include "cli/file-argument.h"
#include "cli/options.h"
#include "store/store.h"
#include "util/base.h"

static int backup(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *file = arguments->words[0];

	if (text_equals(file, "-")) {
		error_set(err, ERROR_INPUT, "a backup is a file");
		return error_hint(err, "'export' writes to standard output");
	}
	if (store_backup(admin->store, file, arguments->files->output.fd, err) < 0 ||
	    output_commit(&arguments->files->output, err) < 0)
		return -1;
	admin_say(admin, "database %s copied to %s", admin->database, file);
	return 0;
}

static const struct option options[] = {
	{ "force", NULL, "replace an existing file, atomically" },
	{ 0 },
};

const struct command command_backup = {
	.name = "backup",
	.arguments = "FILE",
	.summary = "Copy the database to a file while the daemon runs",
	.details = "The copy is consistent, even if the database changes meanwhile. It has "
		   "everything,\n"
		   "including the secret for the identifiers of Apple profiles, so only its owner "
		   "can read\n"
		   "it. 'mailconfctl restore FILE' restores it.",
	.example = "mailconfctl backup /var/backups/mailconfd.db --force",
	.options = { options },
	.database = DATABASE_COPY,
	.file = FILE_OUTPUT,
	.run = backup,
};
