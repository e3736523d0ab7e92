/*
 * LDIF (RFC 2849), as ldapsearch -LLL and slapcat write it:
 *
 *     dn: uid=a4711,ou=people,dc=example,dc=org
 *     mail: first.last@example.org
 *     mail: f.last@example.org
 *     uid:: YTQ3MTE=
 *
 * Each value of the address attributes is a row. Entries without one are skipped.
 */

#include <nettle/base64.h>

#include "import/user-table.h"
#include "util/base.h"

/* Longer values, such as photographs, are cut. */
#define VALUE_MAX SOURCE_LINE_MAX

#define ADDRESSES_MAX 1000

struct address_value {
	const char *text;
	unsigned long line;
};

struct entry {
	struct arena memory;
	unsigned long line; /* where it begins, 0 between entries */
	bool is_bad;
	struct address_value addresses[ADDRESSES_MAX];
	size_t n_addresses;
	const char *login, *name;
	size_t n_logins;
};

struct ldif {
	struct user_table *table;
	struct entry entry;
	char line[VALUE_MAX + 1]; /* unfolded */
	size_t size;
	unsigned long number; /* where it begins, 0 for none */
	bool is_cut;
};

static void reject_entry(struct ldif *ldif, const char *reason)
{
	source_bad(&ldif->table->source, ldif->number, "%s", reason);
	ldif->entry.is_bad = true;
}

/* Decodes base64 in place. Returns whether it is valid, and a text. */
static bool decode_base64(char *text)
{
	struct base64_decode_ctx context;
	size_t size;

	base64_decode_init(&context);
	if (!base64_decode_update(&context, &size, (uint8_t *)text, strlen(text), text) ||
	    !base64_decode_final(&context))
		return false;
	text[size] = '\0';
	return strlen(text) == size;
}

/* Whether the attribute, without its options (mail;lang-de), is in a list separated by commas. */
static bool is_listed(const char *list, const char *attribute)
{
	size_t length = strcspn(attribute, ";");

	while (list && *list) {
		size_t here = strcspn(list, ",");

		if (here == length && strncasecmp(list, attribute, length) == 0)
			return true;
		list += here + (list[here] == ',');
	}
	return false;
}

static bool is_wanted(const struct user_table *table, const char *attribute)
{
	return is_listed(table->address_attributes, attribute) ||
	       is_listed(table->login_attribute, attribute) ||
	       is_listed(table->name_attribute, attribute);
}

/* Returns the value after the colon ("mail: text", "mail:: base64"), or NULL if it is invalid. */
static char *value_of(struct ldif *ldif, char *text)
{
	char kind = *text;

	if (kind == ':' || kind == '<')
		text++;
	while (*text == ' ')
		text++;
	if (kind == '<') {
		reject_entry(ldif, "the value is a URL, which is not fetched");
		return NULL;
	}
	if (kind == ':' && !decode_base64(text)) {
		reject_entry(ldif, "the value after '::' is not base64 of a text");
		return NULL;
	}
	return text;
}

static void keep_value(struct ldif *ldif, const char *attribute, const char *value)
{
	const struct user_table *table = ldif->table;
	struct entry *entry = &ldif->entry;

	if (is_listed(table->address_attributes, attribute)) {
		if (entry->n_addresses == ADDRESSES_MAX) {
			reject_entry(ldif, "the entry has more than 1000 addresses");
			return;
		}
		entry->addresses[entry->n_addresses++] = (struct address_value){
			.text = arena_strdup(&entry->memory, value),
			.line = ldif->number,
		};
	}
	if (is_listed(table->login_attribute, attribute) && entry->n_logins++ == 0)
		entry->login = arena_strdup(&entry->memory, value);
	if (is_listed(table->name_attribute, attribute) && !entry->name)
		entry->name = arena_strdup(&entry->memory, value);
}

/* The first attribute of an entry is its name. "version: 1" may precede the first entry. */
static bool begin_entry(struct ldif *ldif, const char *attribute)
{
	if (ldif->entry.line)
		return true;
	if (text_equals_ignoring_case(attribute, "version"))
		return false;
	ldif->entry.line = ldif->number;
	if (!text_equals_ignoring_case(attribute, "dn"))
		reject_entry(
			ldif,
			"an entry must begin with 'dn:' (ldapsearch writes clean LDIF with -LLL)");
	return true;
}

static void take_line(struct ldif *ldif)
{
	char *colon = strchr(ldif->line, ':'), *value;

	if (ldif->line[0] == '#')
		return;
	if (!colon || colon == ldif->line) {
		if (!ldif->entry.line)
			ldif->entry.line = ldif->number;
		reject_entry(ldif, "no colon follows the attribute's name");
		return;
	}
	*colon = '\0';
	if (!begin_entry(ldif, ldif->line) || ldif->entry.is_bad)
		return;
	if (text_equals_ignoring_case(ldif->line, "changetype")) {
		reject_entry(ldif, "change records are not supported");
		return;
	}
	if (!is_wanted(ldif->table, ldif->line))
		return;
	if (ldif->is_cut) {
		reject_entry(ldif, "the value is too long");
		return;
	}
	value = value_of(ldif, colon + 1);
	if (value)
		keep_value(ldif, ldif->line, value);
}

/* A line is complete when the next one does not begin with a space. */
static void end_line(struct ldif *ldif)
{
	if (ldif->number)
		take_line(ldif);
	ldif->number = 0;
	ldif->size = 0;
	ldif->is_cut = false;
}

static void add_to_line(struct ldif *ldif, const char *text, size_t size)
{
	if (size > VALUE_MAX - ldif->size) {
		size = VALUE_MAX - ldif->size;
		ldif->is_cut = true;
	}
	memcpy(ldif->line + ldif->size, text, size);
	ldif->size += size;
	ldif->line[ldif->size] = '\0';
}

static int give_rows(struct ldif *ldif, struct error *err)
{
	const struct entry *entry = &ldif->entry;
	struct user_table *table = ldif->table;

	if (entry->is_bad || entry->n_addresses == 0)
		return 0;
	if (entry->n_logins != 1)
		table_skip(table, entry->line, "the entry has %s '%s'",
			   entry->n_logins == 0 ? "no" : "several values of",
			   table->login_attribute);
	for (size_t i = 0; i < entry->n_addresses; i++) {
		const struct user_row row = {
			.line = entry->addresses[i].line,
			.address = entry->addresses[i].text,
			.login = entry->n_logins == 1 ? entry->login : NULL,
			.name = entry->name,
			.has = table->name_attribute ? ROW_HAS_NAME : 0,
		};

		if (table->row(&row, table->context, err) < 0)
			return -1;
	}
	return 0;
}

static int end_entry(struct ldif *ldif, struct error *err)
{
	int r;

	end_line(ldif);
	r = give_rows(ldif, err);
	arena_clear(&ldif->entry.memory);
	ldif->entry.line = 0;
	ldif->entry.is_bad = false;
	ldif->entry.n_addresses = ldif->entry.n_logins = 0;
	ldif->entry.login = ldif->entry.name = NULL;
	return r;
}

static int read_lines(struct ldif *ldif, struct error *err)
{
	struct source *source = &ldif->table->source;
	char *line;
	size_t size;
	int r;

	while ((r = source_line(source, &line, &size, err)) == 0) {
		if (line[0] == ' ' && ldif->number) {
			add_to_line(ldif, line + 1, size - 1);
			continue;
		}
		end_line(ldif);
		if (size == 0) {
			if (end_entry(ldif, err) < 0)
				return -1;
			continue;
		}
		ldif->number = source->line;
		add_to_line(ldif, line, size);
	}
	return r < 0 ? -1 : end_entry(ldif, err);
}

static int ldif_read(struct user_table *table, struct error *err)
{
	_cleanup_(freep) struct ldif *ldif = xnew(struct ldif);
	int r;

	ldif->table = table;
	r = read_lines(ldif, err);
	arena_clear(&ldif->entry.memory);
	return r;
}

const struct table_format format_ldif = { .name = "ldif", .read = ldif_read };
