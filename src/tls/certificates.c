/*
 * Names are found in an open hash table over one array of (name, certificate) pairs, sorted by
 * name and then by preference: the table leads to the first pair of a name, the others of that
 * name follow it. Nothing is allocated per name, and nothing is written once the set is loaded,
 * so that any number of threads may ask.
 */

#include "tls/certificates.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls/certificate-file.h"
#include "tls/watch.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"
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

struct pair {
	const char *name;
	const struct certificate *certificate;
	size_t position; /* of the certificate in the set */
	bool is_current; /* valid on the day of loading */
};

/* A file that could not be loaded, and why. */
struct failure {
	const char *file, *sentence;
};

struct certificates {
	int references;	     /* atomic */
	struct arena memory; /* holds all below but the items */
	struct item **items; /* in the order of files */
	size_t count;
	struct failure *failures; /* in the order of files */
	size_t n_failures;
	struct pair *pairs;
	size_t n_pairs;
	struct pair **table; /* n_slots of them, a power of two, some NULL */
	size_t n_slots;
	const char *default_name; /* NULL: the first file */
};

static bool is_rsa(const struct certificate *certificate)
{
	return certificate->algorithm == GNUTLS_PK_RSA ||
	       certificate->algorithm == GNUTLS_PK_RSA_PSS;
}

static int compare_pairs(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	if (order)
		return order;
	if (a->is_current != b->is_current)
		return a->is_current ? -1 : 1;
	if (is_rsa(a->certificate) != is_rsa(b->certificate))
		return is_rsa(a->certificate) ? 1 : -1;
	if (a->certificate->expires != b->certificate->expires)
		return a->certificate->expires > b->certificate->expires ? -1 : 1;
	return (a->position > b->position) - (a->position < b->position);
}

/* FNV-1a: the names are the operator's own, so nobody can choose them to collide. */
static size_t hash(const char *name)
{
	uint64_t value = UINT64_C(14695981039346656037);

	for (; *name; name++)
		value = (value ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return (size_t)(value ^ value >> 32);
}

static void gather_pairs(struct certificates *set)
{
	time_t now = time(NULL);

	for (size_t i = 0; i < set->count; i++)
		set->n_pairs += set->items[i]->certificate.n_names;
	set->pairs = arena_array(&set->memory, struct pair, set->n_pairs);
	set->n_pairs = 0;
	for (size_t i = 0; i < set->count; i++) {
		const struct certificate *certificate = &set->items[i]->certificate;

		for (size_t j = 0; j < certificate->n_names; j++)
			set->pairs[set->n_pairs++] = (struct pair){
				.name = certificate->names[j],
				.certificate = certificate,
				.position = i,
				.is_current = certificate->starts <= now &&
					      certificate->expires > now,
			};
	}
	if (set->n_pairs)
		qsort(set->pairs, set->n_pairs, sizeof(*set->pairs), compare_pairs);
}

static void build_index(struct certificates *set)
{
	gather_pairs(set);
	set->n_slots = 8;
	while (set->n_slots < set->n_pairs * 2)
		set->n_slots *= 2;
	set->table = arena_array(&set->memory, struct pair *, set->n_slots);
	for (size_t i = 0; i < set->n_pairs; i++) {
		struct pair *pair = &set->pairs[i];
		size_t slot;

		if (i > 0 && text_equals(pair[-1].name, pair->name))
			continue;
		slot = hash(pair->name) & (set->n_slots - 1);
		while (set->table[slot])
			slot = (slot + 1) & (set->n_slots - 1);
		set->table[slot] = pair;
	}
}

static bool fits(const struct certificate *certificate, const gnutls_pk_algorithm_t *pk_algos,
		 int n_pk_algos)
{
	for (int i = 0; i < n_pk_algos; i++)
		if (pk_algos[i] == certificate->algorithm)
			return true;
	return n_pk_algos <= 0;
}

/* The best that fits of those with exactly this name, which is in lower case. */
static const struct certificate *look_up(const struct certificates *set, const char *name,
					 const gnutls_pk_algorithm_t *pk_algos, int n_pk_algos)
{
	const struct pair *end = set->pairs + set->n_pairs, *pair;
	size_t slot = hash(name) & (set->n_slots - 1);

	while ((pair = set->table[slot]) && !text_equals(pair->name, name))
		slot = (slot + 1) & (set->n_slots - 1);
	for (; pair && pair < end && text_equals(pair->name, name); pair++)
		if (fits(pair->certificate, pk_algos, n_pk_algos))
			return pair->certificate;
	return NULL;
}

const struct certificate *certificates_match(const struct certificates *certificates,
					     const char *name,
					     const gnutls_pk_algorithm_t *pk_algos, int n_pk_algos)
{
	char lower[HOST_NAME_MAX_LENGTH + 1], *dot;
	const struct certificate *found;
	size_t length = strlen(name);

	/* RFC 6066 wants the name without a final dot; a client that was given a URL with one may
	 * send it all the same. */
	if (length > 0 && name[length - 1] == '.')
		length--;
	if (length == 0 || length >= sizeof(lower))
		return NULL;
	for (size_t i = 0; i < length; i++)
		lower[i] = char_lower(name[i]);
	lower[length] = '\0';

	found = look_up(certificates, lower, pk_algos, n_pk_algos);
	dot = strchr(lower, '.');
	if (found || !dot || dot == lower)
		return found;
	dot[-1] = '*';
	return look_up(certificates, dot - 1, pk_algos, n_pk_algos);
}

const struct certificate *certificates_default(const struct certificates *certificates,
					       const gnutls_pk_algorithm_t *pk_algos,
					       int n_pk_algos)
{
	const struct certificate *first = &certificates->items[0]->certificate;

	if (certificates->default_name)
		return certificates_match(certificates, certificates->default_name, pk_algos,
					  n_pk_algos);
	if (fits(first, pk_algos, n_pk_algos))
		return first;
	return first->n_names ? look_up(certificates, first->names[0], pk_algos, n_pk_algos) : NULL;
}

bool certificates_serve(const struct certificates *certificates,
			const struct certificate *certificate)
{
	const gnutls_pk_algorithm_t algorithm = certificate->algorithm;

	for (size_t i = 0; i < certificate->n_names; i++)
		if (look_up(certificates, certificate->names[i], &algorithm, 1) == certificate)
			return true;
	return certificates_default(certificates, &algorithm, 1) == certificate;
}

static int choose_default(struct certificates *set, const struct certificates_options *options,
			  struct error *err)
{
	const char *name = options->default_name;

	if (!name || !*name)
		return 0;
	if (certificates_match(set, name, NULL, 0))
		set->default_name = arena_strdup(&set->memory, name);
	else if (options->name_is_required)
		return error_set(err, ERROR_CONFIG,
				 "no certificate has the name '%s', which 'default-certificate' "
				 "asks for; name one that a certificate has, or leave it empty",
				 name);
	return 0;
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
	(void)__atomic_add_fetch(&item->references, 1, __ATOMIC_RELAXED);
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
	if (certificate_file_load(&item->memory, file, warn, context, &item->certificate, err) < 0)
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

static bool has_failure(const struct certificates *set, const struct failure *failure)
{
	for (size_t i = 0; i < set->n_failures; i++)
		if (text_equals(set->failures[i].file, failure->file))
			return text_equals(set->failures[i].sentence, failure->sentence);
	return false;
}

static void note_failure(struct certificates *set, const struct certificates_options *options,
			 const char *file, const char *sentence, certificates_warner warn,
			 void *context)
{
	struct failure *failure = &set->failures[set->n_failures++];

	failure->file = arena_strdup(&set->memory, file);
	failure->sentence = arena_strdup(&set->memory, sentence);
	if (options->repeats_failures || !has_failure(options->previous, failure))
		warn(sentence, context);
}

/* Whether somebody has the chain or the key open and has written half of it, perhaps. */
static bool is_being_written(const struct certificates_options *options,
			     const struct certificate_stamp *stamp)
{
	return options->watch && (watch_sees_writing(options->watch, &stamp->chain) ||
				  watch_sees_writing(options->watch, &stamp->key));
}

static const char *what_remains(const struct item *before)
{
	return before ? "the one that was loaded before stays in use" : "it is left out";
}

/* Adds what stands for the file now: as it is loaded, as it was before, or nothing. */
static int load_file(struct certificates *set, const struct certificates_options *options,
		     const char *file, certificates_warner warn, void *context, struct error *err)
{
	const struct certificate_stamp stamp = certificate_stamp_take(file);
	struct item *before = find_item(options->previous, file), *item;

	if (before && certificate_stamp_equals(&before->stamp, &stamp)) {
		set->items[set->count++] = item_ref(before);
		return 0;
	}
	if (is_being_written(options, &stamp)) {
		/* A change is noticed again once the file is closed; who asked hears of it now. */
		if (options->repeats_failures)
			note_failure(set, options, file,
				     arena_printf(&set->memory,
						  "certificate '%s' is still being written; %s",
						  file, what_remains(before)),
				     warn, context);
	} else {
		if (item_load(file, &stamp, warn, context, &item, err) == 0) {
			set->items[set->count++] = item;
			return 0;
		}
		if (!options->previous)
			return -1;
		note_failure(set, options, file,
			     arena_printf(&set->memory, "%s; %s", err->text, what_remains(before)),
			     warn, context);
	}
	if (before)
		set->items[set->count++] = item_ref(before);
	return 0;
}

static int load_files(struct certificates *set, const struct certificates_options *options,
		      const struct certificate_files *files, certificates_warner warn,
		      void *context, struct error *err)
{
	set->items = arena_array(&set->memory, struct item *, files->count);
	set->failures = arena_array(&set->memory, struct failure, files->count);
	for (size_t i = 0; i < files->count; i++)
		if (load_file(set, options, files->items[i], warn, context, err) < 0)
			return -1;
	if (!set->count)
		return error_set(err, ERROR_TLS, "none of the certificates can be used");
	return 0;
}

int certificates_load(const struct certificates_options *options, certificates_warner warn,
		      void *context, struct certificates **ret_certificates, struct error *err)
{
	_cleanup_(certificates_unrefp) struct certificates *set = xnew(struct certificates);
	struct certificate_files files;
	int r;

	set->references = 1;
	r = certificate_files_find(&set->memory, options->globs, options->n_globs, &files, err);
	if (r != 0)
		return r;
	if (!options->previous || options->repeats_failures)
		for (size_t i = 0; i < files.n_complaints; i++)
			warn(files.complaints[i], context);
	if (load_files(set, options, &files, warn, context, err) < 0)
		return -1;
	build_index(set);
	if (choose_default(set, options, err) < 0)
		return -1;
	*ret_certificates = TAKE(set);
	return 0;
}

struct certificates *certificates_ref(struct certificates *certificates)
{
	(void)__atomic_add_fetch(&certificates->references, 1, __ATOMIC_RELAXED);
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

bool certificates_have_failures(const struct certificates *certificates)
{
	return certificates->n_failures > 0;
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
