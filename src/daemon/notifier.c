#include "daemon/notifier.h"

#include <limits.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* An @ in front stands for the NUL of an abstract socket. Returns -1 where it cannot be reached. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = -1;
	size_t length = strlen(path);

	if ((*path != '/' && *path != '@') || length >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, length);
	if (*path == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		return -1;
	return TAKE_FD(fd);
}

static int64_t read_watchdog(void)
{
	const char *time_text = getenv("WATCHDOG_USEC"), *pid_text = getenv("WATCHDOG_PID");
	unsigned long time, pid;

	if (!time_text || !number_parse(time_text, 1, INT64_MAX, &time))
		return 0;
	if (pid_text && (!number_parse(pid_text, 1, INT_MAX, &pid) || (pid_t)pid != getpid()))
		return 0;
	return (int64_t)time;
}

void notifier_open(struct notifier *ret_notifier)
{
	const char *path = getenv("NOTIFY_SOCKET");

	ret_notifier->fd = path ? connect_to(path) : -1;
	ret_notifier->watchdog = ret_notifier->fd >= 0 ? read_watchdog() : 0;
}

void notifier_close(struct notifier *notifier)
{
	closep(&notifier->fd);
	notifier->fd = -1;
}

void notifier_send(const struct notifier *notifier, const char *format, ...)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *text;
	va_list args;

	if (notifier->fd < 0)
		return;
	va_start(args, format);
	text = arena_vprintf(&memory, format, args);
	va_end(args);
	(void)send(notifier->fd, text, strlen(text), MSG_NOSIGNAL);
}
