#include "http/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

void lingering_add(struct lingering *lingering, int fd, int64_t now)
{
	if (lingering->count == LINGERING_MAX)
		return;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)shutdown(fd, SHUT_WR);
	lingering->connections[lingering->count].fd = fd;
	lingering->connections[lingering->count++].until = now + LINGERING_MS;
}

/* Returns whether more may come. */
static bool drop(int fd)
{
	char data[16 * 1024];
	size_t size = 0;

	while (size < LINGERING_STEP_SIZE) {
		ssize_t got = recv(fd, data, sizeof(data), MSG_DONTWAIT);

		if (got < 0)
			return errno == EAGAIN || errno == EINTR;
		if (got == 0)
			return false;
		size += (size_t)got;
	}
	return true;
}

void lingering_drop(struct lingering *lingering, int64_t now)
{
	for (size_t i = 0; i < lingering->count;) {
		if (lingering->connections[i].until > now && drop(lingering->connections[i].fd)) {
			i++;
			continue;
		}
		close(lingering->connections[i].fd);
		lingering->connections[i] = lingering->connections[--lingering->count];
	}
}

int64_t lingering_next(const struct lingering *lingering, int64_t now)
{
	return lingering->count ? now + LINGERING_STEP_MS : INT64_MAX;
}
