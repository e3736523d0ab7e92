/* Nothing is written once a set is loaded, so that any number of threads may read it. */

#include "tls/certificates.h"

#include "tls/certificate-file.h"
#include "tls/certificate-paths.h"
#include "tls/name-index.h"
#include "tls/watch.h"
#include "util/idna.h"

/* One certificate with the memory that it lies in, shared by the sets of several reloads. */
struct item {
	int references; /* atomic */
	struct arena memory;
	struct certificate certificate;
	struct certificate_stamp stamp;
};

/* Its strings and arrays, where its names are few. */
#define ITEM_MEMORY ((size_t)1024)

/* A file that cannot be used, and why. */
struct unusable_file {
	const char *file, *sentence;
};

struct certificates {
	int references;	     /* atomic */
	struct arena memory; /* holds all below but the items */
	struct item **items; /* in the order of files */
	size_t count;
	struct unusable_file *failures; /* in the order of files */
	size_t n_failures;
	struct name_index index;
	const char *default_name; /* NULL: the first file */
	bool misses_default;	  /* no certificate has the name that is required */
	bool is_being_written;	  /* a file was, and is not loaded therefore */
	bool is_stand_in;
	const char *gap; /* why the items are not those of the files; NULL: they are */
};

const struct certificate *certificates_match(const struct certificates *certificates,
					     const char *name,
					     const gnutls_pk_algorithm_t *pk_algos, int n_pk_algos)
{
	char lower[HOST_NAME_MAX_LENGTH + 1], *dot;
	const struct certificate *found;
	size_t length = strlen(name);

	/* RFC 6066 requires the name without a final dot, but a client that was given a URL with
	 * one may send it. */
	if (length > 0 && name[length - 1] == '.')
		length--;
	if (length == 0 || length >= sizeof(lower))
		return NULL;
	for (size_t i = 0; i < length; i++)
		lower[i] = char_lower(name[i]);
	lower[length] = '\0';

	found = name_index_find(&certificates->index, lower, pk_algos, n_pk_algos);
	dot = strchr(lower, '.');
	if (found || !dot || dot == lower)
		return found;
	dot[-1] = '*';
	return name_index_find(&certificates->index, dot - 1, pk_algos, n_pk_algos);
}

const struct certificate *certificates_default(const struct certificates *certificates,
					       const gnutls_pk_algorithm_t *pk_algos,
					       int n_pk_algos)
{
	const struct certificate *first = &certificates->items[0]->certificate;

	if (certificates->default_name)
		return certificates_match(certificates, certificates->default_name, pk_algos,
					  n_pk_algos);
	if (certificate_fits(first, pk_algos, n_pk_algos))
		return first;
	return first->n_names ? name_index_find(&certificates->index, first->names[0], pk_algos,
						n_pk_algos)
			      : NULL;
}

bool certificates_serve(const struct certificates *certificates,
			const struct certificate *certificate)
{
	const gnutls_pk_algorithm_t algorithm = certificate->algorithm;

	for (size_t i = 0; i < certificate->n_names; i++)
		if (name_index_find(&certificates->index, certificate->names[i], &algorithm, 1) ==
		    certificate)
			return true;
	return certificates_default(certificates, &algorithm, 1) == certificate;
}

static void item_unref(struct item *item)
{
	if (__atomic_sub_fetch(&item->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	certificate_clear(&item->certificate);
	arena_clear(&item->memory);
	free(item);
}

DEFINE_CLEANUP(struct item *, item_unref);

static struct item *item_ref(struct item *item)
{
	__atomic_add_fetch(&item->references, 1, __ATOMIC_RELAXED);
	return item;
}

static int item_load(const char *file, const struct certificate_stamp *stamp,
		     certificates_warner warn, void *context, struct item **ret_item,
		     struct error *err)
{
	_cleanup_(item_unrefp) struct item *item = xnew(struct item);

	item->references = 1;
	item->memory.block_size = ITEM_MEMORY;
	item->stamp = *stamp;
	if (certificate_file_load(&item->memory, file, NULL, warn, context, &item->certificate,
				  err) < 0)
		return -1;
	*ret_item = TAKE(item);
	return 0;
}

static int compare_item(const void *file, const void *item)
{
	return strcmp(file, (*(struct item *const *)item)->certificate.file);
}

static struct item *find_item(const struct certificates *set, const char *file)
{
	struct item **found = set ? bsearch(file, set->items, set->count, sizeof(struct item *),
					    compare_item)
				  : NULL;

	return found ? *found : NULL;
}

/* Where errors and warnings of one load go. */
struct reporter {
	const struct certificates_options *options;
	certificates_warner warn, fail;
	void *context;
	size_t n_reported, n_unreported; /* failures */
};

static int compare_failure(const void *file, const void *failure)
{
	return strcmp(file, ((const struct unusable_file *)failure)->file);
}

static bool has_failure(const struct certificates *set, const struct unusable_file *failure)
{
	const struct unusable_file *found = set && set->n_failures
						    ? bsearch(failure->file, set->failures,
							      set->n_failures, sizeof(*failure),
							      compare_failure)
						    : NULL;

	return found && text_equals(found->sentence, failure->sentence);
}

static void note_failure(struct certificates *set, struct reporter *reporter, const char *file,
			 const char *sentence)
{
	struct unusable_file *failure = &set->failures[set->n_failures++];

	failure->file = arena_strdup(&set->memory, file);
	failure->sentence = arena_strdup(&set->memory, sentence);
	if (!reporter->options->repeats_failures &&
	    has_failure(reporter->options->previous, failure))
		return;
	if (reporter->n_reported == CERTIFICATES_REPORTED_MAX) {
		reporter->n_unreported++;
		return;
	}
	reporter->n_reported++;
	reporter->fail(sentence, reporter->context);
}

static void report_number_of_others(struct certificates *set, const struct reporter *reporter)
{
	if (reporter->n_unreported)
		reporter->fail(arena_printf(&set->memory,
					    "%zu more certificate files cannot be used; "
					    "'mailconfctl certificate list' lists all",
					    reporter->n_unreported),
			       reporter->context);
}

/* Whether a program has the chain or the key open for writing. */
static bool is_being_written(const struct certificates_options *options,
			     const struct certificate_stamp *stamp)
{
	return options->watch && (watch_sees_writing(options->watch, &stamp->chain) ||
				  watch_sees_writing(options->watch, &stamp->key));
}

static const char *describe_kept(const struct item *before)
{
	return before ? "the one that was loaded before stays in use" : "it is not used";
}

static void load_changed_file(struct certificates *set, const char *file,
			      const struct certificate_stamp *stamp, struct item *before,
			      struct reporter *reporter)
{
	struct item *item;
	struct error err;

	if (is_being_written(reporter->options, stamp)) {
		/* A change is noticed again once the file is closed. */
		set->is_being_written = true;
		if (reporter->options->repeats_failures)
			reporter->warn(arena_printf(&set->memory,
						    "certificate '%s' is still being written; %s",
						    file, describe_kept(before)),
				       reporter->context);
	} else if (item_load(file, stamp, reporter->warn, reporter->context, &item, &err) == 0) {
		set->items[set->count++] = item;
		return;
	} else {
		note_failure(set, reporter, file,
			     arena_printf(&set->memory, "%s; %s%s%s", err.text,
					  describe_kept(before), *err.hint ? "; " : "", err.hint));
	}
	if (before)
		set->items[set->count++] = item_ref(before);
}

/* Adds the file's certificate: as it is now, as it was before, or nothing. */
static void load_or_keep_file(struct certificates *set, const struct certificate_file *file,
			      struct reporter *reporter)
{
	struct certificate_stamp stamp;
	struct item *before;

	if (file->problem) {
		note_failure(set, reporter, file->path, file->problem);
		return;
	}
	stamp = certificate_stamp_take(file->path);
	before = find_item(reporter->options->previous, file->path);
	if (before && certificate_stamp_equals(&before->stamp, &stamp))
		set->items[set->count++] = item_ref(before);
	else
		load_changed_file(set, file->path, &stamp, before, reporter);
}

static int compare_items(const void *left, const void *right)
{
	const struct item *const *a = left, *const *b = right;

	return strcmp((*a)->certificate.file, (*b)->certificate.file);
}

/* Keeps what is in directories that cannot be read now. */
static void keep_hidden(struct certificates *set, const struct certificate_files *files,
			const struct certificates *previous)
{
	for (size_t i = 0; i < previous->count; i++)
		if (certificate_files_hide(files, previous->items[i]->certificate.file))
			set->items[set->count++] = item_ref(previous->items[i]);
	if (set->count)
		qsort(set->items, set->count, sizeof(struct item *), compare_items);
}

static void load_files(struct certificates *set, const struct certificate_files *files,
		       struct reporter *reporter)
{
	const struct certificates *previous = reporter->options->previous;

	set->items = arena_array(&set->memory, struct item *,
				 files->count + (previous ? previous->count : 0));
	set->failures = arena_array(&set->memory, struct unusable_file, files->count);
	for (size_t i = 0; i < files->count; i++)
		load_or_keep_file(set, &files->items[i], reporter);
	if (previous && !previous->is_stand_in)
		keep_hidden(set, files, previous);
	report_number_of_others(set, reporter);
}

/* Whether the gap was not reported before. */
static bool is_news(const struct certificates *set, const struct certificates_options *options)
{
	return !options->previous || options->repeats_failures || !options->previous->gap ||
	       !text_equals(options->previous->gap, set->gap);
}

static void keep_previous(struct certificates *set, const struct reporter *reporter)
{
	const struct certificates *previous = reporter->options->previous;

	set->items = arena_array(&set->memory, struct item *, previous->count);
	for (; set->count < previous->count; set->count++)
		set->items[set->count] = item_ref(previous->items[set->count]);
	set->is_stand_in = previous->is_stand_in;
	if (is_news(set, reporter->options))
		reporter->fail(arena_printf(&set->memory, "%s; the old certificates stay in use",
					    set->gap),
			       reporter->context);
}

/* So that a first start succeeds, and certificates can be requested over port 80. */
static int load_stand_in(struct certificates *set, const struct reporter *reporter,
			 struct error *err)
{
	const struct certificates_options *options = reporter->options;
	const char *file = options->stand_in_file;
	struct certificate_stamp stamp;
	struct item *before = find_item(options->previous, file);

	if (certificate_file_self_sign(file, options->stand_in_name, err) < 0)
		return -1;
	set->items = arena_array(&set->memory, struct item *, 1);
	stamp = certificate_stamp_take(file);
	if (before && certificate_stamp_equals(&before->stamp, &stamp))
		set->items[0] = item_ref(before);
	else if (item_load(file, &stamp, reporter->warn, reporter->context, &set->items[0], err) <
		 0)
		return -1;
	set->count = 1;
	set->is_stand_in = true;
	if (is_news(set, options)) {
		reporter->warn(set->gap, reporter->context);
		reporter->warn(
			arena_printf(&set->memory,
				     "NO CLIENT WILL TRUST THIS SERVER: it serves a self-signed "
				     "certificate for '%s' (%s) until there is a usable one; "
				     "'mailconfctl certificate request' requests one",
				     options->stand_in_name, file),
			reporter->context);
	}
	return 0;
}

/* What is served when no file can be used. */
static int fill_gap(struct certificates *set, const struct reporter *reporter, struct error *err)
{
	const struct certificates *previous = reporter->options->previous;

	if (reporter->options->stand_in_file && (!previous || previous->is_stand_in)) {
		if (load_stand_in(set, reporter, err) == 0)
			return 0;
		error_prefix(err, "cannot create a self-signed certificate");
	}
	if (!previous)
		return -1;
	keep_previous(set, reporter);
	return 0;
}

static void choose_default(struct certificates *set, const struct reporter *reporter)
{
	const struct certificates_options *options = reporter->options;
	const char *name = options->default_name;

	if (!name || !*name)
		return;
	if (certificates_match(set, name, NULL, 0)) {
		set->default_name = arena_strdup(&set->memory, name);
		return;
	}
	if (!options->name_is_required || set->is_stand_in)
		return;
	set->misses_default = true;
	if (!options->previous || options->repeats_failures || !options->previous->misses_default)
		reporter->fail(arena_printf(&set->memory,
					    "no certificate has the name '%s' of [tls] "
					    "default-certificate; clients without SNI get the "
					    "certificate in '%s'; set it to a name that a "
					    "certificate has, or leave it empty",
					    name, set->items[0]->certificate.file),
			       reporter->context);
}

static void index_names(struct certificates *set)
{
	const struct certificate **certificates = arena_array(
		&set->memory, const struct certificate *, set->count);

	for (size_t i = 0; i < set->count; i++)
		certificates[i] = &set->items[i]->certificate;
	name_index_build(&set->index, &set->memory, certificates, set->count);
}

static void warn_of_globs(const struct certificate_files *files, const struct reporter *reporter)
{
	if (reporter->options->previous && !reporter->options->repeats_failures)
		return;
	for (size_t i = 0; i < files->n_complaints; i++)
		reporter->warn(files->complaints[i], reporter->context);
}

int certificates_load(const struct certificates_options *options, certificates_warner warn,
		      void *context, struct certificates **ret_certificates, struct error *err)
{
	_cleanup_(certificates_unrefp) struct certificates *set = xnew(struct certificates);
	struct reporter reporter = { options, warn, options->fail ? options->fail : warn, context };
	struct certificate_files files = { 0 };
	int r;

	set->references = 1;
	r = certificate_files_find(&set->memory, options->globs, options->n_globs, &files, err);
	if (r != 0 && !options->previous && !options->stand_in_file)
		return r;
	warn_of_globs(&files, &reporter);
	load_files(set, &files, &reporter);
	if (!set->count) {
		if (r == 0)
			error_set(err, ERROR_TLS, "none of the certificates can be used");
		set->gap = error_line(&set->memory, err);
		if (fill_gap(set, &reporter, err) < 0)
			return -1;
	}
	index_names(set);
	choose_default(set, &reporter);
	*ret_certificates = TAKE(set);
	return 0;
}

struct certificates *certificates_ref(struct certificates *certificates)
{
	__atomic_add_fetch(&certificates->references, 1, __ATOMIC_RELAXED);
	return certificates;
}

void certificates_unref(struct certificates *certificates)
{
	if (!certificates || __atomic_sub_fetch(&certificates->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < certificates->count; i++)
		item_unref(certificates->items[i]);
	arena_clear(&certificates->memory);
	free(certificates);
}

bool certificates_are_complete(const struct certificates *certificates)
{
	return !certificates->n_failures && !certificates->gap && !certificates->misses_default &&
	       !certificates->is_being_written;
}

bool certificates_are_stand_in(const struct certificates *certificates)
{
	return certificates->is_stand_in;
}

size_t certificates_count_unusable(const struct certificates *certificates)
{
	return certificates->n_failures;
}

const char *certificates_unusable_file(const struct certificates *certificates, size_t index)
{
	return certificates->failures[index].file;
}

size_t certificates_count(const struct certificates *certificates)
{
	return certificates->count;
}

const struct certificate *certificates_at(const struct certificates *certificates, size_t index)
{
	return &certificates->items[index]->certificate;
}

size_t certificates_count_new(const struct certificates *certificates,
			      const struct certificates *other)
{
	size_t count = 0;

	for (size_t i = 0; i < certificates->count; i++) {
		struct item *item = certificates->items[i];

		if (find_item(other, item->certificate.file) != item)
			count++;
	}
	return count;
}
