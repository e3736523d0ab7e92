#include "acme/challenge.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#include "config/settings.h"
#include "http/plain-http.h"
#include "util/directory.h"
#include "util/file.h"
#include "util/process.h"

/* For the daemon, which is another user, to read. They are not secret. */
#define FILE_MODE 0644
#define DIRECTORY_MODE 0755

/* Some programs wait until all servers of a zone have the record. */
#define DNS_HOOK_SECONDS 300

static int write_challenge(const char *directory, const char *token, const char *text,
			   struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	return file_replace(arena_printf(&memory, "%s/%s", directory, token), FILE_MODE, (gid_t)-1,
			    text, strlen(text), err);
}

void challenge_hide(const char *directory, const char *token)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	(void)unlink(arena_printf(&memory, "%s/%s", directory, token));
}

int challenge_show(struct arena *memory, const char *directory, const char **ret_token,
		   const char **ret_text, struct error *err)
{
	/* Whatever the umask: the daemon must be able to read it. */
	_cleanup_(closep) int fd = directory_open_ours(directory, DIRECTORY_MODE, err);
	unsigned long long noise[2];

	if (fd < 0 && err->kind == ERROR_CONFIG) {
		error_set(err, ERROR_CONFIG,
			  "cannot use [acme] directory '%s' as root: another user can write in it "
			  "or above it",
			  directory);
		error_hint(err, "set it to " SETTINGS_ACME_DIRECTORY " and restart mailconfd");
	}
	if (fd < 0)
		return -1;
	if (getrandom(noise, sizeof(noise), 0) != (ssize_t)sizeof(noise))
		return error_set(err, ERROR_SYSTEM, "cannot get random numbers: %s",
				 strerror(errno));
	*ret_token = arena_printf(memory, "trial-%016llx", noise[0]);
	*ret_text = arena_printf(memory, "mailconfd-%016llx", noise[1]);
	return write_challenge(directory, *ret_token, *ret_text, err);
}

bool challenge_is_hook(void)
{
	return getenv(CHALLENGE_VARIABLE) || getenv(CHALLENGE_DNS_VARIABLE);
}

/* Runs the program with our own arguments. If it fails, a line is written to uacme's output. */
static int run_dns_hook(const char *program, char *const *argv)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *words[] = { program, argv[1], argv[2], argv[3], argv[4], argv[5], NULL };
	const char *how = NULL, *last = ""; /* the last line of its output */
	char *rest, *line;
	struct process_end end = { .status = -1 };
	struct error err;

	unsetenv(CHALLENGE_DNS_VARIABLE);
	if (process_run(&memory, words, NULL, DNS_HOOK_SECONDS, &end, &err) < 0) {
		how = err.text;
	} else {
		rest = arena_strdup(&memory, end.output);
		while ((line = strsep(&rest, "\n")))
			last = *line ? line : last;
		if (end.was_too_slow)
			how = arena_printf(&memory, "did not finish within %d seconds",
					   DNS_HOOK_SECONDS);
		else if (end.status != 0)
			how = arena_printf(&memory, "failed with exit status %d", end.status);
	}
	if (how)
		fprintf(stderr, CHALLENGE_DNS_FAILED "'%s' %s for '%s'%s%s\n", program, how,
			argv[3], *last ? ": " : "", last);
	return how ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* METHOD TYPE IDENTIFIER TOKEN AUTHORIZATION, see uacme(1). */
int challenge_hook(int argc, char *const *argv)
{
	const char *directory = getenv(CHALLENGE_VARIABLE);
	const char *dns_hook = getenv(CHALLENGE_DNS_VARIABLE);
	struct error err;

	if (dns_hook)
		return argc == 6 && text_equals(argv[2], "dns-01") ? run_dns_hook(dns_hook, argv)
								   : EXIT_FAILURE;
	if (argc != 6 || !text_equals(argv[2], "http-01") || !plain_http_is_token(argv[4]))
		return EXIT_FAILURE;
	if (!text_equals(argv[1], "begin")) {
		challenge_hide(directory, argv[4]);
		return EXIT_SUCCESS;
	}
	if (write_challenge(directory, argv[4], argv[5], &err) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "%s\n", err.text);
	return EXIT_FAILURE;
}
