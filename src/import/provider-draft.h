#pragma once

/*
 * A provider as another server's document or database describes it. Services are gathered in the
 * order of the source, each with its login. What cannot be imported is noted in sentences for the
 * administrator.
 */

#include "mail/provider.h"
#include "util/base.h"
#include "util/string-list.h"

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

/* The names of the account in clients. An invalid one is noted and left out. */
void draft_set_display_name(struct draft *draft, const char *text);
void draft_set_short_name(struct draft *draft, const char *text);

/* Adds a domain. An invalid one is noted and left out. */
void draft_add_domain(struct draft *draft, const char *text);

/* Adds a service with its login, or NULL. An invalid login, and a second service with the same URL,
 * are noted and left out. */
void draft_add_service(struct draft *draft, const struct service *service, const char *login);

/* Adds a link, whose URL is not checked yet. An invalid one is noted and left out. */
void draft_add_link(struct draft *draft, const struct link *link);

/* Gives the provider its services in the order of documents, and keeps the first of each kind
 * first; a change of the other's order is noted. The login that most services have becomes the
 * provider's. */
void draft_settle(struct draft *draft);

/* Fills in kind, security, host and port, checked as in a URL. Returns 0, or -1 with err set. */
int draft_host_service(struct draft *draft, enum service_kind kind, enum service_security security,
		       const char *host, const char *port, struct service *ret_service,
		       struct error *err);

/* Likewise of "https://HOST[:PORT][/PATH]". */
int draft_url_service(struct draft *draft, enum service_kind kind, const char *url,
		      struct service *ret_service, struct error *err);
