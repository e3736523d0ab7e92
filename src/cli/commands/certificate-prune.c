/* mailconfctl certificate prune */

#include <errno.h>
#include <unistd.h>

#include "acme/schedule.h"
#include "admin/admin.h"
#include "cli/command.h"
#include "cli/commands/certificate-run.h"
#include "cli/options.h"
#include "config/settings.h"
#include "http/retired-certificates.h"
#include "util/base.h"
#include "util/idna.h"

/* Whether another certificate that stays has the name, whose key may then be the same. */
static bool is_name_of_other(const struct acme_run *run, const struct listed_certificate *listed,
			     const char *name)
{
	for (size_t i = 0; i < run->certificates.count; i++) {
		const struct listed_certificate *other = &run->certificates.items[i];

		for (size_t j = 0; other != listed && j < other->certificate.n_names; j++)
			if (text_equals(other->certificate.names[j], name))
				return true;
	}
	return false;
}

/* The keys are kept by the first name of the order, which is one of those in the certificate. */
static void delete_keys(struct acme_run *run, const struct listed_certificate *listed)
{
	for (size_t i = 0; i < listed->certificate.n_names; i++) {
		const char *name = listed->certificate.names[i];

		if (host_pattern_is_valid(name) && !is_name_of_other(run, listed, name))
			uacme_forget(run->memory, &run->uacme, name);
	}
}

static int delete_certificate(struct acme_run *run, const struct managed_certificate *managed,
			      struct error *err)
{
	const char *file = managed->listed->file;

	if (run->is_dry) {
		acme_run_skip(run, managed->domain, "would-delete",
			      arena_printf(run->memory, "would delete %s", file));
		return 0;
	}
	if (unlink(file) < 0)
		return error_set(err, ERROR_SYSTEM, "cannot delete '%s': %s", file,
				 strerror(errno));
	run->uacme.server = managed->server;
	delete_keys(run, managed->listed);
	backoff_forget(run->uacme.directory, managed->domain);
	acme_run_skip(run, managed->domain, "deleted",
		      arena_printf(run->memory, "deleted %s", file));
	return 0;
}

static int delete_unused(struct acme_run *run, struct error *err)
{
	for (size_t i = 0; i < run->n_managed; i++) {
		const struct managed_certificate *managed = &run->managed[i];
		enum use use;

		if (managed->listed->problem)
			continue;
		if (retired_find_use(run->store, run->memory, run->settings->server.public_name,
				     &managed->listed->certificate, &use, err) != 0)
			return -1;
		if (use == USE_NONE && delete_certificate(run, managed, err) < 0)
			return -1;
	}
	return 0;
}

static int run_prune(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct certificate_run run;
	int r;

	/* Their domains would count as removed. */
	if (admin->lacks_rows) {
		error_set(err, ERROR_DATA, "database '%s' has invalid rows", admin->database);
		return error_hint(err, "correct them first, because certificates of their domains "
				       "would be deleted");
	}
	certificate_run_init(&run, admin, arguments);
	r = acme_run_open_files(&run.acme, err);
	if (r == 0)
		r = delete_unused(&run.acme, err);
	certificate_run_close(&run);
	return r;
}

static const struct option options[] = {
	{ "dry-run", NULL, "list what would be deleted, and delete nothing" },
	{ 0 },
};

const struct command certificate_prune = {
	.name = "certificate prune",
	.arguments = "",
	.summary = "Delete requested certificates whose domains were removed",
	.details = "Their keys are deleted too. Files not created by 'certificate request' and "
		   "certificates of\ndisabled domains are left alone.",
	.example = "mailconfctl certificate prune --dry-run\n"
		   "mailconfctl certificate prune",
	.options = { options },
	.database = DATABASE_EXCERPT,
	.run = run_prune,
};
