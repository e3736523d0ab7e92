#include "cli/complete.h"

#include "cli/command.h"
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
	const char *typed;  /* of the word in question */
	const char *prefix; /* what stands before that in the same word: "--provider=" */
	struct beginning before;
	const struct family *family;
	const struct command *command;
	struct store *store;
};

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Invalid names in the database are not offered. */
static bool is_one_word(const char *text)
{
	for (; *text; text++)
		if (char_is_control(*text))
			return false;
	return true;
}

static void offer_word(const struct situation *situation, const char *word, const char *meaning)
{
	if (!begins_with(word, situation->typed) || !is_one_word(word))
		return;
	printf("%s%s%s%s\n", situation->prefix, word, meaning ? "\t" : "", meaning ? meaning : "");
}

/*
 * Names from the database.
 */

static bool open_store(struct situation *situation)
{
	const char *database = situation->before.line.database;
	struct settings_reports reports;
	struct settings settings;
	struct account account;
	struct error err;

	if (situation->store)
		return true;
	if (!database) {
		const char *config = situation->before.line.config;

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

static void offer_names(struct situation *situation, enum store_names names)
{
	const char **list;
	size_t count = names_of(situation, names, situation->typed, NAMES_MAX, &list);

	for (size_t i = 0; i < count; i++)
		offer_word(situation, list[i], NULL);
}

static void offer_providers(struct situation *situation, bool is_new)
{
	if (!is_new)
		offer_names(situation, PROVIDER_NAMES);
}

static void offer_domains(struct situation *situation, bool is_new)
{
	if (!is_new)
		offer_names(situation, DOMAIN_NAMES);
}

/* Users that begin so, of the first domains. */
static void offer_users(struct situation *situation)
{
	const char **domains, **locals;
	size_t n_domains = names_of(situation, DOMAIN_NAMES, "", DOMAINS_SEARCHED, &domains);
	size_t left = NAMES_MAX;

	for (size_t i = 0; i < n_domains && left > 0; i++) {
		struct error err;
		size_t count;

		if (store_list_locals(situation->store, situation->memory, domains[i],
				      situation->typed, left, &locals, &count, &err) != 0)
			return;
		for (size_t j = 0; j < count; j++)
			offer_word(situation,
				   arena_printf(situation->memory, "%s@%s", locals[j], domains[i]),
				   NULL);
		left -= count;
	}
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

/* Of users "@example.org" is one. */
static void offer_addresses(struct situation *situation, bool is_new)
{
	bool is_user = text_equals(situation->family->name, "user");
	const char *at = strrchr(situation->typed, '@');

	if (at && (is_user || at > situation->typed))
		offer_domains_after(situation, at, is_user && !is_new);
	else if (!at && !is_new)
		offer_users(situation);
}

static void offer_at_domains(struct situation *situation, bool is_new)
{
	(void)is_new;
	if (situation->typed[0] == '@')
		offer_domains_after(situation, situation->typed, false);
}

/* Those of the provider that stands first. */
static void offer_services(struct situation *situation, bool is_new)
{
	struct provider provider;
	struct error err;
	const char *scheme;

	if (is_new || !text_equals(situation->family->name, "service")) {
		for (size_t i = 0; (scheme = service_scheme(i)); i++)
			offer_word(situation, arena_printf(situation->memory, "%s://", scheme),
				   NULL);
		return;
	}
	if (!situation->before.line.arguments.count || !open_store(situation) ||
	    store_find_provider(situation->store, situation->memory,
				situation->before.line.arguments.words[0], &provider, &err) != 0)
		return;
	for (size_t i = 0; i < provider.n_services; i++)
		offer_word(situation, service_url(situation->memory, &provider.services[i]), NULL);
}

static void offer_files(struct situation *situation, bool is_new)
{
	(void)is_new;
	puts(":files");
}

/* What the tables call things, and which family makes new ones of them. */
static const struct thing {
	const char *name, *family;
	void (*offer)(struct situation *situation, bool is_new);
} things[] = {
	{ "PROVIDER", "provider", offer_providers },
	{ "DOMAIN", "domain", offer_domains },
	{ "@DOMAIN", "domain", offer_at_domains },
	{ "ADDRESS", "user", offer_addresses },
	{ "SERVICE-URL", "service", offer_services },
	{ "FILE", "", offer_files },
	{ "DATABASE", "", offer_files },
};

/* Whether the argument of the command names what is not there yet. */
static bool is_made(const struct situation *situation, const struct thing *thing)
{
	const struct command *command = situation->command;

	return command->verb && text_equals(command->verb, "add") &&
	       text_equals(thing->family, command->family);
}

/* "yes" and "ActiveSync" stand for themselves, "PATTERN" does not. */
static bool is_literal(const char *name)
{
	return strcspn(name, "abcdefghijklmnopqrstuvwxyz") < strlen(name);
}

/* "FILE", or "yes"; NAME is that of the option, or else of the family. */
static void offer_thing(struct situation *situation, const char *name, const struct option *option)
{
	if (text_equals(name, "NAME"))
		name = option ? option->name : situation->family->name;
	for (size_t i = 0; i < sizeof(things) / sizeof(*things); i++)
		if (text_equals_ignoring_case(things[i].name, name)) {
			things[i].offer(situation, !option && is_made(situation, &things[i]));
			return;
		}
	if (is_literal(name))
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

static bool is_given(const struct situation *situation, const struct option *option)
{
	const struct command_line *line = &situation->before.line;

	return !option->repeats &&
	       (has_option(line->arguments.options, line->arguments.n_options, option) ||
		has_option(line->global, line->n_global, option));
}

static void offer_options(struct situation *situation, const struct option *table)
{
	for (; table && table->name; table++)
		if (!is_given(situation, table))
			offer_word(situation, arena_printf(situation->memory, "--%s", table->name),
				   table->summary);
}

static void offer_all_options(struct situation *situation)
{
	for (size_t i = 0; situation->command && i < OPTION_TABLES_MAX; i++)
		offer_options(situation, situation->command->options[i]);
	offer_options(situation, global_options);
}

/* --provider=VALUE */
static void offer_option_value(struct situation *situation)
{
	size_t length = strcspn(situation->typed, "=");
	const char *name = arena_strndup(situation->memory, situation->typed + 2, length - 2);
	const struct option *option = option_of_line(situation->command, name);

	if (!option || !option->value)
		return;
	situation->prefix = arena_strndup(situation->memory, situation->typed, length + 1);
	situation->typed += length + 1;
	offer_alternatives(situation, option->value, option);
}

/* The argument that comes now: "NAME [SERVICE-URL ...]" has NAME, then only SERVICE-URL. */
static const char *next_argument(const struct situation *situation)
{
	char *rest = arena_strdup(situation->memory, situation->command->arguments), *word;
	const char *found = NULL;
	size_t index = 0;

	while ((word = strsep(&rest, " "))) {
		if (begins_with(word, "..."))
			return found;
		found = word;
		if (index++ == situation->before.line.arguments.count)
			return *found ? found : NULL;
	}
	return NULL;
}

static void offer_argument(struct situation *situation)
{
	const char *argument = next_argument(situation);

	if (argument)
		offer_alternatives(situation, argument, NULL);
	else if (!*situation->typed && !situation->before.options_ended)
		offer_all_options(situation);
}

static void offer_families(struct situation *situation)
{
	for (size_t i = 0; families[i]; i++) {
		const struct command *first = families[i]->commands[0];

		offer_word(situation, families[i]->name,
			   first->verb ? families[i]->title : first->summary);
	}
	if (!situation->before.line.wants_help)
		offer_word(situation, "help",
			   "Print help: for all, for a family or for one command");
}

static void offer_verbs(struct situation *situation)
{
	for (size_t i = 0; situation->family->commands[i]; i++)
		offer_word(situation, situation->family->commands[i]->verb,
			   situation->family->commands[i]->summary);
}

static void offer_next(struct situation *situation)
{
	const char *typed = situation->typed;

	const struct option *awaiting = situation->before.awaiting;

	if (awaiting)
		offer_alternatives(situation, awaiting->value, awaiting);
	else if (!situation->before.options_ended && begins_with(typed, "--") && strchr(typed, '='))
		offer_option_value(situation);
	else if (!situation->before.options_ended && typed[0] == '-')
		offer_all_options(situation);
	else if (!situation->family)
		offer_families(situation);
	else if (!situation->command)
		offer_verbs(situation);
	else if (!situation->before.line.wants_help)
		offer_argument(situation);
}

void complete_print(struct arena *memory, char *const *argv, size_t count)
{
	struct situation situation = { .memory = memory, .typed = "", .prefix = "" };
	size_t before = count > 1 ? count - 1 : 1;

	if (count > 1)
		situation.typed = argv[count - 1];
	if (command_line_parse_beginning(memory, families, (int)before, argv, &situation.before) ==
	    0) {
		situation.family = situation.before.line.family;
		situation.command = situation.before.line.command;
		offer_next(&situation);
	}
	store_close(situation.store);
}
