#pragma once

#include "util/base.h"

/* Each statement, which is prepared once, when it is first used. */
enum statement {
	BEGIN_SNAPSHOT,
	END_SNAPSHOT,
	DATA_VERSION,
	FIND_DOMAIN,
	HAS_DOMAINS,
	HAS_PATTERNS,
	FIND_PROVIDER_BY_ID,
	FIND_PROVIDER_BY_NAME,
	LIST_PROVIDERS,
	ADD_PROVIDER,
	UPDATE_PROVIDER,
	REMOVE_PROVIDER,
	HAS_PUBLIC_NAME,
	LIST_SERVICES,
	ADD_SERVICE,
	REMOVE_SERVICE,
	REMOVE_SERVICES,
	LIST_ASKING_SERVICES,
	LIST_LINKS,
	ADD_LINK,
	ADD_LINK_TEXT,
	REMOVE_LINKS,
	LIST_DOMAINS,
	LIST_MOVED_DOMAINS,
	ADD_DOMAIN,
	UPDATE_DOMAIN,
	REMOVE_DOMAIN,
	FIND_USERS,
	LIST_USERS,
	LIST_USERS_OF_DOMAIN,
	LIST_MOVED_USERS,
	HAS_MOVED_USERS,
	LIST_USERS_OF_PROVIDER,
	COUNT_USERS,
	COUNT_USERS_OF_DOMAIN,
	COUNT_USERS_OF_PROVIDER,
	ADD_USER,
	UPDATE_USER,
	REMOVE_USER,
	REMOVE_USERS,
	LIST_USER_DOMAINS,
	FIND_MD5,
	USES_MD5,
	PROVIDER_USES_MD5,
	LIST_ALIASES,
	ADD_MD5,
	ADD_MD5S,
	REMOVE_MD5,
	REMOVE_MD5S,
	RENAME_LOGIN,
	USERS_FROM,
	BULK_ADD_USER,
	BULK_UPDATE_USER,
	LIST_PROVIDER_NAMES,
	LIST_DOMAIN_NAMES,
	LIST_LOCALS,
	FIND_SECRET,
	STATEMENTS
};

/* Whose rows a statement gives, for errors. */
enum database_table {
	TABLE_NAMES, /* a column of some table, or a result */
	TABLE_DOMAIN,
	TABLE_USER, /* begins with the domain and the local part */
	TABLE_USER_MD5,
	TABLE_PROVIDER,
	TABLE_SERVICE,
	TABLE_LINK,
	TABLE_SECRET,
};

struct statement_source {
	enum database_table table;
	const char *doing; /* "looking up a domain" */
	const char *sql;   /* before statement_sql() */
};

/* By enum statement. */
extern const struct statement_source statements[STATEMENTS];

/* The SQL of a statement. In memory. */
const char *statement_sql(struct arena *memory, enum statement statement);
