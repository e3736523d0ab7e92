/*
 * mailconfctl apply: makes the database equal to a file of commands.
 *
 * The commands are run in a scratch database, which is then compared with the true one. So whatever
 * they are, they are checked as ever, and only what differs is changed: three times the same walk,
 * which counts, then changes, then tells. What there was before is seen in a snapshot of its own,
 * which stays as it is beyond the change.
 */

#include <stdio.h>
#include <stdlib.h>

#include "admin/admin.h"
#include "cli/command.h"
#include "cli/commands/batch.h"
#include "cli/difference.h"
#include "cli/export-commands.h"
#include "cli/file-argument.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/removal-limit.h"
#include "store/bulk.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "util/input.h"
#include "util/shell-words.h"

enum { PROVIDERS, DOMAINS, USERS, KINDS };

static const char *const kinds[KINDS] = {
	[PROVIDERS] = "provider",
	[DOMAINS] = "domain",
	[USERS] = "user",
};

struct count {
	int64_t added, changed, removed;
};

/* From so many rows on, what SQLite's log has grown by is worth waiting for readers. */
#define TIDY_FROM 10000

struct application {
	struct admin *admin;
	struct count counts[KINDS];
	struct text_member lines; /* of the differences, for JSON */
	bool is_dry, is_json;
};

/* First walk: how much it is. */

static void count(struct count *count, const void *before, const void *after)
{
	if (!before)
		count->added++;
	else if (!after)
		count->removed++;
	else
		count->changed++;
}

static int count_provider(void *context, const struct provider *before,
			  const struct provider *after, struct error *err)
{
	struct application *application = context;

	(void)err;
	count(&application->counts[PROVIDERS], before, after);
	return 0;
}

static int count_domain(void *context, const struct domain *before, const struct domain *after,
			struct error *err)
{
	struct application *application = context;

	(void)err;
	count(&application->counts[DOMAINS], before, after);
	return 0;
}

static int count_user(void *context, const struct user *before, const struct user *after,
		      struct error *err)
{
	struct application *application = context;

	(void)err;
	count(&application->counts[USERS], before, after);
	return 0;
}

static const struct difference_visitor counting = { count_provider, count_domain, count_user };

/* Second walk: the change. */

static int change_provider(void *context, const struct provider *before,
			   const struct provider *after, struct error *err)
{
	struct store *store = ((struct application *)context)->admin->store;
	struct provider provider;

	if (!after)
		return store_remove_provider(store, before->id, err) == 0 ? 0 : -1;
	provider = *after;
	if (!before)
		return store_add_provider(store, &provider, err) == 0 ? 0 : -1;
	provider.id = before->id;
	if (store_update_provider(store, &provider, err) != 0 ||
	    store_set_services(store, provider.id, provider.services, provider.n_services, err) !=
		    0 ||
	    store_set_links(store, provider.id, provider.links, provider.n_links, err) != 0)
		return -1;
	return 0;
}

static int change_domain(void *context, const struct domain *before, const struct domain *after,
			 struct error *err)
{
	struct store *store = ((struct application *)context)->admin->store;
	int r;

	if (!before)
		r = store_add_domain(store, after, err);
	else if (!after)
		r = store_remove_domain(store, before->name, err);
	else
		r = store_update_domain(store, after, err);
	return r == 0 ? 0 : -1;
}

static int change_user(void *context, const struct user *before, const struct user *after,
		       struct error *err)
{
	struct store *store = ((struct application *)context)->admin->store;
	int r;

	if (!before)
		r = store_add_user(store, after, err);
	else if (!after)
		r = store_remove_user(store, before->address, err);
	else
		r = store_update_user(store, after, err);
	return r == 0 ? 0 : -1;
}

static const struct difference_visitor changing = { change_provider, change_domain, change_user };

/* Third walk: the commands that are gone, and those that are new. */

static void tell(struct application *application, char sign, const struct texts *commands,
		 const struct texts *without)
{
	struct arena *memory = commands->memory;

	for (size_t i = 0; i < commands->count; i++) {
		const char *line;

		if (texts_has(without, commands->items[i]))
			continue;
		line = arena_printf(memory, "%c %s", sign, text_escape(memory, commands->items[i]));
		if (application->is_json)
			text_member_add(&application->lines, line);
		else
			puts(line);
	}
}

static bool has_all(const struct texts *some, const struct texts *others)
{
	for (size_t i = 0; i < others->count; i++)
		if (!texts_has(some, others->items[i]))
			return false;
	return true;
}

/* Where but the order differs, all of it is told. */
static void tell_both(struct application *application, const struct texts *before,
		      const struct texts *after)
{
	static const struct texts none = { 0 };
	bool is_order = has_all(before, after) && has_all(after, before);

	tell(application, '-', before, is_order ? &none : after);
	tell(application, '+', after, is_order ? &none : before);
}

/* What a service that means nothing was called. */
static void add_spoiled(struct texts *commands, const struct provider *provider)
{
	for (size_t i = 0; i < provider->n_spoiled; i++)
		texts_add(commands,
			  arena_printf(commands->memory, "service add %s %s",
				       word_quote(commands->memory, provider->name),
				       word_quote(commands->memory, provider->spoiled[i].url)));
}

static int tell_provider(void *context, const struct provider *before, const struct provider *after,
			 struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct texts old = TEXTS_IN(&memory), new = TEXTS_IN(&memory);

	(void)err;
	if (before) {
		provider_commands(&old, before);
		add_spoiled(&old, before);
	}
	if (after)
		provider_commands(&new, after);
	tell_both(context, &old, &new);
	return 0;
}

static int tell_domain(void *context, const struct domain *before, const struct domain *after,
		       struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct texts old = TEXTS_IN(&memory), new = TEXTS_IN(&memory);

	(void)err;
	if (before) {
		domain_commands(&old, before);
		domain_move_commands(&old, before);
	}
	if (after) {
		domain_commands(&new, after);
		domain_move_commands(&new, after);
	}
	tell_both(context, &old, &new);
	return 0;
}

static int tell_user(void *context, const struct user *before, const struct user *after,
		     struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct texts old = TEXTS_IN(&memory), new = TEXTS_IN(&memory);

	(void)err;
	if (before) {
		user_commands(&old, before);
		user_move_commands(&old, before);
	}
	if (after) {
		user_commands(&new, after);
		user_move_commands(&new, after);
	}
	tell_both(context, &old, &new);
	return 0;
}

static const struct difference_visitor telling = { tell_provider, tell_domain, tell_user };

static int64_t differences(const struct application *application)
{
	int64_t sum = 0;

	for (size_t i = 0; i < KINDS; i++)
		sum += application->counts[i].added + application->counts[i].changed +
		       application->counts[i].removed;
	return sum;
}

static void say_json(struct application *application)
{
	json_t *entry = json_object();

	for (size_t i = 0; i < KINDS; i++) {
		const struct count *counted = &application->counts[i];
		json_t *figures = json_object();

		entry_put(figures, "added", json_integer(counted->added));
		entry_put(figures, "changed", json_integer(counted->changed));
		entry_put(figures, "removed", json_integer(counted->removed));
		entry_put(entry, kinds[i], figures);
	}
	entry_put_truth(entry, "dry_run", application->is_dry);
	text_member_end(&application->lines, entry);
}

static void say(struct application *application)
{
	struct admin *admin = application->admin;

	for (size_t i = 0; i < KINDS; i++) {
		const struct count *counted = &application->counts[i];

		if (counted->added + counted->changed + counted->removed == 0)
			continue;
		admin_say(admin, "%ss: %lld added, %lld changed, %lld removed", kinds[i],
			  (long long)counted->added, (long long)counted->changed,
			  (long long)counted->removed);
	}
	if (differences(application) == 0)
		admin_say(admin, "nothing differs");
	else if (application->is_dry)
		admin_say(admin, "dry run: nothing is done");
}

/* Runs the commands in the scratch database, without a word. */
static int read_wanted(struct admin *admin, const struct arguments *arguments,
		       struct store **ret_store, struct error *err)
{
	_cleanup_(store_closep) struct store *scratch = NULL;
	_cleanup_(freep) char *text = NULL;
	struct admin own = *admin;
	size_t size, n_commands;

	text = input_read_all(&arguments->files->input, &size, err);
	if (!text || store_open_scratch(&scratch, err) < 0)
		return -1;
	own.store = scratch;
	own.is_trial = true;
	if (store_begin(scratch, err) < 0 ||
	    batch_run(&own, arguments, text, size, &n_commands, err) < 0 ||
	    admin_commit(&own, false, err) < 0)
		return -1;
	*ret_store = TAKE(scratch);
	return 0;
}

/* A file that lacks much is more likely half written than meant. */
static int check_removals(struct application *application, const struct removals *removals,
			  const struct comparison *comparison, struct error *err)
{
	static const struct user_filter all_users = { 0 };
	int64_t users;

	if (store_count_users(application->admin->store, &all_users, &users, err) != 0 ||
	    removals_check(removals, kinds[DOMAINS], application->counts[DOMAINS].removed,
			   (int64_t)comparison->n_domains_before, err) < 0)
		return -1;
	return removals_check(removals, kinds[USERS], application->counts[USERS].removed, users,
			      err);
}

/* Rows may refer to others that come later, or are gone later: what counts is the end. */
static int change(struct application *application, const struct comparison *comparison,
		  struct error *err)
{
	struct store *store = application->admin->store;

	if (store_defer_references(store, err) < 0 ||
	    comparison_visit(comparison, &changing, application, err) < 0)
		return -1;
	return store_commit(store, err);
}

static int apply_wanted(struct application *application, struct store *wanted,
			const struct removals *removals, struct error *err)
{
	_cleanup_(store_closep) struct store *before = NULL;
	struct admin *admin = application->admin;
	struct comparison comparison;

	/* From here on nobody else changes anything. */
	if (store_begin(admin->store, err) < 0 ||
	    store_open(admin->database, STORE_READ, &before, err) != 0 ||
	    comparison_init(admin->memory, before, wanted, &comparison, err) < 0 ||
	    comparison_visit(&comparison, &counting, application, err) < 0 ||
	    check_removals(application, removals, &comparison, err) < 0)
		return -1;
	if (application->is_dry)
		store_rollback(admin->store);
	else if (change(application, &comparison, err) < 0)
		return -1;
	if (application->is_json)
		text_member_begin(&application->lines, "differences");
	else
		say(application);
	if (comparison_visit(&comparison, &telling, application, err) < 0)
		return -1;
	if (application->is_json)
		say_json(application);
	return 0;
}

static int apply(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct application application = {
		.admin = admin,
		.is_dry = option_is_given(arguments, "dry-run"),
		.is_json = arguments->is_json,
	};
	_cleanup_(store_closep) struct store *wanted = NULL;
	struct removals removals;
	int r;

	if (removals_parse(admin, arguments, &removals, err) < 0 ||
	    read_wanted(admin, arguments, &wanted, err) < 0 ||
	    admin_open(admin, !application.is_dry, err) < 0)
		return -1;
	r = apply_wanted(&application, wanted, &removals, err);
	if (r == 0 && !application.is_dry && differences(&application) >= TIDY_FROM)
		store_tidy(admin->store);
	return r;
}

static const struct option options[] = {
	{ "dry-run", NULL, "say what would be done, and do nothing" },
	{ 0 },
};

static const struct command command_apply = {
	.family = "apply",
	.arguments = "FILE|-",
	.min = 1,
	.max = 1,
	.summary = "Make the database equal to a file of commands",
	.details = "The file is what 'export' wrote, or commands as for 'batch', which begin with "
		   "an empty\ndatabase. Only what differs is changed, all of it at once; it is "
		   "printed as commands, -\nbefore those that are gone and + before those that are "
		   "new. What the file lacks is\nremoved, but not more than a tenth of the domains "
		   "or users unless told.",
	.example = "mailconfctl apply mailconfd.commands --dry-run",
	.options = { options, removal_options },
	.database = DATABASE_OWN_CHANGE,
	.file = FILE_INPUT,
	.run = apply,
};

const struct family family_apply = {
	.name = "apply",
	.title = "The whole installation",
	.commands = (const struct command *const[]){ &command_apply, NULL },
};
