/* mailconfctl user: which login belongs to which address. */

#include "admin/admin.h"
#include "admin/domain-rules.h"
#include "admin/provider-rules.h"
#include "admin/suggestions.h"
#include "admin/warnings.h"
#include "cli/command.h"
#include "cli/entry.h"
#include "cli/options.h"
#include "mail/address.h"
#include "mail/text.h"
#include "store/store.h"
#include "util/base.h"

/* Whose row it is: an address, or the catch-all of a domain. */
struct owner {
	const char *address; /* in the normal form that the database has */
	const char *local;   /* as typed; NULL for the catch-all */
	const char *domain;
};

static int owner_parse(struct admin *admin, const char *text, struct owner *ret_owner,
		       struct error *err)
{
	struct address address;

	if (text[0] == '@') {
		const char *domain = domain_parse(admin->memory, text + 1, false, err);

		if (!domain)
			return -1;
		*ret_owner = (struct owner){
			.address = arena_printf(admin->memory, "@%s", domain),
			.domain = domain,
		};
		return 0;
	}
	if (address_parse(admin->memory, text, &address, err) < 0)
		return -1;
	*ret_owner = (struct owner){
		.address = arena_printf(admin->memory, "%s@%s", address.key, address.domain),
		.local = address.local,
		.domain = address.domain,
	};
	return 0;
}

static json_t *user_entry(const struct user *user)
{
	return entry_of_texts("address", user->address, "login", user->login, "name", user->name,
			      "provider", user->provider, "moved_to", user->moved_to);
}

/* Finds the user; a missing one is an error, with a similar address or else this hint. */
static int user_require(struct admin *admin, const char *address, struct user *ret_user,
			const char *hint, struct error *err)
{
	int r = store_find_user(admin->store, admin->memory, address, ret_user, err);

	if (r != STORE_NOT_FOUND)
		return r;
	error_set(err, ERROR_MISSING, "there is no user '%s'", address);
	return hint_similar(err, similar_user(admin, address), hint);
}

/* Where the login is what stands before the '@', a placeholder goes out, and no client reads the
 * login from the document. */
static void warn_of_reading(struct admin *admin, const struct owner *owner, const char *login)
{
	enum login_reading reading = login_reading(login);

	if (reading == LOGIN_READ_AS_TEXT || (owner->local && text_equals(owner->local, login)))
		return;
	admin_warn(admin, "Thunderbird on the desktop reads the login '%s' as a %s", login,
		   reading == LOGIN_READ_AS_NUMBER
			   ? "number, and may log in with another text, as with 7 for 007 or "
			     "100000 for 1e5"
			   : "Boolean, and may log in with another text, as with true for TRUE");
}

/* --name and --provider; an empty text unsets. */
static int apply_user_options(struct admin *admin, const struct arguments *arguments,
			      struct user *user, struct error *err)
{
	const char *name = option_value(arguments, "name");
	const char *provider_name = option_value(arguments, "provider");
	struct provider provider;

	if (name && *name && text_check("name", name, USER_NAME_MAX_LENGTH, err) < 0)
		return -1;
	if (provider_name && *provider_name) {
		if (provider_require(admin, provider_name, &provider, err) < 0)
			return -1;
		provider_warn_if_empty(admin, &provider);
	}
	if (name)
		user->name = *name ? name : NULL;
	if (provider_name)
		user->provider = *provider_name ? provider_name : NULL;
	return 0;
}

static int add_user(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct owner owner;
	struct user user = { .login = arguments->words[1] };
	int r;

	if (owner_parse(admin, arguments->words[0], &owner, err) < 0 ||
	    login_check(admin->memory, user.login, err) < 0 ||
	    domain_check_served(admin, owner.domain,
				arena_printf(admin->memory, "'%s'", owner.address), err) < 0 ||
	    apply_user_options(admin, arguments, &user, err) < 0)
		return -1;
	user.address = owner.address;
	r = store_add_user(admin->store, &user, err);
	if (r == STORE_EXISTS) {
		if (user_require(admin, owner.address, &user, "", err) < 0)
			return -1;
		error_set(err, ERROR_INPUT, "user '%s' exists already, login '%s'", owner.address,
			  user.login);
		return error_hint(err, "use 'user set' to change it");
	}
	if (r != 0)
		return -1;
	warn_of_reading(admin, &owner, user.login);
	admin_say(admin, "user %s added, login %s", user.address, user.login);
	return 0;
}

static const struct option add_options[] = {
	{ "name", "TEXT", "the user's display name, sent if the provider has --show-names" },
	{ "provider", "NAME", "provider of this user (default: the domain's)" },
	{ 0 },
};

const struct command user_add = {
	.name = "user add",
	.arguments = "ADDRESS LOGIN",
	.summary = "Add a user: an address and its login",
	.details = "The login is used literally. The ADDRESS @example.org is the catch-all: it "
		   "matches all\n"
		   "addresses of the domain that have no user.",
	.example = "mailconfctl user add first.last@example.org a4711 --name 'First Last'",
	.options = { add_options },
	.database = DATABASE_CHANGE,
	.run = add_user,
};

static int change_user(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *login = option_value(arguments, "login"), *before;
	const char *target = option_value(arguments, "moved-to");
	struct owner owner;
	struct user user;

	if (owner_parse(admin, arguments->words[0], &owner, err) < 0 ||
	    (login && login_check(admin->memory, login, err) < 0) ||
	    user_require(admin, owner.address, &user, "use 'user add' to add it", err) < 0)
		return -1;
	before = user.provider;
	if (apply_user_options(admin, arguments, &user, err) < 0)
		return -1;
	if (login) {
		user.login = login;
		warn_of_reading(admin, &owner, login);
	}
	if (target && moves_parse_user(admin->memory, target, &user.moved_to, err) < 0)
		return -1;
	if (target && user.moved_to && !owner.local) {
		error_set(err, ERROR_INPUT, "the catch-all '%s' cannot move", user.address);
		return error_hint(err, "see 'domain set --moved-to'");
	}
	if (target && user.moved_to && text_equals_ignoring_case(user.moved_to, user.address))
		return error_set(err, ERROR_INPUT, "user '%s' cannot move to itself", user.address);
	if (store_update_user(admin->store, &user, err) != 0)
		return -1;
	admin_say(admin, "user %s changed, login %s%s%s", user.address, user.login,
		  user.moved_to ? ", moved to " : "", user.moved_to ? user.moved_to : "");
	return provider_drop_if_unused(admin, before, err);
}

static const struct option set_options[] = {
	{ "login", "LOGIN", "the login" },
	{ "name", "TEXT", "the user's display name; '' for none" },
	{ "provider", "NAME", "provider of this user; '' for the domain's" },
	{ "moved-to", "ADDRESS", "redirect Outlook and phones to this address; '' for none" },
	{ 0 },
};

const struct command user_set = {
	.name = "user set",
	.arguments = "ADDRESS",
	.summary = "Change a user",
	.details = "Values without an option stay.",
	.example = "mailconfctl user set first.last@example.org --login a4712",
	.options = { set_options },
	.changes = "something to set: --login, --name, --provider or --moved-to",
	.database = DATABASE_CHANGE,
	.run = change_user,
};

static int show_user(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *instead;
	struct owner owner;
	struct user user;

	if (owner_parse(admin, arguments->words[0], &owner, err) < 0)
		return -1;
	instead = arena_printf(admin->memory, "'preview outlook %s' shows what the address gets",
			       owner.address);
	if (user_require(admin, owner.address, &user, instead, err) < 0)
		return -1;
	entry_print(user_entry(&user), arguments->is_json);
	return 0;
}

const struct command user_show = {
	.name = "user show",
	.arguments = "ADDRESS",
	.summary = "Show a user",
	.example = "mailconfctl user show first.last@example.org",
	.database = DATABASE_READ,
	.run = show_user,
};

/* Stops at the first that the list will show. */
static int note_move(const struct user *user, void *context, struct error *err)
{
	const struct user_filter *filter = context;

	(void)err;
	return (!filter->domain || text_equals(strrchr(user->address, '@') + 1, filter->domain)) &&
	       (!filter->login || text_equals(user->login, filter->login));
}

static int print_user(const struct user *user, void *context, struct error *err)
{
	(void)err;
	list_add(context, user_entry(user));
	return 0;
}

static int list_users(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct user_filter filter = { .login = option_value(arguments, "login") };
	_cleanup_(list_freep) struct list *lines = NULL;
	int any_moved;

	if (arguments->count > 0) {
		filter.domain = domain_parse(admin->memory, arguments->words[0], false, err);
		if (!filter.domain)
			return -1;
	}
	any_moved = store_visit_moved_users(admin->store, note_move, &filter, err);
	if (any_moved < 0)
		return -1;
	lines = list_new(any_moved ? "address login name provider moved_to"
				   : "address login name provider",
			 arguments->is_json);
	if (store_visit_users(admin->store, &filter, print_user, lines, err) != 0)
		return -1;
	list_end(lines, filter.domain || filter.login ? "no user matches"
						      : "there are no users; 'user add' makes one");
	return 0;
}

static const struct option list_options[] = {
	{ "login", "LOGIN", "only users with exactly this login" },
	{ 0 },
};

const struct command user_list = {
	.name = "user list",
	.arguments = "[DOMAIN]",
	.summary = "List users, by domain",
	.example = "mailconfctl user list example.org",
	.options = { list_options },
	.database = DATABASE_READ,
	.skips_invalid_rows = true,
	.run = list_users,
};

static int remove_user(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct user user = { 0 };
	struct owner owner;

	/* To remove a corrupted row is the remedy. */
	if (owner_parse(admin, arguments->words[0], &owner, err) < 0 ||
	    (user_require(admin, owner.address, &user, "", err) < 0 && err->kind != ERROR_ROW) ||
	    store_remove_user(admin->store, owner.address, err) != 0)
		return -1;
	admin_say(admin, "user %s removed", owner.address);
	return provider_drop_if_unused(admin, user.provider, err);
}

const struct command user_remove = {
	.name = "user remove",
	.arguments = "ADDRESS",
	.summary = "Remove a user",
	.example = "mailconfctl user remove first.last@example.org",
	.options = { if_exists_options },
	.database = DATABASE_CHANGE,
	.run = remove_user,
};

static int rename_login(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *before = arguments->words[0], *after = arguments->words[1];
	int64_t count;

	if (text_equals(before, after)) {
		error_set(err, ERROR_INPUT, "the old login and the new one are both '%s'", after);
		return error_hint(err, "name another");
	}
	if (login_check(admin->memory, after, err) < 0 ||
	    store_rename_login(admin->store, before, after, &count, err) != 0)
		return -1;
	if (count == 0)
		return error_set(err, ERROR_INPUT, "no user has the login '%s'", before);
	warn_of_reading(admin, &(struct owner){ 0 }, after);
	admin_say(admin, "login %s renamed to %s, for %lld user%s", before, after, (long long)count,
		  count == 1 ? "" : "s");
	return 0;
}

const struct command user_rename_login = {
	.name = "user rename-login",
	.arguments = "OLD NEW",
	.summary = "Rename a login for all its users",
	.details = "Logins are compared exactly, including letter case.",
	.example = "mailconfctl user rename-login a4711 b0815",
	.database = DATABASE_CHANGE,
	.run = rename_login,
};
