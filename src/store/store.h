#pragma once

/*
 * The database: providers, their services, domains and users, in one SQLite file in WAL mode.
 *
 * The daemon opens it read-only, one store for each worker thread; the admin tool opens it for
 * writing, makes it on first use and brings it up to date. A store belongs to one thread.
 */

#include <sys/types.h>
#include <time.h>

#include "mail/provider.h"
#include "mail/query.h"
#include "util/base.h"

struct digest_key;
struct store;

/* Expected outcomes. */
enum {
	STORE_NOT_FOUND = 1,
	STORE_BUSY,   /* another process locks or makes the database: try again a little later */
	STORE_EXISTS, /* there is one of this name already */
};

/* How long writers wait for another process that has locked the database. To be set before one is
 * opened; until then it is the default of the setting, because turning --md5-lookup on for a
 * million users takes some seconds. */
void store_set_lock_timeout(unsigned seconds);

enum store_mode {
	STORE_READ,   /* the file must be there and of this version; never waits for a lock */
	STORE_COPY,   /* likewise, but of any version: for store_backup() alone */
	STORE_WRITE,  /* the file is made, or brought up to this version; waits for a lock */
	STORE_CHANGE, /* likewise, but the file must be there */
};

/* Opens the database. Returns 0, STORE_BUSY (only to readers), or -1 with err set to a sentence
 * that names the file. */
int store_open(const char *path, enum store_mode mode, struct store **ret_store, struct error *err);

/* The same for reading, but another process that makes the database or recovers it just now is
 * waited for, for so many milliseconds at most. Returns 0, or -1 with err set. */
int store_open_patiently(const char *path, enum store_mode mode, int patience,
			 struct store **ret_store, struct error *err);
void store_close(struct store *store);
DEFINE_CLEANUP(struct store *, store_close);

/*
 * The files of a database, by which a reader finds that it must be opened again. The database file
 * is the first; -wal and -shm follow.
 */
#define STORE_FILES 3

struct store_files {
	dev_t devices[STORE_FILES];
	ino_t inodes[STORE_FILES]; /* 0 where there is none */
	off_t size;		   /* of the database file */
	struct timespec modified;  /* likewise */
};

enum store_change {
	STORE_UNCHANGED,
	STORE_WRITTEN,	    /* the file was written to: by SQLite, or it was overwritten */
	STORE_REPLACED,	    /* the path has another file now, or none */
	STORE_LOG_REPLACED, /* -wal or -shm of the same file are gone, or others */
};

void store_files_look(const char *path, struct store_files *ret_files);
enum store_change store_files_compare(const struct store_files *before,
				      const struct store_files *now);

/* The change counter in the header of the file; 0 where it cannot be read. */
uint32_t store_change_counter(struct store *store);

/* Whether the database was empty when it was opened, and was created then. */
bool store_is_new(const struct store *store);

/* The name of the network file system that the file is on, on which a database may be corrupted or
 * unusable; NULL where it is local. */
const char *store_network_file_system(const char *path);

/* Of SQLite. */
const char *store_library_version(void);

/* From now on lists leave out rows that are invalid, and give note an error about each: which row,
 * why, and the remedy. Otherwise a list ends at the first one with ERROR_ROW. */
typedef void (*invalid_row_visitor)(const struct error *err, void *context);
void store_skip_invalid_rows(struct store *store, invalid_row_visitor note, void *context);

/* Opens an empty temporary database of this process, on disk if it is large, and deleted when it is
 * closed. Returns 0 or -1 with err set. */
int store_open_scratch(struct store **ret_store, struct error *err);

/*
 * Answering. store_match() finds the domain, the provider and the user of a question: which rows
 * are tried, and in which order, is written in match.c. Strings of ret_match live in memory, but
 * those of its provider may live in the store, until the next call.
 * Returns 0, STORE_NOT_FOUND (nothing here serves the domain), STORE_BUSY, or -1 with err set.
 *
 * The first match begins a read snapshot that the following ones share, which saves their locks.
 * store_release() ends it; only then are changes of others seen, and may SQLite tidy up its log.
 */
int store_match(struct store *store, struct arena *memory, const struct query *query,
		struct match *ret_match, struct error *err);
void store_release(struct store *store);

/* Begins the snapshot without a question: what is read from here on is of one moment, that of the
 * first reading. Returns 0, STORE_BUSY, or -1 with err set. */
int store_snapshot(struct store *store, struct error *err);
bool store_has_snapshot(const struct store *store);

/* The secret of this installation: random bytes that were made with the database, and stay with
 * it. Returns as store_match(), but for STORE_NOT_FOUND. */
int store_secret(struct store *store, struct digest_key *ret_secret, struct error *err);

/* Writes a copy of the database, secret and all, to the empty file behind the descriptor, while
 * others read and write. The name is for errors. Returns 0 or -1 with err set. */
int store_backup(struct store *store, const char *name, int fd, struct error *err);

/* What was restored, and what is kept of the database that was there. */
struct restored {
	int64_t migrated_from; /* the schema version of the backup; 0: it is that of this program */
	int64_t domains, users;
	const char *kept; /* the file, in memory; NULL where there was no database */
};

/* Refuses a file that is not a whole backup, because SQLite has left changes in its -wal file: to
 * be called with the rights to look beside the file. Returns 0, or -1 with err set. */
int store_check_backup(const char *file, struct error *err);

/*
 * Puts a backup, which is read from the descriptor and called file in errors, in the place of the
 * database, while others use it. The backup is checked first, and brought up to this version. The
 * old database is kept as DATABASE.before-restore. Waits for writers, up to 20 s.
 * Returns 0, or -1 with err set and the database unchanged.
 */
int store_restore(struct arena *memory, const char *database, int fd, const char *file,
		  struct restored *ret_restored, struct error *err);

/* Refuses a file to be written that is the database, or one of those that SQLite keeps beside it,
 * under whatever name. Returns 0 or -1 with err set. */
int store_refuse_place(const char *database, const char *file, struct error *err);

/*
 * Changing. All changes of one command stand between store_begin() and store_commit(); closing
 * the store, or store_rollback(), takes them back. store_begin() waits for other writers.
 * All return 0 or -1 with err set, and the outcomes named.
 */
int store_begin(struct store *store, struct error *err);
int store_commit(struct store *store, struct error *err);

/* Within a change, rows may refer to what is not there, as long as it is when it is committed. */
int store_defer_references(struct store *store, struct error *err);
void store_rollback(struct store *store);

/*
 * Providers. A provider is found with its services and links in the order of documents; invalid
 * services are listed separately, so that an administrator can fix them. Adding takes all but the
 * id, and sets it; changing takes all, found by id, but leaves services and links alone, which have
 * functions of their own. Also: STORE_NOT_FOUND from find; STORE_EXISTS from add and update where
 * the name is taken.
 */
int store_find_provider(struct store *store, struct arena *memory, const char *name,
			struct provider *ret_provider, struct error *err);
int store_add_provider(struct store *store, struct provider *provider, struct error *err);
int store_update_provider(struct store *store, const struct provider *provider, struct error *err);
int store_remove_provider(struct store *store, int64_t id, struct error *err);

/* The names of implicit providers that users of the domain have, or any user where it is NULL; and
 * the removal of such a provider that neither a user nor a domain has. Also: STORE_NOT_FOUND. */
int store_list_implicit_providers(struct store *store, struct arena *memory, const char *domain,
				  const char ***ret_names, size_t *ret_count, struct error *err);
int store_remove_unused_provider(struct store *store, const char *name, struct error *err);

/* Makes these the services of the provider. Their order among equals is kept; documents list them
 * by service_compare(). */
int store_set_services(struct store *store, int64_t provider, const struct service *services,
		       size_t count, struct error *err);

/* Removes one service, by its URL as the database has it. Also: STORE_NOT_FOUND. */
int store_remove_service(struct store *store, int64_t provider, const char *url, struct error *err);

/* Calls visit for each service that leads clients to where they ask a domain for calendars or
 * contacts, once for all providers that have it, with the first of these. visit returns 0 to
 * continue, anything else to stop, which is then returned. */
typedef int (*service_visitor)(const char *provider, const struct service *service, void *context,
			       struct error *err);
int store_visit_asking_services(struct store *store, service_visitor visit, void *context,
				struct error *err);

/* Makes these the links of the provider, in this order. */
int store_set_links(struct store *store, int64_t provider, const struct link *links, size_t count,
		    struct error *err);

/* Whether a provider has this public name, HOST or HOST:PORT; 443 goes without saying. */
int store_has_public_name(struct store *store, const char *name, bool *ret_has, struct error *err);

/* All providers, by name. The array and its strings live in memory. */
int store_list_providers(struct store *store, struct arena *memory, struct provider **ret_providers,
			 size_t *ret_count, struct error *err);

/*
 * Domains. find looks for the row of exactly this name; serving for the row that answers for the
 * domain, which can be a pattern, and can be disabled. Also: STORE_NOT_FOUND from find, serving,
 * update, remove; STORE_EXISTS from add.
 */
int store_find_domain(struct store *store, struct arena *memory, const char *name,
		      struct domain *ret_domain, struct error *err);
int store_serving_domain(struct store *store, struct arena *memory, const char *name,
			 struct domain *ret_domain, struct error *err);
int store_add_domain(struct store *store, const struct domain *domain, struct error *err);
int store_update_domain(struct store *store, const struct domain *domain, struct error *err);
int store_remove_domain(struct store *store, const char *name, struct error *err);

/* Whether there is any. Returns 0, STORE_BUSY, or -1 with err set. */
int store_has_domains(struct store *store, bool *ret_has, struct error *err);

/* What to list: all members that are not NULL must fit. */
struct domain_filter {
	const char *provider; /* of this provider */
	const char *alias_of; /* aliases of this domain */
};

/* The domains that fit, by name. The array and its strings live in memory. */
int store_list_domains(struct store *store, struct arena *memory,
		       const struct domain_filter *filter, struct domain **ret_domains,
		       size_t *ret_count, struct error *err);

/* Likewise those that have moved, disabled or not. */
int store_list_moved_domains(struct store *store, struct arena *memory, struct domain **ret_domains,
			     size_t *ret_count, struct error *err);

/*
 * Users. Addresses are taken in their normal form, "local@domain" or "@domain", as address_key()
 * of the admin tool gives it. There may be ten million users: they are visited one by one, by
 * domain, then by local part.
 * Also: STORE_NOT_FOUND from find, update, remove; STORE_EXISTS from add.
 */
int store_find_user(struct store *store, struct arena *memory, const char *address,
		    struct user *ret_user, struct error *err);
int store_add_user(struct store *store, const struct user *user, struct error *err);
int store_update_user(struct store *store, const struct user *user, struct error *err);
int store_remove_user(struct store *store, const char *address, struct error *err);

struct user_filter {
	const char *domain;   /* users of exactly this domain */
	const char *login;    /* with exactly this login */
	const char *provider; /* with this provider of their own */
};

/* Calls visit for each user that matches; the user is only valid during the call. visit returns 0
 * to continue; any other value stops and is returned. */
typedef int (*user_visitor)(const struct user *user, void *context, struct error *err);
int store_visit_users(struct store *store, const struct user_filter *filter, user_visitor visit,
		      void *context, struct error *err);

/* Those that have moved, likewise; and whether there are any of exactly this domain. */
int store_visit_moved_users(struct store *store, user_visitor visit, void *context,
			    struct error *err);
int store_has_moved_users(struct store *store, const char *domain, bool *ret_has,
			  struct error *err);

int store_count_users(struct store *store, const struct user_filter *filter, int64_t *ret_count,
		      struct error *err);

/* Removes all users of exactly this domain. */
int store_remove_users(struct store *store, const char *domain, int64_t *ret_count,
		       struct error *err);

/* Gives all users that have the login another one. */
int store_rename_login(struct store *store, const char *before, const char *after,
		       int64_t *ret_count, struct error *err);

/* The domains that have users, by name, each once; found without reading the users. */
int store_list_user_domains(struct store *store, struct arena *memory, const char ***ret_domains,
			    size_t *ret_count, struct error *err);

/*
 * Names only, for suggestions and completion: those that begin with the prefix, in the order of
 * their bytes, no more than the limit. Of users of a domain, what stands before the '@'.
 */
enum store_names { PROVIDER_NAMES, DOMAIN_NAMES };

int store_list_names(struct store *store, struct arena *memory, enum store_names names,
		     const char *prefix, size_t limit, const char ***ret_names, size_t *ret_count,
		     struct error *err);
int store_list_locals(struct store *store, struct arena *memory, const char *domain,
		      const char *prefix, size_t limit, const char ***ret_locals, size_t *ret_count,
		      struct error *err);
