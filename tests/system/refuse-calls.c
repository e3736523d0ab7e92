/*
 * refuse-calls ERRNO LETTERS PROGRAM [ARGUMENT ...]: runs the program where system calls of a
 * sandbox fail with the error, as under old kernels, emulators and in containers. The letters:
 *
 * - s for seccomp, also as prctl(PR_SET_SECCOMP)
 * - l, a and r for landlock_create_ruleset, landlock_add_rule and landlock_restrict_self
 * - b for bind
 * - n and d for prctl with PR_SET_NO_NEW_PRIVS and PR_SET_DUMPABLE
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct refusal {
	char letter;
	int call;
	int option; /* of prctl, 0 for other calls */
};

static const struct refusal refusals[] = {
	{ 's', SCMP_SYS(seccomp), 0 },
	{ 's', SCMP_SYS(prctl), PR_SET_SECCOMP },
	{ 'l', SCMP_SYS(landlock_create_ruleset), 0 },
	{ 'a', SCMP_SYS(landlock_add_rule), 0 },
	{ 'r', SCMP_SYS(landlock_restrict_self), 0 },
	{ 'b', SCMP_SYS(bind), 0 },
	{ 'n', SCMP_SYS(prctl), PR_SET_NO_NEW_PRIVS },
	{ 'd', SCMP_SYS(prctl), PR_SET_DUMPABLE },
};

static int refuse(scmp_filter_ctx filter, const struct refusal *refusal, int error)
{
	unsigned action = SCMP_ACT_ERRNO((unsigned)error);

	if (!refusal->option)
		return seccomp_rule_add(filter, action, refusal->call, 0);
	return seccomp_rule_add(filter, action, refusal->call, 1,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)refusal->option));
}

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int result = 0;

	if (argc < 4 || !filter)
		return 125;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals) && result == 0; i++)
		if (strchr(argv[2], refusals[i].letter))
			result = refuse(filter, &refusals[i], atoi(argv[1]));
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	if (result < 0) {
		(void)fprintf(stderr, "refuse-calls: %s\n", strerror(-result));
		return 125;
	}
	(void)execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 126;
}
