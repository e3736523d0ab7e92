#include "admin/export-commands.h"

#include "mail/address.h"
#include "util/base.h"
#include "util/shell-words.h"

/* Adds an option with this value, if there is one. */
static void add_option(struct bytes *options, const char *option, const char *value)
{
	if (value)
		bytes_add_format(options, " --%s %s", option, word_quote(options->memory, value));
}

/* Adds the attributes of a table that are not as in a new row. */
static void add_attributes(struct bytes *options, const struct option *table, const void *row,
			   const void *new_row)
{
	for (; table->name; table++) {
		const char *text = attribute_text(options->memory, table, row);

		if (text_same(text, attribute_text(options->memory, table, new_row)))
			continue;
		if (table->value)
			add_option(options, table->name, text);
		else if (text)
			bytes_add_format(options, " --%s", table->name);
	}
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Adds a command. The options follow its words, except before a word that looks like an option. */
static void add_command(struct texts *commands, const char *name, const struct bytes *options,
			const char *const *list)
{
	struct bytes words = BYTES_IN(commands->memory);
	const char *given = bytes_text(options);
	bool looks_like_option = false;

	for (; *list; list++) {
		looks_like_option |= **list == '-' && (*list)[1];
		bytes_add_format(&words, " %s", word_quote(words.memory, *list));
	}
	texts_add(commands,
		  looks_like_option
			  ? arena_printf(words.memory, "%s%s --%s", name, given, bytes_text(&words))
			  : arena_printf(words.memory, "%s%s%s", name, bytes_text(&words), given));
}

void provider_commands(struct texts *commands, const struct provider *provider)
{
	static const struct service new_service = { 0 };
	struct bytes options = BYTES_IN(commands->memory);
	struct provider added = *provider;

	/* The services decide whether PACC is possible. */
	added.pacc = false;
	add_attributes(&options, provider_options, &added, &PROVIDER_DEFAULT);
	add_command(commands, "provider add", &options, WORDS(provider->name));
	for (size_t i = 0; i < provider->n_services; i++) {
		const struct service *service = &provider->services[i];
		const char *authentications = service_authentications(commands->memory, service);

		options = BYTES_IN(commands->memory);
		add_attributes(&options, service_options, service, &new_service);
		if (!text_equals(authentications, authentication_name(AUTHENTICATION_DEFAULT)))
			add_option(&options, "auth", authentications);
		add_attributes(&options, pop3_options, service, &new_service);
		if (service->security == SECURITY_PLAIN)
			bytes_add_text(&options, " --allow-plaintext");
		add_command(commands, "service add", &options,
			    WORDS(provider->name, service_url(commands->memory, service)));
	}
	for (size_t i = 0; i < provider->n_links; i++) {
		const struct link *link = &provider->links[i];

		options = BYTES_IN(commands->memory);
		for (size_t k = 0; k < link->n_texts; k++)
			add_option(&options, "text",
				   arena_printf(commands->memory, "%s=%s", link->texts[k].language,
						link->texts[k].text));
		add_command(commands, "link add", &options,
			    WORDS(provider->name, link_kind_name(link->kind), link->url));
	}
	if (provider->pacc) {
		options = BYTES_IN(commands->memory);
		add_option(&options, "pacc", "yes");
		add_command(commands, "provider set", &options, WORDS(provider->name));
	}
}

void domain_commands(struct texts *commands, const struct domain *domain)
{
	static const struct bytes none = { 0 };
	struct bytes options = BYTES_IN(commands->memory);

	add_option(&options, "provider", domain->provider);
	add_option(&options, "alias-of", domain->alias_of);
	if (text_equals(domain->name, "*"))
		bytes_add_text(&options, " --any-domain");
	add_command(commands, "domain add", &options, WORDS(domain->name));
	if (!domain->is_enabled)
		add_command(commands, "domain disable", &none, WORDS(domain->name));
}

void domain_move_commands(struct texts *commands, const struct domain *domain)
{
	struct bytes options = BYTES_IN(commands->memory);

	add_option(&options, "moved-to", domain->moved_to);
	if (domain->moved_to)
		add_command(commands, "domain set", &options, WORDS(domain->name));
}

void user_commands(struct texts *commands, const struct user *user)
{
	struct bytes options = BYTES_IN(commands->memory);

	add_option(&options, "name", user->name);
	add_option(&options, "provider", user->provider);
	add_command(commands, "user add", &options, WORDS(user->address, user->login));
}

void user_move_commands(struct texts *commands, const struct user *user)
{
	struct bytes options = BYTES_IN(commands->memory);

	add_option(&options, "moved-to", user->moved_to);
	if (user->moved_to)
		add_command(commands, "user set", &options, WORDS(user->address));
}
