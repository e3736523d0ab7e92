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

struct readability_check {
	struct arena *memory;
	const struct certificate_list *list;
};

static int compare_file(const void *file, const void *item)
{
	return strcmp(file, ((const struct listed_certificate *)item)->file);
}

static const struct listed_certificate *find_file(const struct certificate_list *list,
						  const char *file)
{
	return list->count
		       ? bsearch(file, list->items, list->count, sizeof(*list->items), compare_file)
		       : NULL;
}

/* In the child: finds and loads the files as the daemon does. */
static int write_readability(FILE *output, void *context, struct error *err)
{
	const struct readability_check *reading = context;
	const struct certificate_list *list = reading->list;
	struct certificate_list own;

	if (certificate_list_load(reading->memory, list->globs, list->n_globs, &own, err) < 0)
		return -1;
	for (size_t i = 0; i < list->count; i++) {
		const char *file = list->items[i].file;
		const struct listed_certificate *found = find_file(&own, file);

		if (list->items[i].problem || (found && !found->problem))
			putc(IS_READABLE, output);
		else
			putc(found && eaccess(file, R_OK) == 0 ? HAS_UNREADABLE_KEY
							       : HAS_UNREADABLE_CHAIN,
			     output);
	}
	certificate_list_clear(&own);
	return 0;
}

static const char *describe_unreadable(struct arena *memory, const char *file, int letter,
				       const struct account *account)
{
	const char *key_file = letter == HAS_UNREADABLE_KEY ? layout_key_of(memory, file) : NULL;

	return arena_printf(memory,
			    "cannot read '%s' as user '%s': %s; give the daemon's user read "
			    "permission",
			    key_file ? key_file : file, account->name, strerror(EACCES));
}

int certificate_list_check_readable(struct arena *memory, struct certificate_list *list,
				    const char *database, struct error *err)
{
	struct readability_check reading = { memory, list };
	struct account account;
	const char *letters;
	size_t size;

	if (geteuid() != 0 || !list->count)
		return 0;
	if (account_of_directory(memory, database, &account, err) < 0)
		return -1;
	if (account.uid == 0)
		return 0;
	letters = account_run(memory, &account, write_readability, &reading, list->count, &size,
			      err);
	if (!letters)
		return -1;
	if (size != list->count)
		return error_set(err, ERROR_SYSTEM,
				 "the process that reads as user '%s' ended before it was done",
				 account.name);
	for (size_t i = 0; i < list->count; i++) {
		struct listed_certificate *item = &list->items[i];

		if (letters[i] == IS_READABLE)
			continue;
		item->problem = describe_unreadable(memory, item->file, letters[i], &account);
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
