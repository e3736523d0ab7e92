#include "acme/uacme.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <unistd.h>

#include "acme/challenge.h"
#include "util/file.h"
#include "util/process.h"

/* The CA may validate each name slowly. */
#define PATIENCE_SECONDS 600

/* Of its output, so much becomes part of an error. */
#define SHOWN_LINES 3
#define SHOWN_LENGTH 300

/* The limit of CAs. */
#define NAMES_MAX 100
#define WORDS_MAX (NAMES_MAX + 16)

/* Its directory is one for each server: "acme-v02.api.letsencrypt.org", by the host of the URL. */
static const char *server_directory(struct arena *memory, const struct uacme *uacme)
{
	const char *host = strstr(uacme->server, "://");
	char *name;

	host = host ? host + strlen("://") : uacme->server;
	name = arena_strndup(memory, host, strcspn(host, "/?#"));
	for (char *at = name; *at; at++)
		if (!char_is_alphanumeric(*at) && *at != '-' && *at != '.')
			*at = '_';
	return arena_printf(memory, "%s/%s", uacme->directory, name);
}

/* The error of a CA (RFC 7807) in the output of uacme:
 *
 *     uacme: the server reported the following error:
 *     {
 *         "type": "urn:ietf:params:acme:error:connection",
 *         "detail": "no answer from http://autoconfig.example.org/...",
 *         "status": 400
 *     }
 */
static bool read_problem(struct arena *memory, const char *output, const char **ret_type,
			 const char **ret_detail)
{
	for (const char *at = strchr(output, '{'); at; at = strchr(at + 1, '{')) {
		json_t *problem = json_loads(at, JSON_DISABLE_EOF_CHECK, NULL);
		const char *type = json_string_value(json_object_get(problem, "type"));
		const char *detail = json_string_value(json_object_get(problem, "detail"));

		if (type && detail) {
			*ret_type = arena_strdup(memory, type);
			*ret_detail = arena_strdup(memory, detail);
		}
		json_decref(problem);
		if (type && detail)
			return true;
	}
	return false;
}

/* The last few lines of it, each once, in one. */
static const char *last_lines(struct arena *memory, const char *output)
{
	const char *lines[SHOWN_LINES] = { 0 };
	char *rest = arena_strdup(memory, output), *line;
	struct bytes shown = BYTES_IN(memory);

	while ((line = strsep(&rest, "\n"))) {
		size_t i = 0;

		if (strncmp(line, "uacme: ", strlen("uacme: ")) == 0)
			line += strlen("uacme: ");
		if (!*line)
			continue;
		while (i < SHOWN_LINES - 1 && !(lines[i] && text_equals(lines[i], line)))
			i++;
		for (; i > 0; i--)
			lines[i] = lines[i - 1];
		lines[0] = line;
	}
	for (size_t i = SHOWN_LINES; i-- > 0;)
		if (lines[i])
			bytes_add_format(&shown, "%s%s", shown.size ? "; " : "", lines[i]);
	return bytes_text(&shown);
}

static const char *shorten(struct arena *memory, const char *text)
{
	return strlen(text) <= SHOWN_LENGTH ? text
					    : arena_printf(memory, "%.*s...", SHOWN_LENGTH, text);
}

static void remove_directory(const char *path)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	DIR *directory = opendir(path);
	const struct dirent *entry;

	if (!directory)
		return;
	while ((entry = readdir(directory)))
		if (entry->d_type != DT_DIR)
			(void)unlink(arena_printf(&memory, "%s/%s", path, entry->d_name));
	closedir(directory);
	(void)rmdir(path);
}

void uacme_forget(struct arena *memory, const struct uacme *uacme, const char *name)
{
	const char *directory = server_directory(memory, uacme);

	if (strncmp(name, "*.", 2) == 0)
		name += 2;
	remove_directory(arena_printf(memory, "%s/%s", directory, name));
	remove_directory(arena_printf(memory, "%s/private/%s", directory, name));
}

/* Sets the reason of a failure. Returns UACME_LIMITED or -1. */
static int explain_failure(struct arena *memory, const struct process_end *end, struct error *err)
{
	char *rest = arena_strdup(memory, end->output), *line;
	const char *type, *detail, *kind;

	if (end->was_too_slow)
		return error_set(err, ERROR_SYSTEM, "uacme did not finish within %d seconds",
				 PATIENCE_SECONDS);
	if (read_problem(memory, end->output, &type, &detail)) {
		kind = strrchr(type, ':');
		kind = kind ? kind + 1 : type;
		error_set(err, ERROR_SYSTEM, "%s (%s)", shorten(memory, detail), kind);
		return text_equals(kind, "rateLimited") ? UACME_LIMITED : -1;
	}
	while ((line = strsep(&rest, "\n"))) /* that our hook has written of the dns-hook */
		if (strncmp(line, CHALLENGE_DNS_FAILED, strlen(CHALLENGE_DNS_FAILED)) == 0)
			return error_set(err, ERROR_SYSTEM, "%s", shorten(memory, line));
	return error_set(err, ERROR_SYSTEM, "uacme failed: %s",
			 shorten(memory, last_lines(memory, end->output)));
}

static int run_uacme(struct arena *memory, const struct uacme *uacme, const char *const *words,
		     struct process_end *ret_end, struct error *err)
{
	const char *addition =
		uacme->dns_hook
			? arena_printf(memory, CHALLENGE_DNS_VARIABLE "=%s", uacme->dns_hook)
			: arena_printf(memory, CHALLENGE_VARIABLE "=%s", uacme->challenges);

	if (process_run(memory, words, addition, PATIENCE_SECONDS, ret_end, err) == 0)
		return 0;
	return error_hint(err, "install the package uacme");
}

/* Written when the account exists: a failed attempt may leave the key alone. */
static const char *mark_of_account(struct arena *memory, const struct uacme *uacme)
{
	return arena_printf(memory, "%s/account", server_directory(memory, uacme));
}

/* Returns 0, UACME_LIMITED or -1. */
static int make_account(struct arena *memory, const struct uacme *uacme, const char *email,
			bool accepts_terms, struct error *err)
{
	static const char terms[] = "accept the terms at ";
	const char *mark = mark_of_account(memory, uacme), *at;
	const char *words[] = { "uacme",      "--confdir",   server_directory(memory, uacme),
				"--acme-url", uacme->server, NULL,
				NULL,	      NULL,	     NULL,
				NULL };
	size_t n = 5;
	struct process_end end;
	int r;

	if (accepts_terms)
		words[n++] = "--yes";
	words[n++] = "--";
	words[n++] = "new";
	words[n++] = email;
	if (run_uacme(memory, uacme, words, &end, err) < 0)
		return -1;
	if (end.status == 0 || strstr(end.output, "already exists"))
		return file_replace(mark, 0600, (gid_t)-1, uacme->server, strlen(uacme->server),
				    err);
	/* "uacme: type 'y' to accept the terms at https://..." */
	at = strstr(end.output, terms);
	if (at) {
		at += strlen(terms);
		error_set(err, ERROR_INPUT, "the CA has terms of service: %s",
			  shorten(memory, arena_strndup(memory, at, strcspn(at, " \n"))));
		return error_hint(err, "read them, then use --accept-terms");
	}
	r = explain_failure(memory, &end, err);
	error_prefix(err, "cannot create an account at %s", uacme->server);
	return r;
}

int uacme_provide_account(struct arena *memory, const struct uacme *uacme, const char *email,
			  bool accepts_terms, struct error *err)
{
	if (access(mark_of_account(memory, uacme), F_OK) == 0)
		return 0;
	return make_account(memory, uacme, email, accepts_terms, err);
}

/* uacme(1) calls a directory and a key by the first name, without the "*." of a wildcard. Our
 * program is its hook. */
int uacme_issue(struct arena *memory, const struct uacme *uacme, const char *const *names,
		size_t count, struct uacme_issue *ret_issue, struct error *err)
{
	const char *directory = server_directory(memory, uacme), *words[WORDS_MAX];
	const char *const first[] = {
		"uacme", "--confdir", directory,   "--acme-url", uacme->server, "--type",
		"EC",	 "--force",   "--no-ocsp", "--hook",	 NULL,
	};
	const char *kept = strncmp(names[0], "*.", 2) == 0 ? names[0] + 2 : names[0];
	const struct uacme_issue issue = {
		.chain_file = arena_printf(memory, "%s/%s/cert.pem", directory, kept),
		.key_file = arena_printf(memory, "%s/private/%s/key.pem", directory, kept),
	};
	char hook[PATH_MAX] = "";
	struct process_end end;
	size_t n = 0;
	int r;

	if (count > NAMES_MAX)
		return error_set(err, ERROR_INPUT,
				 "the certificate would have %zu names, more than %d", count,
				 NAMES_MAX);
	if (readlink("/proc/self/exe", hook, sizeof(hook) - 1) <= 0)
		return error_set(err, ERROR_SYSTEM, "cannot find this program: %s",
				 strerror(errno));
	for (; first[n]; n++)
		words[n] = first[n];
	words[n++] = hook;
	words[n++] = "--"; /* no name is an option */
	words[n++] = "issue";
	for (size_t i = 0; i < count; i++)
		words[n++] = names[i];
	words[n] = NULL;
	/* uacme would keep a copy of the old certificate. */
	(void)unlink(issue.chain_file);
	if (run_uacme(memory, uacme, words, &end, err) < 0)
		return -1;
	/* A CA loses accounts, as one that was installed again. Its terms have been accepted once,
	 * and a renewal cannot ask for that. */
	if (end.status != 0 && strstr(end.output, "no account associated")) {
		r = make_account(memory, uacme, NULL, true, err);
		if (r != 0)
			return r;
		if (run_uacme(memory, uacme, words, &end, err) < 0)
			return -1;
	}
	if (end.status != 0)
		return explain_failure(memory, &end, err);
	*ret_issue = issue;
	return 0;
}
