#include "util/temporary-file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const char *temporary_directory(void)
{
	static const char *const variables[] = { "SQLITE_TMPDIR", "TMPDIR" };

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		const char *value = getenv(variables[i]);

		if (value && *value)
			return value;
	}
	return access("/var/tmp", W_OK | X_OK) == 0 ? "/var/tmp" : "/tmp";
}

int temporary_file_fail(struct error *err)
{
	error_set(err, ERROR_SYSTEM, "cannot use a temporary file in '%s': %s",
		  temporary_directory(), strerror(errno));
	return error_hint(err, "set TMPDIR to another directory");
}

FILE *temporary_file_open(struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(closep) int fd = -1;
	const char *directory = temporary_directory();
	FILE *file = NULL;
	char *path;

	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	/* Overlays of old kernels and NFS have no O_TMPFILE. */
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		path = arena_printf(&memory, "%s/mailconfctl-XXXXXX", directory);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0 && unlink(path) < 0) {
			temporary_file_fail(err);
			return NULL;
		}
	}
	if (fd >= 0)
		file = fdopen(fd, "w+");
	if (file)
		fd = -1;
	else
		temporary_file_fail(err);
	return file;
}
