#include "import/alias-chains.h"

#include "mail/address.h"

#define FIRST_PLACES ((size_t)1024)

/* An address in a message. */
#define SHOWN "%.200s"

struct alias {
	const char *text; /* as written */
	const char *key;  /* in lower case, with a domain if one is known */
	const char *target;
	size_t n_targets;
	uint64_t digest; /* of all targets */
	unsigned long line;
	size_t seen_by; /* the last alias whose chain passed here, counted from 1 */
};

struct chains {
	struct user_table *table;
	struct arena memory;
	struct alias *aliases;
	size_t count, room;
	size_t *places; /* hash table of indices, counted from 1, at most half full */
	size_t n_places;
};

struct chains *chains_new(struct user_table *table)
{
	struct chains *chains = xnew(struct chains);

	chains->table = table;
	chains->n_places = FIRST_PLACES;
	chains->places = xcalloc(chains->n_places, sizeof(*chains->places));
	return chains;
}

void chains_free(struct chains *chains)
{
	if (!chains)
		return;
	arena_clear(&chains->memory);
	free(chains->aliases);
	free(chains->places);
	free(chains);
}

/* FNV-1a */
static uint64_t digest_add(uint64_t digest, const char *text)
{
	for (; *text; text++)
		digest = (digest ^ (unsigned char)*text) * 0x100000001b3;
	return digest * 0x100000001b3;
}

static uint64_t digest_of(const char *text)
{
	return digest_add(0xcbf29ce484222325, text);
}

/* The place of the key, or the empty place for it. */
static size_t *place_of(const struct chains *chains, const char *key)
{
	size_t at = digest_of(key) & (chains->n_places - 1);

	while (chains->places[at] && !text_equals(chains->aliases[chains->places[at] - 1].key, key))
		at = (at + 1) & (chains->n_places - 1);
	return &chains->places[at];
}

static void grow_places(struct chains *chains)
{
	free(chains->places);
	chains->n_places *= 2;
	chains->places = xcalloc(chains->n_places, sizeof(*chains->places));
	for (size_t i = 0; i < chains->count; i++)
		*place_of(chains, chains->aliases[i].key) = i + 1;
}

static struct alias *find_alias(const struct chains *chains, const char *key)
{
	size_t place = *place_of(chains, key);

	return place ? &chains->aliases[place - 1] : NULL;
}

static bool is_ascii(const char *text)
{
	while (*text && (unsigned char)*text < 0x80)
		text++;
	return !*text;
}

/* Rows have domains as A-labels. */
static const char *key_in_domain(struct arena *memory, const char *local, size_t length,
				 const char *domain)
{
	struct error ignored = { 0 };
	const char *name = is_ascii(domain) ? NULL : domain_parse(memory, domain, false, &ignored);

	return text_lower(
		memory, arena_printf(memory, "%.*s@%s", (int)length, local, name ? name : domain));
}

static const char *key_of(struct chains *chains, struct arena *memory, const char *text)
{
	const char *at = strrchr(text, '@');

	if (at)
		return key_in_domain(memory, text, (size_t)(at - text), at + 1);
	if (chains->table->domain)
		return key_in_domain(memory, text, strlen(text), chains->table->domain);
	return text_lower(memory, text);
}

void chains_add(struct chains *chains, unsigned long line, const char *text,
		const char *const *targets, size_t count)
{
	struct alias alias = {
		.text = arena_strdup(&chains->memory, text),
		.target = arena_strdup(&chains->memory, targets[0]),
		.n_targets = count,
		.line = line,
	};
	const struct alias *before;

	alias.key = key_of(chains, &chains->memory, alias.text);
	for (size_t i = 0; i < count; i++)
		alias.digest = digest_add(alias.digest, targets[i]);
	before = find_alias(chains, alias.key);
	if (before) {
		if (before->digest != alias.digest)
			source_bad(&chains->table->source, line,
				   "'" SHOWN "' has other targets than in line %lu", text,
				   before->line);
		return;
	}
	if (chains->count == chains->room) {
		chains->room = chains->room ? chains->room * 2 : FIRST_PLACES;
		chains->aliases = xrealloc(chains->aliases, chains->room, sizeof(*chains->aliases));
	}
	chains->aliases[chains->count++] = alias;
	*place_of(chains, alias.key) = chains->count;
	if (chains->count * 2 > chains->n_places)
		grow_places(chains);
}

/* What a target is instead of a mailbox, or NULL. */
static const char *not_a_mailbox(const char *target)
{
	switch (target[0]) {
	case '|':
		return "a command";
	case '/':
		return "a file";
	case ':':
		return "a list or an instruction";
	case '@':
		return "a whole domain (use --alias-of of 'domain add' or 'domain set')";
	case '\\':
	case '<':
	case '"':
		return "something that is not an address";
	default:
		return NULL;
	}
}

/* The next step of a chain. */
struct step {
	struct alias *next; /* this alias, */
	const char *login;  /* or the end with this login, */
	const char *reason; /* or at no mailbox, with the reason */
};

/* A target, split into parts without '@'. */
struct target {
	bool is_address; /* as written; a bare name is a login unless it is an alias */
	const char *text, *local, *untagged;
	struct table_domain domain;
};

/* A bare name has the recipient delimiters of the alias's domain, if no other domain is known. */
static int target_of(struct chains *chains, struct arena *memory, const struct alias *alias,
		     struct target *ret_target, struct error *err)
{
	const struct user_table *table = chains->table;
	const char *at = strrchr(alias->target, '@'), *domain = table->domain;
	struct target target = { .is_address = at, .text = alias->target, .local = alias->target };

	if (at) {
		domain = at + 1;
		target.local = arena_strndup(memory, alias->target, (size_t)(at - alias->target));
	} else if (!domain && strchr(alias->key, '@')) {
		domain = strrchr(alias->key, '@') + 1;
	}
	target.domain.delimiters = "";
	if (domain && table->domain_find(memory, domain, &target.domain, table->context, err) < 0)
		return -1;
	if (!at && !table->domain)
		target.domain.name = target.domain.alias_of = NULL;
	target.untagged = local_without_tag(memory, target.local, target.domain.delimiters);
	*ret_target = target;
	return 0;
}

/* The end of a chain: the login that the provider's pattern gives, or the bare name. */
static int end_at_address(struct chains *chains, struct arena *memory, const struct target *target,
			  struct step *step, struct error *err)
{
	const struct user_table *table = chains->table;

	if (!target->is_address) {
		step->login = target->untagged;
	} else if (!target->domain.is_served) {
		step->reason = arena_printf(memory, "'" SHOWN "', which is not served here",
					    target->text);
	} else {
		if (table->login_made(memory, target->text, &step->login, table->context, err) < 0)
			return -1;
		if (!step->login)
			step->reason = "something that is not an address";
	}
	return 0;
}

/* Looks up a local part, "" for the catch-all, in one of the target's domains. Sets ret_is_found
 * also for the alias itself: then the mailbox exists, and its present login stays. */
static int look_in_domain(struct chains *chains, struct arena *memory, const struct alias *alias,
			  const struct target *target, const char *local, const char *domain,
			  struct step *step, bool *ret_is_found, struct error *err)
{
	const struct user_table *table = chains->table;
	const char *key = key_in_domain(memory, local, strlen(local), domain);
	struct alias *next = find_alias(chains, key);
	bool is_itself = next == alias;

	*ret_is_found = next;
	if (next && !is_itself) {
		step->next = next;
		return 0;
	}
	if (!target->is_address || !target->domain.is_served || (is_itself && !*local))
		return 0;
	if (table->login_there(memory, key, is_itself, &step->login, table->context, err) < 0)
		return -1;
	if (step->login)
		*ret_is_found = true;
	return 0;
}

/* Looks up users as the daemon does, among the aliases and the users that the import keeps. */
static int search_domains(struct chains *chains, struct arena *memory, const struct alias *alias,
			  const struct target *target, struct step *step, struct error *err)
{
	const char *domains[] = { target->domain.name, target->domain.alias_of };
	const char *locals[] = { target->local, target->untagged, "" };
	bool is_found = false;

	for (size_t i = 0; i < 2 && domains[i]; i++)
		for (size_t k = 0; k < 3 && !is_found; k++) {
			if (k > 0 && text_equals(locals[k], locals[k - 1]))
				continue;
			if (look_in_domain(chains, memory, alias, target, locals[k], domains[i],
					   step, &is_found, err) < 0)
				return -1;
		}
	return 0;
}

static int step_from(struct chains *chains, struct arena *memory, const struct alias *alias,
		     struct step *ret_step, struct error *err)
{
	struct step step = { .next = find_alias(chains, key_of(chains, memory, alias->target)) };
	struct target target;

	if (!step.next || step.next == alias) {
		step.next = NULL;
		if (target_of(chains, memory, alias, &target, err) < 0 ||
		    search_domains(chains, memory, alias, &target, &step, err) < 0)
			return -1;
		/* A bare name without a domain. */
		if (!target.is_address && !target.domain.name)
			step.next = find_alias(chains, text_lower(memory, target.untagged));
		if (step.next == alias)
			step.next = NULL;
		if (!step.next && !step.login &&
		    end_at_address(chains, memory, &target, &step, err) < 0)
			return -1;
	}
	*ret_step = step;
	return 0;
}

/* ", by line 7" if that is not the alias's own line. */
static const char *describe_other_line(struct arena *memory, const struct alias *start,
				       const struct alias *end)
{
	return start == end ? "" : arena_printf(memory, ", by line %lu", end->line);
}

/* What is wrong with an alias by itself, or NULL. */
static const char *fault_of(struct arena *memory, const struct alias *alias)
{
	if (alias->n_targets > 1)
		return arena_printf(memory, "has %zu targets", alias->n_targets);
	if (not_a_mailbox(alias->target))
		return arena_printf(memory, "leads to %s", not_a_mailbox(alias->target));
	return NULL;
}

/* Follows the alias to its end. Returns 0 with its login, NULL if it has none, which was reported;
 * or -1 with err set. */
static int follow_alias(struct chains *chains, struct arena *memory, struct alias *start,
			const char **ret_login, struct error *err)
{
	size_t number = (size_t)(start - chains->aliases) + 1;
	struct alias *alias = start;
	struct step step = { .next = start };

	*ret_login = NULL;
	for (;;) {
		const char *fault = fault_of(memory, alias);

		if (!fault && step_from(chains, memory, alias, &step, err) < 0)
			return -1;
		if (!fault && step.reason)
			fault = arena_printf(memory, "leads to %s", step.reason);
		if (fault) {
			table_skip(chains->table, start->line, "'" SHOWN "' %s%s", start->text,
				   fault, describe_other_line(memory, start, alias));
			return 0;
		}
		if (!step.next) {
			*ret_login = step.login;
			return 0;
		}
		alias->seen_by = number;
		if (step.next->seen_by == number) {
			source_bad(&chains->table->source, start->line,
				   "'" SHOWN "' is in a loop, by line %lu", start->text,
				   alias->line);
			return 0;
		}
		alias = step.next;
	}
}

static int give_row(struct chains *chains, struct arena *memory, struct alias *alias,
		    struct error *err)
{
	struct user_table *table = chains->table;
	struct user_row row = { .line = alias->line, .address = alias->text };

	if (follow_alias(chains, memory, alias, &row.login, err) < 0)
		return -1;
	return table->row(&row, table->context, err);
}

int chains_give(struct chains *chains, struct error *err)
{
	for (size_t i = 0; i < chains->count; i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

		if (give_row(chains, &memory, &chains->aliases[i], err) < 0)
			return -1;
	}
	return 0;
}
