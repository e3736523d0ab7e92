#include "util/socket-activation.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#define FIRST_FD 3
#define HANDED_MAX 1024

static size_t count_announced(void)
{
	const char *pid_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS");
	unsigned long pid, count;

	if (!pid_text || !number_parse(pid_text, 1, INT_MAX, &pid) || (pid_t)pid != getpid())
		return 0;
	if (!count_text || !number_parse(count_text, 1, HANDED_MAX, &count))
		return 0;
	return count;
}

/*
 * https:http
 */
static const char *next_name(struct arena *memory, const char **names)
{
	size_t length = strcspn(*names, ":");
	const char *name = arena_strndup(memory, *names, length);

	*names += length + ((*names)[length] == ':');
	return name;
}

size_t handed_take(struct arena *memory, struct handed **ret_handed)
{
	const char *names = getenv("LISTEN_FDNAMES");
	size_t count = count_announced();

	*ret_handed = arena_array(memory, struct handed, count);
	if (!names)
		names = "";
	for (size_t i = 0; i < count; i++) {
		(*ret_handed)[i] = (struct handed){ FIRST_FD + (int)i, next_name(memory, &names) };
		(void)fcntl(FIRST_FD + (int)i, F_SETFD, FD_CLOEXEC);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return count;
}
