/* Preloaded: a file system without locks, as NFS without its lock daemon (LOCK_ERRNO), and what
 * statfs() says that it is (FILE_SYSTEM_TYPE). */

/* Or one of each pair of functions would be declared as the other. */
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/statfs.h>

static int lock_or_call(const char *name, int fd, int command, void *argument)
{
	int (*call)(int, int, ...) = dlsym(RTLD_NEXT, name);
	const char *error = getenv("LOCK_ERRNO");

	if (error && (command == F_SETLK || command == F_SETLKW || command == F_GETLK ||
		      command == F_OFD_SETLK)) {
		errno = atoi(error);
		return -1;
	}
	return call(fd, command, argument);
}

int fcntl(int fd, int command, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return lock_or_call("fcntl", fd, command, argument);
}

int fcntl64(int fd, int command, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return lock_or_call("fcntl64", fd, command, argument);
}

static void set_type(struct statfs *status)
{
	const char *type = getenv("FILE_SYSTEM_TYPE");

	if (type)
		status->f_type = (__fsword_t)strtoul(type, NULL, 16);
}

int statfs(const char *path, struct statfs *status)
{
	int (*call)(const char *, struct statfs *) = dlsym(RTLD_NEXT, "statfs");
	int r = call(path, status);

	set_type(status);
	return r;
}

int statfs64(const char *path, struct statfs64 *status)
{
	int (*call)(const char *, struct statfs64 *) = dlsym(RTLD_NEXT, "statfs64");
	int r = call(path, status);

	set_type((struct statfs *)status);
	return r;
}
