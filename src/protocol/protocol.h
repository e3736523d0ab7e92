#pragma once

/*
 * A protocol is one language in which mail clients ask and are answered. Each is a const struct
 * beside all that belongs to it: its routes, its templates, and the request that 'mailconfctl
 * preview' makes. One table in protocol.c registers them.
 */

#include "mail/profile.h"
#include "mail/query.h"
#include "protocol/request.h"
#include "util/base.h"

struct digest_key;
struct signer;
struct templates;
struct value;
struct xml_doctype;

/* What all responses are written with. Borrowed. */
struct site {
	const struct templates *templates;
	const char *public_name;	 /* our own host[:port] in URLs, "" where it is not known */
	const struct digest_key *secret; /* where the protocol needs it, else NULL */
	const struct signer *signer;	 /* of profiles, or NULL */
};

/* Why there is no answer. Each protocol has its own way to say so. */
enum failure {
	FAILURE_NONE,
	FAILURE_BAD_REQUEST,	/* what was asked cannot be understood */
	FAILURE_UNKNOWN_DOMAIN, /* nothing here serves the domain */
	FAILURE_NOT_OFFERED,	/* the provider has no service that this protocol can express */
	FAILURE_BROKEN,		/* the database holds something that makes no answer */
	FAILURE_INTERNAL,	/* the database cannot be read */
	FAILURE_SIGNATURE,	/* the document cannot be signed */
	FAILURES
};

/* Where a client is redirected to that asks over unencrypted HTTP. */
enum route_redirect {
	ROUTE_REDIRECT_NONE,	   /* nowhere: it gets status 404 */
	ROUTE_REDIRECT_SAME,	   /* the same path */
	ROUTE_REDIRECT_AUTOCONFIG, /* autoconfig_target() */
};

struct route {
	/* Matched in any letter case, because MS-OXDISCO spells its path with capitals. A path that
	 * ends in '/' has one more segment. */
	const char *path;
	const char *methods; /* as an Allow field lists them; NULL for any */
	struct question (*parse)(struct arena *memory, const struct request *request);
	enum route_redirect redirect;
};

/* One of the files in templates/. */
struct document_template {
	const char *name;
	struct value (*view)(struct arena *memory, const struct profile *profile); /* for samples */
	const struct xml_doctype *doctype; /* that it may have, or NULL */
};

/* How 'mailconfctl preview' asks for a document. */
struct preview_request {
	const char *host_prefix; /* of the domain, NULL where there is no preview */
	const char *schema;	 /* of an Autodiscover request; NULL for a GET of the first route */
	const char *argument;	 /* follows the path, and is followed by the address; or NULL */
	bool takes_address, takes_domain;
	bool takes_protocol;  /* it asks for one thing of several */
	bool has_digest;      /* the document's digest belongs in DNS */
	bool has_public_name; /* the document has the server's name */
};

struct protocol {
	const char *name;
	const struct route *routes;			  /* until one without a path; or NULL */
	const struct document_template *const *templates; /* until NULL; or NULL */
	struct preview_request preview;
	bool tells_logins; /* its answers differ between the people of a domain */
	bool needs_secret; /* of the installation */
	bool tells_moves;  /* its responses can redirect users that moved */

	/* Writes the profile in the protocol's language. Returns FAILURE_NONE, or
	 * FAILURE_NOT_OFFERED with the response untouched. */
	enum failure (*render)(const struct site *site, struct arena *memory,
			       const struct profile *profile, struct response *response);

	/* Writes the response for a failure. */
	void (*fail)(const struct site *site, struct arena *memory, enum failure failure,
		     struct response *response);
};

/* What a parser makes of a request: a query, or the reason why there is none. */
struct question {
	const struct protocol *protocol; /* the one that answers, or refuses */
	struct query query;
	enum failure failure;
};

extern const struct protocol protocol_autoconfig;
extern const struct protocol protocol_outlook;
extern const struct protocol protocol_mobilesync;
extern const struct protocol protocol_autodiscover_v2;
extern const struct protocol protocol_caldav;
extern const struct protocol protocol_carddav;
extern const struct protocol protocol_pacc;
extern const struct protocol protocol_mobileconfig;

/* The question of a client that sends only the Host, or an address: FAILURE_BAD_REQUEST where the
 * text is NULL or is not one. */
struct question question_of_host(struct arena *memory, const struct request *request,
				 const struct protocol *protocol);
struct question question_of_address(struct arena *memory, const struct request *request,
				    const struct protocol *protocol, const char *text);

/* autoconfig: the target for the same query to another host, with the address, its MD5 or the
 * domain, encoded again. Lives in memory. */
struct question autoconfig_parse(struct arena *memory, const struct request *request);
const char *autoconfig_target(struct arena *memory, const struct query *query,
			      const struct match *match);

/* MS-OXDSCLI 2.2.3, MS-ASCMD 2.2.1.1: the schema that the client accepts decides who answers. The
 * body is what a client sends for the document, protocol_outlook or protocol_mobilesync; it lives
 * in memory. */
struct question autodiscover_parse(struct arena *memory, const struct request *request);
const char *autodiscover_request_body(struct arena *memory, const struct protocol *document,
				      const char *address);

/* Whether PACC can say what the provider has. Returns 0, or -1 with err set to why not. */
int pacc_check(struct arena *memory, const struct provider *provider, struct error *err);

/* What every property list of Apple's begins with. */
extern const struct xml_doctype mobileconfig_doctype;

/* All of them: metrics count by the index. */
#define PROTOCOLS 8
extern const struct protocol *const all_protocols[PROTOCOLS];

/* The route of a decoded path (which may be NULL), or NULL. */
const struct route *route_find(const char *path);
bool route_allows(const struct route *route, const char *method);

/* Whether the body is part of the query. */
bool route_reads_body(const struct route *route, const char *method);

/* Responds with status 404, or 500 and 503 for errors of the server. A fail() for protocols without
 * a document for it. */
void fail_with_status(const struct site *site, struct arena *memory, enum failure failure,
		      struct response *response);

/* "unknown-domain" and the like, for logs. */
const char *failure_name(enum failure failure);
