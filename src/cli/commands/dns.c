/* mailconfctl dns: the records that a domain should have. */

#include "admin/admin.h"
#include "answer/answer.h"
#include "cli/command.h"
#include "cli/entry.h"
#include "cli/options.h"
#include "config/settings.h"
#include "dns/wanted.h"
#include "doctor/expected.h"
#include "mail/address.h"
#include "protocol/templates.h"
#include "tls/certificates.h"
#include "util/base.h"

static void print_list(struct admin *admin, const struct wanted *wanted, bool as_json)
{
	_cleanup_(list_freep) struct list *lines = list_new("name type value presence", as_json);

	for (size_t i = 0; i < wanted->count; i++) {
		const struct wanted_record *record = &wanted->records[i];
		const char *value = record_value(admin->memory, record);

		list_add(lines, entry_of_texts("name", record->name, "type",
					       *value ? record_type_name(record->type) : "A",
					       "value", *value ? value : NULL, "presence",
					       record_presence_name(record->presence), "purpose",
					       record->purpose));
	}
	list_end(lines, "there are no records");
}

static void warn_of_certificate(const char *sentence, void *context)
{
	admin_warn(context, "%s", sentence);
}

/* Those of the running settings, with one warning for each name that none of them has. */
static int find_keys(struct admin *admin, const struct expected *expected,
		     const struct name_key **keys, size_t *count, struct error *err)
{
	const struct certificates_options options = {
		.globs = admin->settings->tls.certificates.items,
		.n_globs = admin->settings->tls.certificates.count,
	};
	_cleanup_(certificates_unrefp) struct certificates *certificates = NULL;
	const char *const *names;
	size_t n_names;

	if (certificates_load(&options, warn_of_certificate, admin, &certificates, err) != 0 ||
	    expected_keys(admin->memory, expected, certificates, keys, count, err) < 0)
		return -1;
	names = wanted_names(admin->memory, expected->domain, expected->profile.pacc, &n_names);
	for (size_t i = 0; i < n_names; i++)
		if (!certificates_match(certificates, names[i], NULL, 0))
			admin_warn(admin, "no certificate covers '%s', so it has no TLSA record",
				   names[i]);
	return 0;
}

static void warn_of_gaps(struct admin *admin, const struct expected *expected,
			 const struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->gaps.count; i++)
		admin_warn(admin, "%s", wanted->gaps.items[i]);
	for (size_t i = 0; i < wanted->count; i++)
		if (!*record_value(admin->memory, &wanted->records[i]) && !expected->target) {
			admin_warn(admin,
				   "where this server is, is not known: give --target, or set "
				   "public-name in the settings");
			return;
		}
}

static int show(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	_cleanup_(templates_unrefp) struct templates *templates = NULL;
	const struct name_key *keys = NULL;
	struct expected expected;
	struct wanted wanted;
	const char *format = option_value(arguments, "format");
	struct bytes zone = BYTES_IN(admin->memory);
	const char *domain;
	size_t n_keys = 0;

	domain = domain_parse(admin->memory, arguments->words[0], true, err);
	if (!domain)
		return -1;
	templates = admin_templates(admin);
	if (expected_load(
		    &(struct context){
			    .store = admin->store,
			    .site = { templates, admin->settings->server.public_name },
		    },
		    admin->memory, domain, &expected, err) < 0)
		return -1;
	if (option_is_given(arguments, "dane") &&
	    find_keys(admin, &expected, &keys, &n_keys, err) < 0)
		return -1;
	if (expected_records(admin->memory, &expected, option_value(arguments, "target"), keys,
			     n_keys, &wanted, err) < 0)
		return -1;
	if (!format)
		format = arguments->is_json ? "json" : "zone";
	if (text_equals(format, "zone")) {
		wanted_write_zone(&zone, domain, &wanted);
		fputs(bytes_text(&zone), stdout);
	} else {
		print_list(admin, &wanted, text_equals(format, "json"));
	}
	warn_of_gaps(admin, &expected, &wanted);
	return 0;
}

static const struct option options[] = {
	{ "target", "HOST", "host name or addresses of this server (default: its public name)" },
	{ "format", "zone|table|json", "output format (default: zone)" },
	{ "dane", NULL, "add TLSA records for the certificates of the settings" },
	{ 0 },
};

const struct command command_dns = {
	.name = "dns",
	.arguments = "DOMAIN",
	.summary = "Show the DNS records that a domain should have",
	.details = "The output can be inserted into a zone file: optional and alternative records "
		   "are\n"
		   "commented out. --target accepts several addresses, separated by commas.",
	.example = "mailconfctl dns example.org\n"
		   "mailconfctl dns example.org --target 192.0.2.10,2001:db8::10 --format table",
	.options = { options },
	.database = DATABASE_READ,
	.run = show,
};
