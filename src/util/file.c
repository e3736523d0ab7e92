#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static int fail_to_write(const char *path, const char *reason, struct error *err)
{
	return error_set(err, ERROR_SYSTEM, "cannot write '%s': %s", path, reason);
}

int output_open(struct arena *memory, const char *path, bool may_replace, struct output *ret_output,
		struct error *err)
{
	_cleanup_(output_close) struct output output = OUTPUT_NULL;
	const char *slash = strrchr(path, '/');
	struct stat there;
	uint64_t noise;

	output.path = path;
	output.name = slash ? slash + 1 : path;
	output.may_replace = may_replace;
	output.directory = open(slash ? arena_strndup(memory, path, (size_t)(slash - path) + 1)
				      : ".",
				O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (output.directory < 0)
		return fail_to_write(path, strerror(errno), err);
	if (fstatat(output.directory, output.name, &there, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return fail_to_write(path, strerror(errno), err);
	} else if (!S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode)) {
		return fail_to_write(path, "it is not a file", err);
	} else if (!may_replace) {
		error_set(err, ERROR_INPUT, "'%s' exists already", path);
		return error_hint(err, "use --force to replace it");
	}
	/* Without the file's own name, which may be as long as a name can be. */
	if (getrandom(&noise, sizeof(noise), 0) == (ssize_t)sizeof(noise)) {
		output.temporary = arena_printf(memory, ".new-%016" PRIx64, noise);
		output.fd = openat(output.directory, output.temporary,
				   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	if (output.fd < 0)
		return fail_to_write(path, strerror(errno), err);
	*ret_output = output;
	output = OUTPUT_NULL;
	return 0;
}

/* Returns 0 or what errno says. */
static int commit_file(const struct output *output)
{
	int directory = output->directory, r = -1;

	if (fsync(output->fd) < 0)
		return errno;
	/* A file of this name that appeared meanwhile remains, unless it may be replaced, or the
	 * file system has no such operation. */
	if (!output->may_replace)
		r = renameat2(directory, output->temporary, directory, output->name,
			      RENAME_NOREPLACE);
	if (output->may_replace || (r < 0 && errno == EINVAL))
		r = renameat(directory, output->temporary, directory, output->name);
	/* The name is safe once its directory is. */
	if (r < 0)
		return errno;
	/* Some network file systems cannot. */
	return fsync(directory) < 0 && errno != EINVAL ? errno : 0;
}

int output_keep_rights(struct output *output, struct error *err)
{
	/* Signals of the terminal reach both; the file is to be removed all the same. */
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	int links[2], result;
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, links) < 0)
		return fail_to_write(output->path, strerror(errno), err);
	output->keeper = fork();
	if (output->keeper == 0) {
		close(links[0]);
		for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
			signal(signals[i], SIG_IGN);
		/* A byte asks for the name; the parent may end instead. */
		result = read(links[1], &byte, 1) == 1 ? commit_file(output) : ECANCELED;
		if (result)
			unlinkat(output->directory, output->temporary, 0);
		(void)!write(links[1], &result, sizeof(result));
		_exit(EXIT_SUCCESS);
	}
	close(links[1]);
	output->keeper_link = links[0];
	if (output->keeper > 0)
		return 0;
	output->keeper = 0;
	return fail_to_write(output->path, strerror(errno), err);
}

int output_commit(struct output *output, struct error *err)
{
	int result;

	if (!output->keeper)
		result = commit_file(output);
	else if (send(output->keeper_link, "", 1, MSG_NOSIGNAL) != 1 ||
		 read(output->keeper_link, &result, sizeof(result)) != (ssize_t)sizeof(result))
		result = EPIPE;
	if (result)
		return fail_to_write(output->path, strerror(result), err);
	closep(&output->fd);
	output->fd = -1;
	output_close(output);
	return 0;
}

void output_close(struct output *output)
{
	closep(&output->keeper_link);
	if (output->keeper)
		waitpid(output->keeper, NULL, 0);
	else if (output->fd >= 0)
		unlinkat(output->directory, output->temporary, 0);
	closep(&output->fd);
	closep(&output->directory);
	*output = OUTPUT_NULL;
}

int file_replace(const char *path, mode_t mode, gid_t group, const char *data, size_t size,
		 struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(output_close) struct output output = OUTPUT_NULL;

	if (output_open(&memory, path, true, &output, err) < 0)
		return -1;
	while (size > 0) {
		ssize_t written = write(output.fd, data, size);

		if (written < 0 && errno != EINTR)
			return fail_to_write(path, strerror(errno), err);
		if (written > 0) {
			data += written;
			size -= (size_t)written;
		}
	}
	/* Until it has its owner and mode, nobody else can open it. */
	if ((group != (gid_t)-1 && fchown(output.fd, (uid_t)-1, group) < 0) ||
	    fchmod(output.fd, mode) < 0)
		return fail_to_write(path, strerror(errno), err);
	return output_commit(&output, err);
}

int file_open_unnamed(const char *directory)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *path;

	if (fd >= 0)
		return fd;
	/* Overlays of old kernels and NFS have no O_TMPFILE. */
	path = arena_printf(&memory, "%s/.mailconfd-XXXXXX", directory);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static const char *temporary_directory(void)
{
	static const char *const variables[] = { "SQLITE_TMPDIR", "TMPDIR" };

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
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
	_cleanup_(closep) int fd = file_open_unnamed(temporary_directory());
	FILE *file = fd >= 0 ? fdopen(fd, "w+") : NULL;

	if (file)
		fd = -1;
	else
		temporary_file_fail(err);
	return file;
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
