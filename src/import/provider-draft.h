#pragma once

/*
 * A provider as somebody else's document or database describes it, on its way to be one of ours:
 * services are gathered in the order of their source, each with its login, and what ours cannot
 * hold is noted, in sentences for the admin.
 */

#include <stdbool.h>
#include <stddef.h>

#include "mail/provider.h"
#include "util/string-list.h"

struct arena;
struct error;

struct draft {
	struct arena *memory;
	struct provider provider; /* with its services once the draft is settled */
	struct service *gathered;
	size_t n_gathered;
	struct link *links;
	struct texts domains; /* in their normal form, each once */
	struct texts notes;   /* each once */
};

/* Begins with the defaults of a provider, without a name. All that is added lives in memory. */
void draft_init(struct draft *draft, struct arena *memory);

/* Notes a sentence. */
void draft_note(struct draft *draft, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How clients name the account; one that cannot be sent is noted and left out. */
void draft_set_display_name(struct draft *draft, const char *text);
void draft_set_short_name(struct draft *draft, const char *text);

/* Adds a domain; what is none is noted and left out. */
void draft_add_domain(struct draft *draft, const char *text);

/* Adds a service with its login, NULL for none of its own. A login that is no pattern of ours, and
 * a second service of the same URL, are noted and left out. */
void draft_add_service(struct draft *draft, const struct service *service, const char *login);

/* Adds a link, whose URL is not checked yet; one that cannot be held is noted and left out. */
void draft_add_link(struct draft *draft, const struct link *link);

/*
 * Gives the provider its services: in the order in which clients are told them, with one of a kind
 * first where the source has it so; what of its order is lost is noted. The login that most of them
 * have becomes the provider's.
 */
void draft_settle(struct draft *draft);

/* Fills in kind, security, host and port, checked as in a URL. Returns 0, or -1 with err set. */
int draft_host_service(struct draft *draft, enum service_kind kind, enum service_security security,
		       const char *host, const char *port, struct service *ret_service,
		       struct error *err);

/* Likewise of "https://HOST[:PORT][/PATH]". */
int draft_url_service(struct draft *draft, enum service_kind kind, const char *url,
		      struct service *ret_service, struct error *err);
