/* Reading for 'user import'. The rules for one user are those of 'user add'. */

#include <endian.h>

#include "admin/admin.h"
#include "admin/domain-rules.h"
#include "cli/commands/user-import.h"
#include "mail/address.h"
#include "mail/profile.h"
#include "mail/text.h"
#include "store/store.h"
#include "util/base.h"

/* A provider that rows have named. */
struct known_provider {
	const char *name;
	int64_t id; /* 0: there is none */
};

struct reader {
	struct user_import *import;
	struct arena memory; /* of one row */
	char local[ADDRESS_LOCAL_MAX_LENGTH + 1];
	char plain_characters[256]; /* the normal form of each, NUL for all others */

	/* The domain of the previous row, as written and in its normal form; "" for none. */
	char typed_domain[1024], domain[1024];

	struct known_provider *providers;
	size_t n_providers;

	/* The domain that the table asked for last, as written, with its provider. */
	struct arena asked_memory;
	const char *asked_domain;
	struct table_domain asked;
	struct provider asked_provider; /* if the domain is served */

	size_t n_rows;
};

/*
 * Records for the sorter, which begin with their key:
 *
 *     domain NUL local NUL line-and-flags [provider] login NUL name NUL moved_to NUL
 *
 * Line and flags are 64 bits in big-endian order.
 */
#define FLAGS_SIZE 8 /* as of struct user_row, and: */
#define HAS_PROVIDER_ID UINT64_C(0x80)
#define LAST_LINE (UINT64_MAX >> FLAGS_SIZE)

static char *put_text(char *at, const char *text)
{
	return stpcpy(at, text ? text : "") + 1;
}

static int add_record(struct reader *reader, const struct bulk_user *user, unsigned has,
		      unsigned long line, struct error *err)
{
	uint64_t number = htobe64((user->login ? line : LAST_LINE) << FLAGS_SIZE | has |
				  (user->provider ? HAS_PROVIDER_ID : 0));
	char bytes[SORTER_RECORD_MAX], *at = put_text(put_text(bytes, user->domain), user->local);

	at = mempcpy(at, &number, sizeof(number));
	if (user->provider)
		at = mempcpy(at, &user->provider, sizeof(user->provider));
	at = put_text(put_text(put_text(at, user->login), user->name), user->moved_to);
	return sorter_add(reader->import->sorter, bytes, (size_t)(at - bytes), err);
}

static const char *take_text(const char **at)
{
	const char *text = *at;

	*at += strlen(text) + 1;
	return text;
}

static const char *take_text_or_null(const char **at)
{
	const char *text = take_text(at);

	return *text ? text : NULL;
}

struct user_record user_record_read(const char *bytes)
{
	struct user_record record = { .line = 0 };
	const char *at = bytes;
	uint64_t number;

	record.user.domain = take_text(&at);
	record.user.local = take_text(&at);
	memcpy(&number, at, sizeof(number));
	at += sizeof(number);
	number = be64toh(number);
	if (number & HAS_PROVIDER_ID) {
		memcpy(&record.user.provider, at, sizeof(record.user.provider));
		at += sizeof(record.user.provider);
	}
	record.line = number >> FLAGS_SIZE;
	record.user.keeps_name = !(number & ROW_HAS_NAME);
	record.user.keeps_provider = !(number & ROW_HAS_PROVIDER);
	record.user.keeps_moved_to = !(number & ROW_HAS_MOVED_TO);
	record.user.login = take_text_or_null(&at);
	record.user.name = take_text_or_null(&at);
	record.user.moved_to = take_text_or_null(&at);
	return record;
}

/* Reads a local part that has only plain characters, which spares it address_parse(). */
static bool read_plain_local(struct reader *reader, const char *text, size_t length)
{
	if (length == 0 || length > ADDRESS_LOCAL_MAX_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++) {
		reader->local[i] = reader->plain_characters[(unsigned char)text[i]];
		if (!reader->local[i])
			return false;
	}
	reader->local[length] = '\0';
	return true;
}

/* Reads an address or a catch-all. Most have the domain of the previous row. */
static int read_address(struct reader *reader, const char *text, struct bulk_user *user,
			struct error *err)
{
	const char *at = strrchr(text, '@'), *domain = reader->import->table.domain;
	struct address address = { .key = "" };

	if (!at && domain) {
		text = arena_printf(&reader->memory, "%s@%s", text, domain);
		at = strrchr(text, '@');
	}
	if (!at) {
		address_parse(&reader->memory, text, &address, err);
		return error_hint(err, "--domain sets the domain of such names");
	}
	if (*reader->typed_domain && text_equals(reader->typed_domain, at + 1)) {
		user->local = at == text ? "" : reader->local;
		user->domain = reader->domain;
		if (at == text ||
		    ((size_t)(at - text) + 1 + strlen(user->domain) <= ADDRESS_MAX_LENGTH &&
		     read_plain_local(reader, text, (size_t)(at - text))))
			return 0;
	}
	if (at == text)
		address.domain = domain_parse(&reader->memory, at + 1, false, err);
	else if (address_parse(&reader->memory, text, &address, err) < 0)
		return -1;
	if (!address.domain)
		return -1;
	user->local = address.key;
	user->domain = address.domain;
	*reader->typed_domain = '\0';
	if (strlen(at + 1) < sizeof(reader->typed_domain)) {
		strcpy(reader->typed_domain, at + 1);
		strcpy(reader->domain, address.domain);
	}
	return 0;
}

static int read_provider(struct reader *reader, const char *name, int64_t *ret_id,
			 struct error *err)
{
	struct admin *admin = reader->import->admin;
	struct known_provider known = { .name = NULL };
	struct provider provider;
	int r;

	for (size_t i = reader->n_providers; i > 0 && !known.name; i--)
		if (text_equals(reader->providers[i - 1].name, name))
			known = reader->providers[i - 1];
	if (!known.name) {
		r = store_find_provider(admin->store, &reader->memory, name, &provider, err);
		if (r < 0 || r == STORE_BUSY)
			return -1;
		known.id = r == 0 ? provider.id : 0;
		known.name = arena_strdup(admin->memory, name);
		reader->providers = xrealloc(reader->providers, reader->n_providers + 1,
					     sizeof(known));
		reader->providers[reader->n_providers++] = known;
	}
	if (known.id == 0) {
		error_set(err, ERROR_INPUT, "there is no provider '%s'", name);
		return error_hint(err, "'provider add' adds one, 'provider list' shows all");
	}
	*ret_id = known.id;
	return 0;
}

static int read_values(struct reader *reader, const struct user_row *row, struct bulk_user *user,
		       struct error *err)
{
	struct user_import *import = reader->import;
	const char *address;

	user->name = row->name;
	if (login_check(&reader->memory, row->login, err) < 0 ||
	    (user->name && *user->name &&
	     text_check("name", user->name, USER_NAME_MAX_LENGTH, err) < 0) ||
	    (row->provider && *row->provider &&
	     read_provider(reader, row->provider, &user->provider, err) < 0))
		return -1;
	if (row->moved_to && *row->moved_to) {
		address = arena_printf(&reader->memory, "%s@%s", user->local, user->domain);
		if (!*user->local)
			return error_set(err, ERROR_INPUT, "the catch-all '%s' cannot move",
					 address);
		if (moves_parse_user(&reader->memory, row->moved_to, &user->moved_to, err) < 0)
			return -1;
		if (text_equals_ignoring_case(user->moved_to, address))
			return error_set(err, ERROR_INPUT, "user '%s' cannot move to itself",
					 address);
	}
	if (login_reading(user->login) != LOGIN_READ_AS_TEXT &&
	    !text_equals_ignoring_case(user->login, user->local) && import->n_misread++ == 0)
		import->misread_login = arena_strdup(import->admin->memory, user->login);
	return 0;
}

static bool replaces_domain(const struct user_import *import, const char *domain)
{
	return import->scope.is_all || user_import_names_domain(import, domain);
}

static int read_row(const struct user_row *row, void *context, struct error *err)
{
	struct reader *reader = context;
	struct user_import *import = reader->import;
	struct bulk_user user = { .login = row->login };
	int r;

	if (reader->n_rows++ % 1024 == 0)
		progress_at(&import->progress, import->input.position);
	r = read_address(reader, row->address, &user, err);
	if (r == 0 && row->login)
		r = read_values(reader, row, &user, err);
	if (r < 0 && err->kind == ERROR_INPUT) {
		if (row->login)
			report_add_error(&import->bad, row->line, err);
		r = 0;
	} else if (r == 0 && (row->login || replaces_domain(import, user.domain))) {
		/* A user whose line was skipped is not missing in the file. */
		r = add_record(reader, &user, row->login ? row->has : 0, row->line, err);
	}
	if (reader->memory.blocks)
		arena_clear(&reader->memory);
	return r;
}

/* Lookups for the table: what the daemon answers for an address that the table does not have. As in
 * match.c, but a disabled domain counts, because it may be enabled again. */

static int find_domain(struct arena *memory, const char *text, struct table_domain *ret_domain,
		       void *context, struct error *err)
{
	struct reader *reader = context;
	struct store *store = reader->import->admin->store;
	struct table_domain *asked = &reader->asked;
	struct domain domain;
	int r;

	/* Neighbouring rows mostly ask for the same domain. */
	if (reader->asked_domain && text_equals(reader->asked_domain, text)) {
		*ret_domain = *asked;
		return 0;
	}
	reader->asked_domain = NULL;
	memory = &reader->asked_memory;
	arena_clear(memory);
	*asked = (struct table_domain){
		.name = domain_parse(memory, text, false, err),
		.delimiters = "",
	};
	r = asked->name ? store_serving_domain(store, memory, asked->name, &domain, err)
			: STORE_NOT_FOUND;
	if (r == 0 && domain.alias_of) {
		asked->alias_of = domain.alias_of;
		r = store_find_domain(store, memory, domain.alias_of, &domain, err);
	}
	if (r == 0)
		r = domain.provider ? store_find_provider(store, memory, domain.provider,
							  &reader->asked_provider, err)
				    : STORE_NOT_FOUND;
	if (r != 0 && r != STORE_NOT_FOUND)
		return -1;
	asked->is_served = r == 0;
	if (r == 0)
		asked->delimiters = reader->asked_provider.recipient_delimiter;
	reader->asked_domain = arena_strdup(memory, text);
	*ret_domain = *asked;
	return 0;
}

static int find_remaining_login(struct arena *memory, const char *address, bool in_table,
				const char **ret_login, void *context, struct error *err)
{
	const struct reader *reader = context;
	struct user user;
	int r = STORE_NOT_FOUND;

	if (in_table || !replaces_domain(reader->import, strrchr(address, '@') + 1))
		r = store_find_user(reader->import->admin->store, memory, address, &user, err);
	if (r != 0 && r != STORE_NOT_FOUND)
		return -1;
	*ret_login = r == 0 ? user.login : NULL;
	return 0;
}

/* The table has just asked for the domain. */
static int expand_login(struct arena *memory, const char *text, const char **ret_login,
			void *context, struct error *err)
{
	const struct reader *reader = context;
	const struct match match = { .provider = reader->asked_provider };
	struct address address;

	*ret_login = address_parse(memory, text, &address, err) == 0
			     ? login_of(memory, &address, &match)
			     : NULL;
	return 0;
}

int user_import_read(struct user_import *import, const struct table_format *format,
		     struct error *err)
{
	struct reader reader = { .import = import };
	struct user_table *table = &import->table;
	int r;

	for (const char *c = "abcdefghijklmnopqrstuvwxyz"; *c; c++)
		reader.plain_characters[(size_t)*c] =
			reader.plain_characters[(size_t)char_upper(*c)] = *c;
	for (const char *c = "0123456789-._+"; *c; c++)
		reader.plain_characters[(size_t)*c] = *c;
	source_init(&table->source, &import->input, report_note, &import->bad);
	table->context = &reader;
	table->row = read_row;
	table->skip = report_note;
	table->skipped = &import->skipped;
	table->domain_find = find_domain;
	table->login_there = find_remaining_login;
	table->login_made = expand_login;
	progress_begin(&import->progress, "reading", import->input.size);
	r = format->read(table, err);
	progress_end(&import->progress);
	source_clear(&table->source);
	arena_clear(&reader.memory);
	arena_clear(&reader.asked_memory);
	free(reader.providers);
	return r;
}
