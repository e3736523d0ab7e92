/*
 * A passwd-file of Dovecot, which may be one of passwd(5):
 *
 *     first.last@example.org:{SHA512-CRYPT}$6$...:1000:1000:First Last:/home/a4711::userdb_quota=1G
 *     user                   password             uid  gid  name       home        extra fields
 *
 * The user is the login, and also the address or its local part. The password is ignored.
 */

#include "import/user-table.h"
#include "util/base.h"

enum { USER, PASSWORD, UID, GID, GECOS, HOME, SHELL, EXTRA };

/* Whether the extra field is set: it has no value, or one other than no, false or 0. */
static bool has_extra(char *extra, const char *name)
{
	char *word;

	while ((word = strsep(&extra, " \t"))) {
		size_t length = strlen(name);

		if (strncmp(word, name, length) == 0 &&
		    (word[length] == '\0' ||
		     (word[length] == '=' && !strchr("nN0", word[length + 1]))))
			return true;
	}
	return false;
}

static int read_user(struct user_table *table, char *line, struct error *err)
{
	struct user_row row = { .line = table->source.line };
	char *fields[EXTRA + 1];
	size_t count = 0;

	/* Extra fields may contain colons. */
	while (count < EXTRA && line)
		fields[count++] = strsep(&line, ":");
	if (line)
		fields[count++] = line;
	if (count < 2) {
		source_bad(&table->source, row.line,
			   "no colon follows the user: a line is USER:PASSWORD:...");
		return 0;
	}
	if (count > EXTRA && has_extra(fields[EXTRA], "nologin")) {
		table_skip(table, row.line, "'%.200s' may not log in", fields[USER]);
		row.address = fields[USER];
		return table->row(&row, table->context, err);
	}
	row.address = row.login = fields[USER];
	if (count > GECOS) {
		/* In passwd(5), room and telephone follow the name. */
		row.name = strsep(&fields[GECOS], ",");
		row.has = *row.name ? ROW_HAS_NAME : 0;
	}
	return table->row(&row, table->context, err);
}

static int dovecot_read(struct user_table *table, struct error *err)
{
	char *line;
	size_t size;
	int r;

	while ((r = source_line(&table->source, &line, &size, err)) == 0) {
		while (char_is_blank(*line))
			line++;
		if (*line && *line != '#' && read_user(table, line, err) < 0)
			return -1;
	}
	return r < 0 ? -1 : 0;
}

const struct table_format format_dovecot_passwd = {
	.name = "dovecot-passwd",
	.read = dovecot_read,
};
