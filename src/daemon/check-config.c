#include "daemon/server.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/settings.h"
#include "daemon/credentials.h"
#include "daemon/hidden-paths.h"
#include "daemon/sandbox.h"
#include "http/sockets.h"
#include "protocol/templates.h"
#include "store/store.h"
#include "util/account.h"
#include "util/base.h"
#include "util/process.h"
#include "util/socket-holder.h"
#include "util/string-list.h"
#include "util/unix-socket.h"

DEFINE_CLEANUP(DIR *, closedir);

#define PROGRAM "mailconfd"
#define COMMAND_LINE_MAX 4096

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

/* The settings file that the process was started with, as its command line has it. */
static const char *settings_of(struct arena *memory, pid_t pid)
{
	_cleanup_(fclosep)
		FILE *stream = fopen(arena_printf(memory, "/proc/%d/cmdline", (int)pid), "re");
	char words[COMMAND_LINE_MAX + 1] = { 0 };
	size_t size = stream ? fread(words, 1, COMMAND_LINE_MAX, stream) : 0;
	const char *found = SETTINGS_FILE;

	for (const char *word = words, *next; word < words + size; word = next) {
		next = word + strlen(word) + 1;
		if (strncmp(word, "--config=", strlen("--config=")) == 0)
			found = arena_strdup(memory, word + strlen("--config="));
		else if (text_equals(word, "--config") && next < words + size)
			found = arena_strdup(memory, next);
	}
	if (*found == '/')
		return found;
	return arena_printf(memory, "/proc/%d/cwd/%s", (int)pid, found);
}

static bool is_daemon_of(const struct socket_holder *holder, const char *settings_file)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct stat theirs, ours;

	return text_equals(holder->name, PROGRAM) &&
	       stat(settings_of(&memory, holder->pid), &theirs) == 0 &&
	       stat(settings_file, &ours) == 0 && theirs.st_dev == ours.st_dev &&
	       theirs.st_ino == ours.st_ino;
}

/* Users other than root do not see which process has a port. A daemon of the same settings, if one
 * runs, is taken for it. */
static void find_daemon_of(const char *settings_file, struct socket_holder *holder)
{
	_cleanup_(closedirp) DIR *directory = opendir("/proc");
	const struct dirent *entry;

	while (!holder->pid && directory && (entry = readdir(directory))) {
		struct socket_holder other = { .pid = (pid_t)strtol(entry->d_name, NULL, 10) };

		if (other.pid <= 0 || other.pid == getpid())
			continue;
		socket_holder_name(&other);
		if (is_daemon_of(&other, settings_file))
			*holder = other;
	}
}

/* Tries what a start does, without disturbing a daemon that runs. Adds a note where it has the same
 * settings. Returns how many addresses a start could not open. */
static int check_address(const char *settings_file, const char *key, const struct texts *addresses,
			 const char *address, struct texts *notes)
{
	const char *path = unix_socket_path(address);
	struct socket_holder holder = { 0 };
	struct arena *memory = notes->memory;
	struct error err;
	int r = path ? unix_socket_check(path, &holder, &err)
		     : sockets_check(addresses, address, &holder, &err);

	if (r == 0)
		return 0;
	if (r == SOCKETS_TAKEN && !holder.pid)
		find_daemon_of(settings_file, &holder);
	/* What systemd listens on, it hands over to the service of the socket's unit. */
	if (r == SOCKETS_TAKEN && holder.pid == 1)
		print_warning(arena_printf(memory,
					   "%s: %s is in use by %s; 'systemctl list-sockets' must "
					   "show it as a socket of mailconfd.service",
					   key, address, socket_holder_text(memory, &holder)),
			      NULL);
	else if (r == SOCKETS_TAKEN && is_daemon_of(&holder, settings_file))
		texts_add(notes, arena_printf(memory,
					      "%s: %s is in use by %s, which has the same "
					      "settings file",
					      key, address, socket_holder_text(memory, &holder)));
	else if (r == SOCKETS_DENIED && geteuid() != 0)
		print_warning(arena_printf(memory,
					   "%s: %s was not tried, because only root may open it; "
					   "run this as root",
					   key, address),
			      NULL);
	else {
		print_error(arena_printf(memory, "%s: %s", key, error_line(memory, &err)), NULL);
		return 1;
	}
	return 0;
}

/* Returns how many addresses a start could not open. */
static int check_ports(const struct settings *settings, const char *settings_file,
		       struct texts *notes)
{
	const struct {
		const char *key;
		const struct texts *addresses;
	} lists[] = {
		{ "[server] listen-https", &settings->server.listen_https },
		{ "[server] listen-http", &settings->server.listen_http },
		{ "[server] behind-proxy", &settings->server.behind_proxy },
		{ "[metrics] listen", &settings->metrics.listen },
	};
	struct bytes replaced = BYTES_IN(notes->memory);
	int wrong = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		const struct texts *addresses = lists[i].addresses;

		for (size_t a = 0; a < addresses->count; a++) {
			const char *address = sockets_address(notes->memory, addresses,
							      addresses->items[a], &replaced);

			if (address)
				wrong += check_address(settings_file, lists[i].key, addresses,
						       address, notes);
		}
	}
	if (replaced.size)
		print_warning(bytes_text(&replaced), NULL);
	return wrong;
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
	struct texts notes = TEXTS_IN(&memory); /* behind the result */
	struct texts errors = TEXTS_IN(&memory);
	struct settings_reports reports;
	struct settings settings;
	struct sandbox sandbox;
	struct error err;
	const char *name, *hook;
	size_t count = 0;
	int r, wrong;

	r = settings_load(&memory, settings_file, &settings, &reports);
	for (size_t i = 0; i < reports.errors.count; i++)
		print_error(reports.errors.items[i], NULL);
	for (size_t i = 0; i < reports.warnings.count; i++)
		print_warning(reports.warnings.items[i], NULL);
	if (r < 0)
		return SERVER_BAD_SETTINGS;
	/* A start opens its ports before it becomes the user. */
	wrong = check_ports(&settings, settings_file, &notes);
	hidden_paths_warn(&settings, settings_file, false, print_warning);
	warn_of_challenge_directory(&memory, &settings);
	if (preparation_become_service(&memory, &settings, user, &name, &err) < 0) {
		(void)print_failure(-1, &err);
		return err.kind == ERROR_USAGE ? SERVER_BAD_SETTINGS : SERVER_FAILED;
	}
	hook = settings.acme.dns_hook;
	process_hide_memory();
	preparation_complete_settings(&memory, &own, &settings);
	preparation_warn_of_settings(&settings, print_warning);
	/* The daemon does not need it, and its user may not be able to look. */
	if (*hook && process_check_program(hook, &err) < 0 &&
	    (access(hook, F_OK) == 0 || errno != EACCES)) {
		error_prefix(&err, "[acme] dns-hook");
		print_warning(error_line(&memory, &err), NULL);
	}
	wrong += print_failure(preparation_check_file(settings_file, &err), &err);
	wrong += credentials_check(&settings, print_error, print_warning, &count);
	templates = templates_load(settings.templates.directory, NULL, &errors);
	for (size_t i = 0; i < errors.count; i++)
		print_error(errors.items[i], NULL);
	wrong += (int)errors.count;
	wrong += print_failure(store_open(settings.database.file, STORE_READ, &store, &err), &err);
	/* Enters it, so this comes last. */
	r = sandbox_enter(&memory, &settings, settings_file, &sandbox, &err);
	wrong += print_failure(r, &err);
	if (r == 0)
		preparation_warn_of_sandbox(&sandbox, print_warning);
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
