#include "util/socket-activation.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#define FIRST_FD 3
#define HANDED_MAX 1024

size_t handed_take(struct arena *memory, struct handed **ret_handed)
{
	const char *pid_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES"); /* "https:http" */
	char *rest = arena_strdup(memory, names ? names : "");
	unsigned long pid, count = 0;

	if (!pid_text || !number_parse(pid_text, 1, INT_MAX, &pid) || (pid_t)pid != getpid() ||
	    !count_text || !number_parse(count_text, 1, HANDED_MAX, &count))
		count = 0;
	*ret_handed = arena_array(memory, struct handed, count);
	for (unsigned long i = 0; i < count; i++) {
		const char *name = strsep(&rest, ":");

		(*ret_handed)[i] = (struct handed){ FIRST_FD + (int)i, name ? name : "" };
		fcntl(FIRST_FD + (int)i, F_SETFD, FD_CLOEXEC);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return count;
}
