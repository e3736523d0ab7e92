#include "daemon/hidden-paths.h"

#include <unistd.h>

#include "config/settings.h"
#include "daemon/sandbox.h"
#include "util/process.h"
#include "util/string-list.h"

#define SYSTEMCTL_SECONDS 10

/* What the unit does to the directories of the daemon. */
struct confinement {
	bool hides_homes;      /* /home, /root and /run/user */
	bool has_private_tmp;  /* /tmp and /var/tmp */
	bool is_read_only;     /* except writable, and what is never protected */
	struct bytes writable; /* directories, each followed by a space */
	struct bytes opened;   /* the same of what is shown although it is hidden */
};

static const char homes[] = "/home /root /run/user ";
static const char temporary[] = "/tmp /var/tmp ";
/* ProtectSystem=strict leaves these alone. */
static const char unprotected[] = "/dev /proc /sys ";

/* Whether the path is one of the directories of the list, or lies below one. */
static bool is_below(const char *list, const char *path)
{
	for (size_t length; *list; list += length + 1) {
		length = strcspn(list, " ");
		if (length > 0 && strncmp(path, list, length) == 0 &&
		    (path[length] == '\0' || path[length] == '/' || list[length - 1] == '/'))
			return true;
	}
	return false;
}

/* The value of a line KEY=VALUE; "" without one. A line feed precedes each line. */
static char *property(struct arena *memory, const char *output, const char *key)
{
	const char *wanted = arena_printf(memory, "\n%s=", key), *at = strstr(output, wanted);

	at = at ? at + strlen(wanted) : "";
	return arena_strndup(memory, at, strcspn(at, "\n"));
}

/* Adds what a list of directories has, each below parent. Marks before a path, as in '-/run', say
 * that it need not exist; a bind mount is SOURCE:TARGET:OPTIONS. */
static void add_directories(struct bytes *all, char *list, const char *parent)
{
	const char *word;

	while ((word = strsep(&list, " "))) {
		const char *target = strchr(word, ':');

		word = target && target[1] == '/' ? target + 1 : word;
		word += strspn(word, "-+");
		if (*word)
			bytes_add_format(all, "%s%.*s ", parent, (int)strcspn(word, ":"), word);
	}
}

/* Returns whether there is a unit which starts the daemon with this settings file. */
static bool read_unit(struct arena *memory, const char *settings_file,
		      struct confinement *confinement)
{
	static const char *const command[] = {
		"systemctl",
		"show",
		"mailconfd.service",
		/* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one argument on two lines */
		"--property=LoadState,ExecStart,ProtectHome,PrivateTmp,ProtectSystem,"
		"ReadWritePaths,StateDirectory,RuntimeDirectory,BindPaths,BindReadOnlyPaths",
		NULL,
	};
	struct bytes *writable = &confinement->writable, *opened = &confinement->opened;
	const char *home, *out, *start;
	struct process_end end;
	struct error err;

	if (access("/run/systemd/system", F_OK) < 0 ||
	    process_run(memory, command, NULL, SYSTEMCTL_SECONDS, &end, &err) < 0 ||
	    end.status != 0)
		return false;
	out = arena_printf(memory, "\n%s", end.output);
	start = property(memory, out, "ExecStart");
	if (!text_equals(property(memory, out, "LoadState"), "loaded") ||
	    !(strstr(start, "--config") ? strstr(start, settings_file) != NULL
					: text_equals(settings_file, SETTINGS_FILE)))
		return false;
	home = property(memory, out, "ProtectHome");
	confinement->hides_homes = text_equals(home, "yes") || text_equals(home, "tmpfs");
	confinement->has_private_tmp = !text_equals(property(memory, out, "PrivateTmp"), "no");
	confinement->is_read_only = text_equals(property(memory, out, "ProtectSystem"), "strict");
	add_directories(writable, property(memory, out, "ReadWritePaths"), "");
	add_directories(writable, property(memory, out, "StateDirectory"), "/var/lib/");
	add_directories(writable, property(memory, out, "RuntimeDirectory"), "/run/");
	add_directories(writable, property(memory, out, "BindPaths"), "");
	add_directories(opened, property(memory, out, "BindPaths"), "");
	add_directories(opened, property(memory, out, "BindReadOnlyPaths"), "");
	return true;
}

/* From /proc/self/mountinfo; see proc_pid_mountinfo(5). systemd covers what it hides with an
 * inaccessible directory below /run, or with a tmpfs. */
static void read_mounts(struct arena *memory, struct confinement *confinement)
{
	_cleanup_(fclosep) FILE *stream = fopen("/proc/self/mountinfo", "re");
	char line[2048], root[512], target[512], options[256];

	while (stream && fgets(line, sizeof(line), stream)) {
		const char *file_system = strstr(line, " - "), *parent;
		bool is_cover, is_writable;

		if (!file_system ||
		    sscanf(line, "%*d %*d %*s %511s %511s %255s", root, target, options) != 3 ||
		    *target != '/')
			continue;
		is_cover = strstr(root, "/inaccessible/dir") || strstr(root, "/systemd-private-");
		is_writable = strncmp(options, "rw", 2) == 0;
		parent = arena_strndup(memory, target, (size_t)(strrchr(target, '/') - target));
		if (text_equals(target, "/home"))
			confinement->hides_homes = is_cover ||
						   strncmp(file_system, " - tmpfs ", 9) == 0;
		if (text_equals(target, "/tmp"))
			confinement->has_private_tmp = is_cover;
		if (text_equals(target, "/"))
			confinement->is_read_only = !is_writable;
		if (is_writable)
			bytes_add_format(&confinement->writable, "%s ", target);
		if (!is_cover && (is_below(homes, parent) || is_below(temporary, parent)))
			bytes_add_format(&confinement->opened, "%s ", target);
	}
}

static void warn_of(struct texts *warnings, const char *path, const char *reason,
		    const char *drop_in)
{
	const char *warning = arena_printf(
		warnings->memory,
		"the settings refer to '%s', which %s; put it elsewhere, "
		"or open it with 'systemctl edit "
		"mailconfd': [Service], %s=%s",
		path, reason, drop_in, path);

	if (!texts_has(warnings, warning))
		texts_add(warnings, warning);
}

static void check_path(const struct confinement *confinement, const char *named, bool is_writable,
		       struct texts *warnings)
{
	size_t length = strlen(named);
	const char *path = arena_strndup(warnings->memory, named,
					 length > 1 && named[length - 1] == '/' ? length - 1
										: length);
	bool is_opened = is_below(bytes_text(&confinement->opened), path);

	if (confinement->hides_homes && is_below(homes, path)) {
		if (!is_opened)
			warn_of(warnings, path, "the unit hides with ProtectHome=",
				is_writable ? "ProtectHome=tmpfs, BindPaths"
					    : "ProtectHome=tmpfs, BindReadOnlyPaths");
	} else if (confinement->has_private_tmp && is_below(temporary, path)) {
		if (!is_opened)
			warn_of(warnings, path, "the unit hides with PrivateTmp=",
				is_writable ? "BindPaths" : "BindReadOnlyPaths");
	} else if (is_writable && confinement->is_read_only &&
		   !is_below(bytes_text(&confinement->writable), path) &&
		   !is_below(unprotected, path)) {
		warn_of(warnings, path, "is read-only in the unit, because of ProtectSystem=strict",
			"ReadWritePaths");
	}
}

void hidden_paths_warn(const struct settings *settings, const char *settings_file, bool is_service,
		       void (*tell)(const char *sentence, void *context))
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct confinement confinement = {
		.writable = BYTES_IN(&memory),
		.opened = BYTES_IN(&memory),
	};
	struct texts warnings = TEXTS_IN(&memory);
	struct folders folders;

	if (is_service)
		read_mounts(&memory, &confinement);
	else if (!read_unit(&memory, settings_file, &confinement))
		return;
	folders = sandbox_folders(&memory, settings, settings_file);
	for (size_t i = 0; i < folders.count; i++) {
		const struct folder *folder = &folders.items[i];
		_cleanup_(freep) char *real = realpath(folder->path, NULL);

		check_path(&confinement, folder->path, folder->is_writable, &warnings);
		if (real)
			check_path(&confinement, real, folder->is_writable, &warnings);
	}
	for (size_t i = 0; i < warnings.count; i++)
		tell(warnings.items[i], NULL);
}
