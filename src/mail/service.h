#pragma once

/*
 * A service: one thing that a mail client can talk to. Admins write it as a URL, and so does the
 * database:
 *
 *     imaps://imap.example.org
 *     submission+starttls://mail.%EMAILDOMAIN%:587
 *     caldav+https://dav.example.org/calendars/
 *     activesync+https://sync.example.org/Microsoft-Server-ActiveSync
 */

#include "mail/attribute.h"
#include "util/base.h"

/* In the order in which documents list them. */
enum service_kind {
	SERVICE_IMAP,
	SERVICE_POP3,
	SERVICE_JMAP,
	SERVICE_SUBMISSION,
	SERVICE_MANAGESIEVE,
	SERVICE_CALDAV,
	SERVICE_CARDDAV,
	SERVICE_WEBDAV,
	SERVICE_ACTIVESYNC,
	SERVICE_KINDS
};

/* In the order of preference (RFC 8314 3). */
enum service_security { SECURITY_TLS, SECURITY_STARTTLS, SECURITY_PLAIN };

/* Ways to authenticate, named as autoconfig documents name them. */
enum authentication {
	AUTHENTICATION_PASSWORD_CLEARTEXT,
	AUTHENTICATION_PASSWORD_ENCRYPTED,
	AUTHENTICATION_OAUTH2,
	AUTHENTICATION_GSSAPI,
	AUTHENTICATION_NTLM,
	AUTHENTICATION_TLS_CLIENT_CERT,
	AUTHENTICATION_CLIENT_IP_ADDRESS,
	AUTHENTICATION_NONE,
	AUTHENTICATIONS
};

/* The way that a service has when none is given. */
#define AUTHENTICATION_DEFAULT AUTHENTICATION_PASSWORD_CLEARTEXT

#define LEAVE_MAX_DAYS 3650
#define CHECK_MAX_MINUTES 1440

/* A wish that may be left to the client. */
enum wish { WISH_NONE, WISH_NO, WISH_YES };

/* What a POP3 client should do, in the terms of autoconfig documents. */
struct pop3_wishes {
	enum wish leave_on_server;
	unsigned leave_days;	 /* how long, where they are left; 0: no wish */
	unsigned check_interval; /* minutes; 0: no wish */
	enum wish download_at_check;
};

struct service {
	enum service_kind kind;
	enum service_security security;
	const char *host; /* lower case, A-labels; may hold %EMAILDOMAIN% as whole labels */
	uint16_t port;
	const char *path;  /* of an HTTP service, from its slash on; otherwise NULL */
	const char *login; /* a pattern of its own, or NULL for the provider's */
	enum authentication authentications[AUTHENTICATIONS]; /* the preferred one first */
	size_t n_authentications;			      /* at least 1 */
	bool is_first;		 /* an admin put it before the others of its kind */
	struct pop3_wishes pop3; /* of a POP3 service, otherwise without a wish */
};

/* The attributes of a service, and those of a POP3 service alone. --auth is only an option. */
extern const struct option service_options[], pop3_options[];

/* Fills in kind, security, host, port and path; authentication is the default, the rest empty.
 * Strings live in memory. Returns 0, or -1 with err set. */
int service_parse(struct arena *memory, const char *url, struct service *ret_service,
		  struct error *err);

/* The URL in its one normal form: a port only where it is not the scheme's own. In memory. */
const char *service_url(struct arena *memory, const struct service *service);

/* The comma-separated list of ways to authenticate, in any letter case, into the service. Returns
 * 0, or -1 with err set. */
int service_parse_authentications(struct arena *memory, const char *text, struct service *service,
				  struct error *err);
const char *service_authentications(struct arena *memory, const struct service *service);

/* The schemes of URLs of services, each by its index; NULL after the last. */
const char *service_scheme(size_t index);

/* Whether there is any wish. */
bool pop3_wishes_any(const struct pop3_wishes *wishes);

/* Whether the path of a CalDAV or CardDAV service is where clients ask a domain itself for
 * calendars or contacts (RFC 6764 5): a client that is redirected there sends its request again. */
bool path_asks_for_dav(const char *path);

/* As autoconfig documents and people write them: "OAuth2"; "imap"; "IMAP". */
const char *authentication_name(enum authentication authentication);
const char *service_kind_name(enum service_kind kind);

/* Negative, zero or positive as a comes before, beside or after b in every document: by kind, what
 * an admin put first, then by security. Equal services keep the order they were given in. */
int service_compare(const struct service *a, const struct service *b);
