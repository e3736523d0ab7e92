#include "admin/reconcile.h"

#include "admin/export-commands.h"
#include "store/store.h"
#include "util/shell-words.h"
#include "util/string-list.h"

struct providers {
	struct provider *items; /* by name */
	size_t count;
};

struct reconcile {
	struct arena *memory;
	struct store *store, *wanted;
	struct providers present_providers;
	struct providers wanted_providers; /* with their ids in store, once they are there */
	struct bulk *bulk;
	difference_visitor visit;
	void *context;
	struct row_counts *counts;
};

/* Negative, zero or positive, as the next row is only in before, in both, or only in after. NULL
 * stands for the end. */
static int compare_names(const char *before, const char *after)
{
	if (!before || !after)
		return before ? -1 : 1;
	return strcmp(before, after);
}

/* Providers */

/* A provider that is not wanted stays until no row refers to it, so that no other gets its id. */
static int reconcile_provider(struct reconcile *all, const struct provider *before,
			      struct provider *after, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct texts old = TEXTS_IN(&memory), new = TEXTS_IN(&memory);
	struct row_counts *counts = &all->counts[RECONCILE_PROVIDERS];
	struct store *store = all->store;
	size_t same = 0, n_invalid = before ? before->n_invalid_services : 0;

	if (before)
		provider_commands(&old, before);
	/* An invalid service cannot be written as a command that would add it; of one that cannot
	 * be read not even the URL is known. */
	for (size_t i = 0; i < n_invalid; i++)
		if (before->invalid_services[i].url)
			texts_add(&old, arena_printf(&memory, "service add %s %s",
						     word_quote(&memory, before->name),
						     word_quote(&memory,
								before->invalid_services[i].url)));
	if (after)
		provider_commands(&new, after);
	for (size_t i = 0; i < old.count && i < new.count; i++)
		same += text_equals(old.items[i], new.items[i]);
	if (before && after)
		after->id = before->id;
	if (n_invalid == 0 && same == old.count && same == new.count) {
		counts->unchanged++;
		return 0;
	}
	*(!before ? &counts->added : !after ? &counts->removed : &counts->changed) += 1;
	all->visit(&old, &new, all->context);
	if (!after)
		return 0;
	if (!before)
		return store_add_provider(store, after, err) == 0 ? 0 : -1;
	if (store_update_provider(store, after, err) != 0 ||
	    store_set_services(store, after->id, after->services, after->n_services, err) != 0 ||
	    store_set_links(store, after->id, after->links, after->n_links, err) != 0)
		return -1;
	return 0;
}

static int reconcile_providers(struct reconcile *all, struct error *err)
{
	struct providers *present = &all->present_providers, *wanted = &all->wanted_providers;

	if (store_list_providers(all->store, all->memory, &present->items, &present->count, err) !=
		    0 ||
	    store_list_providers(all->wanted, all->memory, &wanted->items, &wanted->count, err) !=
		    0)
		return -1;
	for (size_t i = 0, k = 0; i < present->count || k < wanted->count;) {
		int order = compare_names(i < present->count ? present->items[i].name : NULL,
					  k < wanted->count ? wanted->items[k].name : NULL);
		const struct provider *before = order <= 0 ? &present->items[i++] : NULL;
		struct provider *after = order >= 0 ? &wanted->items[k++] : NULL;

		if (reconcile_provider(all, before, after, err) < 0)
			return -1;
	}
	return 0;
}

static int compare_provider(const void *name, const void *provider)
{
	return strcmp(name, ((const struct provider *)provider)->name);
}

static const struct provider *find_provider(const struct providers *providers, const char *name)
{
	return bsearch(name, providers->items, providers->count, sizeof(*providers->items),
		       compare_provider);
}

/* Domains */

static bool domain_differs(const struct domain *before, const struct domain *after)
{
	return before->is_enabled != after->is_enabled ||
	       !text_same(before->provider, after->provider) ||
	       !text_same(before->alias_of, after->alias_of) ||
	       !text_same(before->moved_to, after->moved_to);
}

int reconcile_domain(struct store *store, const struct domain *before, const struct domain *after,
		     struct row_counts *counts, struct error *err)
{
	int r = 0;

	if (!before) {
		counts->added++;
		r = store_add_domain(store, after, err);
	} else if (!after) {
		counts->removed++;
		r = store_remove_domain(store, before->name, err);
	} else if (domain_differs(before, after)) {
		counts->changed++;
		r = store_update_domain(store, after, err);
	} else {
		counts->unchanged++;
	}
	return r == 0 ? 0 : -1;
}

static int reconcile_domains(struct reconcile *all, struct error *err)
{
	static const struct domain_filter every = { 0 };
	struct domain *present, *wanted;
	size_t n_present, n_wanted;

	if (store_list_domains(all->store, all->memory, &every, &present, &n_present, err) != 0 ||
	    store_list_domains(all->wanted, all->memory, &every, &wanted, &n_wanted, err) != 0)
		return -1;
	for (size_t i = 0, k = 0; i < n_present || k < n_wanted;) {
		int order = compare_names(i < n_present ? present[i].name : NULL,
					  k < n_wanted ? wanted[k].name : NULL);
		const struct domain *before = order <= 0 ? &present[i++] : NULL;
		const struct domain *after = order >= 0 ? &wanted[k++] : NULL;

		if (!before || !after || domain_differs(before, after)) {
			_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
			struct texts old = TEXTS_IN(&memory), new = TEXTS_IN(&memory);

			if (before) {
				domain_commands(&old, before);
				domain_move_commands(&old, before);
			}
			if (after) {
				domain_commands(&new, after);
				domain_move_commands(&new, after);
			}
			all->visit(&old, &new, all->context);
		}
		if (reconcile_domain(all->store, before, after, &all->counts[RECONCILE_DOMAINS],
				     err) < 0)
			return -1;
	}
	return 0;
}

/* Users */

static void add_user_commands(struct texts *commands, const struct bulk_user *row,
			      const struct providers *providers)
{
	struct user user = {
		.address = arena_printf(commands->memory, "%s@%s", row->local, row->domain),
		.login = row->login,
		.name = row->name,
		.moved_to = row->moved_to,
	};

	for (size_t i = 0; row->provider && i < providers->count; i++)
		if (providers->items[i].id == row->provider)
			user.provider = providers->items[i].name;
	user_commands(commands, &user);
	user_move_commands(commands, &user);
}

static void visit_user(const struct bulk_user *before, const struct bulk_user *after, void *context)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct texts old = TEXTS_IN(&memory), new = TEXTS_IN(&memory);
	const struct reconcile *all = context;

	if (before)
		add_user_commands(&old, before, &all->present_providers);
	if (after)
		add_user_commands(&new, after, &all->wanted_providers);
	all->visit(&old, &new, all->context);
}

static int put_wanted_user(const struct user *user, void *context, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct reconcile *all = context;
	const char *at = strrchr(user->address, '@');
	const struct bulk_user row = {
		.domain = at + 1,
		.local = arena_strndup(&memory, user->address, (size_t)(at - user->address)),
		.login = user->login,
		.name = user->name,
		.provider = user->provider
				    ? find_provider(&all->wanted_providers, user->provider)->id
				    : 0,
		.moved_to = user->moved_to,
	};

	return bulk_put(all->bulk, &row, err);
}

static int reconcile_users(struct reconcile *all, struct error *err)
{
	static const struct bulk_scope every_domain = { .is_all = true };
	static const struct user_filter every = { 0 };
	_cleanup_(bulk_freep) struct bulk *bulk = NULL;

	if (bulk_begin(all->store, &every_domain, &bulk, err) < 0)
		return -1;
	bulk_watch(bulk, visit_user, all);
	all->bulk = bulk;
	if (store_visit_users(all->wanted, &every, put_wanted_user, all, err) != 0)
		return -1;
	return bulk_end(bulk, &all->counts[RECONCILE_USERS], err);
}

int reconcile_installation(struct arena *memory, struct store *store, struct store *wanted,
			   difference_visitor visit, void *context, struct row_counts *ret_counts,
			   struct error *err)
{
	struct reconcile all = {
		.memory = memory,
		.store = store,
		.wanted = wanted,
		.visit = visit,
		.context = context,
		.counts = ret_counts,
	};

	memset(ret_counts, 0, RECONCILE_KINDS * sizeof(*ret_counts));
	/* Rows may refer to rows that come later. */
	if (store_defer_references(store, err) < 0 || reconcile_providers(&all, err) < 0 ||
	    reconcile_domains(&all, err) < 0 || reconcile_users(&all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.present_providers.count; i++) {
		const struct provider *provider = &all.present_providers.items[i];

		if (!find_provider(&all.wanted_providers, provider->name) &&
		    store_remove_provider(store, provider->id, err) != 0)
			return -1;
	}
	return 0;
}
