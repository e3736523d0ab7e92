#pragma once

/* Who listens on a TCP port already, as 'ss -ltnp' shows it: from the socket's number in
 * /proc/net/tcp to the process that has it among its descriptors. */

#include <sys/socket.h>
#include <sys/types.h>

#include "util/base.h"

struct socket_holder {
	pid_t pid;  /* 0 where this user may not see it */
	uid_t user; /* who made the socket */
	char name[32];
};

/* Finds who listens where the address cannot be bound. Of several processes that share the socket
 * it is the first, and systemd only where there is no other. Returns whether somebody listens
 * there. */
bool socket_holder_find(const struct sockaddr_storage *address, struct socket_holder *ret_holder);

/* The same for what this unix socket is connected to. */
bool socket_holder_of_peer(int fd, struct socket_holder *ret_holder);

/* Sets the name of the process, "" where there is none. */
void socket_holder_name(struct socket_holder *holder);

/* "nginx, process 812", in memory; or that root would see it. */
const char *socket_holder_text(struct arena *memory, const struct socket_holder *holder);
