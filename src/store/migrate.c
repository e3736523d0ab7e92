#include <unistd.h>

#include "store/database.h"
#include "util/base.h"
#include "util/embedded.h"

/* Before migrations, the one of now among them. */
#define COPIES_KEPT 2

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
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", schema_version());
	return store_execute(store, pragma, err) == 0 ? 0 : -1;
}

static const char *copy_name(struct arena *memory, const struct store *store, int64_t version)
{
	return arena_printf(memory, "%s.schema-%lld", store->path, (long long)version);
}

/* Keeps a copy, and of older ones the newest. */
static int keep_copy(struct store *store, int64_t version, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	size_t kept = 0;

	if (database_keep(store->path, copy_name(&memory, store, version), err) < 0)
		return error_prefix(err, "before a migration");
	for (int64_t older = version - 1; older > 0; older--) {
		const char *name = copy_name(&memory, store, older);

		if (access(name, F_OK) == 0 && ++kept >= COPIES_KEPT)
			(void)unlink(name);
	}
	return 0;
}

static int migrate_database(struct store *store, bool keeps_copy, int64_t *ret_version,
			    struct error *err)
{
	if (store_begin(store, err) < 0)
		return -1;
	if (store_number(store, "PRAGMA user_version", ret_version, err) != 0 ||
	    (keeps_copy && *ret_version > 0 && *ret_version < schema_version() &&
	     keep_copy(store, *ret_version, err) < 0) ||
	    (*ret_version < schema_version() && migrate_from(store, *ret_version, err) < 0)) {
		store_rollback(store);
		return -1;
	}
	return store_commit(store, err);
}

int store_migrate(struct store *store, struct error *err)
{
	int64_t version = 0;

	return migrate_database(store, true, &version, err);
}

int store_migrate_copy(struct store *store, int64_t *ret_version, struct error *err)
{
	return migrate_database(store, false, ret_version, err);
}
