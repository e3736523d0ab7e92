/*
 * The child writes a line for each row, its fields separated by tabs:
 *
 *     provider  NAME  PUBLIC-NAME or ""  PACC: 0 or 1
 *     domain    NAME  PROVIDER or ""     ALIAS-OF or ""  ENABLED: 0 or 1
 *
 * The parent puts them into a scratch database, so that the commands look domains up as the daemon
 * does.
 */

#include "acme/excerpt.h"

#include "admin/admin.h"
#include "mail/address.h"
#include "mail/provider.h"
#include "mail/text.h"
#include "mail/url.h"
#include "store/store.h"
#include "util/account.h"

/* A million domains have about 60 bytes each. */
#define EXCERPT_MAX ((size_t)128 * 1024 * 1024)
#define FIELDS_MAX 4

/*
 * In the child.
 */

/* Counted by the parent: a row of an unknown kind. */
static void write_invalid_row(const struct error *err, void *context)
{
	fputs("a row with an invalid value\n", context);
}

static int write_excerpt(FILE *output, void *context, struct error *err)
{
	_cleanup_(store_closep) struct store *store = NULL;
	const struct domain_filter all = { 0 };
	struct admin *admin = context;
	struct provider *providers;
	struct domain *domains;
	size_t n_providers, n_domains;

	if (store_open_patiently(admin->database, STORE_READ, READER_PATIENCE_MS, &store, err) < 0)
		return -1;
	store_skip_invalid_rows(store, write_invalid_row, output);
	if (store_snapshot(store, err) != 0 ||
	    store_list_providers(store, admin->memory, &providers, &n_providers, err) != 0 ||
	    store_list_domains(store, admin->memory, &all, &domains, &n_domains, err) != 0)
		return -1;
	for (size_t i = 0; i < n_providers; i++)
		fprintf(output, "provider\t%s\t%s\t%d\n", providers[i].name,
			providers[i].public_name ?: "", providers[i].pacc);
	/* Aliases follow their targets. */
	for (int aliases = 0; aliases <= 1; aliases++)
		for (size_t i = 0; i < n_domains; i++)
			if (!domains[i].alias_of == !aliases)
				fprintf(output, "domain\t%s\t%s\t%s\t%d\n", domains[i].name,
					domains[i].provider ?: "", domains[i].alias_of ?: "",
					domains[i].is_enabled);
	return 0;
}

/*
 * In the parent.
 */

static int reject_row(const char *row, struct error *err)
{
	return error_set(err, ERROR_DATA, "row '%.100s' is invalid", row);
}

static bool read_flag(const char *field, bool *ret_flag)
{
	*ret_flag = text_equals(field, "1");
	return *ret_flag || text_equals(field, "0");
}

/* Only names in their normal form are in the database. */
static int check_domain_name(struct arena *memory, const char *name, bool patterns,
			     struct error *err)
{
	const char *parsed = domain_parse(memory, name, patterns, err);

	if (!parsed)
		return -1;
	return text_equals(parsed, name) ? 0 : reject_row(name, err);
}

static int add_excerpt_provider(struct store *store, struct arena *memory,
				const char *const *fields, struct error *err)
{
	struct provider provider = PROVIDER_DEFAULT;

	provider.name = fields[0];
	if (text_check("provider name", fields[0], PROVIDER_NAME_MAX_LENGTH, err) < 0)
		return -1;
	provider.public_name = *fields[1] ? public_name_parse(memory, fields[1]) : NULL;
	if ((*fields[1] && !provider.public_name) || !read_flag(fields[2], &provider.pacc))
		return reject_row(fields[0], err);
	return store_add_provider(store, &provider, err) == 0 ? 0 : reject_row(fields[0], err);
}

static int add_excerpt_domain(struct store *store, struct arena *memory, const char *const *fields,
			      struct error *err)
{
	struct domain domain = {
		.name = fields[0],
		.provider = *fields[1] ? fields[1] : NULL,
		.alias_of = *fields[2] ? fields[2] : NULL,
	};

	if (check_domain_name(memory, domain.name, true, err) < 0 ||
	    (domain.alias_of && check_domain_name(memory, domain.alias_of, false, err) < 0))
		return -1;
	if (!domain.provider == !domain.alias_of || !read_flag(fields[3], &domain.is_enabled))
		return reject_row(fields[0], err);
	return store_add_domain(store, &domain, err) == 0 ? 0 : reject_row(fields[0], err);
}

static int add_row(struct store *store, char *line, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *word = strsep(&line, "\t"), *fields[FIELDS_MAX];
	size_t count = 0;

	while (line && count < FIELDS_MAX)
		fields[count++] = strsep(&line, "\t");
	if (text_equals(word, "provider") && count == 3 && !line)
		return add_excerpt_provider(store, &memory, fields, err);
	if (text_equals(word, "domain") && count == 4 && !line)
		return add_excerpt_domain(store, &memory, fields, err);
	return reject_row(word, err);
}

/* An invalid row must not stop the renewal of all certificates: it is reported and left out. */
static int read_excerpt(struct admin *admin, struct store *store, char *text, size_t size,
			struct error *err)
{
	struct error why, first;
	size_t n_invalid = 0;
	char *line;

	if (strlen(text) != size || (size && text[size - 1] != '\n'))
		return error_set(err, ERROR_DATA, "the list of domains is incomplete");
	if (store_begin(store, err) < 0)
		return -1;
	while ((line = strsep(&text, "\n")) && text)
		if (add_row(store, line, &why) < 0 && n_invalid++ == 0)
			first = why;
	admin->lacks_rows = n_invalid > 0;
	if (n_invalid)
		admin_warn(admin, "database '%s': %zu row%s left out as invalid; the first: %s",
			   admin->database, n_invalid, n_invalid == 1 ? " is" : "s are",
			   first.text);
	return store_commit(store, err);
}

int excerpt_open(struct admin *admin, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(store_closep) struct store *store = NULL;
	struct account account;
	size_t size;
	char *text;

	if (account_of_directory(&memory, admin->database, &account, err) < 0)
		return -1;
	text = account_run(&memory, &account, write_excerpt, admin, EXCERPT_MAX, &size, err);
	if (!text || store_open_scratch(&store, err) < 0)
		return -1;
	if (read_excerpt(admin, store, text, size, err) < 0)
		return error_prefix(err, "reading database '%s'", admin->database);
	admin->store = TAKE(store);
	return 0;
}
