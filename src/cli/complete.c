#include "cli/options.h"

#include "config/settings.h"
#include "mail/service.h"
#include "store/store.h"
#include "util/account.h"

/* More than anybody reads. */
#define NAMES_MAX 1000

/* Where only the beginning of an address is typed, domains that are searched for it. */
#define DOMAINS_SEARCHED 100

/* What can be offered depends on the words before, and on the beginning of the word itself. */
struct situation {
	struct arena *memory;
	const char *typed;	  /* of the word in question */
	const char *prefix;	  /* what stands before that in the same word: "--provider=" */
	struct command_line line; /* the words before */
	bool is_new;		  /* the argument names what is not there yet */
	struct store *store;
};

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Invalid names in the database, which may have control characters, are not offered. */
static void offer_word(const struct situation *situation, const char *word, const char *meaning)
{
	if (!begins_with(word, situation->typed))
		return;
	for (const char *c = word; *c; c++)
		if (char_is_control(*c))
			return;
	printf("%s%s%s%s\n", situation->prefix, word, meaning ? "\t" : "", meaning ? meaning : "");
}

/*
 * Names from the database.
 */

static bool open_store(struct situation *situation)
{
	const char *database = situation->line.database;
	struct settings_reports reports;
	struct settings settings;
	struct account account;
	struct error err;

	if (situation->store)
		return true;
	if (!database) {
		const char *config = situation->line.config;

		if (settings_load(situation->memory, config ? config : SETTINGS_FILE, &settings,
				  &reports) < 0)
			settings_default(situation->memory, &settings);
		database = settings.database.file;
	}
	return account_of_directory(situation->memory, database, &account, &err) == 0 &&
	       account_become(&account, &err) == 0 &&
	       store_open(database, STORE_READ, &situation->store, &err) == 0;
}

static size_t names_of(struct situation *situation, enum store_names names, const char *typed,
		       size_t limit, const char ***ret_list)
{
	struct error err;
	size_t count;

	if (!open_store(situation) || store_list_names(situation->store, situation->memory, names,
						       typed, limit, ret_list, &count, &err) != 0)
		return 0;
	return count;
}

/* What stands before the '@' is typed: the domains that have such a user, or where anybody will do,
 * all. */
static void offer_domains_after(struct situation *situation, const char *at, bool must_exist)
{
	const char *local = arena_strndup(situation->memory, situation->typed,
					  (size_t)(at - situation->typed));
	const char **domains;
	size_t count = names_of(situation, DOMAIN_NAMES, at + 1, NAMES_MAX, &domains);

	for (size_t i = 0; i < count; i++) {
		const char *address = arena_printf(situation->memory, "%s@%s", local, domains[i]);
		struct error err;
		struct user user;

		if (domains[i][0] == '*' ||
		    (must_exist && store_find_user(situation->store, situation->memory, address,
						   &user, &err) != 0))
			continue;
		offer_word(situation, address, NULL);
	}
}

/* Of users "@example.org" is one. Without an '@', users of the first domains. */
static void offer_addresses(struct situation *situation)
{
	bool is_user = text_equals(situation->line.family->name, "user");
	const char *at = strrchr(situation->typed, '@'), **domains, **locals;
	size_t left = NAMES_MAX, n_domains, count;
	struct error err;

	if (at && (is_user || at > situation->typed))
		offer_domains_after(situation, at, is_user && !situation->is_new);
	if (at || situation->is_new)
		return;
	n_domains = names_of(situation, DOMAIN_NAMES, "", DOMAINS_SEARCHED, &domains);
	for (size_t i = 0; i < n_domains && left > 0; i++, left -= count) {
		if (store_list_locals(situation->store, situation->memory, domains[i],
				      situation->typed, left, &locals, &count, &err) != 0)
			return;
		for (size_t j = 0; j < count; j++)
			offer_word(situation,
				   arena_printf(situation->memory, "%s@%s", locals[j], domains[i]),
				   NULL);
	}
}

static void offer_at_domains(struct situation *situation)
{
	if (situation->typed[0] == '@')
		offer_domains_after(situation, situation->typed, false);
}

/* Those of the provider that stands first. */
static void offer_services(struct situation *situation)
{
	struct provider provider;
	struct error err;
	const char *scheme;

	if (situation->is_new || !text_equals(situation->line.family->name, "service")) {
		for (size_t i = 0; (scheme = service_scheme(i)); i++)
			offer_word(situation, arena_printf(situation->memory, "%s://", scheme),
				   NULL);
		return;
	}
	if (!situation->line.arguments.count || !open_store(situation) ||
	    store_find_provider(situation->store, situation->memory,
				situation->line.arguments.words[0], &provider, &err) != 0)
		return;
	for (size_t i = 0; i < provider.n_services; i++)
		offer_word(situation, service_url(situation->memory, &provider.services[i]), NULL);
}

static void offer_files(struct situation *situation)
{
	puts(":files");
}

/* What the tables call things, and the command that makes new ones of them. */
static const struct thing {
	const char *name, *made_by;
	void (*offer)(struct situation *situation); /* NULL: the names of existing ones */
	enum store_names names;
} things[] = {
	{ "PROVIDER", "provider add", .names = PROVIDER_NAMES },
	{ "DOMAIN", "domain add", .names = DOMAIN_NAMES },
	{ "@DOMAIN", "", offer_at_domains },
	{ "ADDRESS", "user add", offer_addresses },
	{ "SERVICE-URL", "service add", offer_services },
	{ "FILE", "", offer_files },
	{ "DATABASE", "", offer_files },
};

/* "FILE", or "yes", which stands for itself; NAME is that of the option, or else of the family. */
static void offer_thing(struct situation *situation, const char *name, const struct option *option)
{
	const struct command *command = situation->line.command;
	const char **list;
	size_t count;

	if (text_equals(name, "NAME"))
		name = option ? option->name : situation->line.family->name;
	for (const struct thing *thing = things; thing < things + sizeof(things) / sizeof(*things);
	     thing++) {
		if (!text_equals_ignoring_case(thing->name, name))
			continue;
		situation->is_new = !option && text_equals(command->name, thing->made_by);
		if (thing->offer) {
			thing->offer(situation);
		} else if (!situation->is_new) {
			count = names_of(situation, thing->names, situation->typed, NAMES_MAX,
					 &list);
			for (size_t i = 0; i < count; i++)
				offer_word(situation, list[i], NULL);
		}
		return;
	}
	if (name[strcspn(name, "abcdefghijklmnopqrstuvwxyz")])
		offer_word(situation, name, NULL);
}

/* "yes|no", "[FILE|-]", "DOMAIN[,DOMAIN...]" */
static void offer_alternatives(struct situation *situation, const char *text,
			       const struct option *option)
{
	char *rest = arena_strdup(situation->memory, text + (*text == '[')), *name;

	rest[strcspn(rest, "[],")] = '\0';
	while ((name = strsep(&rest, "|")))
		offer_thing(situation, name, option);
}

static bool has_option(const struct given_option *list, size_t count, const struct option *option)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].option == option)
			return true;
	return false;
}

static void offer_options(struct situation *situation)
{
	const struct command_line *line = &situation->line;
	const struct option *option;

	for (size_t i = 0; (option = option_at(line->command, i)); i++)
		if (option->repeats ||
		    (!has_option(line->arguments.options, line->arguments.n_options, option) &&
		     !has_option(line->global, line->n_global, option)))
			offer_word(situation, arena_printf(situation->memory, "--%s", option->name),
				   option->summary);
}

/* --provider=VALUE */
static void offer_option_value(struct situation *situation)
{
	size_t length = strcspn(situation->typed, "=");
	const char *name = arena_strndup(situation->memory, situation->typed + 2, length - 2);
	const struct option *option = option_named(situation->line.command, name);

	if (!option || !option->value)
		return;
	situation->prefix = arena_strndup(situation->memory, situation->typed, length + 1);
	situation->typed += length + 1;
	offer_alternatives(situation, option->value, option);
}

/* The argument that comes now: "NAME [SERVICE-URL ...]" has NAME, then only SERVICE-URL. */
static const char *next_argument(const struct situation *situation)
{
	char *rest = arena_strdup(situation->memory, situation->line.command->arguments), *word;
	const char *found = NULL;
	size_t index = 0;

	while ((word = strsep(&rest, " "))) {
		if (begins_with(word, "..."))
			return found;
		found = word;
		if (index++ == situation->line.arguments.count)
			return *found ? found : NULL;
	}
	return NULL;
}

static void offer_next(struct situation *situation)
{
	const struct command_line *line = &situation->line;
	const char *typed = situation->typed, *argument;

	if (line->awaiting) {
		offer_alternatives(situation, line->awaiting->value, line->awaiting);
	} else if (!line->options_ended && begins_with(typed, "--") && strchr(typed, '=')) {
		offer_option_value(situation);
	} else if (!line->options_ended && typed[0] == '-') {
		offer_options(situation);
	} else if (!line->family) {
		for (const struct family *family = families; family->name; family++)
			offer_word(situation, family->name,
				   command_verb(family->commands[0])
					   ? family->title
					   : family->commands[0]->summary);
		if (!line->wants_help)
			offer_word(situation, "help",
				   "Print help: for all, for a family or for one command");
	} else if (!line->command) {
		for (size_t i = 0; line->family->commands[i]; i++)
			offer_word(situation, command_verb(line->family->commands[i]),
				   line->family->commands[i]->summary);
	} else if (!line->wants_help) {
		argument = next_argument(situation);
		if (argument)
			offer_alternatives(situation, argument, NULL);
		else if (!*typed && !line->options_ended)
			offer_options(situation);
	}
}

void complete_print(struct arena *memory, char *const *argv, size_t count)
{
	struct situation situation = { .memory = memory, .typed = "", .prefix = "" };
	size_t before = count > 1 ? count - 1 : 1;
	struct error ignored;

	if (count > 1)
		situation.typed = argv[count - 1];
	if (command_line_parse(memory, families, (int)before, argv, true, &situation.line,
			       &ignored) == 0)
		offer_next(&situation);
	store_close(situation.store);
}
