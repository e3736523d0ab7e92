/* Nothing is written once a set is loaded, so that any number of threads may read it. */

#include "tls/certificates.h"

#include <time.h>

#include "tls/certificate-file.h"
#include "tls/certificate-paths.h"
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

/* A name of a certificate. */
struct name_pair {
	const char *name;
	const struct certificate *certificate;
	bool is_current; /* valid on the day of loading */
};

struct certificates {
	int references;	     /* atomic */
	struct arena memory; /* holds all below but the items */
	struct item **items; /* in the order of files */
	size_t count;
	struct unusable_file *failures; /* in the order of files */
	size_t n_failures;
	struct name_pair *pairs; /* by name, then in the order of preference */
	size_t n_pairs;
	const char *default_name; /* NULL: the first file */
	bool misses_default;	  /* no certificate has the name that is required */
	bool is_being_written;	  /* a file was, and is not loaded therefore */
	bool is_stand_in;
	const char *gap; /* why the items are not those of the files; NULL: they are */
};

static bool certificate_fits(const struct certificate *certificate,
			     const gnutls_pk_algorithm_t *pk_algos, int n_pk_algos)
{
	for (int i = 0; i < n_pk_algos; i++)
		if (pk_algos[i] == certificate->algorithm)
			return true;
	return n_pk_algos <= 0;
}

/* The first certificate that fits with exactly this name, which is in lower case. */
static const struct certificate *find_name(const struct certificates *set, const char *name,
					   const gnutls_pk_algorithm_t *pk_algos, int n_pk_algos)
{
	size_t low = 0, high = set->n_pairs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(set->pairs[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < set->n_pairs && text_equals(set->pairs[low].name, name); low++)
		if (certificate_fits(set->pairs[low].certificate, pk_algos, n_pk_algos))
			return set->pairs[low].certificate;
	return NULL;
}

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

	found = find_name(certificates, lower, pk_algos, n_pk_algos);
	dot = strchr(lower, '.');
	if (found || !dot || dot == lower)
		return found;
	dot[-1] = '*';
	return find_name(certificates, dot - 1, pk_algos, n_pk_algos);
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
	return first->n_names ? find_name(certificates, first->names[0], pk_algos, n_pk_algos)
			      : NULL;
}

bool certificates_serve(const struct certificates *certificates,
			const struct certificate *certificate)
{
	const gnutls_pk_algorithm_t algorithm = certificate->algorithm;

	for (size_t i = 0; i < certificate->n_names; i++)
		if (find_name(certificates, certificate->names[i], &algorithm, 1) == certificate)
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

static int compare_items(const void *left, const void *right)
{
	const struct item *const *a = left, *const *b = right;

	return strcmp((*a)->certificate.file, (*b)->certificate.file);
}

static struct item *find_item(const struct certificates *set, const char *file)
{
	const struct item item = { .certificate.file = file }, *key = &item;
	struct item **found = set ? bsearch(&key, set->items, set->count, sizeof(*set->items),
					    compare_items)
				  : NULL;

	return found ? *found : NULL;
}

/* One load: what it makes, and where its errors and warnings go. */
struct load {
	struct certificates *set;
	const struct certificates_options *options;
	const struct certificates *reported; /* whose errors were reported; NULL: none */
	certificates_warner warn, fail;
	void *context;
	size_t n_reported; /* failures */
};

static int compare_failures(const void *left, const void *right)
{
	const struct unusable_file *a = left, *b = right;

	return strcmp(a->file, b->file);
}

static void note_failure(struct load *load, const char *file, const char *sentence)
{
	struct certificates *set = load->set;
	struct unusable_file *failure = &set->failures[set->n_failures++], *before = NULL;

	failure->file = arena_strdup(&set->memory, file);
	failure->sentence = arena_strdup(&set->memory, sentence);
	if (load->reported)
		before = bsearch(failure, load->reported->failures, load->reported->n_failures,
				 sizeof(*failure), compare_failures);
	if (before && text_equals(before->sentence, sentence))
		return;
	if (load->n_reported++ < CERTIFICATES_REPORTED_MAX)
		load->fail(sentence, load->context);
}

/* Adds the file's certificate: as it is now, as it was before, or nothing. */
static void load_or_keep_file(struct load *load, const struct certificate_file *file)
{
	struct certificates *set = load->set;
	const struct watch *watch = load->options->watch;
	struct item *before = find_item(load->options->previous, file->path), *item;
	struct certificate_stamp stamp;
	const char *kept = before ? "the one that was loaded before stays in use"
				  : "it is not used";
	struct error err;

	if (file->problem) {
		note_failure(load, file->path, file->problem);
		return;
	}
	stamp = certificate_stamp_take(file->path);
	if (before && certificate_stamp_equals(&before->stamp, &stamp)) {
		set->items[set->count++] = item_ref(before);
		return;
	}
	if (watch &&
	    (watch_sees_writing(watch, &stamp.chain) || watch_sees_writing(watch, &stamp.key))) {
		/* A change is noticed again once the file is closed. */
		set->is_being_written = true;
		if (load->options->repeats_failures)
			load->warn(arena_printf(&set->memory,
						"certificate '%s' is still being written; %s",
						file->path, kept),
				   load->context);
	} else if (item_load(file->path, &stamp, load->warn, load->context, &item, &err) == 0) {
		set->items[set->count++] = item;
		return;
	} else {
		note_failure(load, file->path,
			     arena_printf(&set->memory, "%s; %s%s%s", err.text, kept,
					  *err.hint ? "; " : "", err.hint));
	}
	if (before)
		set->items[set->count++] = item_ref(before);
}

static void load_files(struct load *load, const struct certificate_files *files)
{
	const struct certificates *previous = load->options->previous;
	struct certificates *set = load->set;
	size_t n_found;

	set->items = arena_array(&set->memory, struct item *,
				 files->count + (previous ? previous->count : 0));
	set->failures = arena_array(&set->memory, struct unusable_file, files->count);
	for (size_t i = 0; i < files->count; i++)
		load_or_keep_file(load, &files->items[i]);
	n_found = set->count;
	/* Keeps what is in directories that cannot be read now. */
	for (size_t i = 0; previous && !previous->is_stand_in && i < previous->count; i++)
		if (certificate_files_hide(files, previous->items[i]->certificate.file))
			set->items[set->count++] = item_ref(previous->items[i]);
	if (set->count > n_found)
		qsort(set->items, set->count, sizeof(*set->items), compare_items);
	if (load->n_reported > CERTIFICATES_REPORTED_MAX)
		load->fail(arena_printf(&set->memory,
					"%zu more certificate files cannot be used; "
					"'mailconfctl certificate list' lists all",
					load->n_reported - CERTIFICATES_REPORTED_MAX),
			   load->context);
}

/* So that a first start succeeds, and certificates can be requested over port 80. */
static int load_stand_in(struct load *load, struct error *err)
{
	const struct certificates_options *options = load->options;
	struct certificates *set = load->set;
	const char *file = options->stand_in_file;
	struct certificate_stamp stamp;
	struct item *before = find_item(options->previous, file);

	if (certificate_file_self_sign(file, options->stand_in_name, err) < 0)
		return -1;
	set->items = arena_array(&set->memory, struct item *, 1);
	stamp = certificate_stamp_take(file);
	if (before && certificate_stamp_equals(&before->stamp, &stamp))
		set->items[0] = item_ref(before);
	else if (item_load(file, &stamp, load->warn, load->context, &set->items[0], err) < 0)
		return -1;
	set->count = 1;
	set->is_stand_in = true;
	if (load->reported && text_same(load->reported->gap, set->gap))
		return 0;
	load->warn(set->gap, load->context);
	load->warn(arena_printf(&set->memory,
				"NO CLIENT WILL TRUST THIS SERVER: it serves a self-signed "
				"certificate for '%s' (%s) until there is a usable one; "
				"'mailconfctl certificate request' requests one",
				options->stand_in_name, file),
		   load->context);
	return 0;
}

/* What is served when no file can be used: the stand-in, or all of the previous set. */
static int fill_gap(struct load *load, struct error *err)
{
	const struct certificates *previous = load->options->previous;
	struct certificates *set = load->set;

	if (load->options->stand_in_file && (!previous || previous->is_stand_in)) {
		if (load_stand_in(load, err) == 0)
			return 0;
		error_prefix(err, "cannot create a self-signed certificate");
	}
	if (!previous)
		return -1;
	set->items = arena_array(&set->memory, struct item *, previous->count);
	for (; set->count < previous->count; set->count++)
		set->items[set->count] = item_ref(previous->items[set->count]);
	set->is_stand_in = previous->is_stand_in;
	if (!load->reported || !text_same(load->reported->gap, set->gap))
		load->fail(arena_printf(&set->memory, "%s; the old certificates stay in use",
					set->gap),
			   load->context);
	return 0;
}

static void choose_default(struct load *load)
{
	struct certificates *set = load->set;
	const char *name = load->options->default_name;

	if (!name || !*name)
		return;
	if (certificates_match(set, name, NULL, 0)) {
		set->default_name = arena_strdup(&set->memory, name);
		return;
	}
	if (!load->options->name_is_required || set->is_stand_in)
		return;
	set->misses_default = true;
	if (!load->reported || !load->reported->misses_default)
		load->fail(arena_printf(&set->memory,
					"no certificate has the name '%s' of [tls] "
					"default-certificate; clients without SNI get the "
					"certificate in '%s'; set it to a name that a "
					"certificate has, or leave it empty",
					name, set->items[0]->certificate.file),
			   load->context);
}

static int compare_pairs(const void *left, const void *right)
{
	const struct name_pair *a = left, *b = right;
	bool a_is_rsa = certificate_is_rsa(a->certificate);
	int order = strcmp(a->name, b->name);

	if (order)
		return order;
	if (a->is_current != b->is_current)
		return a->is_current ? -1 : 1;
	if (a_is_rsa != certificate_is_rsa(b->certificate))
		return a_is_rsa ? 1 : -1;
	if (a->certificate->expires != b->certificate->expires)
		return a->certificate->expires > b->certificate->expires ? -1 : 1;
	return strcmp(a->certificate->file, b->certificate->file);
}

static void index_names(struct certificates *set)
{
	time_t now = time(NULL);
	size_t n_names = 0;

	for (size_t i = 0; i < set->count; i++)
		n_names += set->items[i]->certificate.n_names;
	set->pairs = arena_array(&set->memory, struct name_pair, n_names);
	for (size_t i = 0; i < set->count; i++) {
		const struct certificate *certificate = &set->items[i]->certificate;

		for (size_t j = 0; j < certificate->n_names; j++)
			set->pairs[set->n_pairs++] = (struct name_pair){
				.name = certificate->names[j],
				.certificate = certificate,
				.is_current = certificate->starts <= now &&
					      certificate->expires > now,
			};
	}
	qsort(set->pairs, set->n_pairs, sizeof(*set->pairs), compare_pairs);
}

int certificates_load(const struct certificates_options *options, certificates_warner warn,
		      void *context, struct certificates **ret_certificates, struct error *err)
{
	_cleanup_(certificates_unrefp) struct certificates *set = xnew(struct certificates);
	struct load load = {
		.set = set,
		.options = options,
		.reported = options->repeats_failures ? NULL : options->previous,
		.warn = warn,
		.fail = options->fail ?: warn,
		.context = context,
	};
	struct certificate_files files = { 0 };
	int r;

	set->references = 1;
	r = certificate_files_find(&set->memory, options->globs, options->n_globs, &files, err);
	if (r != 0 && !options->previous && !options->stand_in_file)
		return r;
	for (size_t i = 0; !load.reported && i < files.n_complaints; i++)
		warn(files.complaints[i], context);
	load_files(&load, &files);
	if (!set->count) {
		if (r == 0)
			error_set(err, ERROR_TLS, "none of the certificates can be used");
		set->gap = error_line(&set->memory, err);
		if (fill_gap(&load, err) < 0)
			return -1;
	}
	index_names(set);
	choose_default(&load);
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
