#include "util/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/error.h"

#define FIRST_ROOM ((size_t)64 * 1024)

static int fail(const char *name, struct error *err)
{
	return error_set(err, ERROR_SYSTEM, "cannot read '%s': %s", name, strerror(errno));
}

int input_open(const char *path, struct input *ret_input, struct error *err)
{
	bool is_standard = text_equals(path, "-");
	struct input input = {
		.name = is_standard ? "standard input" : path,
		.fd = is_standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC),
	};
	struct stat status;

	if (input.fd < 0)
		return fail(input.name, err);
	if (fstat(input.fd, &status) < 0 || S_ISDIR(status.st_mode)) {
		if (S_ISDIR(status.st_mode))
			errno = EISDIR;
		fail(input.name, err);
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
		return fail(input->name, err);
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
