#pragma once

/* What the database holds, as plain values: providers, domains and users. */

#include "mail/attribute.h"
#include "mail/service.h"
#include "util/base.h"

/* Longest texts, in characters, as the autoconfig draft has them. */
#define DISPLAY_NAME_MAX_LENGTH 60
#define SHORT_NAME_MAX_LENGTH 20
#define PROVIDER_NAME_MAX_LENGTH 255
#define SERVICES_MAX 64

#define SCOPE_MAX_LENGTH 1000
#define TTL_MAX_HOURS 8760

enum login_case { LOGIN_CASE_LOWER, LOGIN_CASE_KEEP };

/* The response where no user row gives the login. */
enum unanswered { UNANSWERED_PATTERN, UNANSWERED_REFUSE };

/* Where clients get tokens for OAuth2. All are set, or none. */
struct oauth2 {
	const char *issuer; /* an https URL, or a host name as Thunderbird's list has it */
	const char *scope;  /* separated by spaces */
	const char *auth_url;
	const char *token_url;
};

/* An invalid service row. */
struct invalid_service {
	const char *url; /* as it is stored; NULL if it cannot be read */
	const char *reason;
	bool is_unreadable; /* the file is corrupted; else the URL is invalid */
};

/* A named set of services, texts and a default login pattern. */
struct provider {
	int64_t id;
	const char *name;
	const char *display_name; /* NULL: the domain asked for serves instead */
	const char *short_name;	  /* may be NULL */
	const char *login;	  /* the pattern for addresses without a row */
	enum login_case login_case;
	const char *recipient_delimiter; /* a set of characters, "" for none */
	bool show_names;		 /* whether display names of users go out */
	bool mx_fallback; /* whether autoconfig answers for domains not served here */
	bool is_implicit; /* gone with its last domain, as those that 'domain add' makes */
	const char
		*public_name; /* the host that redirects name, instead of the server's; or NULL */
	unsigned ttl;	      /* hours that Outlook may keep an answer for */
	bool pox_dav;	      /* whether Outlook's document has CalDAV and CardDAV, for eM Client */
	bool activesync_v2;   /* whether Autodiscover v2 gives the ActiveSync URL */
	bool pacc;	      /* whether its document of PACC is published */
	bool md5_lookup;      /* whether people are found by the MD5 of their address */
	enum unanswered unknown_users;	 /* what an address without a row gets */
	enum unanswered without_address; /* what a question without an address gets */
	const char *send_logins_to; /* who gets logins from rows: "everyone", "nobody", networks */
	const struct service *services; /* in the order of documents */
	size_t n_services;
	const struct invalid_service *invalid_services; /* only for mailconfctl */
	size_t n_invalid_services;
	struct oauth2 oauth2;
	const char *webmail;	  /* the URL of its web mail, or NULL */
	const struct link *links; /* in the order of documents */
	size_t n_links;
};

/* A mail domain, or a pattern for such; it has a provider or is an alias, never both. */
struct domain {
	const char *name;
	const char *provider; /* its name, or NULL */
	int64_t provider_id;  /* as it was read, 0 for none */
	const char *alias_of; /* or NULL */
	const char *moved_to; /* an https URL or another domain, or NULL */
	bool is_enabled;
};

/* A person's name, in characters. */
#define USER_NAME_MAX_LENGTH 255

/* An address and the login name that belongs to it. */
struct user {
	const char *address; /* in its normal form; "@example.org" is the catch-all */
	const char *login;
	const char *name;     /* the person's own, or NULL */
	const char *provider; /* its name, or NULL for that of the domain */
	int64_t provider_id;  /* as it was read, 0 for none */
	const char *moved_to; /* another address, or NULL */
};

/* The provider as it is before anybody set anything: the one place where defaults stand. */
#define PROVIDER_DEFAULT                               \
	((struct provider){                            \
		.login = "%EMAILADDRESS%",             \
		.login_case = LOGIN_CASE_LOWER,        \
		.recipient_delimiter = "+",            \
		.show_names = false,                   \
		.mx_fallback = true,                   \
		.ttl = 168,                            \
		.unknown_users = UNANSWERED_PATTERN,   \
		.without_address = UNANSWERED_PATTERN, \
		.send_logins_to = "everyone",          \
	})

/* The attributes of a provider. */
extern const struct option provider_options[];

/* Checks everything that sends clients or users to another server: webmail, OAuth2, links, the
 * public name. An invalid row could send them to "javascript:". Returns 0, or -1 with err set, and
 * ret_remedy to the words of the command that fixes it, in memory. */
int provider_check_links(struct arena *memory, const struct provider *provider,
			 const char **ret_remedy, struct error *err);

const char *unanswered_name(enum unanswered unanswered);

#define LINKS_MAX 16
#define LINK_TEXTS_MAX 32
#define LINK_TEXT_MAX_LENGTH 500
#define LANGUAGE_MAX_LENGTH 35 /* RFC 5646 4.4.1 */

#define LINK_KIND_WORDS "documentation|enable"

enum link_kind { LINK_DOCUMENTATION, LINK_ENABLE, LINK_KINDS };

struct link_text {
	const char *language; /* "en", "pt-br" */
	const char *text;
};

struct link {
	enum link_kind kind;
	const char *url;
	const struct link_text *texts; /* one for each language, in the order of documents */
	size_t n_texts;
};

/* "documentation", "enable". */
const char *link_kind_name(enum link_kind kind);

/* The kind of that name. Returns 0, or -1 with err set. */
int link_kind_parse(struct arena *memory, const char *text, enum link_kind *ret_kind,
		    struct error *err);

/* A language tag in the shape of BCP 47, in lower case. Lives in memory. Returns NULL with err
 * set. */
const char *language_parse(struct arena *memory, const char *text, struct error *err);
