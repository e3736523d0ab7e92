#pragma once

/*
 * The settled answer to one question: which services, in which order, with which user name. Every
 * document is written from this, so that no two of them disagree.
 */

#include "mail/query.h"
#include "util/base.h"

struct endpoint {
	enum service_kind kind;
	enum service_security security;
	const char *host; /* no placeholders */
	uint16_t port;
	const char *url;  /* of an HTTP service, else NULL */
	const char *path; /* of that URL, from its slash on; or NULL */

	/* The user name written out; NULL where the question has no address. */
	const char *login;
	/* The user name for a client that replaces placeholders: a placeholder where the client
	 * comes to the same by itself, else the name written out. */
	const char *login_template;

	const enum authentication *authentications;
	size_t n_authentications;
	struct pop3_wishes pop3;
};

struct profile {
	const char *domain;
	const char *display_name;
	const char *short_name;	       /* or NULL */
	const struct address *address; /* or NULL */
	bool is_personal;	       /* other clients can get another response */
	const char *person;	   /* the display name of the user, where it may go out; or NULL */
	const char *moved_url;	   /* where clients are redirected, or NULL */
	const char *moved_address; /* the address that they should request instead, or NULL */
	const char *public_name;   /* the provider's own, or NULL */
	unsigned ttl;		   /* hours */
	bool pox_dav;
	bool activesync_v2;
	bool pacc;
	const struct endpoint *endpoints;
	size_t n_endpoints;
	struct oauth2 oauth2;
	const char *webmail; /* a URL, or NULL */
	const struct link *links;
	size_t n_links;
};

/* Whether the question is about a person, by the address, or by its MD5 where the provider of the
 * domain finds people by that. */
bool names_person(const struct query *query, const struct match *match);

/* Where the client is redirected: an https URL, or another address, which for a domain that moved
 * has the same local part. NULL if it is not, also instead of a redirect to the same address. Lives
 * in memory, or is the match's. */
const char *move_target(struct arena *memory, const struct query *query, const struct match *match);

/*
 * Builds the profile in memory; it borrows from query and match. Returns 0, or -1 with err set
 * where the rows cannot make an answer (a host that is over-long once its placeholder is replaced,
 * a provider without services).
 */
int profile_build(struct arena *memory, const struct query *query, const struct match *match,
		  struct profile *ret_profile, struct error *err);

/* The first endpoint of the kind, or NULL. */
const struct endpoint *profile_first(const struct profile *profile, enum service_kind kind);

/* The login name that the provider's pattern or the user's row gives to an address. */
const char *login_of(struct arena *memory, const struct address *address,
		     const struct match *match);
