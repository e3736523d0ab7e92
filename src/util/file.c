#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "util/arena.h"
#include "util/cleanup.h"
#include "util/error.h"

static char *fail(struct error *err, const char *path)
{
	(void)error_set(err, ERROR_SYSTEM, "cannot read '%s': %s", path, strerror(errno));
	return NULL;
}

/* Not to be kept waiting by a FIFO, which is refused like all that is no file. */
char *file_read(struct arena *memory, const char *path, size_t limit, size_t *ret_size,
		struct error *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	size_t size = 0;
	char *data;

	if (fd < 0 || fstat(fd, &status) < 0)
		return fail(err, path);
	if (!S_ISREG(status.st_mode)) {
		(void)error_set(err, ERROR_SYSTEM, "cannot read '%s': it is not a file", path);
		return NULL;
	}
	if ((size_t)status.st_size > limit) {
		(void)error_set(err, ERROR_SYSTEM, "'%s' has more than %zu bytes", path, limit);
		return NULL;
	}
	data = arena_alloc(memory, (size_t)status.st_size + 1);
	while (size < (size_t)status.st_size) {
		ssize_t got = read(fd, data + size, (size_t)status.st_size - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(err, path);
		if (got == 0)
			break;
		size += (size_t)got;
	}
	data[size] = '\0';
	*ret_size = size;
	return data;
}
