/* mailconfctl certificate list */

#include <time.h>

#include "acme/missing.h"
#include "admin/admin.h"
#include "cli/command.h"
#include "cli/entry.h"
#include "cli/options.h"
#include "config/settings.h"
#include "http/retired-certificates.h"
#include "mail/address.h"
#include "store/store.h"
#include "tls/certificate-list.h"
#include "tls/certificate-paths.h"
#include "util/base.h"
#include "util/string-list.h"

#define DAY ((time_t)24 * 60 * 60)

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

static json_t *certificate_entry(struct admin *admin, const struct listed_certificate *listed,
				 time_t now)
{
	const struct certificate *certificate = &listed->certificate;
	const char *problem = listed->problem;
	char expires[sizeof("2026-11-26T12:00:00Z")] = "";
	time_t left = certificate->expires - now;
	json_t *entry = json_object();
	struct tm broken;

	if (!problem) {
		entry_put(entry, "names", array_of_texts(certificate->names, certificate->n_names));
		entry_put_text(entry, "key", certificate_key_kind(admin->memory, certificate));
		/* Whole days, negative once it has expired. */
		entry_put(entry, "days_left", json_integer(left / DAY - (left % DAY < 0)));
		if (gmtime_r(&certificate->expires, &broken) &&
		    strftime(expires, sizeof(expires), "%Y-%m-%dT%H:%M:%SZ", &broken))
			entry_put_text(entry, "expires", expires);
		problem = find_problem(admin, certificate, now);
	}
	entry_put_text(entry, "problem", problem);
	entry_put_text(entry, "file", listed->file);
	return entry;
}

/* The served domains with the names that no certificate has. Patterns stand for domains that are
 * not known. Returns a JSON array, or NULL with err set. */
static json_t *find_gaps(struct admin *admin, const struct coverage *coverage, struct error *err)
{
	const struct domain_filter all = { 0 };
	struct domain *domains;
	json_t *gaps;
	size_t count;

	if (store_list_domains(admin->store, admin->memory, &all, &domains, &count, err) != 0)
		return NULL;
	gaps = json_array();
	for (size_t i = 0; i < count; i++) {
		struct texts missing;
		json_t *entry;

		if (domain_is_pattern(domains[i].name) || !domains[i].is_enabled)
			continue;
		if (missing_names_find(admin->store, admin->memory, coverage, domains[i].name,
				       &missing, err) < 0) {
			json_decref(gaps);
			return NULL;
		}
		if (!missing.count)
			continue;
		entry = entry_of_texts("domain", domains[i].name);
		entry_put(entry, "without_certificate",
			  array_of_texts(missing.items, missing.count));
		array_add(gaps, entry);
	}
	return gaps;
}

static void print_table(const char *columns, json_t *entries, const char *nothing)
{
	_cleanup_(list_freep) struct list *list = list_new(columns, false);

	for (size_t i = 0; i < json_array_size(entries); i++)
		list_add(list, json_incref(json_array_get(entries, i)));
	list_end(list, nothing);
}

static int print_certificates(struct admin *admin, const struct certificate_list *list,
			      bool is_json, struct error *err)
{
	time_t now = time(NULL);
	struct coverage coverage = certificate_list_coverage(admin->memory, list, now);
	json_t *certificates, *entry, *gaps = find_gaps(admin, &coverage, err);

	if (!gaps)
		return -1;
	certificates = json_array();
	for (size_t i = 0; i < list->count; i++)
		array_add(certificates, certificate_entry(admin, &list->items[i], now));
	if (!is_json) {
		print_table("names key days_left file problem", certificates,
			    "there are no certificates");
		if (list->count && json_array_size(gaps))
			putchar('\n');
		print_table("domain without_certificate", gaps, "every domain has a certificate");
	}
	entry = json_object();
	entry_put(entry, "certificates", certificates);
	entry_put(entry, "domains", gaps);
	if (is_json)
		entry_print(entry, true);
	else
		json_decref(entry);
	return 0;
}

static int run_list(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const struct texts *globs = &admin->settings->tls.certificates;
	struct certificate_list list;
	int r = certificate_list_load(admin->memory, globs->items, globs->count, &list, err);

	if (r < 0)
		return -1;
	if (r == CERTIFICATES_NONE)
		admin_warn(admin, "%s", error_line(admin->memory, err));
	r = certificate_list_check_readable(admin->memory, &list, admin->database, err);
	if (r == 0)
		r = print_certificates(admin, &list, arguments->is_json, err);
	certificate_list_clear(&list);
	return r;
}

const struct command certificate_list = {
	.name = "certificate list",
	.arguments = "",
	.summary = "List the certificates of the settings, and domains without one",
	.details = "After the certificates, it lists domains with names that no valid certificate "
		   "covers,\n"
		   "except those that only a wildcard domain matches.",
	.example = "mailconfctl certificate list\n"
		   "mailconfctl certificate list --json",
	.database = DATABASE_EXCERPT,
	.run = run_list,
};
