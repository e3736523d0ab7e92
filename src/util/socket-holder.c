#include "util/socket-holder.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <unistd.h>

#include "util/socket-address.h"

#define LISTENING 0x0a /* TCP_LISTEN in /proc/net/tcp */

DEFINE_CLEANUP(DIR *, closedir);

/* The kernel writes each 32 bits of an address as a number of this machine's byte order. */
static bool parse_address(const char *digits, unsigned port, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	uint32_t words[4];
	size_t count = strlen(digits) / 8;

	for (size_t i = 0; i < count && i < 4; i++)
		if (sscanf(digits + i * 8, "%8x", &words[i]) != 1)
			return false;
	memset(ret_address, 0, sizeof(*ret_address));
	if (count == 4) {
		memcpy(&v6.sin6_addr, words, sizeof(v6.sin6_addr));
		memcpy(ret_address, &v6, sizeof(v6));
	} else if (count == 1) {
		memcpy(&v4.sin_addr, words, sizeof(v4.sin_addr));
		memcpy(ret_address, &v4, sizeof(v4));
	}
	return count == 4 || count == 1;
}

/* Finds the number of the socket that listens in the way. */
static bool find_inode(const char *table, const struct sockaddr_storage *wanted,
		       unsigned long *ret_inode, uid_t *ret_user)
{
	_cleanup_(fclosep) FILE *stream = fopen(table, "re");
	struct sockaddr_storage address;
	char line[512], digits[33];
	unsigned port, state, user;
	unsigned long inode;

	while (stream && fgets(line, sizeof(line), stream)) {
		if (sscanf(line,
			   "%*d: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %u %*u "
			   "%lu",
			   digits, &port, &state, &user, &inode) != 5 ||
		    state != LISTENING || !parse_address(digits, port, &address) ||
		    !socket_address_excludes(&address, wanted))
			continue;
		*ret_inode = inode;
		*ret_user = user;
		return true;
	}
	return false;
}

static bool has_socket(const char *process, const char *link)
{
	char path[64], target[64];
	_cleanup_(closedirp) DIR *directory = NULL;
	const struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", process);
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		ssize_t length = readlinkat(dirfd(directory), entry->d_name, target,
					    sizeof(target) - 1);

		if (length < 0)
			continue;
		target[length] = '\0';
		if (text_equals(target, link))
			return true;
	}
	return false;
}

/* The first process, but process 1 last: it keeps sockets that it hands over to others. */
static pid_t find_process(unsigned long inode)
{
	_cleanup_(closedirp) DIR *directory = opendir("/proc");
	const struct dirent *entry;
	pid_t found = 0;
	char link[64];

	snprintf(link, sizeof(link), "socket:[%lu]", inode);
	while (directory && (entry = readdir(directory))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && (found <= 1 || (pid > 1 && pid < found)) &&
		    has_socket(entry->d_name, link))
			found = pid;
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
