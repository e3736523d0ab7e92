#include <stdlib.h>
#include <string.h>

#include "store/database.h"
#include "util/arena.h"
#include "util/error.h"

/* Collects the first column, in its order, up to the first row without the prefix. */
static int list_names(struct store *store, struct arena *memory, sqlite3_stmt *query,
		      const char *prefix, const char ***ret_names, size_t *ret_count,
		      struct error *err)
{
	_cleanup_(freep) const char **list = NULL;
	size_t count = 0;
	int r;

	while ((r = sqlite3_step(query)) == SQLITE_ROW) {
		struct row row = row_begin(store, memory, query, TABLE_NAMES);
		const char *name = row_text(&row, 0);
		int end = row_end_in_list(&row, err);

		if (end < 0)
			return -1;
		if (end == ROW_SKIPPED)
			continue;
		if (strncmp(name, prefix, strlen(prefix)) != 0) {
			r = SQLITE_DONE;
			break;
		}
		if ((count & (count - 1)) == 0)
			list = xrealloc(list, count ? count * 2 : 1, sizeof(*list));
		list[count++] = name;
	}
	if (r != SQLITE_DONE)
		return store_fail(store, err, "listing names");
	*ret_names = arena_copy(memory, list, count, sizeof(*list));
	*ret_count = count;
	return 0;
}

int store_list_names(struct store *store, struct arena *memory, enum store_names names,
		     const char *prefix, size_t limit, const char ***ret_names, size_t *ret_count,
		     struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, names == PROVIDER_NAMES ? LIST_PROVIDER_NAMES : LIST_DOMAIN_NAMES,
			&query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, prefix);
	sqlite3_bind_int64(query, 2, (sqlite3_int64)limit);
	return list_names(store, memory, query, prefix, ret_names, ret_count, err);
}

int store_list_locals(struct store *store, struct arena *memory, const char *domain,
		      const char *prefix, size_t limit, const char ***ret_locals, size_t *ret_count,
		      struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	int r;

	r = query_begin(store, LIST_LOCALS, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, prefix);
	sqlite3_bind_int64(query, 2, (sqlite3_int64)limit);
	query_bind_text(query, 3, domain);
	return list_names(store, memory, query, prefix, ret_locals, ret_count, err);
}
