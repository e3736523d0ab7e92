#pragma once

/*
 * Models of mail clients, as far as they look for settings: what each requests, in its own order,
 * which redirects it follows, which responses it accepts, and how it reads the document. A model
 * is a row of client_models[] in client-models.c. tests/clients/ has independent models, written
 * after the sources of the clients, against which these are tested.
 */

#include "doctor/http.h"
#include "mail/address.h"
#include "mail/service.h"
#include "util/base.h"

struct client_model;
struct context;
struct response;
struct sockaddr;
struct xml_element;

enum setting_security {
	SETTING_TLS,
	SETTING_STARTTLS,
	SETTING_PLAIN,
	SETTING_AUTOMATIC, /* the client finds out itself */
};

/* One service as the client would use it. */
struct setting {
	enum service_kind kind;
	const char *url; /* of an HTTP service; NULL where host, port and security are set */
	const char *host;
	uint16_t port;
	enum setting_security security;
	const char *username;
};

/* At most one of each kind. */
struct settings_found {
	struct setting items[SERVICE_KINDS];
	size_t count;
	const char *redirect_to; /* instead of settings: the address or URL to ask next */
};

/* A document that a client reads. */
struct client_reading {
	const struct client_model *model;
	struct arena *memory;
	const struct address *address;
	const char *data;
	size_t size;
	struct settings_found settings; /* the result; empty at first */
	const char *next_url;		/* the result of next_url_of */
	const char *username;		/* instead of those in the document, or NULL */
};

/* Returns NULL with the result filled in, or why the client rejects the document. */
typedef const char *document_reader(struct client_reading *reading);

#define PATH_AUTOCONFIG "/mail/config-v1.1.xml"
#define PATH_WELL_KNOWN "/.well-known/autoconfig/mail/config-v1.1.xml"
#define PATH_AUTODISCOVER "/autodiscover/autodiscover.xml"
#define PATH_AUTODISCOVER_V2 "/autodiscover/autodiscover.json"

enum client_query {
	QUERY_NONE,
	QUERY_OF_MODEL,	  /* in a step: as the model has it */
	QUERY_ENCODED,	  /* ?emailaddress=fred%40example.org */
	QUERY_RAW,	  /* ?emailaddress=fred@example.org */
	QUERY_EVOLUTION,  /* ?emailaddress=EVOLUTIONUSER%40example.org */
	QUERY_ACTIVESYNC, /* ?Email=fred%40example.org&Protocol=ActiveSync */
	QUERY_VERSION_1,  /* ?Email=fred%40example.org&Protocol=AutodiscoverV1 */
};

/* One request. Steps for one document stand together. */
struct client_step {
	const char *document; /* as 'preview' calls it */
	const char *method;
	bool is_tls;
	const char *prefix; /* of the domain: "autoconfig."; NULL: the SRV target is asked */
	const char *path;
	enum client_query query;
	document_reader *read; /* NULL: the model's read_outlook */
	bool only_redirects;   /* only a redirect in the response counts */
	bool has_digest;       /* DNS has the digest of the document */
	/* Reads the https URL of Outlook's document, which `read` is for; or NULL. */
	document_reader *next_url_of;
};

/* APEX: the domain itself is asked; SRV: the target of its SRV record. */
enum client_step_id {
	STEP_NONE,
	STEP_OUTLOOK_APEX,
	STEP_OUTLOOK,
	STEP_OUTLOOK_REDIRECT,
	STEP_OUTLOOK_SRV,
	STEP_OUTLOOK_POST_REDIRECT,
	STEP_OUTLOOK_GET_APEX,
	STEP_OUTLOOK_GET,
	STEP_MOBILESYNC_APEX,
	STEP_MOBILESYNC,
	STEP_MOBILESYNC_REDIRECT,
	STEP_MOBILESYNC_SRV,
	STEP_AUTOCONFIG,
	STEP_WELL_KNOWN,
	STEP_PLAIN_AUTOCONFIG,
	STEP_PLAIN_WELL_KNOWN,
	STEP_MOBILECONFIG,
	STEP_V2_ACTIVESYNC,
	STEP_V2_OUTLOOK,
	STEP_PACC,
	CLIENT_STEPS
};

extern const struct client_step client_steps[CLIENT_STEPS];

/* Returns NULL with the setting filled in, or why the server cannot be used. */
typedef const char *server_reader(struct client_reading *reading, const struct xml_element *element,
				  struct setting *setting);

/* How a client reads autoconfig, where it differs from the common reader. */
struct autoconfig_rules {
	server_reader *read_server;
	/* Returns NULL, or why the provider cannot be used. */
	const char *(*check_provider)(struct client_reading *reading,
				      const struct xml_element *provider);
	bool tls_is_starttls;	 /* a socketType TLS is STARTTLS */
	bool takes_pop3;	 /* else POP3 is ignored */
	bool needs_smtp;	 /* without SMTP the document is rejected */
	bool is_strict;		 /* one bad server rejects the document, else it is skipped */
	bool matches_element;	 /* SMTP only in outgoingServer, IMAP and POP3 only in the other */
	bool only_first;	 /* the first of either element must be IMAP and SMTP */
	bool last_server_wins;	 /* of each kind; else the first */
	bool last_provider_wins; /* else the first */
	bool login_is_address;	 /* whatever the document has */
};

struct client_model {
	const char *word; /* its name in commands */
	const char *name;
	int timeout;		/* for a response, in milliseconds; 0: unknown */
	bool takes_any_name;	/* it does not compare the names of a certificate */
	bool is_optional;	/* played only if the database has a document for it */
	bool asks_for_domain;	/* and for no particular address */
	bool only_to_tls;	/* it follows no redirect to http */
	bool takes_any_success; /* else status 200 alone */
	/* How the media type must begin; none: any will do. Safari displays what is not a profile
	 * instead of installing it. */
	const char *media_types[3];
	struct autoconfig_rules autoconfig;
	enum client_query query; /* in requests for autoconfig and mobileconfig */
	document_reader *read_outlook;
	enum client_step_id steps[9]; /* in its order; ends with STEP_NONE */
};

#define CLIENT_MODELS 13
extern const struct client_model client_models[CLIENT_MODELS];

/* Where responses come from: the network, or the database. */
struct response_source {
	void (*fetch)(struct response_source *source, struct arena *memory,
		      const struct http_request *request, struct http_answer *ret_answer);
	const char *document;	 /* the only one that is requested, or NULL for all */
	const char *srv_target;	 /* of _autodiscover._tcp, or NULL */
	const char *pacc_digest; /* that DNS should have; NULL: it is not compared */
};

/* What a client ends up with. */
struct client_result {
	struct settings_found settings; /* empty where the client gets none */
	const char *url;		/* they are from this URL */
	const char *refusal;	     /* why it gets none, "URL: reason"; NULL where it gets some */
	struct http_request refused; /* the request that the refusal is about */
	bool was_answered;	     /* by a server with a valid certificate */
	const char *slow_url;	     /* which answered after the client's timeout; or NULL */
	int64_t slow_milliseconds;
};

/* Follows the client's steps until it has settings. Strings live in memory. */
void client_play(const struct client_model *model, struct response_source *source,
		 struct arena *memory, const struct address *address,
		 struct client_result *ret_result);

/* The response of this daemon to a request over TLS, as the client at the address sees it. from: as
 * in struct request. Returns as answer(). */
int client_answer(const struct context *context, struct arena *memory,
		  const struct http_request *request, const struct sockaddr *from,
		  struct http_answer *ret_answer, struct response *ret_response, struct error *err);

/* The model of the word, or NULL. */
const struct client_model *client_model_find(const char *word);

/* Whether the client requests the document, which is named as in 'preview'. */
bool client_model_reads(const struct client_model *model, const char *document);

/* All that it requests: "outlook and autoconfig". In memory. */
const char *client_model_documents(struct arena *memory, const struct client_model *model);

bool settings_are_there(const struct settings_found *settings);

bool settings_equal(const struct settings_found *a, const struct settings_found *b);

/* "IMAP imap.example.org:993 TLS as fred; CalDAV https://dav.example.org/ as fred"; "a redirect to
 * fred@example.net"; "nothing". In memory. */
const char *settings_text(struct arena *memory, const struct settings_found *settings);
