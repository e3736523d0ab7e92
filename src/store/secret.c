#include <string.h>

#include "store/database.h"
#include "util/digest.h"
#include "util/error.h"

int store_secret(struct store *store, struct digest_key *ret_secret, struct error *err)
{
	_cleanup_(query_endp) sqlite3_stmt *query = NULL;
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
	if (sqlite3_column_bytes(query, 0) != sizeof(ret_secret->bytes))
		return error_set(err, ERROR_DATA, "the secret in database '%s' is not of %zu bytes",
				 store->path, sizeof(ret_secret->bytes));
	memcpy(ret_secret->bytes, sqlite3_column_blob(query, 0), sizeof(ret_secret->bytes));
	return 0;
}
