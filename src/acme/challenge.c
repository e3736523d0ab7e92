#include "acme/challenge.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "config/settings.h"
#include "http/plain-http.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/directory.h"
#include "util/error.h"
#include "util/file.h"
#include "util/process.h"
#include "util/socket-address.h"

/* For the daemon, which is another user, to read. They are secret to nobody. */
#define FILE_MODE 0644
#define DIRECTORY_MODE 0755

#define ANSWER_SECONDS 10

/* Some programs wait until all servers of a zone have the record. */
#define DNS_HOOK_SECONDS 300

/* Whatever the umask: the daemon must get there. */
int challenge_make_directory(const char *directory, struct error *err)
{
	_cleanup_(closep) int fd = directory_open_ours(directory, DIRECTORY_MODE, err);

	if (fd >= 0)
		return 0;
	if (err->kind != ERROR_CONFIG)
		return -1;
	return error_set(
		err, ERROR_CONFIG,
		"cannot use [acme] directory '%s' as root: another user can write in it or "
		"above it; set it to " SETTINGS_ACME_DIRECTORY " and restart mailconfd",
		directory);
}

static int put(const char *directory, const char *token, const char *text, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	return file_replace(arena_printf(&memory, "%s/%s", directory, token), FILE_MODE, (gid_t)-1,
			    text, strlen(text), err);
}

static void take_away(const char *directory, const char *token)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	(void)unlink(arena_printf(&memory, "%s/%s", directory, token));
}

/* Connects to the socket that listens at the address. Returns -1 with errno set. */
static int connect_to(const struct sockaddr_storage *listening)
{
	const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	struct sockaddr_storage ways[SOCKET_ADDRESS_WAYS_MAX];
	size_t count = socket_address_ways(listening, ways);

	for (size_t i = 0; i < count; i++) {
		_cleanup_(closep) int fd = socket(ways[i].ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		if (connect(fd, (struct sockaddr *)&ways[i], socket_address_length(&ways[i])) == 0)
			return TAKE_FD(fd);
	}
	return -1;
}

/* Returns what came back, "" where nothing did. */
static const char *ask(struct arena *memory, int fd, const char *token)
{
	const char *request = arena_printf(memory,
					   "GET /.well-known/acme-challenge/%s HTTP/1.1\r\n"
					   "Host: localhost\r\nConnection: close\r\n\r\n",
					   token);
	struct bytes answer = BYTES_IN(memory);
	char piece[2048];
	ssize_t got;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
		return "";
	while (answer.size < sizeof(piece) && (got = recv(fd, piece, sizeof(piece), 0)) > 0)
		bytes_add(&answer, piece, (size_t)got);
	return bytes_text(&answer);
}

static int ask_for(struct arena *memory, const char *listen, const char *token, const char *text,
		   struct error *err)
{
	_cleanup_(closep) int fd = -1;
	struct sockaddr_storage address;
	socklen_t length;
	const char *answer;

	if (socket_address_parse(listen, &address, &length, err) < 0)
		return -1;
	fd = connect_to(&address);
	if (fd < 0)
		return error_set(err, ERROR_SYSTEM,
				 "cannot reach the plain port, http://%s: %s; start mailconfd, "
				 "which shows the challenges there, or restart it if the settings "
				 "are newer",
				 listen, strerror(errno));
	answer = ask(memory, fd, token);
	if (text_starts_with_ignoring_case(answer, "HTTP/1.1 200 ") && strstr(answer, text))
		return 0;
	return error_set(
		err, ERROR_SYSTEM,
		"http://%s does not show the challenges that are put into the directory of "
		"[acme] in the settings: is it mailconfd, with these settings, and may its "
		"user read the directory?",
		listen);
}

int challenge_show(struct arena *memory, const char *directory, const char **ret_token,
		   const char **ret_text, struct error *err)
{
	unsigned long long noise[2];

	if (challenge_make_directory(directory, err) < 0)
		return -1;
	if (getrandom(noise, sizeof(noise), 0) != (ssize_t)sizeof(noise))
		return error_set(err, ERROR_SYSTEM, "cannot get random numbers: %s",
				 strerror(errno));
	*ret_token = arena_printf(memory, "trial-%016llx", noise[0]);
	*ret_text = arena_printf(memory, "mailconfd-%016llx", noise[1]);
	return put(directory, *ret_token, *ret_text, err);
}

void challenge_hide(const char *directory, const char *token)
{
	take_away(directory, token);
}

int challenge_try(struct arena *memory, const char *directory, const struct words *listen_http,
		  struct error *err)
{
	const char *token, *text;
	int r;

	if (!listen_http->count)
		return error_set(
			err, ERROR_CONFIG,
			"[server] listen-http is empty, but the certificate authority asks "
			"on port 80; set it to [::]:80 and restart mailconfd, or use DNS-01 with "
			"dns-hook in [acme]");
	if (challenge_show(memory, directory, &token, &text, err) < 0)
		return -1;
	r = ask_for(memory, listen_http->items[0], token, text, err);
	challenge_hide(directory, token);
	return r;
}

bool challenge_is_hook(void)
{
	return getenv(CHALLENGE_VARIABLE) || getenv(CHALLENGE_DNS_VARIABLE);
}

/* "" where there is none. */
static const char *last_line(struct arena *memory, const char *output)
{
	char *rest = arena_strdup(memory, output), *line;
	const char *last = "";

	while ((line = strsep(&rest, "\n")))
		if (*line)
			last = line;
	return last;
}

/* Runs the program with our own arguments. Of a failure one line is written, for uacme's output. */
static int run_dns_hook(const char *program, char *const *argv)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *words[] = { program, argv[1], argv[2], argv[3], argv[4], argv[5], NULL };
	const char *how = NULL, *last = "";
	struct process_end end = { .status = -1 };
	struct error err;

	unsetenv(CHALLENGE_DNS_VARIABLE);
	if (process_run(&memory, words, NULL, DNS_HOOK_SECONDS, &end, &err) < 0) {
		how = err.text;
	} else {
		last = last_line(&memory, end.output);
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
	if (argc != 6 || !text_equals(argv[2], "http-01") || !plain_is_token(argv[4]))
		return EXIT_FAILURE;
	if (!text_equals(argv[1], "begin")) {
		take_away(directory, argv[4]);
		return EXIT_SUCCESS;
	}
	if (put(directory, argv[4], argv[5], &err) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "%s\n", err.text);
	return EXIT_FAILURE;
}
