#include "util/socket-holder.h"

#include <dirent.h>
#include <netinet/in.h>
#include <unistd.h>

#include "util/socket-address.h"

#define LISTENING 0x0a /* TCP_LISTEN in /proc/net/tcp */

DEFINE_CLEANUP(DIR *, closedir);

/* Finds the number of the socket that listens in the way. */
static bool find_inode(const char *table, const struct sockaddr_storage *wanted,
		       unsigned long *ret_inode, uid_t *ret_user)
{
	_cleanup_(fclosep) FILE *stream = fopen(table, "re");
	char line[512], digits[33];
	unsigned port, state, user;
	unsigned long inode;

	while (stream && fgets(line, sizeof(line), stream)) {
		struct sockaddr_storage address;
		uint32_t words[4] = { 0 };

		if (sscanf(line,
			   "%*d: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %u %*u "
			   "%lu",
			   digits, &port, &state, &user, &inode) != 5 ||
		    state != LISTENING)
			continue;
		/* The kernel writes each 32 bits of an address as a number of this machine's byte
		 * order. */
		for (size_t i = 0; i < strlen(digits) / 8; i++)
			(void)sscanf(digits + i * 8, "%8x", &words[i]);
		address = socket_address_of(strlen(digits) > 8 ? AF_INET6 : AF_INET, words,
					    (uint16_t)port);
		if (!socket_address_excludes(&address, wanted))
			continue;
		*ret_inode = inode;
		*ret_user = user;
		return true;
	}
	return false;
}

/* The first process, but process 1 last: it keeps sockets that it hands over to others. */
static pid_t find_process(unsigned long inode)
{
	_cleanup_(closedirp) DIR *processes = opendir("/proc");
	const struct dirent *process, *entry;
	char wanted[64], path[64], target[64];
	pid_t found = 0;

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	while (processes && (process = readdir(processes))) {
		_cleanup_(closedirp) DIR *descriptors = NULL;
		pid_t pid = (pid_t)strtol(process->d_name, NULL, 10);

		if (pid <= 0 || (found > 1 && (pid == 1 || pid > found)))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
		descriptors = opendir(path);
		while (descriptors && (entry = readdir(descriptors))) {
			ssize_t length = readlinkat(dirfd(descriptors), entry->d_name, target,
						    sizeof(target) - 1);

			target[length < 0 ? 0 : length] = '\0';
			if (text_equals(target, wanted)) {
				found = pid;
				break;
			}
		}
	}
	return found;
}

void socket_holder_name(struct socket_holder *holder)
{
	_cleanup_(fclosep) FILE *stream = NULL;
	char path[64];

	holder->name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)holder->pid);
	stream = fopen(path, "re");
	if (stream && fgets(holder->name, sizeof(holder->name), stream))
		holder->name[strcspn(holder->name, "\n")] = '\0';
}

bool socket_holder_find(const struct sockaddr_storage *address, struct socket_holder *ret_holder)
{
	unsigned long inode;
	uid_t user;

	if (!find_inode("/proc/self/net/tcp", address, &inode, &user) &&
	    !find_inode("/proc/self/net/tcp6", address, &inode, &user))
		return false;
	*ret_holder = (struct socket_holder){ .pid = find_process(inode), .user = user };
	socket_holder_name(ret_holder);
	return true;
}

bool socket_holder_of_peer(int fd, struct socket_holder *ret_holder)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	*ret_holder = (struct socket_holder){ .pid = peer.pid, .user = peer.uid };
	socket_holder_name(ret_holder);
	return true;
}

const char *socket_holder_text(struct arena *memory, const struct socket_holder *holder)
{
	if (!holder->pid)
		return "another program";
	return arena_printf(memory, "%s, process %d", *holder->name ? holder->name : "a program",
			    (int)holder->pid);
}
