#include "store/database.h"
#include "store/row.h"

static void read_name(struct row *row, void *name)
{
	*(const char **)name = row_text(row, 0);
}

int store_list_names(struct store *store, struct arena *memory, enum store_names names,
		     const char *prefix, size_t limit, const char ***ret_names, size_t *ret_count,
		     struct error *err)
{
	return store_list(store, memory,
			  names == PROVIDER_NAMES ? LIST_PROVIDER_NAMES : LIST_DOMAIN_NAMES,
			  VALUES(TEXT(prefix), NUMBER(limit)), sizeof(**ret_names), read_name,
			  (void **)ret_names, ret_count, err);
}

int store_list_locals(struct store *store, struct arena *memory, const char *domain,
		      const char *prefix, size_t limit, const char ***ret_locals, size_t *ret_count,
		      struct error *err)
{
	return store_list(store, memory, LIST_LOCALS,
			  VALUES(TEXT(prefix), NUMBER(limit), TEXT(domain)), sizeof(**ret_locals),
			  read_name, (void **)ret_locals, ret_count, err);
}

int store_list_user_domains(struct store *store, struct arena *memory, const char ***ret_domains,
			    size_t *ret_count, struct error *err)
{
	return store_list(store, memory, LIST_USER_DOMAINS, NULL, sizeof(**ret_domains), read_name,
			  (void **)ret_domains, ret_count, err);
}
