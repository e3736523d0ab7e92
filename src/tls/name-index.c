#include "tls/name-index.h"

#include <time.h>

#include "tls/certificate.h"

struct name_pair {
	const char *name;
	const struct certificate *certificate;
	size_t position; /* of the certificate in the set */
	bool is_current; /* valid on the day of loading */
};

static bool is_rsa(const struct certificate *certificate)
{
	return certificate->algorithm == GNUTLS_PK_RSA ||
	       certificate->algorithm == GNUTLS_PK_RSA_PSS;
}

static int compare_pairs(const void *left, const void *right)
{
	const struct name_pair *a = left, *b = right;
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

void name_index_build(struct name_index *index, struct arena *memory,
		      const struct certificate *const *certificates, size_t count)
{
	time_t now = time(NULL);

	for (size_t i = 0; i < count; i++)
		index->n_pairs += certificates[i]->n_names;
	index->pairs = arena_array(memory, struct name_pair, index->n_pairs);
	index->n_pairs = 0;
	for (size_t i = 0; i < count; i++) {
		const struct certificate *certificate = certificates[i];

		for (size_t j = 0; j < certificate->n_names; j++)
			index->pairs[index->n_pairs++] = (struct name_pair){
				.name = certificate->names[j],
				.certificate = certificate,
				.position = i,
				.is_current = certificate->starts <= now &&
					      certificate->expires > now,
			};
	}
	if (index->n_pairs)
		qsort(index->pairs, index->n_pairs, sizeof(*index->pairs), compare_pairs);
}

bool certificate_fits(const struct certificate *certificate, const gnutls_pk_algorithm_t *pk_algos,
		      int n_pk_algos)
{
	for (int i = 0; i < n_pk_algos; i++)
		if (pk_algos[i] == certificate->algorithm)
			return true;
	return n_pk_algos <= 0;
}

const struct certificate *name_index_find(const struct name_index *index, const char *name,
					  const gnutls_pk_algorithm_t *pk_algos, int n_pk_algos)
{
	size_t low = 0, high = index->n_pairs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(index->pairs[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < index->n_pairs && text_equals(index->pairs[low].name, name); low++)
		if (certificate_fits(index->pairs[low].certificate, pk_algos, n_pk_algos))
			return index->pairs[low].certificate;
	return NULL;
}
