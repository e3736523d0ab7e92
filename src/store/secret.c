#include "store/database.h"
#include "util/digest.h"
#include "util/error.h"

int store_secret(struct store *store, struct digest_key *ret_secret, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
	struct digest_key secret;
	struct row row;
	int r;

	r = query_begin(store, FIND_SECRET, &query, err);
	if (r != 0)
		return r;
	query_bind_text(query, 1, "profile");
	switch (sqlite3_step(query)) {
	case SQLITE_ROW:
		break;
	case SQLITE_DONE:
		return error_set(err, ERROR_DATA, "database '%s' has lost its secret", store->path);
	default:
		return store_fail(store, err, "reading its secret");
	}
	row = row_begin(store, NULL, query, TABLE_SECRET);
	if (row_blob(&row, 0, secret.bytes, sizeof(secret.bytes)))
		*ret_secret = secret;
	return row_end(&row, err);
}
