#include "http/retired-certificates.h"

#include "mail/query.h"
#include "store/store.h"
#include "tls/certificate.h"

/* The row of the domain that the name belongs to, found as for a request to a host of that name;
 * the domain of "*.example.org" is that pattern, or example.org. */
static int find_row(struct store *store, struct arena *memory, const char *name,
		    struct domain *ret_row, struct error *err)
{
	struct host_domains domains = host_domains(name);
	int r;

	if (domains.stripped) {
		r = store_serving_domain(store, memory, domains.stripped, ret_row, err);
		return r == STORE_NOT_FOUND
			       ? store_find_domain(store, memory, domains.bare, ret_row, err)
			       : r;
	}
	if (strncmp(name, "*.", 2) == 0) {
		r = store_find_domain(store, memory, name, ret_row, err);
		if (r != STORE_NOT_FOUND)
			return r;
		name += 2;
	}
	return store_serving_domain(store, memory, name, ret_row, err);
}

static int find_use_of_name(struct store *store, struct arena *memory, const char *name,
			    enum use *ret_use, struct error *err)
{
	struct domain row, target = { .is_enabled = true };
	bool is_public;
	int r = store_has_public_name(store, name, &is_public, err);

	*ret_use = USE_SERVED;
	if (r != 0 || is_public)
		return r;
	r = find_row(store, memory, name, &row, err);
	if (r == 0 && row.is_enabled && row.alias_of) {
		r = store_find_domain(store, memory, row.alias_of, &target, err);
		if (r == STORE_NOT_FOUND)
			return 0;
	}
	if (r == STORE_NOT_FOUND)
		*ret_use = USE_NONE;
	else if (r == 0 && !(row.is_enabled && target.is_enabled))
		*ret_use = USE_DISABLED;
	return r == STORE_NOT_FOUND ? 0 : r;
}

int retired_find_use(struct store *store, struct arena *memory, const char *public_name,
		     const struct certificate *certificate, enum use *ret_use, struct error *err)
{
	size_t length = strcspn(public_name, ":");
	enum use best = USE_NONE, use;

	for (size_t i = 0; i < certificate->n_names && best != USE_SERVED; i++) {
		const char *name = certificate->names[i];
		int r = 0;

		if (strlen(name) == length && strncmp(name, public_name, length) == 0)
			use = USE_SERVED;
		else
			r = find_use_of_name(store, memory, name, &use, err);
		if (r != 0)
			return r;
		if (use < best)
			best = use;
	}
	*ret_use = best;
	return 0;
}
