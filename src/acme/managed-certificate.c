#include "acme/managed-certificate.h"

#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/settings.h"
#include "tls/certificate-list.h"
#include "tls/key.h"
#include "util/file.h"

static const char first_words[] = CERTIFICATE_REQUESTED;
static const char last_words[] = ": 'mailconfctl certificate renew' renews it.\n";

const char *managed_directory(struct arena *memory, const struct texts *globs, struct error *err)
{
	for (size_t i = 0; i < globs->count; i++) {
		const char *glob = globs->items[i], *slash = strrchr(glob, '/');
		size_t length = (size_t)(slash - glob);

		if (strcspn(glob, "*?[\\") >= length &&
		    fnmatch(slash + 1, "a.example.pem", FNM_PERIOD) == 0)
			return arena_strndup(memory, glob, length);
	}
	error_set(err, ERROR_CONFIG, "[tls] certificates has no path for new certificates");
	error_hint(err, "add one such as /etc/mailconfd/certificates/*.pem");
	return NULL;
}

const char *managed_keys_directory(struct arena *memory, const char *directory)
{
	return arena_printf(memory, "%s/.acme", directory);
}

const char *managed_file(struct arena *memory, const char *directory, const char *domain)
{
	return arena_printf(memory, "%s/%s%s.pem", directory, *domain == '*' ? "_" : "",
			    *domain == '*' ? domain + 1 : domain);
}

const char *managed_server(struct arena *memory, const char *file)
{
	_cleanup_(fclosep) FILE *stream = fopen(file, "re");
	char line[2048];
	size_t length, end = strlen(last_words);

	if (!stream || !fgets(line, sizeof(line), stream))
		return NULL;
	length = strlen(line);
	if (strncmp(line, first_words, strlen(first_words)) != 0 ||
	    length < strlen(first_words) + end || strcmp(line + length - end, last_words) != 0)
		return NULL;
	return arena_strndup(memory, line + strlen(first_words),
			     length - end - strlen(first_words));
}

bool managed_certificate_find(struct arena *memory, const char *directory,
			      const struct listed_certificate *listed,
			      struct managed_certificate *ret_managed)
{
	const char *slash = strrchr(listed->file, '/'), *name = slash ? slash + 1 : listed->file;
	size_t length = strlen(name), ending = strlen(".pem");
	char *domain = arena_strndup(memory, name, length > ending ? length - ending : 0);
	const char *server = managed_server(memory, listed->file);

	if (strncmp(domain, "_.", 2) == 0)
		*domain = '*';
	if (!server || !text_equals(listed->file, managed_file(memory, directory, domain)))
		return false;
	*ret_managed = (struct managed_certificate){ domain, server, listed };
	return true;
}

int managed_store(const char *file, gid_t group, const char *server, const char *chain_file,
		  const char *key_file, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	size_t chain_size, key_size, size;
	char *chain, *key, *text;
	int r;

	chain = file_read(&memory, chain_file, CERTIFICATE_FILE_LIMIT, &chain_size, err);
	key = chain ? file_read(&memory, key_file, CERTIFICATE_FILE_LIMIT, &key_size, err) : NULL;
	if (!key)
		return -1;
	text = arena_printf(&memory, "%s%s%s%s\n%s", first_words, server, last_words, chain, key);
	size = strlen(text);
	r = file_replace(file, 0640, group, text, size, err);
	explicit_bzero(text, size);
	explicit_bzero(key, key_size);
	return r;
}

gid_t managed_group(struct arena *memory, const char *directory, const char *database)
{
	const char *slash = strrchr(database, '/');
	struct stat status;

	if (stat(directory, &status) == 0 && status.st_gid != 0)
		return status.st_gid;
	if (geteuid() == 0 &&
	    stat(slash ? arena_strndup(memory, database, (size_t)(slash - database)) : ".",
		 &status) == 0)
		return status.st_gid;
	return (gid_t)-1;
}
