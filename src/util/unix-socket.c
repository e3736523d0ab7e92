#include "util/unix-socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/account.h"
#include "util/socket-holder.h"

#define PREFIX "unix:"

/* Who may write to it may connect. */
#define MODE 0660

const char *unix_socket_path(const char *text)
{
	return strncmp(text, PREFIX, strlen(PREFIX)) == 0 ? text + strlen(PREFIX) : NULL;
}

static int fail_to_listen(const struct sockaddr_un *address, const char *reason, struct error *err)
{
	return error_set(err, ERROR_SYSTEM, "cannot listen on " PREFIX "%s: %s", address->sun_path,
			 reason);
}

static int fail_with_errno(const struct sockaddr_un *address, struct error *err)
{
	const char *path = address->sun_path, *end = strrchr(path, '/');
	int length = end && end > path ? (int)(end - path) : 1;

	if (errno != ENOENT)
		return fail_to_listen(address, strerror(errno), err);
	/* At each boot /run is empty. */
	error_set(err, ERROR_SYSTEM,
		  "cannot listen on " PREFIX "%s: the directory '%.*s' does not exist", path,
		  length, path);
	return error_hint(err,
			  "put 'd %.*s 2750 mailconfd www-data', with the group of the program "
			  "that connects, into /etc/tmpfiles.d/mailconfd-sockets.conf and run "
			  "'systemd-tmpfiles --create'",
			  length, path);
}

static int new_socket(const struct sockaddr_un *address, int *ret_fd, struct error *err)
{
	*ret_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return *ret_fd < 0 ? fail_to_listen(address, strerror(errno), err) : 0;
}

enum { PATH_FREE, PATH_IN_USE, PATH_LEFT_BEHIND };

/* Returns one of the above, PATH_IN_USE with the holder and err set; or -1 with err set. */
static int look_at_path(const struct sockaddr_un *address, struct socket_holder *ret_holder,
			struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(closep) int fd = -1;
	struct stat status;

	if (lstat(address->sun_path, &status) < 0)
		return errno == ENOENT ? PATH_FREE : fail_to_listen(address, strerror(errno), err);
	if (!S_ISSOCK(status.st_mode)) {
		fail_to_listen(address, "a file of another kind is there", err);
		return error_hint(err, "move it away, or name another path");
	}
	if (new_socket(address, &fd, err) < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno == EAGAIN) {
		if (!socket_holder_of_peer(fd, ret_holder))
			*ret_holder = (struct socket_holder){ 0 };
		fail_to_listen(address,
			       arena_printf(&memory, "Address already in use by %s",
					    socket_holder_text(&memory, ret_holder)),
			       err);
		error_hint(err, "stop it, or name another path");
		return PATH_IN_USE;
	}
	return errno == ECONNREFUSED ? PATH_LEFT_BEHIND
				     : fail_to_listen(address, strerror(errno), err);
}

int unix_socket_check(const char *path, struct socket_holder *ret_holder, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *slash;
	int r;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	r = look_at_path(&address, ret_holder, err);
	if (r == PATH_IN_USE)
		return 1;
	if (r != PATH_FREE)
		return r == PATH_LEFT_BEHIND ? 0 : -1;
	slash = strrchr(address.sun_path, '/');
	if (access(arena_strndup(&memory, path, (size_t)(slash - address.sun_path) + 1), F_OK) < 0)
		return fail_with_errno(&address, err);
	return 0;
}

struct binding {
	const struct sockaddr_un *address;
	int fd;
};

/* In the child: the file has its mode from the start, and the directory's owner gets no more than
 * their own rights from us. Only what a dead process left behind makes room for it. */
static int bind_there(FILE *output, void *context, struct error *err)
{
	const struct binding *binding = context;
	const struct sockaddr_un *address = binding->address;
	struct socket_holder holder;
	int r = look_at_path(address, &holder, err);

	if (r == PATH_LEFT_BEHIND && unlink(address->sun_path) < 0 && errno != ENOENT)
		return fail_to_listen(address, strerror(errno), err);
	if (r != PATH_LEFT_BEHIND && r != PATH_FREE)
		return -1;
	umask(0777 & ~MODE);
	return bind(binding->fd, (const struct sockaddr *)address, sizeof(*address)) < 0
		       ? fail_with_errno(address, err)
		       : 0;
}

int unix_socket_open(const char *path, int backlog, struct unix_socket *ret_socket,
		     struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = -1;
	struct account account;
	struct stat status;
	size_t size;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (new_socket(&address, &fd, err) < 0)
		return -1;
	if (account_of_directory(&memory, path, &account, err) < 0)
		return error_prefix(err, PREFIX "%s", address.sun_path);
	if (!account_run(&memory, &account, bind_there, &(struct binding){ &address, fd }, 0, &size,
			 err)) {
		err->kind = ERROR_SYSTEM;
		return -1;
	}
	if (lstat(address.sun_path, &status) < 0 || listen(fd, backlog) < 0)
		return fail_to_listen(&address, strerror(errno), err);
	*ret_socket = (struct unix_socket){
		.fd = TAKE_FD(fd),
		.device = status.st_dev,
		.inode = status.st_ino,
	};
	memcpy(ret_socket->path, address.sun_path, sizeof(ret_socket->path));
	return 0;
}

void unix_socket_close(struct unix_socket *unix_socket)
{
	struct stat status;

	if (lstat(unix_socket->path, &status) == 0 && status.st_dev == unix_socket->device &&
	    status.st_ino == unix_socket->inode)
		unlink(unix_socket->path);
	closep(&unix_socket->fd);
}
