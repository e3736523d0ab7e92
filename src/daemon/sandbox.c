/*
 * Certificates are renewed by other programs, mostly by renaming a new file over the old one
 * or by pointing a link at it. So it is directories that are opened, not files: that in which a
 * glob has its first wildcard, and for what is a link, the directory as far above its target.
 */

#include "daemon/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/landlock.h"
#include "daemon/seccomp.h"
#include "tls/certificate-file.h"
#include "tls/certificate-paths.h"
#include "util/unix-socket.h"

struct sandbox {
	struct arena memory; /* holds all below */
	const char *text;
	struct bytes missing; /* what is not in force, with the reasons */
	bool is_refused;      /* by the kernel or a container, not by the build options */
	bool has_landlock;
	struct folder *folders;
	size_t count;
};

struct gathering {
	struct arena *memory;
	struct folder *folders; /* on the heap */
	size_t count;
};

static void gathering_clear(struct gathering *gathering)
{
	free(gathering->folders);
}

static void add(struct gathering *gathering, const char *path, bool is_writable)
{
	gathering->folders = xrealloc(gathering->folders, gathering->count + 1,
				      sizeof(*gathering->folders));
	gathering->folders[gathering->count++] = (struct folder){ path, is_writable };
}

/* The path without its last components, and without any slash at its end. Above a bare name, as in
 * '--config mailconfd.conf', is the working directory. */
static const char *above(struct arena *memory, const char *path, size_t components)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	for (; components > 0; components--) {
		while (length > 0 && path[length - 1] != '/')
			length--;
		if (length == 0)
			return ".";
		while (length > 1 && path[length - 1] == '/')
			length--;
	}
	return arena_strndup(memory, path, length);
}

/* A directory of the system (hier(7)), of which all is too much. Others at the top are somebody's
 * own: /certs in a container. */
static bool is_of_system(const char *path)
{
	static const char *const names[] = {
		"/",	  "/bin",   "/boot",  "/dev", "/etc", "/home", "/lib",
		"/lib32", "/lib64", "/media", "/mnt", "/opt", "/proc", "/root",
		"/run",	  "/sbin",  "/srv",   "/sys", "/tmp", "/usr",  "/var",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_equals(path, names[i]))
			return true;
	return false;
}

/* The path as it really is, or that of the nearest directory above it, where it will be made. */
static const char *find_real(struct arena *memory, const char *path)
{
	for (;;) {
		_cleanup_(freep) char *real = realpath(path, NULL);
		const char *higher = above(memory, path, 1);

		if (real || text_equals(higher, path))
			return arena_strdup(memory, real ? real : path);
		path = higher;
	}
}

/* That in which the file stands, where another may take its place. All of /etc is too much for one
 * file in it, which is then all that is meant. */
static const char *folder_of_file(struct arena *memory, const char *file)
{
	const char *folder = above(memory, file, 1);

	return is_of_system(find_real(memory, folder)) ? file : folder;
}

/*
 * What a link leads to: /etc/letsencrypt/live/example.org/privkey.pem, two components below the
 * folder live, to /etc/letsencrypt/archive/example.org/privkey1.pem, so that certificates of other
 * names are below archive. A folder of the system, such as /etc, is never meant.
 */
static void add_target(struct gathering *gathering, const char *file, size_t components)
{
	_cleanup_(freep) char *target = realpath(file, NULL);
	const char *folder;

	if (!target)
		return;
	folder = above(gathering->memory, target, components);
	if (is_of_system(folder))
		folder = folder_of_file(gathering->memory, arena_strdup(gathering->memory, target));
	add(gathering, folder, false);
}

static void add_file(struct gathering *gathering, const char *file)
{
	if (!*file)
		return;
	add(gathering, folder_of_file(gathering->memory, file), false);
	add_target(gathering, file, 1);
}

static size_t count_components(const char *path)
{
	size_t count = 0;

	for (size_t i = 0; path[i]; i++)
		count += path[i] != '/' && (i == 0 || path[i - 1] == '/');
	return count;
}

/* The directory of the first wildcard, which has to be listed, even if it is /etc. */
static const char *folder_of_glob(struct arena *memory, const char *glob)
{
	const char *fixed = arena_strndup(memory, glob, strcspn(glob, "*?["));

	if (!strpbrk(glob, "*?["))
		return folder_of_file(memory, glob);
	return arena_strndup(memory, fixed, (size_t)(strrchr(fixed, '/') - fixed) + 1);
}

static void add_glob(struct gathering *gathering, const char *glob)
{
	struct arena *memory = gathering->memory;
	const char *folder = folder_of_glob(memory, glob);
	struct certificate_files files;
	struct error err;

	add(gathering, folder, false);
	if (certificate_files_find(memory, &glob, 1, &files, &err) != 0)
		return;
	for (size_t i = 0; i < files.count; i++) {
		const char *file = files.items[i].path, *key_file;
		size_t below = count_components(file) - count_components(folder);

		add_target(gathering, file, below);
		key_file = layout_key_of(memory, file);
		if (key_file)
			add_target(gathering, key_file, below);
	}
}

/* Its file is removed at the end. */
static void add_unix_socket(struct gathering *gathering, const char *address)
{
	const char *path = unix_socket_path(address);

	if (path)
		add(gathering, above(gathering->memory, path, 1), true);
}

static void gather(struct gathering *gathering, const struct settings *settings,
		   const char *settings_file)
{
	struct arena *memory = gathering->memory;

	add(gathering, above(memory, settings->database.file, 1), true);
	add_file(gathering, settings_file);
	for (size_t i = 0; i < settings->tls.certificates.count; i++)
		add_glob(gathering, settings->tls.certificates.items[i]);
	if (*settings->templates.directory)
		add(gathering, settings->templates.directory, false);
	if (*settings->acme.directory)
		add(gathering, settings->acme.directory, false);
	for (size_t i = 0; i < settings->server.behind_proxy.count; i++)
		add_unix_socket(gathering, settings->server.behind_proxy.items[i]);
	for (size_t i = 0; i < settings->metrics.listen.count; i++)
		add_unix_socket(gathering, settings->metrics.listen.items[i]);
	add_file(gathering, settings->profile.certificate);
	add_file(gathering, settings->profile.key);
}

size_t sandbox_folders(struct arena *memory, const struct settings *settings,
		       const char *settings_file, const struct folder **ret_folders)
{
	_cleanup_(gathering_clear) struct gathering gathering = { .memory = memory };
	struct folder *folders;

	gather(&gathering, settings, settings_file);
	folders = arena_array(memory, struct folder, gathering.count);
	memcpy(folders, gathering.folders, gathering.count * sizeof(*folders));
	*ret_folders = folders;
	return gathering.count;
}

#ifdef SANITIZED
/* What a sanitizer reads when it has found something, or looks for leaks. */
static void add_sanitizers_own(struct gathering *gathering)
{
	add(gathering, "/proc", false);
	add(gathering, "/usr", false);
	add_target(gathering, "/proc/self/exe", 1);
}
#endif

static void resolve(struct sandbox *sandbox, const struct gathering *gathering)
{
	sandbox->folders = arena_array(&sandbox->memory, struct folder, gathering->count);
	for (size_t i = 0; i < gathering->count; i++) {
		const struct folder *folder = &gathering->folders[i];
		const char *real = find_real(&sandbox->memory, folder->path);

		/* All of /var is too much for a directory in it that is not there. */
		if (is_of_system(real) && access(folder->path, F_OK) < 0)
			continue;
		sandbox->folders[sandbox->count++] = (struct folder){ real, folder->is_writable };
	}
}

static bool covers(const struct sandbox *sandbox, const char *real)
{
	for (size_t i = 0; i < sandbox->count; i++) {
		const char *folder = sandbox->folders[i].path;
		size_t length = strlen(folder);

		if (strncmp(real, folder, length) == 0 &&
		    (real[length] == '/' || real[length] == '\0' || text_equals(folder, "/")))
			return true;
	}
	return false;
}

static int restrict_files(struct sandbox *sandbox, const struct settings *settings,
			  const char *settings_file, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(gathering_clear) struct gathering gathering = { .memory = &memory };

	gather(&gathering, settings, settings_file);
#ifdef SANITIZED
	add_sanitizers_own(&gathering);
#endif
	resolve(sandbox, &gathering);
	return landlock_restrict(sandbox->folders, sandbox->count, err);
}

static void add_missing_part(struct sandbox *sandbox, const char *name, const char *reason)
{
	bytes_add_format(&sandbox->missing, "%s%s (%s)", sandbox->missing.size ? ", " : "", name,
			 reason);
}

static void enter_landlock(struct sandbox *sandbox, const struct settings *settings,
			   const char *settings_file)
{
	struct error err;

	sandbox->text = "landlock=no";
	if (restrict_files(sandbox, settings, settings_file, &err) < 0) {
		add_missing_part(sandbox, "Landlock", err.text);
		sandbox->is_refused = true;
		return;
	}
	sandbox->has_landlock = true;
	sandbox->text = arena_printf(&sandbox->memory, "landlock=%d", landlock_version());
}

static void enter_seccomp(struct sandbox *sandbox)
{
	struct error err;
	bool is_done = seccomp_restrict(&err) == 0;

	if (!is_done)
		add_missing_part(sandbox, "seccomp", err.text);
	sandbox->is_refused |= !is_done && seccomp_is_available();
	sandbox->text = arena_printf(&sandbox->memory, "%s seccomp=%s", sandbox->text,
				     is_done ? "yes" : "no");
}

/* See process_hide_memory(). */
static void check_core_dumps(struct sandbox *sandbox)
{
	bool is_done = true;

#ifndef SANITIZED
	is_done = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
#endif
	if (!is_done) {
		add_missing_part(sandbox, "no core dumps", "PR_SET_DUMPABLE fails");
		sandbox->is_refused = true;
	}
	sandbox->text = arena_printf(&sandbox->memory, "%s core-dumps=%s", sandbox->text,
				     is_done ? "no" : "yes");
}

/* Old kernels, containers and emulators lack a part, or refuse it, each with an errno of its own:
 * ENOSYS, EOPNOTSUPP, EINVAL or EPERM. */
int sandbox_enter(const struct settings *settings, const char *settings_file,
		  struct sandbox **ret_sandbox, struct error *err)
{
	_cleanup_(sandbox_freep) struct sandbox *sandbox = xnew(struct sandbox);

	sandbox->missing = BYTES_IN(&sandbox->memory);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		add_missing_part(sandbox, "PR_SET_NO_NEW_PRIVS", strerror(errno));
		sandbox->is_refused = true;
	}
	enter_landlock(sandbox, settings, settings_file);
	enter_seccomp(sandbox);
	check_core_dumps(sandbox);
	if (sandbox->missing.size == 0) {
		*ret_sandbox = TAKE(sandbox);
		return 0;
	}
	if (settings->sandbox.require == SANDBOX_REQUIRE_YES)
		return error_set(err, ERROR_SYSTEM,
				 "cannot enter the sandbox that '[sandbox] require = yes' demands: "
				 "%s; with 'require = no' the daemon runs without it",
				 bytes_text(&sandbox->missing));
	sandbox->text = arena_printf(&sandbox->memory, "%s missing=\"%s\"", sandbox->text,
				     bytes_text(&sandbox->missing));
	*ret_sandbox = TAKE(sandbox);
	return 0;
}

const char *sandbox_text(const struct sandbox *sandbox)
{
	return sandbox->text;
}

const char *sandbox_refused(const struct sandbox *sandbox)
{
	return sandbox->is_refused ? bytes_text(&sandbox->missing) : NULL;
}

/* Landlock opens a file, not its name: one that took the place of a file that was opened alone is
 * refused, though its user may read it. */
static bool is_another_file(const char *path)
{
	struct stat status;
	int fd;

	if (stat(path, &status) < 0 || S_ISDIR(status.st_mode) || eaccess(path, R_OK) < 0)
		return false;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES;
	close(fd);
	return false;
}

const char *sandbox_misses(const struct sandbox *sandbox, struct arena *memory,
			   const struct settings *settings, const char *settings_file)
{
	_cleanup_(gathering_clear) struct gathering gathering = { .memory = memory };
	struct settings needed = *settings;

	if (!sandbox->has_landlock)
		return NULL;
	/* Behind a proxy the default of 'certificates' need not be there. */
	if (!settings->server.listen_https.count)
		needed.tls.certificates.count = 0;
	gather(&gathering, &needed, settings_file);
	for (size_t i = 0; i < gathering.count; i++) {
		const char *real = find_real(memory, gathering.folders[i].path);

		if (!covers(sandbox, real) || is_another_file(real))
			return gathering.folders[i].path;
	}
	return NULL;
}

void sandbox_free(struct sandbox *sandbox)
{
	if (!sandbox)
		return;
	arena_clear(&sandbox->memory);
	free(sandbox);
}
