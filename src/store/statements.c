#include "store/statements.h"

#include "mail/provider.h"

/* "@TABLE" in a statement stands for the columns of the attributes in a table of options, "?TABLE"
 * for a parameter each. */
static const struct {
	const char *name;
	const struct option *options;
} attribute_tables[] = {
	{ "provider", provider_options },
	{ "service", service_options },
	{ "pop3", pop3_options },
};

#define PROVIDER_COLUMNS "name, id, @provider FROM provider"

#define DOMAIN_COLUMNS                                                                         \
	"domain.name, provider.name AS provider_name, alias_of, is_enabled, domain.provider, " \
	"moved_to "                                                                            \
	"FROM domain LEFT JOIN provider ON provider.id = domain.provider"

#define USER_COLUMNS                                                                            \
	"domain, local, user.login, user.name, provider.name AS provider_name, user.provider, " \
	"moved_to "                                                                             \
	"FROM user LEFT JOIN provider ON provider.id = user.provider"

/* An unknown name becomes 0, which no provider has as its id, so that the reference is refused. */
#define USER_PROVIDER                     \
	"CASE WHEN ?5 IS NULL THEN NULL " \
	"ELSE ifnull((SELECT id FROM provider WHERE name = ?5), 0) END"

/* A filter that is not bound is NULL and fits everything. */
#define USER_FILTER                            \
	"(?2 IS NULL OR user.login = ?2) AND " \
	"(?3 IS NULL OR user.provider = (SELECT id FROM provider WHERE name = ?3))"

/* With ?1, in the order of bytes, which is that of the key: only so much of it is read. */
#define BEGINS(column) \
	column " >= ?1 AND " column " < ?1 || char(1114111) ORDER BY " column " LIMIT ?2"

const struct statement_source statements[STATEMENTS] = {
	[BEGIN_SNAPSHOT] = { TABLE_NAMES, "beginning to read it", "BEGIN" },
	[END_SNAPSHOT] = { TABLE_NAMES, "ending to read it", "COMMIT" },
	[DATA_VERSION] = { TABLE_NAMES, "reading it", "PRAGMA data_version" },
	[FIND_DOMAIN] = { TABLE_DOMAIN, "looking up a domain",
			  "SELECT " DOMAIN_COLUMNS " WHERE domain.name = ?1" },

	[HAS_DOMAINS] = { TABLE_NAMES, "looking for domains",
			  "SELECT EXISTS (SELECT 1 FROM domain)" },

	/* Names that begin with '*' lie together in the key: one look tells whether there are any.
	 */
	[HAS_PATTERNS] = { TABLE_NAMES, "looking up a domain",
			   "SELECT EXISTS (SELECT 1 FROM domain WHERE name >= '*' AND name < "
			   "'+')" },

	[FIND_PROVIDER_BY_ID] = { TABLE_PROVIDER, "looking up a provider",
				  "SELECT " PROVIDER_COLUMNS " WHERE id = ?1" },
	[FIND_PROVIDER_BY_NAME] = { TABLE_PROVIDER, "looking up a provider",
				    "SELECT " PROVIDER_COLUMNS " WHERE name = ?1" },
	[LIST_PROVIDERS] = { TABLE_PROVIDER, "looking up a provider",
			     "SELECT " PROVIDER_COLUMNS " ORDER BY name" },
	[ADD_PROVIDER] = { TABLE_NAMES, "adding a provider",
			   "INSERT INTO provider (id, name, @provider) VALUES (?1, ?2, "
			   "?provider)" },
	[UPDATE_PROVIDER] = { TABLE_NAMES, "changing a provider",
			      "UPDATE provider SET (name, @provider) = (?2, ?provider) WHERE id = "
			      "?1" },
	[REMOVE_PROVIDER] = { TABLE_NAMES, "removing a provider",
			      "DELETE FROM provider WHERE id = ?1" },
	[HAS_PUBLIC_NAME] = { TABLE_NAMES, "looking up a public name",
			      "SELECT EXISTS (SELECT 1 FROM provider "
			      "WHERE public_name IN (?1, ?1 || ':443'))" },

	[LIST_SERVICES] = { TABLE_SERVICE, "looking up services",
			    "SELECT url, authentications, @service, @pop3 FROM service "
			    "WHERE provider = ?1 ORDER BY position" },
	[ADD_SERVICE] = { TABLE_NAMES, "adding a service",
			  "INSERT INTO service (provider, position, url, authentications, "
			  "@service, @pop3) VALUES (?1, ?2, ?3, ?4, ?service, ?pop3)" },
	[REMOVE_SERVICE] = { TABLE_NAMES, "removing a service",
			     "DELETE FROM service WHERE provider = ?1 AND url = ?2" },
	[REMOVE_SERVICES] = { TABLE_NAMES, "changing services",
			      "DELETE FROM service WHERE provider = ?1" },
	/* In the words of the index. */
	[LIST_ASKING_SERVICES] = { TABLE_SERVICE, "looking for services",
				   "SELECT url, min(provider.name) FROM service "
				   "JOIN provider ON provider.id = service.provider "
				   "WHERE url LIKE 'ca%dav+https://%/.well-known/ca%dav%' "
				   "GROUP BY url ORDER BY url" },

	/* A row for each text, or one without a text. */
	[LIST_LINKS] = { TABLE_LINK, "looking up links",
			 "SELECT link.position, kind, url, language, text FROM link "
			 "LEFT JOIN link_text ON link_text.provider = link.provider "
			 "AND link_text.link = link.position WHERE link.provider = ?1 "
			 "ORDER BY link.position, link_text.position" },
	[ADD_LINK] = { TABLE_NAMES, "adding a link",
		       "INSERT INTO link (provider, position, kind, url) VALUES (?1, ?2, ?3, ?4)" },
	[ADD_LINK_TEXT] = { TABLE_NAMES, "adding a link",
			    "INSERT INTO link_text (provider, link, position, language, text) "
			    "VALUES (?1, ?2, ?3, ?4, ?5)" },
	[REMOVE_LINKS] = { TABLE_NAMES, "changing links", "DELETE FROM link WHERE provider = ?1" },

	[LIST_DOMAINS] = { TABLE_DOMAIN, "listing domains",
			   "SELECT " DOMAIN_COLUMNS " WHERE (?1 IS NULL OR provider.name = ?1) AND "
			   "(?2 IS NULL OR alias_of = ?2) ORDER BY domain.name" },
	[LIST_MOVED_DOMAINS] = { TABLE_DOMAIN, "listing domains",
				 "SELECT " DOMAIN_COLUMNS " WHERE moved_to IS NOT NULL "
				 "ORDER BY domain.name" },
	[ADD_DOMAIN] = { TABLE_NAMES, "adding a domain",
			 "INSERT INTO domain (name, provider, alias_of, is_enabled, moved_to) "
			 "VALUES (?1, (SELECT id FROM provider WHERE name = ?2), ?3, ?4, ?5)" },
	[UPDATE_DOMAIN] = { TABLE_NAMES, "changing a domain",
			    "UPDATE domain SET provider = (SELECT id FROM provider WHERE name = "
			    "?2), "
			    "alias_of = ?3, is_enabled = ?4, moved_to = ?5 WHERE name = ?1" },
	[REMOVE_DOMAIN] = { TABLE_NAMES, "removing a domain",
			    "DELETE FROM domain WHERE name = ?1" },

	/* All rows that could answer at once, so that a known and an unknown user cost the same; as
	   three searches, because SQLite sorts the values of IN () first. */
	[FIND_USERS] = { TABLE_USER, "looking up a user",
			 "SELECT " USER_COLUMNS " WHERE domain = ?1 AND local = ?2 UNION ALL "
			 "SELECT " USER_COLUMNS " WHERE domain = ?1 AND local = ?3 AND ?3 <> ?2 "
			 "UNION ALL "
			 "SELECT " USER_COLUMNS " WHERE domain = ?1 AND local = ''" },
	[LIST_USERS] = { TABLE_USER, "listing users",
			 "SELECT " USER_COLUMNS " WHERE " USER_FILTER " ORDER BY domain, local" },
	[LIST_USERS_OF_DOMAIN] = { TABLE_USER, "listing users",
				   "SELECT " USER_COLUMNS " WHERE domain = ?1 AND " USER_FILTER
				   " ORDER BY local" },
	[LIST_MOVED_USERS] = { TABLE_USER, "listing users",
			       "SELECT " USER_COLUMNS " WHERE moved_to IS NOT NULL "
			       "ORDER BY domain, local" },
	[HAS_MOVED_USERS] = { TABLE_NAMES, "looking for users",
			      "SELECT EXISTS (SELECT 1 FROM user WHERE domain = ?1 "
			      "AND moved_to IS NOT NULL)" },
	[COUNT_USERS] = { TABLE_NAMES, "counting users",
			  "SELECT count(*) FROM user WHERE " USER_FILTER },
	[COUNT_USERS_OF_DOMAIN] = { TABLE_NAMES, "counting users",
				    "SELECT count(*) FROM user WHERE domain = ?1 "
				    "AND " USER_FILTER },
	/* Without the filter's OR, so that the index is used. */
	[LIST_USERS_OF_PROVIDER] = { TABLE_USER, "listing users",
				     "SELECT " USER_COLUMNS
				     " WHERE (?2 IS NULL OR user.login = ?2) "
				     "AND user.provider = (SELECT id FROM provider WHERE name = "
				     "?3) "
				     "ORDER BY domain, local" },
	[COUNT_USERS_OF_PROVIDER] = { TABLE_NAMES, "counting users",
				      "SELECT count(*) FROM user WHERE (?2 IS NULL OR login = ?2) "
				      "AND provider = (SELECT id FROM provider WHERE name = ?3)" },
	[ADD_USER] = { TABLE_NAMES, "adding a user",
		       "INSERT INTO user (domain, local, login, name, provider, moved_to) "
		       "VALUES (?1, ?2, ?3, ?4, " USER_PROVIDER ", ?6)" },
	[UPDATE_USER] = { TABLE_NAMES, "changing a user",
			  "UPDATE user SET login = ?3, name = ?4, "
			  "provider = " USER_PROVIDER
			  ", moved_to = ?6 WHERE domain = ?1 AND local = ?2" },
	[REMOVE_USER] = { TABLE_NAMES, "removing a user",
			  "DELETE FROM user WHERE domain = ?1 AND local = ?2" },
	[REMOVE_USERS] = { TABLE_NAMES, "removing users", "DELETE FROM user WHERE domain = ?1" },
	/* Each step jumps over all users of one domain. UNION ends it in a corrupted table, where
	 * the next domain need not come later. */
	[LIST_USER_DOMAINS] = { TABLE_NAMES, "listing users",
				"WITH RECURSIVE found(domain) AS (SELECT min(domain) FROM user "
				"UNION "
				"SELECT (SELECT min(domain) FROM user WHERE domain > found.domain) "
				"FROM found WHERE found.domain IS NOT NULL) "
				"SELECT domain FROM found WHERE domain IS NOT NULL" },

	[FIND_MD5] = { TABLE_USER_MD5, "looking up a user",
		       "SELECT local FROM user_md5 WHERE domain = ?1 AND md5 = ?2" },
	/* Two lookups at most if no provider has enabled it. */
	[USES_MD5] = { TABLE_NAMES, "reading it",
		       "SELECT EXISTS (SELECT 1 FROM provider WHERE md5_lookup = 1) OR "
		       "EXISTS (SELECT 1 FROM user_md5)" },
	[PROVIDER_USES_MD5] = { TABLE_NAMES, "reading it",
				"SELECT md5_lookup FROM provider WHERE id = ?1" },
	[LIST_ALIASES] = { TABLE_DOMAIN, "listing aliases",
			   "SELECT name FROM domain WHERE alias_of = ?1" },
	[ADD_MD5] = { TABLE_NAMES, "changing what users are found by",
		      "INSERT OR IGNORE INTO user_md5 SELECT ?1, md5(?3 || '@' || ?1), ?3 "
		      "WHERE EXISTS (SELECT 1 FROM user WHERE domain = ?1 AND local = ?3) OR "
		      "EXISTS (SELECT 1 FROM user WHERE domain = ?2 AND local = ?3)" },
	/* In the order of the key, which is several times as fast for many. */
	[ADD_MD5S] = { TABLE_NAMES, "changing what users are found by",
		       "INSERT OR IGNORE INTO user_md5 SELECT ?1, md5(local || '@' || ?1), local "
		       "FROM user WHERE domain = ?2 AND local <> '' ORDER BY 2" },
	[REMOVE_MD5] = { TABLE_NAMES, "changing what users are found by",
			 "DELETE FROM user_md5 WHERE domain = ?1 AND md5 = md5(?3 || '@' || ?1)" },
	[REMOVE_MD5S] = { TABLE_NAMES, "changing what users are found by",
			  "DELETE FROM user_md5 WHERE domain = ?1" },
	[RENAME_LOGIN] = { TABLE_NAMES, "changing users",
			   "UPDATE user SET login = ?2 WHERE login = ?1" },

	/* For bulk.c: in the order of the key, and with the provider's id. */
	[USERS_FROM] = { TABLE_USER, "reading users",
			 "SELECT domain, local, login, name, provider, moved_to FROM user "
			 "WHERE (domain, local) >= (?1, ?2) ORDER BY domain, local" },
	[BULK_ADD_USER] = { TABLE_NAMES, "writing a user",
			    "INSERT INTO user (domain, local, login, name, provider, moved_to) "
			    "VALUES (?1, ?2, ?3, ?4, ?5, ?6)" },
	[BULK_UPDATE_USER] = { TABLE_NAMES, "writing a user",
			       "UPDATE user SET login = ?3, name = ?4, provider = ?5, moved_to = "
			       "?6 "
			       "WHERE domain = ?1 AND local = ?2" },

	[LIST_PROVIDER_NAMES] = { TABLE_NAMES, "listing names",
				  "SELECT name FROM provider WHERE " BEGINS("name") },
	[LIST_DOMAIN_NAMES] = { TABLE_NAMES, "listing names",
				"SELECT name FROM domain WHERE " BEGINS("name") },
	[LIST_LOCALS] = { TABLE_NAMES, "listing names",
			  "SELECT local FROM user WHERE domain = ?3 AND " BEGINS("local") },

	[FIND_SECRET] = { TABLE_SECRET, "reading its secret",
			  "SELECT value FROM secret WHERE name = ?1" },
};

static const struct option *find_attribute_table(const char **text)
{
	for (size_t i = 0; i < sizeof(attribute_tables) / sizeof(*attribute_tables); i++) {
		size_t length = strlen(attribute_tables[i].name);

		if (strncmp(*text, attribute_tables[i].name, length) == 0) {
			*text += length;
			return attribute_tables[i].options;
		}
	}
	return NULL;
}

static void add_attributes(struct bytes *sql, const struct option *options, bool as_parameters)
{
	const char *separator = "";

	for (; options->name; options++) {
		if (options->type == ATTRIBUTE_NONE)
			continue;
		bytes_add_format(sql, "%s%s", separator,
				 as_parameters	   ? "?"
				 : options->column ? options->column
						   : attribute_key(sql->memory, options));
		separator = ", ";
	}
}

const char *statement_sql(struct arena *memory, enum statement statement)
{
	struct bytes sql = BYTES_IN(memory);
	const char *at = statements[statement].sql;

	while (*at) {
		char mark = *at++;
		const struct option *options = mark == '@' || mark == '?'
						       ? find_attribute_table(&at)
						       : NULL;

		if (options)
			add_attributes(&sql, options, mark == '?');
		else
			bytes_add_char(&sql, mark);
	}
	return bytes_text(&sql);
}
