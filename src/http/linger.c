#include "http/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

void linger_add(struct lingering *lingering, int fd, int64_t now)
{
	if (lingering->count == LINGER_MAX)
		return;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return;
	shutdown(fd, SHUT_WR);
	lingering->connections[lingering->count].fd = fd;
	lingering->connections[lingering->count++].until = now + LINGER_MS;
}

void linger_drop(struct lingering *lingering, int64_t now)
{
	for (size_t i = 0; i < lingering->count;) {
		int fd = lingering->connections[i].fd;

		if (lingering->connections[i].until > now) {
			ssize_t got = recv(fd, lingering->dropped, sizeof(lingering->dropped),
					   MSG_DONTWAIT);

			if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) {
				i++;
				continue;
			}
		}
		close(fd);
		lingering->connections[i] = lingering->connections[--lingering->count];
	}
}

int64_t linger_next(const struct lingering *lingering, int64_t now)
{
	return lingering->count ? now + LINGER_STEP_MS : INT64_MAX;
}
