#include "daemon/preflight.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/settings.h"
#include "http/sockets.h"
#include "util/socket-holder.h"
#include "util/string-list.h"
#include "util/unix-socket.h"

DEFINE_CLEANUP(DIR *, closedir);

#define PROGRAM "mailconfd"
#define COMMAND_LINE_MAX 4096

struct preflight {
	const char *settings_file;
	struct texts *errors, *warnings, *notes;
};

static const char *argument_after(const char *word, const char *next, const char *end)
{
	static const char option[] = "--config";
	size_t length = strlen(option);

	if (strncmp(word, option, length) != 0)
		return NULL;
	if (word[length] == '=')
		return word + length + 1;
	return word[length] == '\0' && next < end ? next : NULL;
}

/* The settings file that the process was started with, as its command line has it. */
static const char *settings_of(struct arena *memory, pid_t pid)
{
	_cleanup_(fclosep)
		FILE *stream = fopen(arena_printf(memory, "/proc/%d/cmdline", (int)pid), "re");
	char words[COMMAND_LINE_MAX + 1] = { 0 };
	size_t size = stream ? fread(words, 1, COMMAND_LINE_MAX, stream) : 0;
	const char *found = SETTINGS_FILE;

	for (const char *word = words; word < words + size; word += strlen(word) + 1) {
		const char *given = argument_after(word, word + strlen(word) + 1, words + size);

		if (given)
			found = arena_strdup(memory, given);
	}
	if (*found == '/')
		return found;
	return arena_printf(memory, "/proc/%d/cwd/%s", (int)pid, found);
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat status_a, status_b;

	return stat(a, &status_a) == 0 && stat(b, &status_b) == 0 &&
	       status_a.st_dev == status_b.st_dev && status_a.st_ino == status_b.st_ino;
}

static bool is_daemon_of(pid_t pid, const char *settings_file)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	return is_same_file(settings_of(&memory, pid), settings_file);
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
		if (text_equals(other.name, PROGRAM) && is_daemon_of(other.pid, settings_file))
			*holder = other;
	}
}

static void add(struct texts *texts, const char *key, const char *text)
{
	texts_add(texts, arena_printf(texts->memory, "%s: %s", key, text));
}

/* What systemd listens on, it hands over to the service of the socket's unit. */
static void report_taken(const struct preflight *preflight, const char *key, const char *address,
			 struct socket_holder holder, const struct error *err)
{
	struct arena *memory = preflight->notes->memory;

	if (!holder.pid)
		find_daemon_of(preflight->settings_file, &holder);
	if (holder.pid == 1)
		add(preflight->warnings, key,
		    arena_printf(memory,
				 "%s is in use by %s; 'systemctl list-sockets' must show it as a "
				 "socket of mailconfd.service",
				 address, socket_holder_text(memory, &holder)));
	else if (text_equals(holder.name, PROGRAM) &&
		 is_daemon_of(holder.pid, preflight->settings_file))
		add(preflight->notes, key,
		    arena_printf(memory, "%s is in use by %s, which has the same settings file",
				 address, socket_holder_text(memory, &holder)));
	else
		add(preflight->errors, key, error_line(memory, err));
}

static void check_address(const struct preflight *preflight, const char *key,
			  const struct texts *addresses, const char *address)
{
	struct socket_holder holder = { 0 };
	const char *path = unix_socket_path(address);
	struct error err;
	int r = path ? unix_socket_check(path, &holder, &err)
		     : sockets_check(addresses, address, &holder, &err);

	if (r == SOCKETS_TAKEN)
		report_taken(preflight, key, address, holder, &err);
	else if (r == SOCKETS_DENIED && geteuid() != 0)
		add(preflight->warnings, key,
		    arena_printf(
			    preflight->warnings->memory,
			    "%s was not tried, because only root may open it; run this as root",
			    address));
	else if (r != 0)
		add(preflight->errors, key, error_line(preflight->errors->memory, &err));
}

void preflight_ports(const struct settings *settings, const char *settings_file,
		     struct texts *errors, struct texts *warnings, struct texts *notes)
{
	const struct preflight preflight = { settings_file, errors, warnings, notes };
	const struct {
		const char *key;
		const struct texts *addresses;
	} lists[] = {
		{ "[server] listen-https", &settings->server.listen_https },
		{ "[server] listen-http", &settings->server.listen_http },
		{ "[server] behind-proxy", &settings->server.behind_proxy },
		{ "[metrics] listen", &settings->metrics.listen },
	};
	struct bytes replaced = BYTES_IN(warnings->memory);

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		const struct texts *addresses = lists[i].addresses;

		for (size_t a = 0; a < addresses->count; a++) {
			const char *address = sockets_address(notes->memory, addresses,
							      addresses->items[a], &replaced);

			if (address)
				check_address(&preflight, lists[i].key, addresses, address);
		}
	}
	if (replaced.size)
		texts_add(warnings, bytes_text(&replaced));
}
