#include "daemon/check-config.h"

#include <errno.h>
#include <unistd.h>

#include "config/settings.h"
#include "daemon/credentials.h"
#include "daemon/database-watch.h"
#include "daemon/hidden-paths.h"
#include "daemon/preflight.h"
#include "daemon/preparation.h"
#include "daemon/sandbox.h"
#include "protocol/templates.h"
#include "store/store.h"
#include "util/account.h"
#include "util/base.h"
#include "util/process.h"
#include "util/string-list.h"

static void print_error(const char *sentence, void *context)
{
	fprintf(stderr, "mailconfd: %s\n", sentence);
}

static int print_failure(int r, const struct error *err)
{
	if (r == 0)
		return 0;
	print_error(err->text, NULL);
	if (*err->hint)
		fprintf(stderr, "hint: %s\n", err->hint);
	return 1;
}

static void print_warning(const char *sentence, void *context)
{
	fprintf(stderr, "mailconfd: warning: %s\n", sentence);
}

static int load_checked(struct arena *memory, const char *settings_file, struct settings *settings)
{
	struct settings_reports reports;
	int r = settings_load(memory, settings_file, settings, &reports);

	for (size_t i = 0; i < reports.errors.count; i++)
		fprintf(stderr, "mailconfd: %s\n", reports.errors.items[i]);
	for (size_t i = 0; i < reports.warnings.count; i++)
		print_warning(reports.warnings.items[i], NULL);
	return r;
}

/* Notes go behind the result. Returns how many addresses a start could not open. */
static int check_ports(const struct settings *settings, const char *settings_file,
		       struct texts *notes)
{
	struct texts errors = TEXTS_IN(notes->memory), warnings = TEXTS_IN(notes->memory);

	preflight_ports(settings, settings_file, &errors, &warnings, notes);
	for (size_t i = 0; i < warnings.count; i++)
		print_warning(warnings.items[i], NULL);
	for (size_t i = 0; i < errors.count; i++)
		print_error(errors.items[i], NULL);
	return (int)errors.count;
}

/* Enters it, so this comes last. */
static int check_sandbox(struct arena *memory, const struct settings *settings,
			 const char *settings_file)
{
	struct sandbox sandbox;
	struct error err;

	if (sandbox_enter(memory, settings, settings_file, &sandbox, &err) < 0)
		return print_failure(-1, &err);
	preparation_warn_of_sandbox(&sandbox, print_warning);
	return 0;
}

/* The daemon does not need it, and its user may not be able to look. */
static void warn_of_dns_hook(const struct settings *settings)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *hook = settings->acme.dns_hook;
	struct error err;

	if (!*hook || process_check_program(hook, &err) == 0 ||
	    (access(hook, F_OK) < 0 && errno == EACCES))
		return;
	error_prefix(&err, "[acme] dns-hook");
	print_warning(error_line(&memory, &err), NULL);
}

/* Other ACME clients may put challenges there all the same; mailconfctl, run by root, does not. */
static void warn_of_challenge_directory(struct arena *memory, const struct settings *settings)
{
	const char *directory = settings->acme.directory;
	struct account owner;
	struct error err;

	if (geteuid() != 0 || !*directory ||
	    (account_of_directory(memory, arena_printf(memory, "%s/token", directory), &owner,
				  &err) == 0 &&
	     owner.uid == 0))
		return;
	print_warning(arena_printf(memory,
				   "[acme] directory '%s' is refused by 'mailconfctl certificate', "
				   "because another user can write in it or above it; set it "
				   "to " SETTINGS_ACME_DIRECTORY " and restart mailconfd",
				   directory),
		      NULL);
}

int check_config(const char *settings_file, const char *user)
{
	_cleanup_(templates_unrefp) struct templates *templates = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(store_closep) struct store *store = NULL;
	const char *own = NULL, *found = "the";
	struct texts notes = TEXTS_IN(&memory), errors = TEXTS_IN(&memory);
	struct settings settings;
	struct error err;
	const char *name;
	size_t count = 0;
	int wrong;

	if (load_checked(&memory, settings_file, &settings) < 0)
		return SERVER_BAD_SETTINGS;
	/* A start opens its ports before it becomes the user. */
	wrong = check_ports(&settings, settings_file, &notes);
	hidden_paths_warn(&settings, settings_file, false, print_warning);
	warn_of_challenge_directory(&memory, &settings);
	if (preparation_become_service(&memory, &settings, user, &name, &err) < 0) {
		(void)print_failure(-1, &err);
		return preparation_status(&err);
	}
	process_hide_memory();
	preparation_complete_settings(&memory, &own, &settings);
	preparation_warn_of_ports(&settings, print_warning);
	warn_of_dns_hook(&settings);
	wrong += print_failure(preparation_check_file(settings_file, &err), &err);
	wrong += credentials_check(&settings, print_error, print_warning, &count);
	templates = templates_load(settings.templates.directory, NULL, &errors);
	for (size_t i = 0; i < errors.count; i++)
		print_error(errors.items[i], NULL);
	wrong += (int)errors.count;
	wrong += print_failure(store_open(settings.database.file, STORE_READ, &store, &err), &err);
	database_warn_of_file_system(settings.database.file, print_warning);
	wrong += check_sandbox(&memory, &settings, settings_file);
	if (wrong && name)
		fprintf(stderr, "mailconfd: this was tried as the user '%s'\n", name);
	if (wrong)
		return SERVER_FAILED;
	if (settings.server.listen_https.count > 0)
		found = arena_printf(&memory, "%zu certificate%s, the", count,
				     count == 1 ? "" : "s");
	printf("%s is good: %s templates and the database load%s%s.\n", settings_file, found,
	       name ? ", as user " : "", name ? name : "");
	for (size_t i = 0; i < notes.count; i++)
		puts(notes.items[i]);
	if (geteuid() == 0)
		puts("This was checked as root, who may read everything; '--user NAME' "
		     "checks it as the daemon's user.");
	return SERVER_DONE;
}
