/*
 * The tables are those of automx2's model.py. Of its history two things matter: the first release
 * of 2020 had no priorities, which came with 2020.1, and DAV servers came with 2022.0.
 */

#include "store/automx2.h"

#include <errno.h>
#include <sqlite3.h>

#include "util/string-list.h"

struct automx2 {
	sqlite3 *database;
	char *path;
	bool has_priorities;
};

DEFINE_CLEANUP(sqlite3_stmt *, sqlite3_finalize);

static int fail_to_read(struct automx2 *automx2, struct error *err)
{
	return error_set(err, ERROR_INPUT, "cannot read '%s': %s", automx2->path,
			 sqlite3_errmsg(automx2->database));
}

static int prepare_query(struct automx2 *automx2, const char *sql, sqlite3_stmt **ret_query,
			 struct error *err)
{
	return sqlite3_prepare_v2(automx2->database, sql, -1, ret_query, NULL) == SQLITE_OK
		       ? 0
		       : fail_to_read(automx2, err);
}

static int has_column(struct automx2 *automx2, const char *table, const char *column, bool *ret_has,
		      struct error *err)
{
	int r = sqlite3_table_column_metadata(automx2->database, "main", table, column, NULL, NULL,
					      NULL, NULL, NULL);

	*ret_has = r == SQLITE_OK;
	return r == SQLITE_OK || r == SQLITE_ERROR ? 0 : fail_to_read(automx2, err);
}

static int check_tables(struct automx2 *automx2, struct error *err)
{
	static const struct {
		const char *table, *column;
	} needed[] = {
		{ "provider", "short_name" },  { "domain", "provider_id" },
		{ "domain", "ldapserver_id" }, { "server", "socket_type" },
		{ "server", "user_name" },     { "server_domain", "server_id" },
		{ "ldapserver", "name" },
	};
	bool has_dav = false;

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		bool is_there = false;

		if (has_column(automx2, needed[i].table, needed[i].column, &is_there, err) < 0)
			return -1;
		if (!is_there)
			return error_set(err, ERROR_INPUT,
					 "'%s' is not a database of automx2: it has no table %s "
					 "with a column %s",
					 automx2->path, needed[i].table, needed[i].column);
	}
	if (has_column(automx2, "server", "prio", &automx2->has_priorities, err) < 0 ||
	    has_column(automx2, "davserver_domain", "davserver_id", &has_dav, err) < 0)
		return -1;
	if (!has_dav && sqlite3_exec(automx2->database,
				     "CREATE TEMP TABLE davserver (id, type, url, port, use_ssl, "
				     "user_name); "
				     "CREATE TEMP TABLE davserver_domain (davserver_id, domain_id)",
				     NULL, NULL, NULL) != SQLITE_OK)
		return fail_to_read(automx2, err);
	return 0;
}

int automx2_write_image(const char *path, FILE *output, struct error *err)
{
	_cleanup_(automx2_closep) struct automx2 *automx2 = xnew(struct automx2);
	unsigned char *image;
	sqlite3_int64 size;
	int r = 0;

	automx2->path = xstrdup(path);
	if (sqlite3_open_v2(path, &automx2->database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK) {
		int error = sqlite3_system_errno(automx2->database);

		return error ? error_set(err, ERROR_INPUT, "cannot read '%s': %s", path,
					 strerror(error))
			     : fail_to_read(automx2, err);
	}
	/* Why it cannot be read is known of a query alone. */
	if (sqlite3_exec(automx2->database, "SELECT count(*) FROM sqlite_schema", NULL, NULL,
			 NULL) != SQLITE_OK)
		return fail_to_read(automx2, err);
	image = sqlite3_serialize(automx2->database, "main", &size, 0);
	if (!image && size > 0)
		return fail_to_read(automx2, err);
	if (size > 0 && fwrite(image, (size_t)size, 1, output) != 1)
		r = error_set(err, ERROR_SYSTEM, "cannot copy '%s': %s", path, strerror(errno));
	sqlite3_free(image);
	return r;
}

/* In the header of a database in WAL mode, which SQLite does not open without a file: one byte for
 * writers and one for readers. */
#define MODE_OFFSET 18

int automx2_open(const char *path, const char *image, size_t size, struct automx2 **ret_automx2,
		 struct error *err)
{
	_cleanup_(automx2_closep) struct automx2 *automx2 = xnew(struct automx2);
	unsigned char *copy;

	automx2->path = xstrdup(path);
	if (sqlite3_open_v2(":memory:", &automx2->database,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return fail_to_read(automx2, err);
	sqlite3_db_config(automx2->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(automx2->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	copy = size ? sqlite3_malloc64(size) : NULL;
	if (size && !copy)
		abort();
	if (copy)
		memcpy(copy, image, size);
	if (size > MODE_OFFSET + 1)
		copy[MODE_OFFSET] = copy[MODE_OFFSET + 1] = 1;
	if (size > 0 && sqlite3_deserialize(automx2->database, "main", copy, (sqlite3_int64)size,
					    (sqlite3_int64)size,
					    SQLITE_DESERIALIZE_FREEONCLOSE |
						    SQLITE_DESERIALIZE_READONLY) != SQLITE_OK)
		return fail_to_read(automx2, err);
	if (check_tables(automx2, err) < 0)
		return -1;
	*ret_automx2 = TAKE(automx2);
	return 0;
}

void automx2_close(struct automx2 *automx2)
{
	if (!automx2)
		return;
	sqlite3_close(automx2->database);
	free(automx2->path);
	free(automx2);
}

/* Reads all rows of a query, whose parameter is domain, as texts: columns of them are a row. */
static int list_rows(struct automx2 *automx2, struct arena *memory, const char *sql,
		     const char *domain, size_t columns, void **ret_rows, size_t *ret_count,
		     struct error *err)
{
	_cleanup_(sqlite3_finalizep) sqlite3_stmt *query = NULL;
	struct texts texts = TEXTS_IN(memory);
	int step;

	if (prepare_query(automx2, sql, &query, err) < 0)
		return -1;
	if (domain)
		sqlite3_bind_text(query, 1, domain, -1, SQLITE_STATIC);
	while ((step = sqlite3_step(query)) == SQLITE_ROW)
		for (size_t i = 0; i < columns; i++) {
			const void *text = sqlite3_column_text(query, (int)i);

			texts_add(&texts, text ? arena_strdup(memory, text) : "");
		}
	if (step != SQLITE_DONE)
		return fail_to_read(automx2, err);
	*ret_rows = texts.items;
	*ret_count = texts.count / columns;
	return 0;
}

int automx2_list_domains(struct automx2 *automx2, struct arena *memory,
			 struct automx2_domain **ret_domains, size_t *ret_count, struct error *err)
{
	static const char sql[] =
		"SELECT id, name, provider, provider_name, provider_short_name, servers, "
		"iif(row_number() OVER (alike ORDER BY id) = 1, ldap, NULL), "
		"iif(count(*) OVER alike > 1, ' and ' || (count(*) OVER alike - 1) || "
		"iif(count(*) OVER alike > 2, ' more domains', ' more domain'), '') "
		"FROM (SELECT domain.id AS id, domain.name AS name, provider.id AS provider, "
		"provider.name AS provider_name, provider.short_name AS provider_short_name, "
		"ldapserver.name AS ldap, (SELECT group_concat(server) FROM "
		"(SELECT server_id AS server FROM server_domain WHERE domain_id = domain.id "
		"UNION ALL SELECT 'dav' || davserver_id FROM davserver_domain "
		"WHERE domain_id = domain.id ORDER BY server)) AS servers "
		"FROM domain LEFT JOIN provider ON provider.id = provider_id "
		"LEFT JOIN ldapserver ON ldapserver.id = ldapserver_id) "
		"WINDOW alike AS (PARTITION BY provider, servers, ldap) ORDER BY provider, id";

	return list_rows(automx2, memory, sql, NULL, sizeof(**ret_domains) / sizeof(char *),
			 (void **)ret_domains, ret_count, err);
}

int automx2_list_servers(struct automx2 *automx2, struct arena *memory, const char *domain,
			 struct automx2_server **ret_servers, size_t *ret_count, struct error *err)
{
	const char *sql = arena_printf(
		memory,
		"SELECT type, name, port, socket_type, user_name, authentication, '', "
		"0 AS is_dav, %s AS rank, id FROM server JOIN server_domain ON server_id = id "
		"WHERE domain_id = ?1 UNION ALL "
		"SELECT type, url, port, '', user_name, '', iif(use_ssl, 'https', 'http'), "
		"1, 0, id FROM davserver JOIN davserver_domain ON davserver_id = id "
		"WHERE domain_id = ?1 ORDER BY is_dav, rank, id",
		automx2->has_priorities ? "prio" : "0");

	return list_rows(automx2, memory, sql, domain, sizeof(**ret_servers) / sizeof(char *),
			 (void **)ret_servers, ret_count, err);
}

int automx2_list_unused(struct automx2 *automx2, struct arena *memory, const char ***ret_words,
			size_t *ret_count, struct error *err)
{
	static const char sql[] =
		"SELECT 'provider ''' || name || '''' FROM provider "
		"WHERE id NOT IN (SELECT provider_id FROM domain) UNION ALL "
		"SELECT 'the ' || type || ' server ''' || name || '''' FROM server "
		"WHERE id NOT IN (SELECT server_id FROM server_domain) UNION ALL "
		"SELECT 'the ' || type || ' server ''' || url || '''' FROM davserver "
		"WHERE id NOT IN (SELECT davserver_id FROM davserver_domain)";

	return list_rows(automx2, memory, sql, NULL, 1, (void **)ret_words, ret_count, err);
}
