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
#define DIGEST_BASIS UINT64_C(0xcbf29ce484222325)

static uint64_t digest_add(uint64_t digest, const char *text)
{
	for (; *text; text++)
		digest = (digest ^ (unsigned char)*text) * 0x100000001b3;
	return digest * 0x100000001b3;
}

/* The place of the key, or the empty place for it. */
static size_t *place_of(const struct chains *chains, const char *key)
{
	size_t at = digest_add(DIGEST_BASIS, key) & (chains->n_places - 1);

	while (chains->places[at] && !text_equals(chains->aliases[chains->places[at] - 1].key, key))
		at = (at + 1) & (chains->n_places - 1);
	return &chains->places[at];
}

static struct alias *find_alias(const struct chains *chains, const char *key)
{
	size_t place = *place_of(chains, key);

	return place ? &chains->aliases[place - 1] : NULL;
}

/* Rows have domains as A-labels. */
static const char *key_in_domain(struct arena *memory, const char *local, size_t length,
				 const char *domain)
{
	const char *end = domain, *name = NULL;
	struct error ignored = { 0 };

	while (*end && (unsigned char)*end < 0x80)
		end++;
	if (*end)
		name = domain_parse(memory, domain, false, &ignored);
	return text_lower(memory,
			  arena_printf(memory, "%.*s@%s", (int)length, local, name ?: domain));
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
	if (chains->count * 2 <= chains->n_places)
		return;
	free(chains->places);
	chains->n_places *= 2;
	chains->places = xcalloc(chains->n_places, sizeof(*chains->places));
	for (size_t i = 0; i < chains->count; i++)
		*place_of(chains, chains->aliases[i].key) = i + 1;
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

/* Looks up a local part, "" for the catch-all, in a domain. Returns 1 if it is found, also as the
 * alias itself: then the mailbox exists, and its present login stays; 0 if not; or -1. */
static int look_in_domain(struct chains *chains, struct arena *memory, const struct alias *alias,
			  const char *local, const char *domain, bool is_served, struct step *step,
			  struct error *err)
{
	const struct user_table *table = chains->table;
	const char *key = key_in_domain(memory, local, strlen(local), domain);
	struct alias *next = find_alias(chains, key);
	bool is_itself = next == alias;

	if (next && !is_itself) {
		step->next = next;
		return 1;
	}
	if (is_served && (*local || !is_itself) &&
	    table->login_there(memory, key, is_itself, &step->login, table->context, err) < 0)
		return -1;
	return is_itself || step->login;
}

/* Finds where the target of an alias leads. Users are looked up as the daemon does, among the
 * aliases and the users that the import keeps. */
static int step_from(struct chains *chains, struct arena *memory, const struct alias *alias,
		     struct step *ret_step, struct error *err)
{
	const struct user_table *table = chains->table;
	const char *target = alias->target, *at = strrchr(target, '@'), *name = table->domain;
	const char *locals[] = { target, NULL, "" }, *domains[2];
	struct step step = { .next = find_alias(chains, key_of(chains, memory, target)) };
	struct table_domain domain = { .delimiters = "" };
	int r = 0;

	if (step.next && step.next != alias) {
		*ret_step = step;
		return 0;
	}
	step.next = NULL;
	if (at) {
		name = at + 1;
		locals[0] = arena_strndup(memory, target, (size_t)(at - target));
	} else if (!name && strchr(alias->key, '@')) {
		/* A bare name has the recipient delimiters of the alias's domain, if no other
		 * domain is known. */
		name = strrchr(alias->key, '@') + 1;
	}
	if (name && table->domain_find(memory, name, &domain, table->context, err) < 0)
		return -1;
	if (!at && !table->domain)
		domain.name = domain.alias_of = NULL;
	domains[0] = domain.name;
	domains[1] = domain.alias_of;
	locals[1] = local_without_tag(memory, locals[0], domain.delimiters);
	for (size_t i = 0; i < 2 && domains[i]; i++)
		for (size_t k = 0; k < 3 && r == 0; k++)
			if (k == 0 || !text_equals(locals[k], locals[k - 1]))
				r = look_in_domain(chains, memory, alias, locals[k], domains[i],
						   at && domain.is_served, &step, err);
	if (r < 0)
		return -1;
	/* A bare name without a domain. */
	if (!at && !domain.name) {
		step.next = find_alias(chains, text_lower(memory, locals[1]));
		if (step.next == alias)
			step.next = NULL;
	}
	/* The end of a chain: the bare name, or the login that the provider's pattern gives. */
	if (!step.next && !step.login) {
		if (!at)
			step.login = locals[1];
		else if (!domain.is_served)
			step.reason = arena_printf(memory, "'" SHOWN "', which is not served here",
						   target);
		else if (table->login_made(memory, target, &step.login, table->context, err) < 0)
			return -1;
		else if (!step.login)
			step.reason = "something that is not an address";
	}
	*ret_step = step;
	return 0;
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
	for (;; alias = step.next) {
		const char *reason = not_a_mailbox(alias->target), *fault = NULL;

		if (alias->n_targets > 1)
			fault = arena_printf(memory, "has %zu targets", alias->n_targets);
		else if (!reason && step_from(chains, memory, alias, &step, err) < 0)
			return -1;
		else if (reason || step.reason)
			fault = arena_printf(memory, "leads to %s", reason ?: step.reason);
		if (fault) {
			table_skip(chains->table, start->line, "'" SHOWN "' %s%s", start->text,
				   fault,
				   start == alias
					   ? ""
					   : arena_printf(memory, ", by line %lu", alias->line));
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
	}
}

int chains_give(struct chains *chains, struct error *err)
{
	struct user_table *table = chains->table;

	for (size_t i = 0; i < chains->count; i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct alias *alias = &chains->aliases[i];
		struct user_row row = { .line = alias->line, .address = alias->text };

		if (follow_alias(chains, &memory, alias, &row.login, err) < 0 ||
		    table->row(&row, table->context, err) < 0)
			return -1;
	}
	return 0;
}
