#include "acme/run.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "config/settings.h"
#include "dns/resolver.h"
#include "doctor/stream.h"
#include "doctor/memo.h"
#include "store/store.h"
#include "tls/certificate-file.h"
#include "util/directory.h"
#include "util/process.h"

/* Two runs at a time would write the same files. uacme opens files by their path, and another user
 * who could change the path would get the keys. */
static int lock_directory(struct acme_run *run, struct error *err)
{
	_cleanup_(closep) int directory = directory_open_ours(run->directory, 0, err);
	_cleanup_(closep) int keys = -1;

	if (directory < 0)
		return -1;
	keys = directory_open_ours(run->uacme.directory, 0700, err);
	if (keys < 0)
		return -1;
	run->lock = openat(keys, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (run->lock < 0)
		return error_set(err, ERROR_SYSTEM, "cannot open '%s/lock': %s",
				 run->uacme.directory, strerror(errno));
	if (flock(run->lock, LOCK_EX | LOCK_NB) < 0) {
		error_set(err, ERROR_SYSTEM, "another mailconfctl is requesting certificates");
		return error_hint(err, "wait until it has finished");
	}
	return 0;
}

int acme_run_open_files(struct acme_run *run, struct error *err)
{
	const struct texts *globs = &run->settings->tls.certificates;

	run->lock = -1;
	run->now = time(NULL);
	process_hide_memory();
	run->directory = managed_directory(run->memory, globs, err);
	if (!run->directory)
		return -1;
	run->uacme.challenges = run->settings->acme.directory;
	run->uacme.directory = managed_keys_directory(run->memory, run->directory);
	if (!run->is_dry && lock_directory(run, err) < 0)
		return -1;
	if (certificate_list_load(run->memory, globs->items, globs->count, &run->certificates,
				  err) < 0)
		return -1;
	run->managed = arena_array(run->memory, struct managed_certificate,
				   run->certificates.count);
	for (size_t i = 0; i < run->certificates.count; i++)
		run->n_managed += managed_certificate_find(run->memory, run->directory,
							   &run->certificates.items[i],
							   &run->managed[run->n_managed]);
	return 0;
}

static const char *drop_port(struct arena *memory, const char *host)
{
	return arena_strndup(memory, host, strcspn(host, ":"));
}

static void add_host(struct acme_run *run, const char *host)
{
	if (host && *host)
		texts_add(&run->hosts, text_lower(run->memory, drop_port(run->memory, host)));
}

int acme_run_open(struct acme_run *run, const char *resolver, const char *addresses,
		  struct error *err)
{
	const char *public_name = run->settings->server.public_name;
	struct provider *providers;
	size_t count;

	if (acme_run_open_files(run, err) < 0)
		return -1;
	if (!*run->uacme.challenges) {
		error_set(err, ERROR_CONFIG, "[acme] directory is empty");
		return error_hint(err, "set it to a directory for challenges");
	}
	run->coverage = certificate_list_coverage(run->memory, &run->certificates, run->now);
	if (resolver_new(resolver, &run->resolver, err) < 0 ||
	    local_addresses_find(run->memory, run->resolver, addresses,
				 drop_port(run->memory, public_name), &run->addresses, err) < 0 ||
	    store_list_providers(run->store, run->memory, &providers, &count, err) != 0)
		return -1;
	run->hosts = TEXTS_IN(run->memory);
	add_host(run, public_name);
	for (size_t i = 0; i < count; i++)
		add_host(run, providers[i].public_name);
	return 0;
}

void acme_run_close(struct acme_run *run)
{
	certificate_list_clear(&run->certificates);
	resolver_free(run->resolver);
	trust_free(run->trust);
	memo_free(run->silent);
	if (run->lock >= 0)
		close(run->lock);
}

const struct managed_certificate *acme_run_managed(const struct acme_run *run, const char *domain)
{
	for (size_t i = 0; i < run->n_managed; i++)
		if (text_equals(run->managed[i].domain, domain))
			return &run->managed[i];
	return NULL;
}

struct authority *acme_run_authority(struct acme_run *run, const char *server)
{
	struct authority *authority;

	for (authority = run->authorities; authority; authority = authority->next)
		if (text_equals(authority->server, server))
			return authority;
	authority = arena_new(run->memory, struct authority);
	*authority = (struct authority){ .server = server, .next = run->authorities };
	run->authorities = authority;
	return authority;
}

void acme_run_report(struct acme_run *run, const struct outcome *outcome)
{
	if (outcome->problem)
		run->n_failed++;
	run->report(outcome, run->context);
}

void acme_run_fail(struct acme_run *run, const char *domain, const char *problem, const char *hint)
{
	const struct outcome outcome = {
		.domain = domain, .word = "failed", .problem = problem, .hint = hint
	};

	acme_run_report(run, &outcome);
}

void acme_run_skip(struct acme_run *run, const char *domain, const char *word, const char *remark)
{
	const struct outcome outcome = { .domain = domain, .word = word, .remark = remark };

	acme_run_report(run, &outcome);
}

int acme_run_result(const struct acme_run *run, struct error *err)
{
	if (run->n_failed)
		return error_set(err, ERROR_INPUT, "%zu of %zu certificates could not be requested",
				 run->n_failed, run->n_failed + run->n_requested);
	return 0;
}
