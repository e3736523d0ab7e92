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

static int delete_certificate(struct acme_run *run, const struct managed_certificate *managed,
			      struct error *err)
{
	const struct certificate *certificate = &managed->listed->certificate;
	const char *file = managed->listed->file;

	if (run->is_dry) {
		acme_run_skip(run, managed->domain, "would-delete",
			      arena_printf(run->memory, "would delete %s", file));
		return 0;
	}
	if (unlink(file) < 0)
		return error_set(err, ERROR_SYSTEM, "cannot delete '%s': %s", file,
				 strerror(errno));
	/* The keys are kept by the first name of the order, which is one of these. */
	run->uacme.server = managed->server;
	for (size_t i = 0; i < certificate->n_names; i++)
		if (host_pattern_is_valid(certificate->names[i]) &&
		    !is_name_of_other(run, managed->listed, certificate->names[i]))
			uacme_forget(run->memory, &run->uacme, certificate->names[i]);
	backoff_forget(run->uacme.directory, managed->domain);
	acme_run_skip(run, managed->domain, "deleted",
		      arena_printf(run->memory, "deleted %s", file));
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
	for (size_t i = 0; i < run.acme.n_managed && r == 0; i++) {
		const struct managed_certificate *managed = &run.acme.managed[i];
		enum use use;

		if (managed->listed->problem)
			continue;
		r = retired_find_use(admin->store, admin->memory,
				     admin->settings->server.public_name,
				     &managed->listed->certificate, &use, err) == 0
			    ? 0
			    : -1;
		if (r == 0 && use == USE_NONE)
			r = delete_certificate(&run.acme, managed, err);
	}
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
	.details = "Their keys are deleted too. Files not created by 'certificate request' and\n"
		   "certificates of disabled domains are not touched.",
	.example = "mailconfctl certificate prune --dry-run\n"
		   "mailconfctl certificate prune",
	.options = { options },
	.database = DATABASE_EXCERPT,
	.run = run_prune,
};
