/* mailconfctl export: the contents of the database as the commands that create them. */

#include <errno.h>

#include "admin/admin.h"
#include "admin/export-commands.h"
#include "admin/provider-rules.h"
#include "cli/command.h"
#include "cli/file-argument.h"
#include "cli/options.h"
#include "store/store.h"
#include "util/base.h"

static const char heading[] = "# Contents of a mailconfd database; 'mailconfctl apply' makes "
			      "a database match them.\n";

struct exporter {
	struct admin *admin;
	FILE *stream;
	struct arena memory; /* of the commands of one row */
	const char *section; /* its heading is written before its first line, or NULL */
	int64_t providers, domains, users;
};

static void write_commands(struct exporter *exporter, const struct texts *commands)
{
	if (commands->count > 0 && exporter->section) {
		fprintf(exporter->stream, "\n# %s\n", exporter->section);
		exporter->section = NULL;
	}
	for (size_t i = 0; i < commands->count; i++)
		fprintf(exporter->stream, "%s\n", commands->items[i]);
	arena_clear(&exporter->memory);
}

typedef void (*domain_writer)(struct texts *commands, const struct domain *domain);

static void export_domains(struct exporter *exporter, const struct domain *domains, size_t count,
			   bool aliases, domain_writer write)
{
	for (size_t i = 0; i < count; i++) {
		struct texts commands = TEXTS_IN(&exporter->memory);

		if (!domains[i].alias_of == aliases)
			continue;
		write(&commands, &domains[i]);
		write_commands(exporter, &commands);
	}
}

static int export_user(const struct user *user, void *context, struct error *err)
{
	struct exporter *exporter = context;
	struct texts commands = TEXTS_IN(&exporter->memory);

	(void)err;
	user_commands(&commands, user);
	write_commands(exporter, &commands);
	exporter->users++;
	return ferror(exporter->stream) ? 1 : 0;
}

static int export_user_move(const struct user *user, void *context, struct error *err)
{
	struct exporter *exporter = context;
	struct texts commands = TEXTS_IN(&exporter->memory);

	(void)err;
	user_move_commands(&commands, user);
	write_commands(exporter, &commands);
	return 0;
}

/* Errors of the stream are checked at the end. */
static int export_all(struct exporter *exporter, struct error *err)
{
	static const struct domain_filter every_domain = { 0 };
	static const struct user_filter every_user = { 0 };
	struct admin *admin = exporter->admin;
	struct store *store = admin->store;
	struct provider *providers;
	struct domain *domains;
	size_t n_providers, n_domains;

	if (store_snapshot(store, err) != 0 ||
	    store_list_providers(store, admin->memory, &providers, &n_providers, err) != 0 ||
	    store_list_domains(store, admin->memory, &every_domain, &domains, &n_domains, err) != 0)
		return -1;
	for (size_t i = 0; i < n_providers; i++)
		if (provider_refuse_invalid_service(admin, &providers[i], err) < 0)
			return -1;
	exporter->providers = (int64_t)n_providers;
	exporter->domains = (int64_t)n_domains;
	fputs(heading, exporter->stream);
	exporter->section = "Providers";
	for (size_t i = 0; i < n_providers; i++) {
		struct texts commands = TEXTS_IN(&exporter->memory);

		provider_commands(&commands, &providers[i]);
		write_commands(exporter, &commands);
	}
	exporter->section = "Domains";
	export_domains(exporter, domains, n_domains, false, domain_commands);
	export_domains(exporter, domains, n_domains, true, domain_commands);
	exporter->section = "Users";
	if (store_visit_users(store, &every_user, export_user, exporter, err) != 0 &&
	    !ferror(exporter->stream))
		return -1;
	exporter->section = "Moves";
	if (store_visit_moved_users(store, export_user_move, exporter, err) != 0)
		return -1;
	export_domains(exporter, domains, n_domains, true, domain_move_commands);
	export_domains(exporter, domains, n_domains, false, domain_move_commands);
	return 0;
}

static int fail_to_write(const char *path, struct error *err)
{
	return error_set(err, ERROR_SYSTEM, "cannot write '%s': %s", path, strerror(errno));
}

static int export_to_file(struct exporter *exporter, struct output *output, struct error *err)
{
	_cleanup_(fclosep) FILE *stream = NULL;
	int fd = dup(output->fd);

	stream = fd < 0 ? NULL : fdopen(fd, "w");
	if (!stream) {
		closep(&fd);
		return fail_to_write(output->path, err);
	}
	exporter->stream = stream;
	if (export_all(exporter, err) < 0)
		return -1;
	if (fflush(stream) != 0 || ferror(stream))
		return fail_to_write(output->path, err);
	return output_commit(output, err);
}

static int export_installation(struct admin *admin, const struct arguments *arguments,
			       struct error *err)
{
	struct exporter exporter = { .admin = admin, .stream = stdout };
	const char *path = arguments->count > 0 ? arguments->words[0] : "-";

	if (text_equals(path, "-"))
		return export_all(&exporter, err);
	if (export_to_file(&exporter, &arguments->files->output, err) < 0)
		return -1;
	admin_say(admin, "%lld provider%s, %lld domain%s and %lld user%s exported to %s",
		  (long long)exporter.providers, exporter.providers == 1 ? "" : "s",
		  (long long)exporter.domains, exporter.domains == 1 ? "" : "s",
		  (long long)exporter.users, exporter.users == 1 ? "" : "s", path);
	return 0;
}

static const struct option options[] = {
	{ "force", NULL, "replace an existing file, atomically" },
	{ 0 },
};

const struct command command_export = {
	.name = "export",
	.arguments = "[FILE|-]",
	.summary = "Write the whole database as commands, one per line",
	.details = "The order is stable, so that you can keep the file in git. 'apply' makes a "
		   "database\n"
		   "equal to it. It lacks the secret for the identifiers of Apple profiles.",
	.example = "mailconfctl export mailconfd.commands --force",
	.options = { options },
	.database = DATABASE_READ,
	.file = FILE_OUTPUT,
	.run = export_installation,
};
