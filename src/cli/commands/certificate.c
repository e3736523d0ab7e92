/* mailconfctl certificate: what the daemon has to show for the names that clients ask for. */

#include <string.h>
#include <time.h>

#include "tls/certificate-list.h"
#include "admin/admin.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"
#include "config/settings.h"
#include "dns/wanted.h"
#include "http/retired-certificates.h"
#include "mail/address.h"
#include "store/store.h"
#include "tls/certificates.h"
#include "tls/coverage.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

#define DAY ((time_t)24 * 60 * 60)

/* Whole days, negative once it has expired. */
static json_int_t days_left(const struct certificate *certificate, time_t now)
{
	time_t left = certificate->expires - now;

	return left >= 0 ? left / DAY : -((-left + DAY - 1) / DAY);
}

static const char *moment(struct arena *memory, time_t time)
{
	char text[sizeof("2026-11-26T12:00:00Z")] = "";
	struct tm broken;

	if (!gmtime_r(&time, &broken) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &broken))
		return NULL;
	return arena_strdup(memory, text);
}

/* NULL where there is none. */
static const char *find_problem(struct admin *admin, const struct certificate *certificate,
				time_t now)
{
	const char *problem = certificate_date_problem(admin->memory, certificate, now);
	struct error ignored;
	enum use use;

	if (problem || !certificate->is_requested || admin->lacks_rows ||
	    retired_find_use(admin->store, admin->memory, admin->settings->server.public_name,
			     certificate, &use, &ignored) != 0)
		return problem;
	if (use == USE_DISABLED)
		return "not renewed, because its domain is disabled";
	return use == USE_NONE ? "not renewed, because its domain was removed; 'certificate prune' "
				 "deletes it"
			       : NULL;
}

static json_t *certificate_entry(struct admin *admin, const struct loaded_certificates *loaded,
				 size_t index, time_t now)
{
	const struct certificate *certificate = loaded->of_file[index];
	json_t *entry = json_object(), *names = json_array();
	const char *problem = certificate ? find_problem(admin, certificate, now) : NULL;

	if (certificate) {
		for (size_t i = 0; i < certificate->n_names; i++)
			json_array_append_new(names, json_string(certificate->names[i]));
		entry_put(entry, "names", names);
		entry_put_text(entry, "key", certificate_key_kind(admin->memory, certificate));
		entry_put(entry, "days_left", json_integer(days_left(certificate, now)));
		entry_put_text(entry, "expires", moment(admin->memory, certificate->expires));
		entry_put_text(entry, "problem", problem);
	} else {
		json_decref(names);
		entry_put_text(entry, "problem", loaded->problems[index]);
	}
	entry_put_text(entry, "file", loaded->files[index]);
	return entry;
}

/* The names of a served domain that no certificate covers; NULL where there are none. */
static json_t *gap_entry(struct admin *admin, const struct coverage *coverage, const char *domain,
			 bool has_pacc)
{
	json_t *entry, *missing = json_array();
	size_t count;
	const char *const *names = wanted_names(admin->memory, domain, has_pacc, &count);

	for (size_t i = 0; i < count; i++)
		if (!coverage_has(admin->memory, coverage, names[i]))
			json_array_append_new(missing, json_string(names[i]));
	if (json_array_size(missing) == 0) {
		json_decref(missing);
		return NULL;
	}
	entry = json_object();
	entry_put_text(entry, "domain", domain);
	entry_put(entry, "without_certificate", missing);
	return entry;
}

/* Returns 0, STORE_NOT_FOUND where the domain is not served, as an alias of one that is disabled,
 * or -1 with err set. */
static int find_pacc(struct admin *admin, const struct domain *domain, bool *ret_has_pacc,
		     struct error *err)
{
	const struct query query = { .domain = domain->name };
	struct match match;
	int r = store_match(admin->store, admin->memory, &query, &match, err);

	if (r == 0)
		*ret_has_pacc = match.provider.pacc;
	return r == 0 || r == STORE_NOT_FOUND ? r : -1;
}

/* Of which domains a pattern stands for, nobody has a list. */
static int list_gaps(struct admin *admin, const struct coverage *coverage, struct list *lines,
		     json_t *gaps, struct error *err)
{
	const struct domain_filter all = { 0 };
	struct domain *domains;
	size_t count;

	if (store_list_domains(admin->store, admin->memory, &all, &domains, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		bool has_pacc;
		json_t *gap;
		int r;

		if (domain_is_pattern(domains[i].name) || !domains[i].is_enabled)
			continue;
		r = find_pacc(admin, &domains[i], &has_pacc, err);
		if (r < 0)
			return -1;
		if (r == STORE_NOT_FOUND)
			continue;
		gap = gap_entry(admin, coverage, domains[i].name, has_pacc);
		if (gap && gaps)
			json_array_append_new(gaps, gap);
		else if (gap)
			list_add(lines, gap);
	}
	return 0;
}

static int print_for_people(struct admin *admin, const struct loaded_certificates *loaded,
			    const struct coverage *coverage, time_t now, struct error *err)
{
	static const char *const columns[] = {
		"names", "key", "days_left", "file", "problem", NULL
	};
	static const char *const gap_columns[] = { "domain", "without_certificate", NULL };
	_cleanup_(list_freep) struct list *lines = list_new(columns, false);
	_cleanup_(list_freep) struct list *gaps = list_new(gap_columns, false);

	for (size_t i = 0; i < loaded->n_files; i++)
		list_add(lines, certificate_entry(admin, loaded, i, now));
	list_end(lines, "there are no certificates");
	if (list_gaps(admin, coverage, gaps, NULL, err) < 0)
		return -1;
	if (loaded->n_files && list_has_entries(gaps))
		putchar('\n');
	list_end(gaps, "every domain has a certificate");
	return 0;
}

static int print_json(struct admin *admin, const struct loaded_certificates *loaded,
		      const struct coverage *coverage, time_t now, struct error *err)
{
	json_t *entry = json_object(), *certificates = json_array(), *gaps = json_array();

	for (size_t i = 0; i < loaded->n_files; i++)
		json_array_append_new(certificates, certificate_entry(admin, loaded, i, now));
	entry_put(entry, "certificates", certificates);
	entry_put(entry, "domains", gaps);
	if (list_gaps(admin, coverage, NULL, gaps, err) < 0) {
		json_decref(entry);
		return -1;
	}
	entry_print(entry, true);
	return 0;
}

static int list(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	time_t now = time(NULL);
	struct loaded_certificates loaded = { 0 };
	struct coverage coverage;
	int r = certificates_of_settings(admin, &loaded, err);

	if (r < 0)
		return -1;
	if (r == CERTIFICATES_NONE)
		admin_warn(admin, "%s", err->text);
	if (certificates_leave_out_unreadable(admin, &loaded, err) < 0) {
		loaded_certificates_clear(&loaded);
		return -1;
	}
	coverage = coverage_of(admin->memory, loaded.certificates, loaded.count, now);
	r = arguments->is_json ? print_json(admin, &loaded, &coverage, now, err)
			       : print_for_people(admin, &loaded, &coverage, now, err);
	loaded_certificates_clear(&loaded);
	return r;
}

static const struct command certificate_list = {
	.family = "certificate",
	.verb = "list",
	.arguments = "",
	.summary = "List the certificates of the settings, and the domains that have none",
	.details =
		"A name counts as covered while a certificate that has it is valid. Domains that "
		"a\nwildcard stands for are not in the second list.",
	.example = "mailconfctl certificate list\n"
		   "mailconfctl certificate list --json",
	.database = DATABASE_EXCERPT,
	.run = list,
};

static const struct command *const commands[] = {
	&certificate_list, &certificate_request, &certificate_renew, &certificate_prune, NULL,
};

const struct family family_certificate = {
	.name = "certificate",
	.title = "Certificates",
	.commands = commands,
};
