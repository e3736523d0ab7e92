/* The writing half of 'user import'. */

#include <string.h>

#include "admin/admin.h"
#include "cli/commands/user-import.h"
#include "cli/domains.h"
#include "util/bytes.h"
#include "util/error.h"

/* The users of one domain in the file. */
struct group {
	char *domain;	    /* NULL before the first */
	unsigned long line; /* the first of them */
	size_t count;
	bool is_in_scope;
};

struct writer {
	struct import *import;
	struct bulk *bulk; /* NULL where nothing is written */
	struct group group;
	char last[SORTER_RECORD_MAX]; /* the record before, where there is one */
	bool has_last;
};

static bool is_in_scope(const struct bulk_scope *scope, const char *domain)
{
	if (scope->n_domains == 0)
		return true;
	for (size_t i = 0; i < scope->n_domains; i++)
		if (text_equals(scope->domains[i], domain))
			return true;
	return false;
}

static const char *users(struct arena *memory, size_t count)
{
	return arena_printf(memory, "%zu user%s", count, count == 1 ? "" : "s");
}

/* What is to be said of a domain is said once, with the number of its users. */
static int end_group(struct writer *writer, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct import *import = writer->import;
	const struct group *group = &writer->group;
	const char *whose;

	if (!group->domain)
		return 0;
	if (!group->is_in_scope) {
		report_add(&import->bad, group->line,
			   arena_printf(&memory,
					"the domain '%s' is not one of --replace, and %s of it %s "
					"in this file",
					group->domain, users(&memory, group->count),
					group->count == 1 ? "is" : "are"));
		return 0;
	}
	whose = arena_printf(&memory, "the %s of '%s'", users(&memory, group->count),
			     group->domain);
	if (domain_check_served(import->admin, group->domain, whose, err) < 0) {
		if (err->kind != ERROR_INPUT)
			return -1;
		report_add(&import->bad, group->line,
			   arena_printf(&memory, "%s (%s of it %s in this file)", err->text,
					users(&memory, group->count),
					group->count == 1 ? "is" : "are"));
	}
	return 0;
}

static int begin_group(struct writer *writer, const struct record *record, struct error *err)
{
	struct group *group = &writer->group;

	if (!group->domain || !text_equals(group->domain, record->domain)) {
		if (end_group(writer, err) < 0)
			return -1;
		free(group->domain);
		*group = (struct group){
			.domain = xstrdup(record->domain),
			.line = record->line,
			.is_in_scope = is_in_scope(&writer->import->scope, record->domain),
		};
	}
	if (record->line < group->line)
		group->line = record->line;
	group->count++;
	return 0;
}

static bool says_the_same(const struct record *a, const struct record *b)
{
	return text_equals(a->login, b->login) && a->has == b->has &&
	       text_equals(a->name, b->name) && a->provider == b->provider &&
	       text_equals(a->moved_to, b->moved_to);
}

static void report_conflict(struct writer *writer, const struct record *before,
			    const struct record *record)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *what = "something else is said of it";

	if (!text_equals(before->login, record->login))
		what = arena_printf(&memory, "its login is '%s'", before->login);
	report_add(&writer->import->bad, record->line,
		   arena_printf(&memory, "'%s@%s' has the login '%s' here, and in line %lu %s",
				record->local, record->domain, record->login, before->line, what));
}

/* Whether the record is of another address than the one before; of two that differ the file must
 * choose. */
static bool is_new(struct writer *writer, const struct record *record)
{
	struct record before;

	if (!writer->has_last)
		return true;
	before = record_read(writer->last);
	if (!text_equals(before.local, record->local) ||
	    !text_equals(before.domain, record->domain))
		return true;
	if (!says_the_same(&before, record))
		report_conflict(writer, &before, record);
	return false;
}

/* Beside the users of the file, which say what is to be said of a domain. */
static int keep(struct writer *writer, const struct record *record, struct error *err)
{
	const struct bulk_user user = { .domain = record->domain, .local = record->local };

	if (!writer->bulk || writer->import->bad.count > 0)
		return 0;
	return bulk_put(writer->bulk, &user, err);
}

static int put(struct writer *writer, const struct record *record, struct error *err)
{
	const struct bulk_user user = {
		.domain = record->domain,
		.local = record->local,
		.login = record->login,
		.name = *record->name ? record->name : NULL,
		.provider = record->provider,
		.moved_to = *record->moved_to ? record->moved_to : NULL,
		.keeps_name = !(record->has & ROW_HAS_NAME),
		.keeps_provider = !(record->has & ROW_HAS_PROVIDER),
		.keeps_moved_to = !(record->has & ROW_HAS_MOVED_TO),
	};

	if (!writer->bulk || writer->import->bad.count > 0 || !writer->group.is_in_scope)
		return 0;
	return bulk_put(writer->bulk, &user, err);
}

static int write_all(struct writer *writer, struct error *err)
{
	struct import *import = writer->import;
	size_t done = 0, size;
	const char *bytes;
	int r;

	while ((r = sorter_next(import->sorter, &bytes, &size, err)) == 0) {
		const struct record record = record_read(bytes);

		if (done++ % 1024 == 0)
			progress_at(&import->progress, (long long)done);
		if (!*record.login) {
			if (keep(writer, &record, err) < 0)
				return -1;
			continue;
		}
		if (!is_new(writer, &record))
			continue;
		if (begin_group(writer, &record, err) < 0 || put(writer, &record, err) < 0)
			return -1;
		memcpy(writer->last, bytes, size);
		writer->has_last = true;
	}
	return r < 0 ? -1 : end_group(writer, err);
}

static int run(struct writer *writer, struct error *err)
{
	struct import *import = writer->import;
	_cleanup_(bulk_freep) struct bulk *bulk = NULL;

	if (import->bad.count == 0 &&
	    bulk_begin(import->admin->store, &import->scope, &bulk, err) < 0)
		return -1;
	writer->bulk = bulk;
	if (write_all(writer, err) < 0)
		return -1;
	if (!bulk || import->bad.count > 0)
		return 0;
	if (bulk_end(bulk, &import->counts, err) < 0)
		return -1;
	import->counts_of_domains = arena_array(import->admin->memory, struct row_counts,
						import->scope.n_domains);
	for (size_t i = 0; i < import->scope.n_domains; i++)
		import->counts_of_domains[i] = bulk_counts_of(bulk, i);
	return bulk_list_providers(bulk, import->admin->memory, &import->providers_before,
				   &import->n_providers_before, err);
}

int import_write(struct import *import, struct error *err)
{
	struct writer *writer = xnew(struct writer);
	int r;

	writer->import = import;
	progress_begin(&import->progress, "writing", (long long)sorter_count(import->sorter));
	r = run(writer, err);
	progress_end(&import->progress);
	free(writer->group.domain);
	free(writer);
	return r;
}
