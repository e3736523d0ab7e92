/*
 * What the daemon will answer for an address that a table of 'user import' leads to and does not
 * have: by the users that stay when the table is imported, or by the provider. As in match.c, but
 * a domain that is disabled may be enabled again.
 */

#include <string.h>

#include "admin/admin.h"
#include "cli/commands/user-import.h"
#include "mail/address.h"
#include "mail/profile.h"
#include "store/store.h"
#include "util/bytes.h"
#include "util/error.h"

/* The domain, and the provider of it or of what it is an alias of; it is not served where either
 * is not there. */
static int ask(struct import *import, const char *text, struct error *err)
{
	struct arena *memory = &import->asked_memory;
	struct store *store = import->admin->store;
	struct table_domain *asked = &import->asked;
	struct domain domain;
	int r;

	*asked = (struct table_domain){
		.name = domain_parse(memory, text, false, err),
		.delimiters = "",
	};
	if (!asked->name)
		return 0;
	r = store_serving_domain(store, memory, asked->name, &domain, err);
	if (r == 0 && domain.alias_of) {
		asked->alias_of = domain.alias_of;
		r = store_find_domain(store, memory, domain.alias_of, &domain, err);
	}
	if (r == 0)
		r = domain.provider ? store_find_provider(store, memory, domain.provider,
							  &import->asked_provider, err)
				    : STORE_NOT_FOUND;
	if (r != 0)
		return r == STORE_NOT_FOUND ? 0 : -1;
	asked->is_served = true;
	asked->delimiters = import->asked_provider.recipient_delimiter;
	return 0;
}

/* Neighbours mostly lead to one domain, which then need not be looked up again. */
static int domain_find(struct arena *memory, const char *domain, struct table_domain *ret_domain,
		       void *context, struct error *err)
{
	struct import *import = context;

	(void)memory;
	if (!import->asked_domain || !text_equals(import->asked_domain, domain)) {
		import->asked_domain = NULL;
		arena_clear(&import->asked_memory);
		if (ask(import, domain, err) < 0)
			return -1;
		import->asked_domain = arena_strdup(&import->asked_memory, domain);
	}
	*ret_domain = import->asked;
	return 0;
}

bool import_replaces(const struct import *import, const char *domain)
{
	const struct bulk_scope *scope = &import->scope;

	for (size_t i = 0; i < scope->n_domains; i++)
		if (text_equals(scope->domains[i], domain))
			return true;
	return scope->is_all;
}

static int login_there(struct arena *memory, const char *address, bool in_table,
		       const char **ret_login, void *context, struct error *err)
{
	const struct import *import = context;
	struct user user;
	int r = STORE_NOT_FOUND;

	if (in_table || !import_replaces(import, strrchr(address, '@') + 1))
		r = store_find_user(import->admin->store, memory, address, &user, err);
	if (r != 0 && r != STORE_NOT_FOUND)
		return -1;
	*ret_login = r == 0 ? user.login : NULL;
	return 0;
}

/* The table has asked for the domain just now. */
static int login_made(struct arena *memory, const char *text, const char **ret_login, void *context,
		      struct error *err)
{
	const struct import *import = context;
	const struct match match = { .provider = import->asked_provider };
	struct address address;

	*ret_login = address_parse(memory, text, &address, err) == 0
			     ? login_of(memory, &address, &match)
			     : NULL;
	return 0;
}

void import_answer(struct table *table)
{
	table->domain_find = domain_find;
	table->login_there = login_there;
	table->login_made = login_made;
}
