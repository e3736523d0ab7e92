/* mailconfctl user export: users as the CSV that 'user import' reads. */

#include "admin/admin.h"
#include "cli/command.h"
#include "cli/options.h"
#include "import/user-table.h"
#include "mail/address.h"
#include "store/store.h"
#include "util/base.h"

/* Stops when the output fails; the framework reports that at the end. */
static int write_user(const struct user *user, void *context, struct error *err)
{
	(void)err;
	user_csv_write(context, user);
	return ferror(context) ? 1 : 0;
}

static int export_users(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *domain = option_value(arguments, "domain");
	struct user_filter filter = { 0 };
	int r;

	if (domain) {
		filter.domain = domain_parse(admin->memory, domain, false, err);
		if (!filter.domain)
			return -1;
	}
	user_csv_begin(stdout);
	r = store_visit_users(admin->store, &filter, write_user, stdout, err);
	return r == 0 || ferror(stdout) ? 0 : -1;
}

static const struct option export_options[] = {
	{ "domain", "DOMAIN", "only the users of this domain" },
	{ 0 },
};

const struct command user_export = {
	.name = "user export",
	.arguments = "",
	.summary = "Print users as the CSV that 'user import' reads",
	.details = "The columns are address,login,name,provider,moved_to. To restore the "
		   "users, import\nthe file with --replace-all (or --replace DOMAIN).",
	.example = "mailconfctl user export --domain example.org >users.csv",
	.options = { export_options },
	.database = DATABASE_READ,
	.run = export_users,
};
