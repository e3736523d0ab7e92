/*
 * The tables are those of automx2's model.py. Of its history two things matter: the first release
 * of 2020 had no priorities, which came with 2020.1, and DAV servers came with 2022.0.
 */

#include "store/automx2.h"

#include <errno.h>
#include <sqlite3.h>

struct automx2 {
	sqlite3 *database;
	char *path;
	bool has_priorities, has_dav;
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

/* Whether the table has the column. */
static int has_column(struct automx2 *automx2, const char *table, const char *column, bool *ret_has,
		      struct error *err)
{
	_cleanup_(sqlite3_finalizep) sqlite3_stmt *query = NULL;

	if (prepare_query(automx2, "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2",
			  &query, err) < 0)
		return -1;
	sqlite3_bind_text(query, 1, table, -1, SQLITE_STATIC);
	sqlite3_bind_text(query, 2, column, -1, SQLITE_STATIC);
	if (sqlite3_step(query) != SQLITE_ROW)
		return fail_to_read(automx2, err);
	*ret_has = sqlite3_column_int(query, 0) > 0;
	return 0;
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
	    has_column(automx2, "davserver_domain", "davserver_id", &automx2->has_dav, err) < 0)
		return -1;
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

static unsigned char *copy_image(const char *image, size_t size)
{
	unsigned char *copy = sqlite3_malloc64(size + 1);

	if (!copy)
		abort();
	memcpy(copy, image, size);
	if (size > MODE_OFFSET + 1)
		copy[MODE_OFFSET] = copy[MODE_OFFSET + 1] = 1;
	return copy;
}

int automx2_open(const char *path, const char *image, size_t size, struct automx2 **ret_automx2,
		 struct error *err)
{
	_cleanup_(automx2_closep) struct automx2 *automx2 = xnew(struct automx2);

	automx2->path = xstrdup(path);
	if (sqlite3_open_v2(":memory:", &automx2->database,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return fail_to_read(automx2, err);
	sqlite3_db_config(automx2->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(automx2->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (size > 0 && sqlite3_deserialize(automx2->database, "main", copy_image(image, size),
					    (sqlite3_int64)size, (sqlite3_int64)size,
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

static const char *column_text_or_null(struct arena *memory, sqlite3_stmt *query, int column)
{
	const char *value = (const char *)sqlite3_column_text(query, column);

	return value ? arena_strdup(memory, value) : NULL;
}

static const char *column_text(struct arena *memory, sqlite3_stmt *query, int column)
{
	const char *value = column_text_or_null(memory, query, column);

	return value ? value : "";
}

/* A growing array of rows. */
struct rows {
	void *items;
	size_t count, size; /* of one in bytes */
};

static void rows_clear(struct rows *rows)
{
	free(rows->items);
}

static void *rows_add(struct rows *rows)
{
	if ((rows->count & (rows->count - 1)) == 0)
		rows->items = xrealloc(rows->items, rows->count ? rows->count * 2 : 1, rows->size);
	return (char *)rows->items + rows->count++ * rows->size;
}

typedef void (*row_reader)(struct arena *memory, sqlite3_stmt *query, void *row);

/* Reads all rows of a query, whose parameter is domain, into an array in memory. */
static int list_rows(struct automx2 *automx2, struct arena *memory, const char *sql, int64_t domain,
		     size_t size, row_reader read, void **ret_rows, size_t *ret_count,
		     struct error *err)
{
	_cleanup_(sqlite3_finalizep) sqlite3_stmt *query = NULL;
	_cleanup_(rows_clear) struct rows rows = { .size = size };
	int step;

	if (prepare_query(automx2, sql, &query, err) < 0)
		return -1;
	if (sqlite3_bind_parameter_count(query) > 0)
		sqlite3_bind_int64(query, 1, domain);
	while ((step = sqlite3_step(query)) == SQLITE_ROW)
		read(memory, query, rows_add(&rows));
	if (step != SQLITE_DONE)
		return fail_to_read(automx2, err);
	*ret_rows = arena_copy(memory, rows.items, rows.count, size);
	*ret_count = rows.count;
	return 0;
}

static void read_domain_row(struct arena *memory, sqlite3_stmt *query, void *row)
{
	*(struct automx2_domain *)row = (struct automx2_domain){
		.id = sqlite3_column_int64(query, 0),
		.name = column_text(memory, query, 1),
		.provider = sqlite3_column_int64(query, 2),
		.provider_name = column_text_or_null(memory, query, 3),
		.provider_short_name = column_text(memory, query, 4),
		.ldap = column_text_or_null(memory, query, 5),
		.servers = column_text(memory, query, 6),
	};
}

#define SERVERS_OF(link, server)                                                                \
	"(SELECT ifnull(group_concat(" server "_id), '') FROM (SELECT " server "_id FROM " link \
	" WHERE domain_id = domain.id ORDER BY " server "_id))"
#define LIST_DOMAINS(servers)                                                              \
	"SELECT domain.id, domain.name, provider_id, provider.name, provider.short_name, " \
	"ldapserver.name, " servers                                                        \
	" FROM domain LEFT JOIN provider ON provider.id = provider_id "                    \
	"LEFT JOIN ldapserver ON ldapserver.id = ldapserver_id ORDER BY provider_id, domain.id"

int automx2_list_domains(struct automx2 *automx2, struct arena *memory,
			 struct automx2_domain **ret_domains, size_t *ret_count, struct error *err)
{
	static const char with_dav[] = LIST_DOMAINS(
		SERVERS_OF("server_domain", "server") " || ' ' || " SERVERS_OF("davserver_domain",
									       "davserver"));
	static const char without_dav[] = LIST_DOMAINS(SERVERS_OF("server_domain", "server"));

	return list_rows(automx2, memory, automx2->has_dav ? with_dav : without_dav, 0,
			 sizeof(**ret_domains), read_domain_row, (void **)ret_domains, ret_count,
			 err);
}

static void read_server_row(struct arena *memory, sqlite3_stmt *query, void *row)
{
	*(struct automx2_server *)row = (struct automx2_server){
		.type = column_text(memory, query, 0),
		.name = column_text(memory, query, 1),
		.port = column_text(memory, query, 2),
		.socket_type = column_text(memory, query, 3),
		.user_name = column_text(memory, query, 4),
		.authentication = column_text(memory, query, 5),
	};
}

#define LIST_SERVERS                                                                   \
	"SELECT type, name, port, socket_type, user_name, authentication FROM server " \
	"JOIN server_domain ON server_id = server.id WHERE domain_id = ?1 ORDER BY "

int automx2_list_servers(struct automx2 *automx2, struct arena *memory, int64_t domain,
			 struct automx2_server **ret_servers, size_t *ret_count, struct error *err)
{
	return list_rows(automx2, memory,
			 automx2->has_priorities ? LIST_SERVERS "prio, id" : LIST_SERVERS "id",
			 domain, sizeof(**ret_servers), read_server_row, (void **)ret_servers,
			 ret_count, err);
}

static void read_dav_server_row(struct arena *memory, sqlite3_stmt *query, void *row)
{
	*(struct automx2_dav_server *)row = (struct automx2_dav_server){
		.type = column_text(memory, query, 0),
		.url = column_text(memory, query, 1),
		.port = column_text(memory, query, 2),
		.uses_tls = sqlite3_column_int(query, 3),
		.user_name = column_text_or_null(memory, query, 4),
	};
}

int automx2_list_dav_servers(struct automx2 *automx2, struct arena *memory, int64_t domain,
			     struct automx2_dav_server **ret_servers, size_t *ret_count,
			     struct error *err)
{
	*ret_count = 0;
	if (!automx2->has_dav)
		return 0;
	return list_rows(
		automx2, memory,
		"SELECT type, url, port, use_ssl, user_name FROM davserver "
		"JOIN davserver_domain ON davserver_id = davserver.id WHERE domain_id = ?1 "
		"ORDER BY id",
		domain, sizeof(**ret_servers), read_dav_server_row, (void **)ret_servers, ret_count,
		err);
}

static void read_description(struct arena *memory, sqlite3_stmt *query, void *row)
{
	*(const char **)row = column_text(memory, query, 0);
}

#define LIST_UNUSED                                                                          \
	"SELECT 'provider ''' || name || '''' FROM provider WHERE id NOT IN "                \
	"(SELECT provider_id FROM domain) UNION ALL "                                        \
	"SELECT 'the ' || type || ' server ''' || name || '''' FROM server WHERE id NOT IN " \
	"(SELECT server_id FROM server_domain)"
#define LIST_UNUSED_DAV                                                                   \
	" UNION ALL SELECT 'the ' || type || ' server ''' || url || '''' FROM davserver " \
	"WHERE id NOT IN (SELECT davserver_id FROM davserver_domain)"

int automx2_list_unused(struct automx2 *automx2, struct arena *memory, const char ***ret_words,
			size_t *ret_count, struct error *err)
{
	return list_rows(automx2, memory,
			 automx2->has_dav ? LIST_UNUSED LIST_UNUSED_DAV : LIST_UNUSED, 0,
			 sizeof(**ret_words), read_description, (void **)ret_words, ret_count, err);
}
