#include "admin/export-commands.h"

#include "mail/address.h"
#include "util/arena.h"
#include "util/bytes.h"
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

/* Where it is not as it is anyway. */
static void line_truth(struct line *line, const char *option, bool is_true, bool usual)
{
	if (is_true != usual)
		line_option(line, option, is_true ? "yes" : "no");
}

static void line_text(struct line *line, const char *option, const char *text, const char *usual)
{
	if (!text_equals(text, usual))
		line_option(line, option, text);
}

/* 0 is none. */
static void line_number(struct line *line, const char *option, unsigned number)
{
	if (number > 0)
		line_option(line, option, arena_printf(line->memory, "%u", number));
}

/* Options stand behind the words, but for a word that would be taken for one. */
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
	const struct provider usual = PROVIDER_DEFAULT;
	struct line line = line_begin(commands, "provider add");

	line_word(&line, provider->name);
	line_option(&line, "display-name", provider->display_name);
	line_option(&line, "short-name", provider->short_name);
	line_text(&line, "login", provider->login, usual.login);
	line_text(&line, "login-case", login_case_name(provider->login_case),
		  login_case_name(usual.login_case));
	line_text(&line, "recipient-delimiter", provider->recipient_delimiter,
		  usual.recipient_delimiter);
	line_truth(&line, "show-names", provider->show_names, usual.show_names);
	line_truth(&line, "mx-fallback", provider->mx_fallback, usual.mx_fallback);
	line_option(&line, "public-name", provider->public_name);
	if (provider->ttl != usual.ttl)
		line_option(&line, "ttl", arena_printf(line.memory, "%u", provider->ttl));
	line_truth(&line, "pox-dav", provider->pox_dav, usual.pox_dav);
	line_truth(&line, "activesync-v2", provider->activesync_v2, usual.activesync_v2);
	line_text(&line, "unknown-users", unanswered_name(provider->unknown_users),
		  unanswered_name(usual.unknown_users));
	line_text(&line, "without-address", unanswered_name(provider->without_address),
		  unanswered_name(usual.without_address));
	line_text(&line, "send-logins-to", provider->send_logins_to, usual.send_logins_to);
	line_truth(&line, "md5-lookup", provider->md5_lookup, usual.md5_lookup);
	line_truth(&line, "keep", !provider->is_implicit, !usual.is_implicit);
	line_option(&line, "webmail", provider->webmail);
	line_option(&line, "oauth2-issuer", provider->oauth2.issuer);
	line_option(&line, "oauth2-scope", provider->oauth2.scope);
	line_option(&line, "oauth2-auth-url", provider->oauth2.auth_url);
	line_option(&line, "oauth2-token-url", provider->oauth2.token_url);
	line_end(&line, commands);
}

static const char *wish_text(enum wish wish)
{
	switch (wish) {
	case WISH_YES:
		return "yes";
	case WISH_NO:
		return "no";
	case WISH_NONE:
		break;
	}
	return NULL;
}

static void add_service_line(struct texts *commands, const char *provider,
			     const struct service *service)
{
	struct line line = line_begin(commands, "service add");

	line_word(&line, provider);
	line_word(&line, service_url(line.memory, service));
	line_option(&line, "login", service->login);
	line_text(&line, "auth", service_authentications(line.memory, service),
		  authentication_name(AUTHENTICATION_DEFAULT));
	line_flag(&line, "first", service->is_first);
	line_option(&line, "leave-on-server", wish_text(service->pop3.leave_on_server));
	line_number(&line, "leave-days", service->pop3.leave_days);
	line_number(&line, "check-interval", service->pop3.check_interval);
	line_option(&line, "download-at-check", wish_text(service->pop3.download_at_check));
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
		/* What it cannot say is refused: that shows with the services. */
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
