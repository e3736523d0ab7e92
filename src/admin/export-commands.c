#include "admin/export-commands.h"

#include "mail/address.h"
#include "util/base.h"
#include "util/shell-words.h"

/* A command that grows: its options first, in the order in which they are given, then its words. */
struct line {
	struct arena *memory;
	const char *name; /* "user add" */
	struct bytes words, options;
	bool looks_like_option; /* a word does */
};

static struct line line_begin(struct texts *commands, const char *name)
{
	return (struct line){
		.memory = commands->memory,
		.name = name,
		.words = BYTES_IN(commands->memory),
		.options = BYTES_IN(commands->memory),
	};
}

static void line_word(struct line *line, const char *word)
{
	line->looks_like_option |= word[0] == '-' && word[1];
	bytes_add_format(&line->words, " %s", word_quote(line->memory, word));
}

/* An option with this value, if there is one. */
static void line_option(struct line *line, const char *option, const char *value)
{
	if (value)
		bytes_add_format(&line->options, " --%s %s", option,
				 word_quote(line->memory, value));
}

static void line_flag(struct line *line, const char *option, bool is_given)
{
	if (is_given)
		bytes_add_format(&line->options, " --%s", option);
}

/* The attributes of a table that are not as in a new row. */
static void line_attributes(struct line *line, const struct option *table, const void *row,
			    const void *new_row)
{
	for (; table->name; table++) {
		const char *text = attribute_text(line->memory, table, row);

		if (text_same(text, attribute_text(line->memory, table, new_row)))
			continue;
		if (table->value)
			line_option(line, table->name, text);
		else
			line_flag(line, table->name, text);
	}
}

/* Options follow the words, except before a word that looks like an option. */
static void line_end(struct line *line, struct texts *commands)
{
	const char *words = bytes_text(&line->words), *options = bytes_text(&line->options);

	texts_add(commands,
		  line->looks_like_option
			  ? arena_printf(line->memory, "%s%s --%s", line->name, options, words)
			  : arena_printf(line->memory, "%s%s%s", line->name, words, options));
}

static void add_provider_line(struct texts *commands, const struct provider *provider)
{
	struct line line = line_begin(commands, "provider add");
	struct provider added = *provider;

	/* The services decide whether PACC is possible: see provider_commands(). */
	added.pacc = false;
	line_word(&line, provider->name);
	line_attributes(&line, provider_options, &added, &PROVIDER_DEFAULT);
	line_end(&line, commands);
}

static void add_service_line(struct texts *commands, const char *provider,
			     const struct service *service)
{
	static const struct service new_service = { 0 };
	struct line line = line_begin(commands, "service add");
	const char *authentications = service_authentications(line.memory, service);

	line_word(&line, provider);
	line_word(&line, service_url(line.memory, service));
	line_attributes(&line, service_options, service, &new_service);
	if (!text_equals(authentications, authentication_name(AUTHENTICATION_DEFAULT)))
		line_option(&line, "auth", authentications);
	line_attributes(&line, pop3_options, service, &new_service);
	line_flag(&line, "allow-plaintext", service->security == SECURITY_PLAIN);
	line_end(&line, commands);
}

static void add_link_line(struct texts *commands, const char *provider, const struct link *link)
{
	struct line line = line_begin(commands, "link add");

	line_word(&line, provider);
	line_word(&line, link_kind_name(link->kind));
	line_word(&line, link->url);
	for (size_t i = 0; i < link->n_texts; i++)
		line_option(&line, "text",
			    arena_printf(line.memory, "%s=%s", link->texts[i].language,
					 link->texts[i].text));
	line_end(&line, commands);
}

void provider_commands(struct texts *commands, const struct provider *provider)
{
	add_provider_line(commands, provider);
	for (size_t i = 0; i < provider->n_services; i++)
		add_service_line(commands, provider->name, &provider->services[i]);
	for (size_t i = 0; i < provider->n_links; i++)
		add_link_line(commands, provider->name, &provider->links[i]);
	if (provider->pacc) {
		struct line line = line_begin(commands, "provider set");

		line_word(&line, provider->name);
		line_option(&line, "pacc", "yes");
		line_end(&line, commands);
	}
}

void domain_commands(struct texts *commands, const struct domain *domain)
{
	struct line line = line_begin(commands, "domain add");

	line_word(&line, domain->name);
	line_option(&line, "provider", domain->provider);
	line_option(&line, "alias-of", domain->alias_of);
	line_flag(&line, "any-domain", text_equals(domain->name, "*"));
	line_end(&line, commands);
	if (!domain->is_enabled) {
		line = line_begin(commands, "domain disable");
		line_word(&line, domain->name);
		line_end(&line, commands);
	}
}

void domain_move_commands(struct texts *commands, const struct domain *domain)
{
	struct line line = line_begin(commands, "domain set");

	if (!domain->moved_to)
		return;
	line_word(&line, domain->name);
	line_option(&line, "moved-to", domain->moved_to);
	line_end(&line, commands);
}

void user_commands(struct texts *commands, const struct user *user)
{
	struct line line = line_begin(commands, "user add");

	line_word(&line, user->address);
	line_word(&line, user->login);
	line_option(&line, "name", user->name);
	line_option(&line, "provider", user->provider);
	line_end(&line, commands);
}

void user_move_commands(struct texts *commands, const struct user *user)
{
	struct line line = line_begin(commands, "user set");

	if (!user->moved_to)
		return;
	line_word(&line, user->address);
	line_option(&line, "moved-to", user->moved_to);
	line_end(&line, commands);
}
