#include <stdio.h>

#include "store/database.h"
#include "util/embedded.h"
#include "util/error.h"

int schema_version(void)
{
	int version = 0;

	while (embedded_schema[version].name)
		version++;
	return version;
}

/* Runs inside one transaction, so that a database is of one version or the other, never between;
 * two admin tools that meet wait for each other at its beginning. */
static int migrate_from(struct store *store, int64_t version, struct error *err)
{
	char pragma[64];

	for (int next = (int)version; next < schema_version(); next++)
		if (store_execute(store, embedded_schema[next].text, err) != 0)
			return error_prefix(err, "migration %s", embedded_schema[next].name);
	(void)snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", schema_version());
	return store_execute(store, pragma, err) == 0 ? 0 : -1;
}

int store_migrate(struct store *store, struct error *err)
{
	int64_t version;

	if (store_begin(store, err) < 0)
		return -1;
	if (store_number(store, "PRAGMA user_version", &version, err) != 0 ||
	    (version < schema_version() && migrate_from(store, version, err) < 0)) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, err);
}
