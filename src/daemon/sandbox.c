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

#include "tls/certificate-file.h"
#include "tls/certificate-paths.h"
#include "util/unix-socket.h"

static void add_folder(struct folders *folders, const char *path, bool is_writable)
{
	/* Whenever the count is a power of two, there is room for as many more. */
	if ((folders->count & (folders->count - 1)) == 0) {
		struct folder *items = arena_array(folders->memory, struct folder,
						   2 * folders->count + 1);

		if (folders->count)
			memcpy(items, folders->items, folders->count * sizeof(*items));
		folders->items = items;
	}
	folders->items[folders->count++] = (struct folder){ path, is_writable };
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
static void add_target(struct folders *folders, const char *file, size_t components)
{
	_cleanup_(freep) char *target = realpath(file, NULL);
	const char *folder;

	if (!target)
		return;
	folder = above(folders->memory, target, components);
	if (is_of_system(folder))
		folder = folder_of_file(folders->memory, arena_strdup(folders->memory, target));
	add_folder(folders, folder, false);
}

static void add_file(struct folders *folders, const char *file)
{
	if (!*file)
		return;
	add_folder(folders, folder_of_file(folders->memory, file), false);
	add_target(folders, file, 1);
}

static size_t count_components(const char *path)
{
	size_t count = 0;

	for (size_t i = 0; path[i]; i++)
		count += path[i] != '/' && (i == 0 || path[i - 1] == '/');
	return count;
}

static void add_glob(struct folders *folders, const char *glob)
{
	struct arena *memory = folders->memory;
	size_t fixed = strcspn(glob, "*?[");
	const char *slash = memrchr(glob, '/', fixed), *folder;
	struct certificate_files files;
	struct error err;

	/* The directory of the first wildcard has to be listed, even if it is /etc. */
	if (glob[fixed])
		folder = arena_strndup(memory, glob, (size_t)(slash - glob) + 1);
	else
		folder = folder_of_file(memory, glob);
	add_folder(folders, folder, false);
	if (certificate_files_find(memory, &glob, 1, &files, &err) != 0)
		return;
	for (size_t i = 0; i < files.count; i++) {
		const char *file = files.items[i].path, *key_file;
		size_t below = count_components(file) - count_components(folder);

		add_target(folders, file, below);
		key_file = layout_key_of(memory, file);
		if (key_file)
			add_target(folders, key_file, below);
	}
}

/* The directories of sockets, because their files are removed at the end. */
static void add_unix_sockets(struct folders *folders, const struct texts *addresses)
{
	for (size_t i = 0; i < addresses->count; i++) {
		const char *path = unix_socket_path(addresses->items[i]);

		if (path)
			add_folder(folders, above(folders->memory, path, 1), true);
	}
}

struct folders sandbox_folders(struct arena *memory, const struct settings *settings,
			       const char *settings_file)
{
	struct folders folders = { .memory = memory };

	add_folder(&folders, above(memory, settings->database.file, 1), true);
	add_file(&folders, settings_file);
	for (size_t i = 0; i < settings->tls.certificates.count; i++)
		add_glob(&folders, settings->tls.certificates.items[i]);
	if (*settings->templates.directory)
		add_folder(&folders, settings->templates.directory, false);
	if (*settings->acme.directory)
		add_folder(&folders, settings->acme.directory, false);
	add_unix_sockets(&folders, &settings->server.behind_proxy);
	add_unix_sockets(&folders, &settings->metrics.listen);
	add_file(&folders, settings->profile.certificate);
	add_file(&folders, settings->profile.key);
	return folders;
}

static bool covers(const struct folders *folders, const char *real)
{
	for (size_t i = 0; i < folders->count; i++) {
		const char *folder = folders->items[i].path;
		size_t length = strlen(folder);

		if (strncmp(real, folder, length) == 0 &&
		    (real[length] == '/' || real[length] == '\0' || text_equals(folder, "/")))
			return true;
	}
	return false;
}

/* Returns whether Landlock is in force; else the reason is in err. */
static bool enter_landlock(struct folders *folders, const struct settings *settings,
			   const char *settings_file, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct folders named = sandbox_folders(&memory, settings, settings_file);

#ifdef SANITIZED
	/* What a sanitizer reads when it has found something, or looks for leaks. */
	add_folder(&named, "/proc", false);
	add_folder(&named, "/usr", false);
	add_target(&named, "/proc/self/exe", 1);
#endif
	for (size_t i = 0; i < named.count; i++) {
		const char *path = named.items[i].path;
		const char *real = find_real(folders->memory, path);

		/* All of /var is too much for a directory in it that is not there. */
		if (!is_of_system(real) || access(path, F_OK) == 0)
			add_folder(folders, real, named.items[i].is_writable);
	}
	return landlock_restrict(folders, err) == 0;
}

static void add_missing_part(struct bytes *missing, const char *name, const char *reason)
{
	bytes_add_format(missing, "%s%s (%s)", missing->size ? ", " : "", name, reason);
}

/* Old kernels, containers and emulators lack a part, or refuse it, each with an errno of its own:
 * ENOSYS, EOPNOTSUPP, EINVAL or EPERM. */
int sandbox_enter(struct arena *memory, const struct settings *settings, const char *settings_file,
		  struct sandbox *ret_sandbox, struct error *err)
{
	struct sandbox sandbox = { .folders = { .memory = memory } };
	bool has_seccomp, is_hidden = true, is_refused;
	struct bytes missing = BYTES_IN(memory);
	const char *landlock = "no";
	struct error why;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		add_missing_part(&missing, "PR_SET_NO_NEW_PRIVS", strerror(errno));
	sandbox.has_landlock = enter_landlock(&sandbox.folders, settings, settings_file, &why);
	if (sandbox.has_landlock)
		landlock = arena_printf(memory, "%d", landlock_version());
	else
		add_missing_part(&missing, "Landlock", why.text);
	is_refused = missing.size > 0;
	has_seccomp = seccomp_restrict(&why) == 0;
	if (!has_seccomp)
		add_missing_part(&missing, "seccomp", why.text);
	is_refused |= !has_seccomp && seccomp_is_available();
#ifndef SANITIZED
	is_hidden = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0; /* see process_hide_memory() */
#endif
	if (!is_hidden)
		add_missing_part(&missing, "no core dumps", "PR_SET_DUMPABLE fails");
	is_refused |= !is_hidden;
	if (missing.size && settings->sandbox.require == SANDBOX_REQUIRE_YES) {
		error_set(err, ERROR_SYSTEM,
			  "cannot enter the sandbox that '[sandbox] require = yes' demands: %s",
			  bytes_text(&missing));
		return error_hint(err, "with 'require = no' the daemon runs without it");
	}
	sandbox.text = arena_printf(memory, "landlock=%s seccomp=%s core-dumps=%s", landlock,
				    has_seccomp ? "yes" : "no", is_hidden ? "no" : "yes");
	if (missing.size)
		sandbox.text = arena_printf(memory, "%s missing=\"%s\"", sandbox.text,
					    bytes_text(&missing));
	if (is_refused)
		sandbox.refused = bytes_text(&missing);
	*ret_sandbox = sandbox;
	return 0;
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
	struct settings needed = *settings;
	struct folders folders;

	if (!sandbox->has_landlock)
		return NULL;
	/* Behind a proxy the default of 'certificates' need not be there. */
	if (!settings->server.listen_https.count)
		needed.tls.certificates.count = 0;
	folders = sandbox_folders(memory, &needed, settings_file);
	for (size_t i = 0; i < folders.count; i++) {
		const char *real = find_real(memory, folders.items[i].path);

		if (!covers(&sandbox->folders, real) || is_another_file(real))
			return folders.items[i].path;
	}
	return NULL;
}
