/* mailconfctl certificate prune: deletes what was requested for domains that were removed since. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "acme/backoff.h"
#include "acme/managed-certificate.h"
#include "admin/admin.h"
#include "cli/command.h"
#include "acme/issue.h"
#include "cli/options.h"
#include "config/settings.h"
#include "http/retired-certificates.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/idna.h"

/* The server that the file was requested from, NULL where it is not ours to delete. */
static const char *server_of(const struct issuing *issuing, const char *file)
{
	struct arena *memory = issuing->admin->memory;

	if (!text_equals(file, held_file(memory, issuing->directory, held_domain(memory, file))))
		return NULL;
	return held_server(memory, file);
}

/* Whether another certificate that stays has the name, whose key may then be the same. */
static bool has_other(const struct issuing *issuing, const struct certificate *certificate,
		      const char *name)
{
	for (size_t i = 0; i < issuing->loaded.count; i++) {
		const struct certificate *other = &issuing->loaded.certificates[i];

		for (size_t j = 0; other != certificate && j < other->n_names; j++)
			if (text_equals(other->names[j], name))
				return true;
	}
	return false;
}

/* The keys are kept by the first name of the order, which is one of those in the certificate. */
static void forget_keys(struct issuing *issuing, const struct certificate *certificate)
{
	for (size_t i = 0; i < certificate->n_names; i++) {
		const char *name = certificate->names[i];

		if (host_pattern_is_valid(name) && !has_other(issuing, certificate, name))
			uacme_forget(issuing->admin->memory, &issuing->uacme, name);
	}
}

static int delete_one(struct issuing *issuing, const char *file, const char *server,
		      const struct certificate *certificate, struct error *err)
{
	struct arena *memory = issuing->admin->memory;
	const char *domain = held_domain(memory, file);

	if (issuing->is_trial) {
		issuing_pass(issuing, domain, "would-delete",
			     arena_printf(memory, "would delete %s", file));
		return 0;
	}
	if (unlink(file) < 0)
		return error_set(err, ERROR_SYSTEM, "cannot delete '%s': %s", file,
				 strerror(errno));
	issuing->uacme.server = server;
	forget_keys(issuing, certificate);
	failure_forget(issuing->uacme.directory, domain);
	issuing_pass(issuing, domain, "deleted", arena_printf(memory, "deleted %s", file));
	return 0;
}

static int prune(struct issuing *issuing, struct error *err)
{
	const struct loaded_certificates *loaded = &issuing->loaded;
	struct admin *admin = issuing->admin;

	for (size_t i = 0; i < loaded->n_files; i++) {
		const char *server = server_of(issuing, loaded->files[i]);
		enum use use;

		if (!server || !loaded->of_file[i])
			continue;
		if (retired_find_use(admin->store, admin->memory,
				     admin->settings->server.public_name, loaded->of_file[i], &use,
				     err) != 0)
			return -1;
		if (use == USE_NONE &&
		    delete_one(issuing, loaded->files[i], server, loaded->of_file[i], err) < 0)
			return -1;
	}
	return 0;
}

static int run(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct issuing issuing;
	int r;

	/* Their domains would pass for removed ones. */
	if (admin->lacks_rows)
		return error_set(err, ERROR_DATA,
				 "database '%s' has invalid rows; correct them first, because "
				 "certificates of their domains would be deleted",
				 admin->database);
	r = issuing_open_files(&issuing, admin, arguments, err);
	if (r == 0)
		r = prune(&issuing, err);
	issuing_close(&issuing);
	return r;
}

static const struct option options[] = {
	{ "dry-run", NULL, "only list what would be deleted" },
	{ 0 },
};

const struct command certificate_prune = {
	.family = "certificate",
	.verb = "prune",
	.arguments = "",
	.summary = "Delete requested certificates whose domains were removed",
	.details = "Their keys are deleted too. Files that 'certificate request' did not make are "
		   "left alone,\nand so are the certificates of disabled domains.",
	.example = "mailconfctl certificate prune --dry-run\n"
		   "mailconfctl certificate prune",
	.options = { options },
	.database = DATABASE_EXCERPT,
	.run = run,
};
