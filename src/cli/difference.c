#include "cli/difference.h"

#include <stdbool.h>
#include <string.h>

#include "cli/export-commands.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

int comparison_init(struct arena *memory, struct store *before, struct store *after,
		    struct comparison *ret_comparison, struct error *err)
{
	static const struct domain_filter all = { 0 };
	struct comparison comparison = { .before = before, .after = after };

	if (store_snapshot(before, err) != 0 ||
	    store_list_providers(before, memory, &comparison.providers_before,
				 &comparison.n_providers_before, err) != 0 ||
	    store_list_providers(after, memory, &comparison.providers_after,
				 &comparison.n_providers_after, err) != 0 ||
	    store_list_domains(before, memory, &all, &comparison.domains_before,
			       &comparison.n_domains_before, err) != 0 ||
	    store_list_domains(after, memory, &all, &comparison.domains_after,
			       &comparison.n_domains_after, err) != 0)
		return -1;
	*ret_comparison = comparison;
	return 0;
}

static bool texts_equal(const struct texts *a, const struct texts *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!text_equals(a->items[i], b->items[i]))
			return false;
	return true;
}

/* A service that means nothing is no command, and differs from everything. */
static bool same_provider(const struct provider *a, const struct provider *b)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct texts of_a = TEXTS_IN(&memory), of_b = TEXTS_IN(&memory);

	provider_commands(&of_a, a);
	provider_commands(&of_b, b);
	return a->n_spoiled == 0 && b->n_spoiled == 0 && texts_equal(&of_a, &of_b);
}

static bool same_domain(const struct domain *a, const struct domain *b)
{
	return a->is_enabled == b->is_enabled && text_same(a->provider, b->provider) &&
	       text_same(a->alias_of, b->alias_of) && text_same(a->moved_to, b->moved_to);
}

static bool same_user(const struct user *a, const struct user *b)
{
	return text_same(a->login, b->login) && text_same(a->name, b->name) &&
	       text_same(a->provider, b->provider) && text_same(a->moved_to, b->moved_to);
}

/* Negative, zero or positive as the next one of both is before, the same as or after the next one
 * of the other side; an end is after everything. */
static int compare_names(const char *before, const char *after)
{
	if (!before || !after)
		return before ? -1 : 1;
	return strcmp(before, after);
}

static int visit_providers(const struct comparison *all, const struct difference_visitor *visitor,
			   void *context, struct error *err)
{
	const struct provider *before = all->providers_before, *after = all->providers_after;
	const struct provider *end_before = before + all->n_providers_before;
	const struct provider *end_after = after + all->n_providers_after;

	while (before < end_before || after < end_after) {
		int order = compare_names(before < end_before ? before->name : NULL,
					  after < end_after ? after->name : NULL);
		const struct provider *old = order <= 0 ? before++ : NULL;
		const struct provider *new = order >= 0 ? after++ : NULL;

		if (old && new &&same_provider(old, new))
			continue;
		if (visitor->provider(context, old, new, err) < 0)
			return -1;
	}
	return 0;
}

static int visit_domains(const struct comparison *all, const struct difference_visitor *visitor,
			 void *context, struct error *err)
{
	const struct domain *before = all->domains_before, *after = all->domains_after;
	const struct domain *end_before = before + all->n_domains_before;
	const struct domain *end_after = after + all->n_domains_after;

	while (before < end_before || after < end_after) {
		int order = compare_names(before < end_before ? before->name : NULL,
					  after < end_after ? after->name : NULL);
		const struct domain *old = order <= 0 ? before++ : NULL;
		const struct domain *new = order >= 0 ? after++ : NULL;

		if (old && new &&same_domain(old, new))
			continue;
		if (visitor->domain(context, old, new, err) < 0)
			return -1;
	}
	return 0;
}

/* The users of one side, one ahead. */
struct side {
	struct user_cursor *cursor;
	struct user user;
	bool is_at_end;
};

static void side_close(struct side *side)
{
	user_cursor_close(side->cursor);
}

static int side_next(struct side *side, struct error *err)
{
	int r = user_cursor_next(side->cursor, &side->user, err);

	side->is_at_end = r == STORE_NOT_FOUND;
	return r == 0 || r == STORE_NOT_FOUND ? 0 : -1;
}

static int side_open(struct store *store, struct side *side, struct error *err)
{
	if (user_cursor_open(store, &side->cursor, err) != 0)
		return -1;
	return side_next(side, err);
}

/* By domain, then by local part, as the database sorts them; the '@' is of neither. */
static int compare_addresses(const char *a, const char *b)
{
	size_t length_a = (size_t)(strrchr(a, '@') - a), length_b = (size_t)(strrchr(b, '@') - b);
	int order = strcmp(a + length_a, b + length_b);

	if (order == 0)
		order = memcmp(a, b, length_a < length_b ? length_a : length_b);
	return order ? order : (length_a > length_b) - (length_a < length_b);
}

static int compare_users(const struct side *before, const struct side *after)
{
	if (before->is_at_end || after->is_at_end)
		return after->is_at_end ? -1 : 1;
	return compare_addresses(before->user.address, after->user.address);
}

static int visit_pair(struct side *before, struct side *after,
		      const struct difference_visitor *visitor, void *context, struct error *err)
{
	int order = compare_users(before, after);
	const struct user *old = order <= 0 ? &before->user : NULL;
	const struct user *new = order >= 0 ? &after->user : NULL;

	if (!(old && new &&same_user(old, new)) && visitor->user(context, old, new, err) < 0)
		return -1;
	if ((old && side_next(before, err) < 0) || (new &&side_next(after, err) < 0))
		return -1;
	return 0;
}

static int visit_users(const struct comparison *all, const struct difference_visitor *visitor,
		       void *context, struct error *err)
{
	_cleanup_(side_close) struct side before = { 0 };
	_cleanup_(side_close) struct side after = { 0 };

	if (side_open(all->before, &before, err) < 0 || side_open(all->after, &after, err) < 0)
		return -1;
	while (!before.is_at_end || !after.is_at_end)
		if (visit_pair(&before, &after, visitor, context, err) < 0)
			return -1;
	return 0;
}

int comparison_visit(const struct comparison *comparison, const struct difference_visitor *visitor,
		     void *context, struct error *err)
{
	if (visit_providers(comparison, visitor, context, err) < 0 ||
	    visit_domains(comparison, visitor, context, err) < 0)
		return -1;
	return visit_users(comparison, visitor, context, err);
}
