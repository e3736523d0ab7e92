/* The reading half of 'user import': the rules for one user are those of 'user add'. */

#include <string.h>

#include "admin/admin.h"
#include "cli/commands/user-import.h"
#include "admin/moved-to.h"
#include "mail/address.h"
#include "mail/login.h"
#include "mail/text.h"
#include "store/store.h"
#include "util/bytes.h"
#include "util/error.h"

/* What a row is taken apart into; most addresses need no more room than this. */
struct taken {
	struct record record;
	char local[ADDRESS_LOCAL_MAX_LENGTH + 1];
};

/* Most names are plain ASCII: what address_parse() would say of them is known without it. Here is
 * what becomes of such a character. */
static const char plain_lower[256] = {
	['-'] = '-', ['.'] = '.', ['_'] = '_', ['+'] = '+', ['0'] = '0', ['1'] = '1', ['2'] = '2',
	['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
	['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g',
	['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n',
	['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u',
	['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z', ['A'] = 'a', ['B'] = 'b',
	['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i',
	['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p',
	['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w',
	['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
};

static bool take_plain_local(const char *text, size_t length, char *ret_local)
{
	if (length == 0 || length > ADDRESS_LOCAL_MAX_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++) {
		ret_local[i] = plain_lower[(unsigned char)text[i]];
		if (!ret_local[i])
			return false;
	}
	ret_local[length] = '\0';
	return true;
}

/* Neighbours are mostly of one domain, which then need not be converted again. */
static bool is_domain_before(const struct import *import, const char *text)
{
	return import->typed_domain && text_equals(import->typed_domain, text);
}

static void remember_domain(struct import *import, const char *typed, const char *domain)
{
	size_t room = sizeof(import->domain_room[0]);

	import->typed_domain = NULL;
	if (strlen(typed) >= room)
		return;
	import->typed_domain = strcpy(import->domain_room[0], typed);
	import->domain = strcpy(import->domain_room[1], domain);
}

/* Returns the domain in its normal form, or NULL with err set. */
static const char *take_domain(struct import *import, const char *text, struct error *err)
{
	const char *domain;

	if (is_domain_before(import, text))
		return import->domain;
	domain = domain_parse(&import->row_memory, text, false, err);
	if (domain)
		remember_domain(import, text, domain);
	return domain;
}

static int take_address(struct import *import, const char *text, struct taken *taken,
			struct error *err)
{
	struct arena *memory = &import->row_memory;
	const char *at = strrchr(text, '@');
	struct address address;

	if (!at && import->table.domain)
		return take_address(import,
				    arena_printf(memory, "%s@%s", text, import->table.domain),
				    taken, err);
	if (at == text && *text) {
		taken->record.local = "";
		taken->record.domain = take_domain(import, text + 1, err);
		return taken->record.domain ? 0 : -1;
	}
	if (at && is_domain_before(import, at + 1) &&
	    (size_t)(at - text) + 1 + strlen(import->domain) <= ADDRESS_MAX_LENGTH &&
	    take_plain_local(text, (size_t)(at - text), taken->local)) {
		taken->record.local = taken->local;
		taken->record.domain = import->domain;
		return 0;
	}
	if (address_parse(memory, text, &address, err) < 0)
		return at ? -1
			  : error_set(err, ERROR_INPUT,
				      "%s; --domain says of which domain such names are",
				      arena_strdup(memory, err->text));
	remember_domain(import, at + 1, address.domain);
	taken->record.local = address.key;
	taken->record.domain = address.domain;
	return 0;
}

static int take_provider(struct import *import, const char *name, int64_t *ret_id,
			 struct error *err)
{
	struct arena *memory = import->admin->memory;
	struct import_provider known = { .name = NULL };
	struct provider provider;
	int r;

	for (size_t i = import->n_providers; i > 0 && !known.name; i--)
		if (text_equals(import->providers[i - 1].name, name))
			known = import->providers[i - 1];
	if (!known.name) {
		r = store_find_provider(import->admin->store, &import->row_memory, name, &provider,
					err);
		if (r < 0 || r == STORE_BUSY)
			return -1;
		known.id = r == 0 ? provider.id : 0;
		known.name = arena_strdup(memory, name);
		import->providers = xrealloc(import->providers, import->n_providers + 1,
					     sizeof(known));
		import->providers[import->n_providers++] = known;
	}
	if (known.id == 0)
		return error_set(err, ERROR_INPUT,
				 "there is no provider '%s'; 'provider add' makes one", name);
	*ret_id = known.id;
	return 0;
}

static int take_move(struct import *import, const char *text, struct taken *taken,
		     struct error *err)
{
	const char *address = arena_printf(&import->row_memory, "%s@%s", taken->record.local,
					   taken->record.domain);

	if (!*taken->record.local)
		return error_set(err, ERROR_INPUT, "the catch-all '%s' is no person that moves",
				 address);
	if (moves_parse_user(&import->row_memory, text, &taken->record.moved_to, err) < 0)
		return -1;
	if (text_equals_ignoring_case(taken->record.moved_to, address))
		return error_set(err, ERROR_INPUT, "user '%s' cannot move to itself", address);
	return 0;
}

static void note_misread(struct import *import, const struct taken *taken)
{
	if (login_reading(taken->record.login) == LOGIN_READ_AS_TEXT ||
	    text_equals_ignoring_case(taken->record.login, taken->record.local))
		return;
	if (import->n_misread++ == 0)
		import->misread_login = arena_strdup(import->admin->memory, taken->record.login);
}

static int take(struct import *import, const struct row *row, struct taken *taken,
		struct error *err)
{
	taken->record = (struct record){
		.login = row->login,
		.name = row->name ? row->name : "",
		.moved_to = "",
		.has = row->has,
		.line = row->line,
	};
	if (take_address(import, row->address, taken, err) < 0 ||
	    login_check(&import->row_memory, row->login, err) < 0)
		return -1;
	if (*taken->record.name &&
	    text_check("name", taken->record.name, USER_NAME_MAX_LENGTH, err) < 0)
		return -1;
	if (row->provider && *row->provider &&
	    take_provider(import, row->provider, &taken->record.provider, err) < 0)
		return -1;
	if (row->moved_to && *row->moved_to && take_move(import, row->moved_to, taken, err) < 0)
		return -1;
	note_misread(import, taken);
	return 0;
}

/* A user whose line was skipped is not missing in the file. */
static int keep(struct import *import, const struct row *row, struct taken *taken,
		struct error *err)
{
	struct error ignored = { 0 };

	taken->record = (struct record){
		.login = "",
		.name = "",
		.moved_to = "",
		.line = RECORD_LINE_MAX, /* after a line that was not */
	};
	if (take_address(import, row->address, taken, &ignored) < 0 ||
	    !import_replaces(import, taken->record.domain))
		return 0;
	return record_add(import->sorter, &taken->record, err);
}

/* What is wrong with a row is the file's fault; anything else ends the import. */
static int take_login(struct import *import, const struct row *row, struct taken *taken,
		      struct error *err)
{
	if (take(import, row, taken, err) == 0)
		return record_add(import->sorter, &taken->record, err);
	if (err->kind != ERROR_INPUT)
		return -1;
	report_add(&import->bad, row->line, err->text);
	return 0;
}

static int take_row(const struct row *row, void *context, struct error *err)
{
	struct import *import = context;
	struct taken taken;
	int r;

	if (import->n_rows++ % 1024 == 0)
		progress_at(&import->progress, import->input.position);
	r = row->login ? take_login(import, row, &taken, err) : keep(import, row, &taken, err);
	if (import->row_memory.blocks)
		arena_clear(&import->row_memory);
	return r;
}

static void note_bad(unsigned long line, const char *reason, void *context)
{
	struct import *import = context;

	report_add(&import->bad, line, reason);
}

static void note_skipped(unsigned long line, const char *reason, void *context)
{
	struct import *import = context;

	report_add(&import->skipped, line, reason);
}

int import_read(struct import *import, const struct table_format *format, struct error *err)
{
	struct table *table = &import->table;
	int r;

	source_init(&table->source, &import->input, note_bad, import);
	table->context = import;
	table->row = take_row;
	table->skip = note_skipped;
	import_answer(table);
	progress_begin(&import->progress, "reading", import->input.size);
	r = format->read(table, err);
	progress_end(&import->progress);
	source_clear(&table->source);
	return r;
}
