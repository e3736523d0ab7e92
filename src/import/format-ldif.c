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

static void take_line(struct ldif *ldif)
{
	const struct user_table *table = ldif->table;
	char *name = ldif->line, *value = strchr(name, ':');
	bool is_first = !ldif->entry.line, is_base64, is_url;

	if (*name == '#')
		return;
	if (!value || value == name) {
		if (is_first)
			ldif->entry.line = ldif->number;
		reject_entry(ldif, "no colon follows the attribute's name");
		return;
	}
	*value++ = '\0';
	/* The first attribute of an entry is its name. "version: 1" may precede the first entry. */
	if (is_first && text_equals_ignoring_case(name, "version"))
		return;
	if (is_first) {
		ldif->entry.line = ldif->number;
		if (!text_equals_ignoring_case(name, "dn"))
			reject_entry(ldif, "an entry must begin with 'dn:' (ldapsearch writes "
					   "clean LDIF with -LLL)");
	}
	if (ldif->entry.is_bad)
		return;
	if (text_equals_ignoring_case(name, "changetype")) {
		reject_entry(ldif, "change records are not supported");
		return;
	}
	if (!is_listed(table->address_attributes, name) &&
	    !is_listed(table->login_attribute, name) && !is_listed(table->name_attribute, name))
		return;
	/* "mail: text", "mail:: base64", "mail:< URL" */
	is_base64 = *value == ':';
	is_url = *value == '<';
	value += is_base64 || is_url;
	value += strspn(value, " ");
	if (ldif->is_cut)
		reject_entry(ldif, "the value is too long");
	else if (is_url)
		reject_entry(ldif, "the value is a URL, which is not fetched");
	else if (is_base64 && !decode_base64(value))
		reject_entry(ldif, "the value after '::' is not base64 of a text");
	else
		keep_value(ldif, name, value);
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

static int end_entry(struct ldif *ldif, struct error *err)
{
	struct user_table *table = ldif->table;
	struct entry *entry = &ldif->entry;
	int r = 0;

	end_line(ldif);
	if (entry->is_bad)
		entry->n_addresses = 0;
	if (entry->n_addresses > 0 && entry->n_logins != 1)
		table_skip(table, entry->line, "the entry has %s '%s'",
			   entry->n_logins == 0 ? "no" : "several values of",
			   table->login_attribute);
	for (size_t i = 0; i < entry->n_addresses && r == 0; i++) {
		const struct user_row row = {
			.line = entry->addresses[i].line,
			.address = entry->addresses[i].text,
			.login = entry->n_logins == 1 ? entry->login : NULL,
			.name = entry->name,
			.has = table->name_attribute ? ROW_HAS_NAME : 0,
		};

		r = table->row(&row, table->context, err);
	}
	arena_clear(&entry->memory);
	entry->line = 0;
	entry->is_bad = false;
	entry->n_addresses = entry->n_logins = 0;
	entry->login = entry->name = NULL;
	return r;
}

static int ldif_read(struct user_table *table, struct error *err)
{
	_cleanup_(freep) struct ldif *ldif = xnew(struct ldif);
	char *line;
	size_t size;
	int r = 0;

	ldif->table = table;
	while (r == 0 && (r = source_line(&table->source, &line, &size, err)) == 0) {
		if (line[0] == ' ' && ldif->number) {
			add_to_line(ldif, line + 1, size - 1);
			continue;
		}
		end_line(ldif);
		if (size == 0) {
			r = end_entry(ldif, err);
			continue;
		}
		ldif->number = table->source.line;
		add_to_line(ldif, line, size);
	}
	if (r == SOURCE_END)
		r = end_entry(ldif, err);
	arena_clear(&ldif->entry.memory);
	return r;
}

const struct table_format format_ldif = { .name = "ldif", .read = ldif_read };
