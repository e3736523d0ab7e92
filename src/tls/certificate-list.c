#include "tls/certificate-list.h"

#include <errno.h>
#include <unistd.h>

#include "tls/certificate-file.h"
#include "tls/certificate-paths.h"
#include "util/account.h"
#include "util/string-list.h"

int certificate_list_load(struct arena *memory, const char *const *globs, size_t n_globs,
			  struct certificate_list *ret_list, struct error *err)
{
	struct certificate_list list = { .globs = globs, .n_globs = n_globs };
	struct certificate_files files = { 0 };
	int r = certificate_files_find(memory, globs, n_globs, &files, err);

	if (r < 0)
		return -1;
	list.items = arena_array(memory, struct listed_certificate, files.count);
	for (; list.count < files.count; list.count++) {
		struct listed_certificate *item = &list.items[list.count];
		struct error why;

		item->file = files.items[list.count].path;
		item->problem = files.items[list.count].problem;
		if (!item->problem && certificate_file_load(memory, item->file, NULL, NULL, NULL,
							    &item->certificate, &why) < 0)
			item->problem = error_line(memory, &why);
		list.n_usable += !item->problem;
	}
	*ret_list = list;
	return r;
}

void certificate_list_clear(struct certificate_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		certificate_clear(&list->items[i].certificate);
}

/* What the child writes for each file. */
enum { IS_READABLE = '+', HAS_UNREADABLE_CHAIN = 'c', HAS_UNREADABLE_KEY = 'k' };

static int compare_by_file(const void *left, const void *right)
{
	const struct listed_certificate *a = left, *b = right;

	return strcmp(a->file, b->file);
}

/* In the child: finds and loads the files as the daemon does. */
static int write_readability(FILE *output, void *context, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct certificate_list *list = context;
	struct certificate_list own = { 0 };

	if (certificate_list_load(&memory, list->globs, list->n_globs, &own, err) < 0)
		return -1;
	for (size_t i = 0; i < list->count; i++) {
		const struct listed_certificate *item = &list->items[i], *found;

		found = bsearch(item, own.items, own.count, sizeof(*item), compare_by_file);
		if (item->problem || (found && !found->problem))
			putc(IS_READABLE, output);
		else
			putc(found && eaccess(item->file, R_OK) == 0 ? HAS_UNREADABLE_KEY
								     : HAS_UNREADABLE_CHAIN,
			     output);
	}
	certificate_list_clear(&own);
	return 0;
}

int certificate_list_check_readable(struct arena *memory, struct certificate_list *list,
				    const char *database, struct error *err)
{
	struct account account;
	const char *letters;
	size_t size;

	if (geteuid() != 0 || !list->count)
		return 0;
	if (account_of_directory(memory, database, &account, err) < 0)
		return -1;
	if (account.uid == 0)
		return 0;
	letters = account_run(memory, &account, write_readability, list, list->count, &size, err);
	if (!letters)
		return -1;
	if (size != list->count)
		return error_set(err, ERROR_SYSTEM,
				 "the process that reads as user '%s' ended before it was done",
				 account.name);
	for (size_t i = 0; i < list->count; i++) {
		struct listed_certificate *item = &list->items[i];
		const char *key_file = NULL;

		if (letters[i] == IS_READABLE)
			continue;
		if (letters[i] == HAS_UNREADABLE_KEY)
			key_file = layout_key_of(memory, item->file);
		item->problem = arena_printf(memory,
					     "cannot read '%s' as user '%s': %s; give the daemon's "
					     "user read permission",
					     key_file ?: item->file, account.name,
					     strerror(EACCES));
		certificate_clear(&item->certificate);
		list->n_usable--;
	}
	return 0;
}

struct coverage certificate_list_coverage(struct arena *memory, const struct certificate_list *list,
					  time_t now)
{
	struct texts names = TEXTS_IN(memory);

	for (size_t i = 0; i < list->count; i++) {
		const struct certificate *certificate = &list->items[i].certificate;

		if (certificate->starts > now || certificate->expires <= now)
			continue;
		for (size_t j = 0; j < certificate->n_names; j++)
			texts_add(&names, certificate->names[j]);
	}
	return (struct coverage){ names.items, texts_sort(names.items, names.count) };
}

bool coverage_has(struct arena *memory, const struct coverage *coverage, const char *name)
{
	const char *dot = strchr(name, '.');

	return texts_find(coverage->names, coverage->count, name) ||
	       (dot && dot != name &&
		texts_find(coverage->names, coverage->count, arena_printf(memory, "*%s", dot)));
}
