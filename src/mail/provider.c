#include "mail/provider.h"

#include "mail/url.h"
#include "util/arena.h"
#include "util/error.h"
#include "util/shell-words.h"

const char *login_case_name(enum login_case login_case)
{
	return login_case == LOGIN_CASE_LOWER ? "lower" : "keep";
}

const char *unanswered_name(enum unanswered unanswered)
{
	return unanswered == UNANSWERED_PATTERN ? "pattern" : "refuse";
}

static int spoiled_option(struct arena *memory, const struct provider *provider, const char *option,
			  const char **ret_remedy)
{
	*ret_remedy = arena_printf(memory, "provider set %s --%s",
				   word_in_sentence(memory, provider->name), option);
	return -1;
}

static int check_options(struct arena *memory, const struct provider *provider,
			 const char **ret_remedy, struct error *err)
{
	const struct {
		const char *what, *text, *option;
	} pages[] = {
		{ "web mail address", provider->webmail, "webmail URL" },
		{ "auth URL", provider->oauth2.auth_url, "oauth2-auth-url URL" },
		{ "token URL", provider->oauth2.token_url, "oauth2-token-url URL" },
	};

	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		if (pages[i].text &&
		    !url_parse(memory, pages[i].what, pages[i].text, URL_OF_SERVICE, err))
			return spoiled_option(memory, provider, pages[i].option, ret_remedy);
	if (provider->oauth2.issuer && !issuer_parse(memory, provider->oauth2.issuer, err))
		return spoiled_option(memory, provider, "oauth2-issuer URL", ret_remedy);
	if (provider->public_name && !public_name_parse(memory, provider->public_name)) {
		error_set(err, ERROR_INPUT, "the public name '%s' is not a host name",
			  provider->public_name);
		return spoiled_option(memory, provider, "public-name HOST", ret_remedy);
	}
	return 0;
}

int provider_check_links(struct arena *memory, const struct provider *provider,
			 const char **ret_remedy, struct error *err)
{
	if (check_options(memory, provider, ret_remedy, err) < 0)
		return -1;
	for (size_t i = 0; i < provider->n_links; i++) {
		const struct link *link = &provider->links[i];

		if (url_parse(memory, "link", link->url, URL_OF_PAGE, err))
			continue;
		*ret_remedy = arena_printf(
			memory, "link remove %s %s %s", word_in_sentence(memory, provider->name),
			link_kind_name(link->kind), word_in_sentence(memory, link->url));
		return -1;
	}
	return 0;
}
