#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_to_read(const char *name, struct error *err)
{
	return error_set(err, ERROR_SYSTEM, "cannot read '%s': %s", name, strerror(errno));
}

/* Does not block on a FIFO, which is rejected like everything except regular files. */
char *file_read(struct arena *memory, const char *path, size_t limit, size_t *ret_size,
		struct error *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	size_t size = 0;
	char *data;

	if (fd < 0 || fstat(fd, &status) < 0) {
		fail_to_read(path, err);
		return NULL;
	}
	if (!S_ISREG(status.st_mode)) {
		error_set(err, ERROR_SYSTEM, "cannot read '%s': it is not a file", path);
		return NULL;
	}
	if ((size_t)status.st_size > limit) {
		error_set(err, ERROR_SYSTEM, "'%s' has more than %zu bytes", path, limit);
		return NULL;
	}
	data = arena_alloc(memory, (size_t)status.st_size + 1);
	while (size < (size_t)status.st_size) {
		ssize_t got = read(fd, data + size, (size_t)status.st_size - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			fail_to_read(path, err);
			return NULL;
		}
		if (got == 0)
			break;
		size += (size_t)got;
	}
	data[size] = '\0';
	*ret_size = size;
	return data;
}

static bool write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, data, size);

		if (written < 0 && errno != EINTR)
			return false;
		if (written > 0) {
			data += written;
			size -= (size_t)written;
		}
	}
	return true;
}

/* Until it has its owner and mode, nobody else can open it: it is made with 0600. */
static bool write_contents(int fd, mode_t mode, gid_t group, const char *data, size_t size)
{
	return write_all(fd, data, size) &&
	       (group == (gid_t)-1 || fchown(fd, (uid_t)-1, group) == 0) && fchmod(fd, mode) == 0 &&
	       fsync(fd) == 0;
}

int file_open_directory(struct arena *memory, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/'), *directory = ".";

	*ret_name = slash ? slash + 1 : path;
	if (slash)
		directory = arena_strndup(memory, path, (size_t)(slash - path) + 1);
	return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Without the file's own name, which may be as long as a name can be. */
int file_create_temporary(struct arena *memory, int directory, const char **ret_name)
{
	uint64_t noise;

	if (getrandom(&noise, sizeof(noise), 0) != (ssize_t)sizeof(noise))
		return -1;
	*ret_name = arena_printf(memory, ".new-%016" PRIx64, noise);
	return openat(directory, *ret_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

int file_replace(const char *path, mode_t mode, gid_t group, const char *data, size_t size,
		 struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(closep) int directory = -1, fd = -1;
	const char *name, *temporary;

	directory = file_open_directory(&memory, path, &name);
	if (directory >= 0)
		fd = file_create_temporary(&memory, directory, &temporary);
	if (fd < 0)
		return error_set(err, ERROR_SYSTEM, "cannot write '%s': %s", path, strerror(errno));
	if (write_contents(fd, mode, group, data, size) &&
	    renameat(directory, temporary, directory, name) == 0)
		return 0;
	error_set(err, ERROR_SYSTEM, "cannot write '%s': %s", path, strerror(errno));
	(void)unlinkat(directory, temporary, 0);
	return -1;
}

#define FIRST_ROOM ((size_t)64 * 1024)

int input_open(const char *path, struct input *ret_input, struct error *err)
{
	bool is_standard = text_equals(path, "-");
	struct input input = {
		.name = is_standard ? "standard input" : path,
		.fd = is_standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC),
	};
	struct stat status;

	if (input.fd < 0)
		return fail_to_read(input.name, err);
	if (fstat(input.fd, &status) < 0 || S_ISDIR(status.st_mode)) {
		if (S_ISDIR(status.st_mode))
			errno = EISDIR;
		fail_to_read(input.name, err);
		input_close(&input);
		return -1;
	}
	input.size = S_ISREG(status.st_mode) ? status.st_size : 0;
	*ret_input = input;
	return 0;
}

void input_close(struct input *input)
{
	if (input->fd > STDIN_FILENO)
		close(input->fd);
	input->fd = -1;
}

int input_read(struct input *input, char *buffer, size_t room, size_t *ret_size, struct error *err)
{
	ssize_t got;

	do {
		got = read(input->fd, buffer, room);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return fail_to_read(input->name, err);
	input->position += got;
	*ret_size = (size_t)got;
	return 0;
}

char *input_read_all(struct input *input, size_t *ret_size, struct error *err)
{
	size_t size = 0, room = FIRST_ROOM, got;
	_cleanup_(freep) char *text = xrealloc(NULL, room, 1);

	for (;;) {
		if (size + 1 == room) {
			text = xrealloc(text, room, 2);
			room *= 2;
		}
		if (input_read(input, text + size, room - size - 1, &got, err) < 0)
			return NULL;
		if (got == 0)
			break;
		size += got;
	}
	text[size] = '\0';
	*ret_size = size;
	return TAKE(text);
}
