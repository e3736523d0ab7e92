#pragma once

/* Listening unix sockets, which an operator writes as unix:/run/mailconfd/proxy.socket. */

#include <sys/types.h>
#include <sys/un.h>

#include "util/base.h"

#define UNIX_SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

struct socket_holder;

struct unix_socket {
	char path[UNIX_SOCKET_PATH_MAX + 1];
	int fd;

	/* Of the file, so that no other file is removed. */
	dev_t device;
	ino_t inode;
};

/* The path in "unix:PATH"; NULL where the text is something else. */
const char *unix_socket_path(const char *text);

/*
 * Listens at the path, without blocking. A socket file without a listening process is replaced. The
 * file has mode 0660 and the group that its directory gives it. As root, a child process with the
 * rights of the directory's owner creates it (account_of_directory()), so no thread may run yet.
 * Returns 0, or -1 with err set to a sentence that names the path.
 */
int unix_socket_open(const char *path, int backlog, struct unix_socket *ret_socket,
		     struct error *err);

/* What a start at the path would come to; nothing is made or removed. Returns 0; 1 where somebody
 * listens there, with err and ret_holder set; or -1 with err set. */
int unix_socket_check(const char *path, struct socket_holder *ret_holder, struct error *err);

/* Closes the descriptor and removes the file, unless another has taken its place. */
void unix_socket_close(struct unix_socket *unix_socket);
