#include "daemon/hidden-paths.h"

#include <unistd.h>

#include "config/settings.h"
#include "daemon/landlock.h"
#include "daemon/sandbox.h"
#include "util/process.h"
#include "util/string-list.h"

#define SYSTEMCTL_SECONDS 10

static const char homes[] = "/home /root /run/user ";
static const char temporary[] = "/tmp /var/tmp ";
/* ProtectSystem=strict leaves these alone. */
static const char unprotected[] = "/dev /proc /sys ";

/* The next word of the list, "" behind the last one. */
static const char *next_word(struct arena *memory, const char **list)
{
	const char *start = *list + strspn(*list, " ");
	size_t length = strcspn(start, " ");

	*list = start + length;
	return arena_strndup(memory, start, length);
}

/* Whether the path is one of the directories, or lies below one. */
static bool is_below(const char *list, const char *path)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *word;

	while (*(word = next_word(&memory, &list))) {
		size_t length = strlen(word);

		if (strncmp(path, word, length) == 0 &&
		    (path[length] == '\0' || path[length] == '/' || word[length - 1] == '/'))
			return true;
	}
	return false;
}

static bool is_among(const char *list, const char *path)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *word;

	while (*(word = next_word(&memory, &list)))
		if (text_equals(word, path))
			return true;
	return false;
}

/* The value of a line KEY=VALUE. */
static const char *property(struct arena *memory, const char *output, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = output; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (strncmp(line, key, length) == 0 && line[length] == '=')
			return arena_strndup(memory, line + length + 1,
					     strcspn(line + length + 1, "\n"));
	return "";
}

/* Adds what a list of directories has, each below parent. Marks before a path, as in '-/run', say
 * that it need not exist; a bind mount is SOURCE:TARGET:OPTIONS. */
static void add_directories(struct bytes *all, struct arena *memory, const char *list,
			    const char *parent)
{
	const char *word;

	while (*(word = next_word(memory, &list))) {
		const char *target = strchr(word, ':');

		word = target && target[1] == '/' ? target + 1 : word;
		word += strspn(word, "-+");
		bytes_add_format(all, "%s%.*s ", parent, (int)strcspn(word, ":"), word);
	}
}

static bool is_of_file(const char *exec_start, const char *settings_file)
{
	if (strstr(exec_start, "--config"))
		return strstr(exec_start, settings_file) != NULL;
	return text_equals(settings_file, SETTINGS_FILE);
}

bool confinement_of_unit(struct arena *memory, const char *settings_file,
			 struct confinement *ret_confinement)
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
	struct bytes writable = BYTES_IN(memory), opened = BYTES_IN(memory);
	struct process_end end;
	const char *home, *out;
	struct error err;

	if (access("/run/systemd/system", F_OK) < 0 ||
	    process_run(memory, command, NULL, SYSTEMCTL_SECONDS, &end, &err) < 0 ||
	    end.status != 0)
		return false;
	out = end.output;
	if (!text_equals(property(memory, out, "LoadState"), "loaded") ||
	    !is_of_file(property(memory, out, "ExecStart"), settings_file))
		return false;
	home = property(memory, out, "ProtectHome");
	add_directories(&writable, memory, property(memory, out, "ReadWritePaths"), "");
	add_directories(&writable, memory, property(memory, out, "StateDirectory"), "/var/lib/");
	add_directories(&writable, memory, property(memory, out, "RuntimeDirectory"), "/run/");
	add_directories(&writable, memory, property(memory, out, "BindPaths"), "");
	add_directories(&opened, memory, property(memory, out, "BindPaths"), "");
	add_directories(&opened, memory, property(memory, out, "BindReadOnlyPaths"), "");
	*ret_confinement = (struct confinement){
		.hides_homes = text_equals(home, "yes") || text_equals(home, "tmpfs"),
		.has_private_tmp = !text_equals(property(memory, out, "PrivateTmp"), "no"),
		.is_read_only = text_equals(property(memory, out, "ProtectSystem"), "strict"),
		.writable = bytes_text(&writable),
		.opened = bytes_text(&opened),
	};
	return true;
}

/* One line of /proc/self/mountinfo; see proc_pid_mountinfo(5). systemd covers what it hides with an
 * inaccessible directory below /run, or with a tmpfs. */
static void note_mount(const char *root, const char *target, const char *options,
		       const char *file_system, struct confinement *confinement,
		       struct bytes *writable, struct bytes *opened)
{
	bool is_cover = strstr(root, "/inaccessible/dir") || strstr(root, "/systemd-private-");
	bool is_writable = strncmp(options, "rw", 2) == 0;

	if (text_equals(target, "/home"))
		confinement->hides_homes = is_cover || strncmp(file_system, " - tmpfs ", 9) == 0;
	if (text_equals(target, "/tmp"))
		confinement->has_private_tmp = is_cover;
	if (text_equals(target, "/"))
		confinement->is_read_only = !is_writable;
	if (is_writable)
		bytes_add_format(writable, "%s ", target);
	if (!is_cover && !is_among(homes, target) && !is_among(temporary, target) &&
	    (is_below(homes, target) || is_below(temporary, target)))
		bytes_add_format(opened, "%s ", target);
}

void confinement_of_process(struct arena *memory, struct confinement *ret_confinement)
{
	struct bytes writable = BYTES_IN(memory), opened = BYTES_IN(memory);
	_cleanup_(fclosep) FILE *stream = fopen("/proc/self/mountinfo", "re");
	struct confinement confinement = { 0 };
	char line[2048], root[512], target[512], options[256];

	while (stream && fgets(line, sizeof(line), stream)) {
		const char *file_system = strstr(line, " - ");

		if (file_system &&
		    sscanf(line, "%*d %*d %*s %511s %511s %255s", root, target, options) == 3)
			note_mount(root, target, options, file_system, &confinement, &writable,
				   &opened);
	}
	confinement.writable = bytes_text(&writable);
	confinement.opened = bytes_text(&opened);
	*ret_confinement = confinement;
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
	bool is_opened = is_below(confinement->opened, path);

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
		   !is_below(confinement->writable, path) && !is_below(unprotected, path)) {
		warn_of(warnings, path, "is read-only in the unit, because of ProtectSystem=strict",
			"ReadWritePaths");
	}
}

void hidden_paths_find(const struct confinement *confinement, const struct settings *settings,
		       const char *settings_file, struct texts *warnings)
{
	const struct folder *folders;
	size_t count = sandbox_folders(warnings->memory, settings, settings_file, &folders);

	for (size_t i = 0; i < count; i++) {
		_cleanup_(freep) char *real = realpath(folders[i].path, NULL);

		check_path(confinement, folders[i].path, folders[i].is_writable, warnings);
		if (real)
			check_path(confinement, real, folders[i].is_writable, warnings);
	}
}
