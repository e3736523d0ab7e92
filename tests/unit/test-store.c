#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/database.h"
#include "store/store.h"
#include "unit/fixture.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/digest.h"
#include "util/process.h"

/* A directory of its own for each test, and where its database lies. */
struct place {
	char *directory;
	const char *path;
	struct arena memory;
};

static int set_up(void **state)
{
	struct place *place = xnew(struct place);

	place->directory = directory_new();
	place->path = directory_path(&place->memory, place->directory, "test.db");
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	directory_free(place->directory);
	arena_clear(&place->memory);
	free(place);
	return 0;
}

static struct store *open_store(const struct place *place, enum store_mode mode)
{
	struct store *store = NULL;
	struct error err = { 0 };
	int r = store_open(place->path, mode, &store, &err);

	if (r != 0)
		fail_msg("cannot open the store: %d %s", r, err.text);
	return store;
}

static const char *const one_domain[] = { "provider corp", "domain example.org corp", NULL };

/* Another program's hand at the database. */
static sqlite3 *open_by_hand(const struct place *place)
{
	sqlite3 *database = NULL;

	assert_int_equal(sqlite3_open(place->path, &database), SQLITE_OK);
	return database;
}

static void run_by_hand(sqlite3 *database, const char *sql)
{
	char *message = NULL;

	if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
}

static void change_by_hand(const struct place *place, const char *sql)
{
	sqlite3 *database = open_by_hand(place);

	run_by_hand(database, sql);
	(void)sqlite3_close(database);
}

static const char *ask_by_hand(struct place *place, const char *sql)
{
	sqlite3 *database = open_by_hand(place);
	sqlite3_stmt *query = NULL;
	const char *answer;

	assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &query, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(query), SQLITE_ROW);
	answer = arena_strdup(&place->memory, (const char *)sqlite3_column_text(query, 0));
	(void)sqlite3_finalize(query);
	(void)sqlite3_close(database);
	return answer;
}

/* A database with these lines in it. */
static void make(const struct place *place, const char *const *lines)
{
	_cleanup_(store_closep) struct store *store = open_store(place, STORE_WRITE);

	store_fill(store, lines);
}

static int match_address(struct store *store, struct arena *memory, const char *typed,
			 struct match *ret_match, struct error *err)
{
	struct address address;
	struct query query = { .address = &address };

	assert_int_equal(address_parse(memory, typed, &address, err), 0);
	query.domain = address.domain;
	return store_match(store, memory, &query, ret_match, err);
}

static void test_creation(void **state)
{
	struct place *place = *state;
	struct stat status, directory;
	mode_t mask = umask(022);

	store_close(open_store(place, STORE_WRITE));
	(void)umask(mask);
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_int_equal(stat(place->directory, &directory), 0);
	assert_int_equal(status.st_uid, directory.st_uid);
	assert_string_equal(ask_by_hand(place, "PRAGMA journal_mode"), "wal");
	/* "mcfd" */
	assert_string_equal(ask_by_hand(place, "PRAGMA application_id"), "1835230820");
	assert_string_equal(ask_by_hand(place, "PRAGMA user_version"),
			    arena_printf(&place->memory, "%d", schema_version()));
	assert_string_equal(ask_by_hand(place, "SELECT count(*) FROM pragma_table_list "
					       "WHERE schema = 'main' AND type = 'table' "
					       "AND name NOT LIKE 'sqlite_%' AND NOT strict"),
			    "0");
}

/* The last process that closes a database deletes its log. The child is older than the store,
 * because SQLite takes a copy of its own state for locks of this process. */
static void test_creator_holds_its_lock(void **state)
{
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = NULL;
	const char *log = arena_printf(&place->memory, "%s-wal", place->path);
	struct stat before, after;
	int begin[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(begin), 0);
	pid = fork();
	if (pid == 0) {
		sqlite3 *database;

		_exit(read(begin[0], &c, 1) != 1 ||
		      sqlite3_open(place->path, &database) != SQLITE_OK ||
		      sqlite3_exec(database, "BEGIN IMMEDIATE; COMMIT", NULL, NULL, NULL) !=
			      SQLITE_OK ||
		      sqlite3_close(database) != SQLITE_OK);
	}
	store = open_store(place, STORE_WRITE);
	assert_int_equal(stat(log, &before), 0);
	assert_int_equal(write(begin[1], "", 1), 1);
	assert_int_equal(process_wait(pid), 0);
	assert_int_equal(stat(log, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	close(begin[0]);
	close(begin[1]);
}

static void test_reopening_keeps_what_is_there(void **state)
{
	struct place *place = *state;
	struct domain domain;
	struct error err;

	make(place, one_domain);
	for (int mode = STORE_READ; mode <= STORE_CHANGE; mode++) {
		_cleanup_(store_closep) struct store *store = open_store(place,
									 (enum store_mode)mode);

		assert_int_equal(
			store_find_domain(store, &place->memory, "example.org", &domain, &err), 0);
		assert_string_equal(domain.provider, "corp");
	}
}

static void write_file(const char *path, const char *text)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

/* Files that are none of ours, or not of this version, and stay as they are. */
static void test_refused_files(void **state)
{
	static const struct {
		const char *what;
		const char *text; /* of the file, or */
		const char *sql;  /* run in a database of ours */
		bool is_foreign;  /* run in a new one instead */
		const char *read_words, *write_words;
	} rows[] = {
		{ "text", .text = "This is a text file, long enough to be looked at by SQLite.\n",
		  .read_words = "file is not a database", .write_words = "file is not a database" },
		{ "another program's database", .sql = "CREATE TABLE t (x)", .is_foreign = true,
		  .read_words = "is not a database of mailconfd",
		  .write_words = "is not a database of mailconfd" },
		{ "another program's, which says so",
		  .sql = "CREATE TABLE t (x); PRAGMA application_id = 7", .is_foreign = true,
		  .read_words = "is not a database of mailconfd",
		  .write_words = "is not a database of mailconfd" },
		{ "newer", .sql = "PRAGMA user_version = 1000",
		  .read_words = "has schema version 1000, but this program supports versions up to",
		  .write_words = "install the newer mailconfd" },
	};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct store *store = NULL;
		struct error err = { 0 };

		(void)unlink(place->path);
		if (rows[i].text)
			write_file(place->path, rows[i].text);
		else if (!rows[i].is_foreign)
			store_close(open_store(place, STORE_WRITE));
		if (rows[i].sql)
			change_by_hand(place, rows[i].sql);

		check_number(rows[i].what, store_open(place->path, STORE_READ, &store, &err), -1);
		check_error(rows[i].what, &err, ERROR_STORE, rows[i].read_words);
		check_error(rows[i].what, &err, ERROR_STORE, place->path);
		check_number(rows[i].what, store_open(place->path, STORE_WRITE, &store, &err), -1);
		check_error(rows[i].what, &err, ERROR_STORE, rows[i].write_words);
		check_error(rows[i].what, &err, ERROR_STORE, place->path);
		assert_null(store);
		if (rows[i].is_foreign)
			check_text(
				rows[i].what,
				ask_by_hand(place, "SELECT group_concat(name) FROM sqlite_schema"),
				"t");
	}
}

static void test_fifo(void **state)
{
	struct place *place = *state;
	struct store *store;
	struct error err;

	assert_return_code(mkfifo(place->path, 0600), 0);
	for (int mode = STORE_READ; mode <= STORE_CHANGE; mode++) {
		assert_int_equal(store_open(place->path, (enum store_mode)mode, &store, &err), -1);
		check_error("a FIFO", &err, ERROR_STORE, "it is not a regular file");
	}
}

static void test_missing_file(void **state)
{
	struct place *place = *state;
	struct store *store = NULL;
	struct error err = { 0 };

	for (int mode = STORE_READ; mode <= STORE_CHANGE; mode++) {
		if (mode == STORE_WRITE)
			continue;
		assert_int_equal(store_open(place->path, (enum store_mode)mode, &store, &err), -1);
		check_error("file", &err, ERROR_STORE,
			    arena_printf(&place->memory,
					 "database '%s' does not exist; create it with "
					 "'mailconfctl init'",
					 place->path));
		assert_int_equal(access(place->path, F_OK), -1);
	}

	place->path = directory_path(&place->memory, place->directory, "none/test.db");
	assert_int_equal(store_open(place->path, STORE_WRITE, &store, &err), -1);
	check_error("directory", &err, ERROR_STORE, "cannot create database");
}

/* Where the last admin tool was stopped between making the file and filling it. */
static void test_empty_file_is_filled(void **state)
{
	struct place *place = *state;
	struct store *store = NULL;
	struct error err = { 0 };

	write_file(place->path, "");
	assert_int_equal(store_open(place->path, STORE_READ, &store, &err), STORE_BUSY);
	check_error("empty", &err, ERROR_STORE, "is empty");
	store_close(open_store(place, STORE_WRITE));
	store_close(open_store(place, STORE_READ));
}

/* What a tool leaves that is, or was stopped, before its first migration. */
static void test_unfinished_database_is_filled(void **state)
{
	struct place *place = *state;
	struct store *store = NULL;
	struct error err = { 0 };

	change_by_hand(place, "PRAGMA journal_mode = WAL; PRAGMA application_id = 0x6d636664");
	assert_int_equal(store_open(place->path, STORE_READ, &store, &err), STORE_BUSY);
	check_error("unfinished", &err, ERROR_STORE, "is empty");
	store_close(open_store(place, STORE_WRITE));
	store_close(open_store(place, STORE_READ));
}

static void test_older_version_is_brought_up(void **state)
{
	struct place *place = *state;
	struct store *store = NULL;
	struct error err = { 0 };

	change_by_hand(place, "PRAGMA application_id = 0x6d636664; CREATE TABLE before (x)");
	assert_int_equal(store_open(place->path, STORE_READ, &store, &err), -1);
	check_error("older", &err, ERROR_STORE,
		    "has schema version 0, but this program requires version");
	store_close(open_store(place, STORE_WRITE));
	store_close(open_store(place, STORE_READ));
}

static void test_reader_cannot_write(void **state)
{
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = NULL;
	struct provider provider = PROVIDER_DEFAULT;
	struct error err = { 0 };

	make(place, (const char *const[]){ NULL });
	store = open_store(place, STORE_READ);
	provider.name = "corp";
	assert_int_equal(store_add_provider(store, &provider, &err), -1);
	check_error("reader", &err, ERROR_STORE, "readonly");
}

static void check_services(const char *row, struct store *store, struct arena *memory,
			   const char *provider, const char *wanted)
{
	struct bytes urls = BYTES_IN(memory);
	struct provider found;
	struct error err = { 0 };

	if (store_find_provider(store, memory, provider, &found, &err) != 0)
		fail_msg("%s: %s", row, err.text);
	for (size_t i = 0; i < found.n_services; i++)
		bytes_add_format(&urls, "%s%s", i ? " " : "",
				 service_url(memory, &found.services[i]));
	check_text(row, bytes_text(&urls), wanted);
}

static void test_services_in_the_order_of_documents(void **state)
{
	static const char *const lines[] = {
		"provider corp service=submission+starttls://b.example service=pop3s://p.example "
		"service=imap+starttls://b.example service=submissions://b.example "
		"service=imaps://second.example service=imaps://a.example",
		NULL
	};
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = open_store(place, STORE_WRITE);
	struct service services[2];
	struct provider provider;
	struct error err = { 0 };

	/* What is equal keeps the order it was given in. */
	store_fill(store, lines);
	check_services("added", store, &place->memory, "corp",
		       "imaps://second.example imaps://a.example imap+starttls://b.example "
		       "pop3s://p.example submissions://b.example "
		       "submission+starttls://b.example");

	assert_int_equal(store_find_provider(store, &place->memory, "corp", &provider, &err), 0);
	assert_int_equal(service_parse(&place->memory, "imaps://a.example", &services[0], &err), 0);
	assert_int_equal(
		service_parse(&place->memory, "imap+starttls://a.example", &services[1], &err), 0);
	services[1].is_first = true;
	services[1].login = "UNI\\%LOGIN%";
	assert_int_equal(
		service_parse_authentications(&place->memory, "OAuth2,NTLM", &services[1], &err),
		0);
	assert_int_equal(store_set_services(store, provider.id, services, 2, &err), 0);
	check_services("set", store, &place->memory, "corp",
		       "imap+starttls://a.example imaps://a.example");
	assert_int_equal(store_find_provider(store, &place->memory, "corp", &provider, &err), 0);
	assert_true(provider.services[0].is_first);
	assert_string_equal(provider.services[0].login, "UNI\\%LOGIN%");
	assert_string_equal(service_authentications(&place->memory, &provider.services[0]),
			    "OAuth2,NTLM");
	assert_false(provider.services[1].is_first);
	assert_null(provider.services[1].login);

	assert_int_equal(store_remove_service(store, provider.id, "imaps://a.example", &err), 0);
	assert_int_equal(store_remove_service(store, provider.id, "imaps://a.example", &err),
			 STORE_NOT_FOUND);
	check_services("removed", store, &place->memory, "corp", "imap+starttls://a.example");

	services[1] = services[0];
	assert_int_equal(store_set_services(store, provider.id, services, 2, &err), -1);
	check_error("twice", &err, ERROR_INPUT, "the same service is given twice");
}

static void check_wishes(struct place *place, struct store *store, const struct pop3_wishes *wanted)
{
	struct provider provider;
	struct service service;
	struct error err = { 0 };

	assert_int_equal(store_find_provider(store, &place->memory, "corp", &provider, &err), 0);
	assert_int_equal(service_parse(&place->memory, "pop3s://a.example", &service, &err), 0);
	service.pop3 = *wanted;
	assert_int_equal(store_set_services(store, provider.id, &service, 1, &err), 0);
	assert_int_equal(store_find_provider(store, &place->memory, "corp", &provider, &err), 0);
	assert_int_equal(provider.n_services, 1);
	assert_memory_equal(&provider.services[0].pop3, wanted, sizeof(*wanted));
}

static void test_wishes_for_pop3(void **state)
{
	static const struct pop3_wishes wishes[] = {
		{ WISH_YES, 14, 15, WISH_NO },
		{ WISH_NO, 0, 0, WISH_YES },
		{ WISH_NONE, 0, CHECK_MAX_MINUTES, WISH_NONE },
		{ WISH_YES, LEAVE_MAX_DAYS, 0, WISH_NONE },
		{ WISH_NONE },
	};
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = open_store(place, STORE_WRITE);

	store_fill(store, one_domain);
	for (size_t i = 0; i < sizeof(wishes) / sizeof(*wishes); i++)
		check_wishes(place, store, &wishes[i]);
}

/* "documentation URL en=TEXT de=TEXT | enable URL" */
static const char *links_in_words(struct arena *memory, const struct provider *provider)
{
	struct bytes words = BYTES_IN(memory);

	for (size_t i = 0; i < provider->n_links; i++) {
		const struct link *link = &provider->links[i];

		bytes_add_format(&words, "%s%s %s", i ? " | " : "", link_kind_name(link->kind),
				 link->url);
		for (size_t j = 0; j < link->n_texts; j++)
			bytes_add_format(&words, " %s=%s", link->texts[j].language,
					 link->texts[j].text);
	}
	return bytes_text(&words);
}

/* What an admin sees, and what answers are made of. */
static void check_links(struct place *place, struct store *store, struct store *reader,
			const char *wanted)
{
	struct provider provider;
	struct error err = { 0 };
	struct match match;

	if (store_find_provider(store, &place->memory, "corp", &provider, &err) != 0)
		fail_msg("%s", err.text);
	check_text("found", links_in_words(&place->memory, &provider), wanted);
	if (match_address(reader, &place->memory, "fred@example.org", &match, &err) != 0)
		fail_msg("%s", err.text);
	check_text("matched", links_in_words(&place->memory, &match.provider), wanted);
	store_release(reader);
}

static void test_links(void **state)
{
	static const struct link_text texts[] = { { "pt-br", "Ajuda & <mais>" },
						  { "en", "Help" },
						  { "de", "HÃ¼lfe" } };
	static const struct link links[] = {
		{ LINK_ENABLE, "https://a.example/", texts, 2 },
		{ LINK_DOCUMENTATION, "https://a.example/" },
		{ LINK_DOCUMENTATION, "https://b.example/", texts + 2, 1 },
	};
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = open_store(place, STORE_WRITE);
	_cleanup_(store_closep) struct store *reader = open_store(place, STORE_READ);
	struct link many[LINKS_MAX + 1];
	struct provider provider = PROVIDER_DEFAULT;
	struct error err = { 0 };

	provider.name = "corp";
	provider.links = links;
	provider.n_links = 3;
	assert_int_equal(store_add_provider(store, &provider, &err), 0);
	store_fill(store, (const char *const[]){ "domain example.org corp", NULL });
	check_links(place, store, reader,
		    "enable https://a.example/ pt-br=Ajuda & <mais> en=Help | documentation "
		    "https://a.example/ | documentation https://b.example/ de=HÃ¼lfe");
	assert_int_equal(store_set_links(store, provider.id, links + 1, 2, &err), 0);
	check_links(place, store, reader,
		    "documentation https://a.example/ | documentation https://b.example/ "
		    "de=HÃ¼lfe");

	for (size_t i = 0; i < LINKS_MAX + 1; i++)
		many[i] = (struct link){
			.url = arena_printf(&place->memory, "https://m%zu.example/", i),
		};
	assert_int_equal(store_set_links(store, provider.id, many, LINKS_MAX + 1, &err), -1);
	check_error("17", &err, ERROR_INPUT, "a provider has at most 16 links");
	assert_int_equal(store_set_links(store, provider.id, many, LINKS_MAX, &err), 0);
	many[1] = many[0];
	assert_int_equal(store_set_links(store, provider.id, many, 2, &err), -1);
	check_error("twice", &err, ERROR_INPUT, "the same link is given twice");

	assert_int_equal(store_set_links(store, provider.id, links, 3, &err), 0);
	change_by_hand(place, "PRAGMA foreign_keys = ON; DELETE FROM domain; DELETE FROM provider");
	assert_string_equal(ask_by_hand(place, "SELECT count(*) FROM link"), "0");
	assert_string_equal(ask_by_hand(place, "SELECT count(*) FROM link_text"), "0");
}

static void test_too_many_services(void **state)
{
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = open_store(place, STORE_WRITE);
	struct service services[SERVICES_MAX + 1];
	struct provider provider = PROVIDER_DEFAULT;
	struct error err = { 0 };

	for (size_t i = 0; i < SERVICES_MAX + 1; i++)
		assert_int_equal(
			service_parse(&place->memory,
				      arena_printf(&place->memory, "imaps://m%zu.example", i),
				      &services[i], &err),
			0);
	provider.name = "corp";
	provider.services = services;
	provider.n_services = SERVICES_MAX;
	assert_int_equal(store_add_provider(store, &provider, &err), 0);
	assert_int_equal(store_set_services(store, provider.id, services, SERVICES_MAX + 1, &err),
			 -1);
	check_error("65", &err, ERROR_INPUT, "a provider has at most 64 services");
	assert_int_equal(store_find_provider(store, &place->memory, "corp", &provider, &err), 0);
	assert_int_equal(provider.n_services, SERVICES_MAX);
}

static void check_provider(const struct provider *got, const struct provider *wanted)
{
	check_number("id", got->id, wanted->id);
	check_text("name", got->name, wanted->name);
	check_text("display_name", got->display_name, wanted->display_name);
	check_text("short_name", got->short_name, wanted->short_name);
	check_text("login", got->login, wanted->login);
	check_number("login_case", got->login_case, wanted->login_case);
	check_text("recipient_delimiter", got->recipient_delimiter, wanted->recipient_delimiter);
	check_number("show_names", got->show_names, wanted->show_names);
	check_number("mx_fallback", got->mx_fallback, wanted->mx_fallback);
	check_number("is_implicit", got->is_implicit, wanted->is_implicit);
	check_text("public_name", got->public_name, wanted->public_name);
	check_number("ttl", got->ttl, wanted->ttl);
	check_number("pox_dav", got->pox_dav, wanted->pox_dav);
	check_number("activesync_v2", got->activesync_v2, wanted->activesync_v2);
	check_number("unknown_users", got->unknown_users, wanted->unknown_users);
	check_number("without_address", got->without_address, wanted->without_address);
	check_text("send_logins_to", got->send_logins_to, wanted->send_logins_to);
	check_number("pacc", got->pacc, wanted->pacc);
	check_text("webmail", got->webmail, wanted->webmail);
	check_text("oauth2_issuer", got->oauth2.issuer, wanted->oauth2.issuer);
	check_text("oauth2_scope", got->oauth2.scope, wanted->oauth2.scope);
	check_text("oauth2_auth_url", got->oauth2.auth_url, wanted->oauth2.auth_url);
	check_text("oauth2_token_url", got->oauth2.token_url, wanted->oauth2.token_url);
	check_number("md5_lookup", got->md5_lookup, wanted->md5_lookup);
}

static void test_providers(void **state)
{
	static const char *const lines[] = { "provider zeta service=imaps://a.example",
					     "provider alpha", NULL };
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = open_store(place, STORE_WRITE);
	struct arena *memory = &place->memory;
	struct provider provider, *list, changed = {
		.name = "beta",
		.display_name = "B\303\274cher & <Co>",
		.short_name = "B",
		.login = "%EMAILLOCALPART%",
		.login_case = LOGIN_CASE_KEEP,
		.recipient_delimiter = "-+",
		.show_names = true,
		.mx_fallback = false,
		.is_implicit = true,
		.public_name = "auto.example.net:8443",
		.ttl = 24,
		.pox_dav = true,
		.activesync_v2 = true,
		.unknown_users = UNANSWERED_REFUSE,
		.without_address = UNANSWERED_REFUSE,
		.send_logins_to = "192.0.2.0/24",
		.pacc = true,
		.webmail = "https://mail.example.org/",
		.oauth2 = { "https://login.example.org", "mail offline_access",
			    "https://login.example.org/auth", "https://login.example.org/token" },
		.md5_lookup = true,
	}, defaults = PROVIDER_DEFAULT;
	struct error err = { 0 };
	size_t count;

	assert_int_equal(store_list_providers(store, memory, &list, &count, &err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(store_find_provider(store, memory, "zeta", &provider, &err),
			 STORE_NOT_FOUND);

	store_fill(store, lines);
	assert_int_equal(store_list_providers(store, memory, &list, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_string_equal(list[0].name, "alpha");
	assert_string_equal(list[1].name, "zeta");
	assert_int_equal(list[0].n_services, 0);
	assert_int_equal(list[1].n_services, 1);
	defaults.id = list[0].id;
	defaults.name = "alpha";
	check_provider(&list[0], &defaults);

	provider = list[0];
	assert_int_equal(store_add_provider(store, &provider, &err), STORE_EXISTS);

	changed.id = list[1].id;
	assert_int_equal(store_update_provider(store, &changed, &err), 0);
	assert_int_equal(store_find_provider(store, memory, "beta", &provider, &err), 0);
	check_provider(&provider, &changed);
	check_services("update", store, memory, "beta", "imaps://a.example");
	assert_int_equal(store_find_provider(store, memory, "zeta", &provider, &err),
			 STORE_NOT_FOUND);
	changed.name = "alpha";
	assert_int_equal(store_update_provider(store, &changed, &err), STORE_EXISTS);

	assert_int_equal(store_remove_provider(store, changed.id, &err), 0);
	assert_int_equal(store_find_provider(store, memory, "beta", &provider, &err),
			 STORE_NOT_FOUND);
	assert_string_equal(ask_by_hand(place, "SELECT count(*) FROM service"), "0");
}

/* What others depend on is not removed. */
static void test_references(void **state)
{
	static const char *const lines[] = { "provider corp",
					     "provider own",
					     "domain example.org corp",
					     "domain alias.example =example.org",
					     "user fred@example.org a1 provider=own",
					     NULL };
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = open_store(place, STORE_WRITE);
	const struct domain nowhere = { .name = "a.example", .alias_of = "b.example" };
	const struct domain without = { .name = "a.example", .provider = "none" };
	const struct user lost = { .address = "jane@example.org",
				   .login = "a2",
				   .provider = "none" };
	struct user user = { .address = "fred@example.org", .login = "a1", .provider = "none" };
	static const char *const names[] = { "corp", "own" };
	struct provider provider;
	struct error err = { 0 };

	store_fill(store, lines);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
			store_find_provider(store, &place->memory, names[i], &provider, &err), 0);
		assert_int_equal(store_remove_provider(store, provider.id, &err), -1);
		check_error(names[i], &err, ERROR_STORE, "removing a provider");
	}
	assert_int_equal(store_remove_domain(store, "example.org", &err), -1);
	check_error("target", &err, ERROR_STORE, "removing a domain");
	assert_int_equal(store_add_domain(store, &nowhere, &err), -1);
	assert_int_equal(store_add_domain(store, &without, &err), -1);

	/* Nor does a user silently lose the provider that was asked for. */
	assert_int_equal(store_add_user(store, &lost, &err), -1);
	check_error("user", &err, ERROR_STORE, "adding a user");
	assert_int_equal(store_update_user(store, &user, &err), -1);
	assert_int_equal(store_find_user(store, &place->memory, "fred@example.org", &user, &err),
			 0);
	assert_string_equal(user.provider, "own");
}

static void check_domains(const char *row, struct store *store, struct arena *memory,
			  const struct domain_filter *filter, const char *wanted)
{
	struct bytes names = BYTES_IN(memory);
	struct domain *list;
	struct error err;
	size_t count;

	assert_int_equal(store_list_domains(store, memory, filter, &list, &count, &err), 0);
	for (size_t i = 0; i < count; i++)
		bytes_add_format(&names, "%s%s", i ? " " : "", list[i].name);
	check_text(row, bytes_text(&names), wanted);
}

static void test_domains(void **state)
{
	static const char *const lines[] = { "provider corp",
					     "provider other",
					     "domain b.example corp",
					     "domain a.example corp off",
					     "domain c.example =b.example",
					     "domain d.example =b.example",
					     "domain *.e.example other",
					     NULL };
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = open_store(place, STORE_WRITE);
	struct arena *memory = &place->memory;
	struct domain domain = { .name = "a.example", .provider = "other", .is_enabled = true };
	struct domain unknown = { .name = "x.example", .provider = "other" };
	struct error err = { 0 };

	check_domains("none", store, memory, &(struct domain_filter){ 0 }, "");
	store_fill(store, lines);
	check_domains("all", store, memory, &(struct domain_filter){ 0 },
		      "*.e.example a.example b.example c.example d.example");
	check_domains("provider", store, memory, &(struct domain_filter){ .provider = "corp" },
		      "a.example b.example");
	check_domains("alias", store, memory, &(struct domain_filter){ .alias_of = "b.example" },
		      "c.example d.example");
	check_domains("both", store, memory,
		      &(struct domain_filter){ .provider = "corp", .alias_of = "b.example" }, "");

	assert_int_equal(store_add_domain(store, &domain, &err), STORE_EXISTS);
	assert_int_equal(store_update_domain(store, &unknown, &err), STORE_NOT_FOUND);
	assert_int_equal(store_update_domain(store, &domain, &err), 0);
	assert_int_equal(store_find_domain(store, memory, "a.example", &domain, &err), 0);
	assert_string_equal(domain.provider, "other");
	assert_null(domain.alias_of);
	assert_true(domain.is_enabled);

	domain.provider = NULL;
	domain.alias_of = "b.example";
	domain.is_enabled = false;
	assert_int_equal(store_update_domain(store, &domain, &err), 0);
	assert_int_equal(store_find_domain(store, memory, "a.example", &domain, &err), 0);
	assert_null(domain.provider);
	assert_string_equal(domain.alias_of, "b.example");
	assert_false(domain.is_enabled);

	assert_int_equal(store_find_domain(store, memory, "x.e.example", &domain, &err),
			 STORE_NOT_FOUND);
	assert_int_equal(store_serving_domain(store, memory, "x.e.example", &domain, &err), 0);
	assert_string_equal(domain.name, "*.e.example");
	assert_int_equal(store_serving_domain(store, memory, "a.example", &domain, &err), 0);
	assert_string_equal(domain.name, "a.example");
	assert_int_equal(store_serving_domain(store, memory, "x.example", &domain, &err),
			 STORE_NOT_FOUND);

	assert_int_equal(store_remove_domain(store, "a.example", &err), 0);
	assert_int_equal(store_remove_domain(store, "a.example", &err), STORE_NOT_FOUND);
	assert_int_equal(store_find_domain(store, memory, "a.example", &domain, &err),
			 STORE_NOT_FOUND);
}

struct gathered {
	struct bytes text;
	int stop_after; /* 0: never */
};

static int gather(const struct user *user, void *context, struct error *err)
{
	struct gathered *gathered = context;

	bytes_add_format(&gathered->text, "%s%s=%s", gathered->text.size ? " " : "", user->address,
			 user->login);
	return gathered->stop_after && --gathered->stop_after == 0 ? 7 : 0;
}

static void check_users(const char *row, struct store *store, struct arena *memory,
			const struct user_filter *filter, int wanted_count, const char *wanted)
{
	struct gathered gathered = { .text = BYTES_IN(memory) };
	struct error err;
	int64_t count;

	assert_int_equal(store_visit_users(store, filter, gather, &gathered, &err), 0);
	check_text(row, bytes_text(&gathered.text), wanted);
	assert_int_equal(store_count_users(store, filter, &count, &err), 0);
	check_number(row, count, wanted_count);
}

/* By domain, then by local part, the catch-all first. */
static const char *const users[] = { "provider corp",
				     "provider own",
				     "domain b.example corp",
				     "user fred@b.example a1",
				     "user @b.example all",
				     "user anna@b.example a2 provider=own",
				     "user fred@a.example a1 provider=own",
				     "user zoe@a.example a3 name=Zo\303\253",
				     NULL };

static void test_users(void **state)
{
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = open_store(place, STORE_WRITE);
	struct arena *memory = &place->memory;
	struct user user = {
		.address = "fred@b.example", .login = "new", .name = "Fred Foo", .provider = "own"
	};
	const struct user unknown = { .address = "x@b.example", .login = "x" };
	struct gathered gathered = { .text = BYTES_IN(memory), .stop_after = 2 };
	struct error err = { 0 };

	check_users("none", store, memory, &(struct user_filter){ 0 }, 0, "");
	store_fill(store, users);
	check_users("all", store, memory, &(struct user_filter){ 0 }, 5,
		    "fred@a.example=a1 zoe@a.example=a3 "
		    "@b.example=all anna@b.example=a2 fred@b.example=a1");
	check_users("domain", store, memory, &(struct user_filter){ .domain = "b.example" }, 3,
		    "@b.example=all anna@b.example=a2 fred@b.example=a1");
	check_users("login", store, memory, &(struct user_filter){ .login = "a1" }, 2,
		    "fred@a.example=a1 fred@b.example=a1");
	check_users("provider", store, memory, &(struct user_filter){ .provider = "own" }, 2,
		    "fred@a.example=a1 anna@b.example=a2");
	check_users("all three", store, memory, &(struct user_filter){ "a.example", "a1", "own" },
		    1, "fred@a.example=a1");
	check_users("unknown provider", store, memory, &(struct user_filter){ .provider = "x" }, 0,
		    "");
	check_users("unknown domain", store, memory, &(struct user_filter){ .domain = "x" }, 0, "");

	assert_int_equal(
		store_visit_users(store, &(struct user_filter){ 0 }, gather, &gathered, &err), 7);
	assert_string_equal(bytes_text(&gathered.text), "fred@a.example=a1 zoe@a.example=a3");

	assert_int_equal(store_add_user(store, &user, &err), STORE_EXISTS);
	assert_int_equal(store_update_user(store, &unknown, &err), STORE_NOT_FOUND);
	assert_int_equal(store_find_user(store, memory, "x@b.example", &user, &err),
			 STORE_NOT_FOUND);
	assert_int_equal(store_update_user(store, &user, &err), 0);
	assert_int_equal(store_find_user(store, memory, "fred@b.example", &user, &err), 0);
	assert_string_equal(user.address, "fred@b.example");
	assert_string_equal(user.login, "new");
	assert_string_equal(user.name, "Fred Foo");
	assert_string_equal(user.provider, "own");
	assert_int_equal(store_find_user(store, memory, "@b.example", &user, &err), 0);
	assert_string_equal(user.address, "@b.example");
	assert_string_equal(user.login, "all");
	assert_null(user.name);
	assert_null(user.provider);
	/* There is a catch-all in its domain, but no such user. */
	assert_int_equal(store_find_user(store, memory, "nobody@b.example", &user, &err),
			 STORE_NOT_FOUND);

	assert_int_equal(store_remove_user(store, "fred@b.example", &err), 0);
	assert_int_equal(store_remove_user(store, "fred@b.example", &err), STORE_NOT_FOUND);
}

/* Written by hand, it must not become the index of a migration. */
static void test_negative_version(void **state)
{
	struct place *place = *state;
	struct store *store = NULL;
	struct error err = { 0 };

	store_close(open_store(place, STORE_WRITE));
	change_by_hand(place, "PRAGMA user_version = -5");
	assert_int_equal(store_open(place->path, STORE_READ, &store, &err), -1);
	check_error("read", &err, ERROR_ROW, "user_version is out of range");
	assert_int_equal(store_open(place->path, STORE_WRITE, &store, &err), -1);
	check_error("write", &err, ERROR_ROW, "user_version is out of range");
}

static void check_plan(struct place *place, sqlite3 *database, const char *statement)
{
	const char *sql = arena_printf(&place->memory, "EXPLAIN QUERY PLAN %s", statement);
	sqlite3_stmt *plan = NULL;
	int steps = 0;

	assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &plan, NULL), SQLITE_OK);
	for (; sqlite3_step(plan) == SQLITE_ROW; steps++) {
		const char *step = (const char *)sqlite3_column_text(plan, 3);

		if (text_equals(step, "SCAN CONSTANT ROW"))
			continue;
		if (strstr(step, "SCAN") || strstr(step, "TEMP B-TREE"))
			fail_msg("%s: %s", sql, step);
	}
	assert_true(steps > 0);
	(void)sqlite3_finalize(plan);
}

/* Ten million users are no reason to read more than a path down the tree. */
static void test_users_are_searched(void **state)
{
	/* Of the statements that the calls below leave prepared. */
	static const char *const looked_up[] = {
		"FROM domain LEFT JOIN provider ON provider.id = domain.provider WHERE domain.name",
		"FROM provider WHERE id = ?1",
		"SELECT url, authentications,",
		"FROM link LEFT JOIN",
		"FROM user LEFT JOIN",
		"SELECT local FROM user_md5",
		"FROM domain WHERE alias_of",
		"INSERT OR IGNORE INTO user_md5",
		"DELETE FROM user_md5",
		"SELECT md5_lookup",
		"SELECT name FROM provider",
		"SELECT name FROM domain WHERE name",
		"SELECT local FROM user ",
	};
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = NULL;
	struct query query = { .domain = "example.org", .md5 = &(struct md5){ .bytes = "" } };
	struct error err = { 0 };
	struct match match;
	const char **names;
	size_t count;

	make(place, (const char *const[]){ "provider p md5=yes service=imaps://mail.example.org",
					   "domain example.org p", NULL });
	store = open_store(place, STORE_WRITE);
	store_fill(store, (const char *const[]){ "user fred@example.org fred", NULL });
	assert_int_equal(store_match(store, &place->memory, &query, &match, &err), 0);
	store_release(store);
	for (int names_of = PROVIDER_NAMES; names_of <= DOMAIN_NAMES; names_of++)
		assert_int_equal(store_list_names(store, &place->memory, (enum store_names)names_of,
						  "", 9, &names, &count, &err),
				 0);
	assert_int_equal(store_list_locals(store, &place->memory, "example.org", "", 9, &names,
					   &count, &err),
			 0);

	for (size_t i = 0; i < sizeof(looked_up) / sizeof(*looked_up); i++) {
		size_t found = 0;

		for (size_t j = 0; j < STATEMENTS_MAX; j++) {
			const char *sql = sqlite3_sql(store->prepared[j].query);

			if (!sql || !strstr(sql, looked_up[i]))
				continue;
			check_plan(place, store->database, sql);
			found++;
		}
		if (found == 0)
			fail_msg("no statement is prepared with '%s'", looked_up[i]);
	}
}

static void test_domains_of_users(void **state)
{
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = open_store(place, STORE_WRITE);
	struct arena *memory = &place->memory;
	const char **domains;
	struct error err;
	int64_t removed;
	size_t count;

	assert_int_equal(store_list_user_domains(store, memory, &domains, &count, &err), 0);
	assert_int_equal(count, 0);
	store_fill(store, users);
	assert_int_equal(store_list_user_domains(store, memory, &domains, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_string_equal(domains[0], "a.example");
	assert_string_equal(domains[1], "b.example");

	assert_int_equal(store_remove_users(store, "b.example", &removed, &err), 0);
	assert_int_equal(removed, 3);
	assert_int_equal(store_remove_users(store, "b.example", &removed, &err), 0);
	assert_int_equal(removed, 0);
	check_users("left", store, memory, &(struct user_filter){ 0 }, 2,
		    "fred@a.example=a1 zoe@a.example=a3");
}

static const char *joined(struct arena *memory, const char **names, size_t count)
{
	struct bytes text = BYTES_IN(memory);

	for (size_t i = 0; i < count; i++)
		bytes_add_format(&text, "%s%s", i ? " " : "", names[i]);
	return bytes_text(&text);
}

static void test_names(void **state)
{
	static const char *const rows[] = { "provider corp",
					    "provider own",
					    "provider owner",
					    "domain b.example corp",
					    "domain bee.example corp",
					    "domain c.example corp",
					    "user fred@b.example a1",
					    "user frida@b.example a2",
					    "user @b.example all",
					    "user fritz@bee.example a1",
					    NULL };
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = open_store(place, STORE_WRITE);
	struct arena *memory = &place->memory;
	static const struct {
		enum store_names names;
		const char *prefix;
		size_t limit;
		const char *found;
	} cases[] = {
		{ PROVIDER_NAMES, "", 10, "corp own owner" },
		{ PROVIDER_NAMES, "own", 10, "own owner" },
		{ PROVIDER_NAMES, "own", 1, "own" },
		{ PROVIDER_NAMES, "x", 10, "" },
		{ DOMAIN_NAMES, "b", 10, "b.example bee.example" },
		{ DOMAIN_NAMES, "be", 10, "bee.example" },
	};
	const char **names;
	struct error err;
	size_t count;

	store_fill(store, rows);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(store_list_names(store, memory, cases[i].names, cases[i].prefix,
						  cases[i].limit, &names, &count, &err),
				 0);
		assert_string_equal(joined(memory, names, count), cases[i].found);
	}
	assert_int_equal(
		store_list_locals(store, memory, "b.example", "fr", 10, &names, &count, &err), 0);
	assert_string_equal(joined(memory, names, count), "fred frida");
	assert_int_equal(store_list_locals(store, memory, "b.example", "", 2, &names, &count, &err),
			 0);
	assert_string_equal(joined(memory, names, count), " fred");
}

static void test_all_or_nothing(void **state)
{
	struct place *place = *state;
	struct store *store = open_store(place, STORE_WRITE);
	struct arena *memory = &place->memory;
	struct domain domain;
	struct error err;

	assert_int_equal(store_begin(store, &err), 0);
	store_fill(store, one_domain);
	assert_int_equal(store_find_domain(store, memory, "example.org", &domain, &err), 0);
	store_rollback(store);
	assert_int_equal(store_find_domain(store, memory, "example.org", &domain, &err),
			 STORE_NOT_FOUND);
	store_rollback(store);

	assert_int_equal(store_begin(store, &err), 0);
	store_fill(store, one_domain);
	store_close(store);

	store = open_store(place, STORE_WRITE);
	assert_int_equal(store_find_domain(store, memory, "example.org", &domain, &err),
			 STORE_NOT_FOUND);
	assert_int_equal(store_begin(store, &err), 0);
	store_fill(store, one_domain);
	assert_int_equal(store_commit(store, &err), 0);
	store_close(store);

	store = open_store(place, STORE_READ);
	assert_int_equal(store_find_domain(store, memory, "example.org", &domain, &err), 0);
	store_close(store);
}

/* The daemon sees what the admin tool commits, without being told. */
static void test_reader_beside_writer(void **state)
{
	static const char *const more[] = { "domain example.net corp", "user fred@example.org a1",
					    NULL };
	struct place *place = *state;
	_cleanup_(store_closep) struct store *writer = open_store(place, STORE_WRITE);
	_cleanup_(store_closep) struct store *reader = NULL;
	struct arena *memory = &place->memory;
	struct match match;
	struct error err;

	store_fill(writer, one_domain);
	reader = open_store(place, STORE_READ);
	assert_int_equal(match_address(reader, memory, "fred@example.org", &match, &err), 0);
	assert_false(match.has_user);
	store_release(reader);

	assert_int_equal(store_begin(writer, &err), 0);
	store_fill(writer, more);
	assert_int_equal(match_address(reader, memory, "fred@example.net", &match, &err),
			 STORE_NOT_FOUND);
	/* The snapshot is not released: what is committed now is not seen yet. */
	assert_int_equal(store_commit(writer, &err), 0);
	assert_int_equal(match_address(reader, memory, "fred@example.net", &match, &err),
			 STORE_NOT_FOUND);
	store_release(reader);
	assert_int_equal(match_address(reader, memory, "fred@example.net", &match, &err), 0);
	assert_int_equal(match_address(reader, memory, "fred@example.org", &match, &err), 0);
	assert_true(match.has_user);
	store_release(reader);
	store_release(reader);

	/* A reader that waits holds no writer up. */
	assert_int_equal(match_address(reader, memory, "fred@example.org", &match, &err), 0);
	assert_int_equal(store_remove_user(writer, "fred@example.org", &err), 0);
	store_release(reader);
	assert_int_equal(match_address(reader, memory, "fred@example.org", &match, &err), 0);
	assert_false(match.has_user);
}

/* A backup tool that keeps the database for itself. */
static void test_opening_a_locked_database(void **state)
{
	struct place *place = *state;
	struct store *store = NULL;
	struct error err;
	sqlite3 *other;

	make(place, one_domain);
	other = open_by_hand(place);
	run_by_hand(other, "PRAGMA locking_mode = EXCLUSIVE; UPDATE domain SET is_enabled = 0");
	assert_int_equal(store_open(place->path, STORE_READ, &store, &err), STORE_BUSY);
	assert_null(store);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	store_close(open_store(place, STORE_READ));
}

static void test_asking_a_locked_database(void **state)
{
	struct place *place = *state;
	_cleanup_(store_closep) struct store *reader = NULL;
	struct match match;
	struct error err;
	sqlite3 *other;

	make(place, one_domain);
	change_by_hand(place, "PRAGMA journal_mode = DELETE");
	reader = open_store(place, STORE_READ);
	other = open_by_hand(place);

	/* Before the first statement is prepared, and after. */
	for (int round = 0; round < 2; round++) {
		run_by_hand(other, "BEGIN EXCLUSIVE");
		for (int again = 0; again < 2; again++)
			assert_int_equal(match_address(reader, &place->memory, "fred@example.org",
						       &match, &err),
					 STORE_BUSY);
		store_release(reader);
		assert_int_equal(
			match_address(reader, &place->memory, "fred@example.org", &match, &err),
			STORE_BUSY);
		run_by_hand(other, "ROLLBACK");
		assert_int_equal(
			match_address(reader, &place->memory, "fred@example.org", &match, &err), 0);
		store_release(reader);
	}
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

/* An administrator sees invalid rows beside the valid ones. */
static void test_invalid_services_are_told_apart(void **state)
{
	static const char *const lines[] = {
		"provider corp service=imaps://a.example service=submissions://b.example",
		"domain example.org corp", NULL
	};
	struct place *place = *state;
	_cleanup_(store_closep) struct store *store = open_store(place, STORE_WRITE);
	_cleanup_(store_closep) struct store *reader = open_store(place, STORE_READ);
	struct arena *memory = &place->memory;
	struct provider provider, *list;
	struct error err = { 0 };
	struct match match;
	size_t count;

	store_fill(store, lines);
	change_by_hand(place, "UPDATE service SET url = 'junk' WHERE url LIKE 'sub%'; "
			      "UPDATE provider SET login = ''");
	assert_int_equal(store_list_providers(store, memory, &list, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(store_find_provider(store, memory, "corp", &provider, &err), 0);
	check_services("good", store, memory, "corp", "imaps://a.example");
	assert_int_equal(provider.n_invalid_services, 1);
	assert_string_equal(provider.invalid_services[0].url, "junk");
	assert_non_null(strstr(provider.invalid_services[0].reason, "'junk' is not a service"));
	assert_string_equal(provider.login, "");

	/* No client gets half of it. */
	provider.login = "%EMAILADDRESS%";
	assert_int_equal(store_update_provider(store, &provider, &err), 0);
	assert_int_equal(match_address(reader, memory, "fred@example.org", &match, &err), -1);
	check_error("answer", &err, ERROR_DATA, "provider 'corp': 'junk' is not a service");
	assert_int_equal(store_remove_service(store, provider.id, "junk", &err), 0);
	assert_int_equal(match_address(reader, memory, "fred@example.org", &match, &err), 0);
	assert_int_equal(match.provider.n_services, 1);
}

/* Rows that only sqlite3 can make invalid, and their error messages. */
static void test_invalid_rows(void **state)
{
	static const struct {
		const char *sql, *address, *words;
	} rows[] = {
		{ "UPDATE service SET url = 'imaps://mail_1.example'", "fred@example.org",
		  "provider 'corp': 'imaps://mail_1.example' is not a service: its host" },
		{ "UPDATE service SET url = ''", "fred@example.org",
		  "provider 'corp': '' is not a service" },
		{ "UPDATE service SET authentications = 'secret'", "fred@example.org",
		  "provider 'corp': 'secret' is not a way to authenticate" },
		{ "UPDATE service SET authentications = ''", "fred@example.org",
		  "provider 'corp': '' is not a way to authenticate" },
		{ "UPDATE service SET login = '%USER%'", "fred@example.org",
		  "provider 'corp': login pattern '%USER%'" },
		{ "UPDATE provider SET login = '' WHERE name = 'corp'", "fred@example.org",
		  "provider 'corp': a login pattern must not be empty" },
		{ "UPDATE provider SET login = '%LOGIN%' WHERE name = 'corp'", "fred@example.org",
		  "provider 'corp': %LOGIN% is what" },
		{ "UPDATE domain SET provider = 4711 WHERE provider = "
		  "(SELECT id FROM provider WHERE name = 'corp')",
		  "fred@example.org", "domain 'example.org' has a provider that is not there" },
		{ "UPDATE domain SET provider = 4711 WHERE provider = "
		  "(SELECT id FROM provider WHERE name = 'corp')",
		  "fred@alias.example", "domain 'alias.example' has a provider that is not there" },
		{ "UPDATE user SET provider = 4711", "fred@example.org",
		  "user 'fred@example.org' has a provider that is not there" },
		{ "UPDATE domain SET alias_of = 'none.example' WHERE name = 'alias.example'",
		  "fred@alias.example",
		  "domain 'alias.example' is an alias of 'none.example', which has no provider" },
		{ "UPDATE domain SET alias_of = 'alias2.example' WHERE name = 'alias.example'",
		  "fred@alias.example",
		  "domain 'alias.example' is an alias of 'alias2.example', which has no provider" },
		{ "UPDATE provider SET webmail = 'javascript:alert(1)' WHERE name = 'corp'",
		  "fred@example.org",
		  "provider 'corp': the web mail address 'javascript:alert(1)' is not a URL" },
		{ "UPDATE provider SET oauth2_auth_url = 'http://auth.example/' WHERE name = "
		  "'corp'",
		  "fred@example.org",
		  "provider 'corp': the auth URL 'http://auth.example/' is not encrypted" },
		{ "UPDATE provider SET oauth2_token_url = 'data:x' WHERE name = 'corp'",
		  "fred@example.org", "provider 'corp': the token URL 'data:x' is not a URL" },
		{ "UPDATE provider SET oauth2_issuer = 'a b' WHERE name = 'corp'",
		  "fred@example.org", "provider 'corp': the issuer 'a b' is not a URL or" },
		{ "UPDATE provider SET public_name = 'evil.example/x?' WHERE name = 'corp'",
		  "fred@example.org",
		  "provider 'corp': the public name 'evil.example/x?' is not a host name" },
		{ "INSERT INTO link SELECT id, 0, 'enable', 'javascript:x' FROM provider "
		  "WHERE name = 'corp'",
		  "fred@example.org", "provider 'corp': the link 'javascript:x' is not a URL" },
	};
	static const char *const lines[] = { "provider corp service=imaps://mail.example",
					     "provider own",
					     "domain example.org corp",
					     "domain alias.example =example.org",
					     "domain alias2.example =example.org",
					     "domain other.example own",
					     "user fred@example.org a1 provider=own",
					     NULL };
	struct place *place = *state;
	struct arena *memory = &place->memory;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(store_closep) struct store *reader = NULL;
		struct match match;
		struct error err = { 0 };

		place->path = directory_path(memory, place->directory,
					     arena_printf(memory, "test%zu.db", i));
		make(place, lines);
		change_by_hand(place, rows[i].sql);
		reader = open_store(place, STORE_READ);
		check_number(rows[i].sql,
			     match_address(reader, memory, rows[i].address, &match, &err), -1);
		check_error(rows[i].sql, &err, ERROR_DATA, rows[i].words);
		/* Others are answered all the same. */
		check_number(rows[i].sql,
			     match_address(reader, memory, "fred@other.example", &match, &err), 0);
	}
}

static struct digest_key read_secret(const struct place *place, enum store_mode mode)
{
	_cleanup_(store_closep) struct store *store = open_store(place, mode);
	struct digest_key secret;
	struct error err;

	if (store_secret(store, &secret, &err) != 0)
		fail_msg("%s", err.text);
	return secret;
}

/* It stays what it is, and no two databases have the same. */
static void test_secret(void **state)
{
	struct place *place = *state;
	struct digest_key first = read_secret(place, STORE_WRITE), again;

	again = read_secret(place, STORE_WRITE);
	assert_memory_equal(&again, &first, sizeof(first));
	again = read_secret(place, STORE_READ);
	assert_memory_equal(&again, &first, sizeof(first));

	(void)unlink(place->path);
	again = read_secret(place, STORE_WRITE);
	assert_memory_not_equal(&again, &first, sizeof(first));
}

static void test_invalid_secret(void **state)
{
	static const struct {
		const char *sql;
		enum error_kind kind;
		const char *words;
	} rows[] = {
		{ "UPDATE secret SET value = x'00'", ERROR_ROW,
		  "invalid row in table secret: value has the wrong length" },
		{ "DELETE FROM secret", ERROR_DATA, "has lost its secret" },
	};
	struct place *place = *state;
	struct digest_key secret;

	store_close(open_store(place, STORE_WRITE));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(store_closep) struct store *store = NULL;
		struct error err = { 0 };

		change_by_hand(place, rows[i].sql);
		store = open_store(place, STORE_READ);
		check_number(rows[i].sql, store_secret(store, &secret, &err), -1);
		check_error(rows[i].sql, &err, rows[i].kind, rows[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_creation, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_creator_holds_its_lock, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reopening_keeps_what_is_there, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_refused_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fifo, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_missing_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_empty_file_is_filled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unfinished_database_is_filled, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_older_version_is_brought_up, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_reader_cannot_write, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_services_in_the_order_of_documents, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_wishes_for_pop3, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_many_services, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_providers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_references, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_domains, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_users, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_negative_version, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_users_are_searched, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_domains_of_users, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_or_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reader_beside_writer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_opening_a_locked_database, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_asking_a_locked_database, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_invalid_services_are_told_apart, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_invalid_rows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_secret, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_invalid_secret, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
