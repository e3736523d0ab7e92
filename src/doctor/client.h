#pragma once

/*
 * Mail clients as far as they look for settings: what each asks, in its own order, which redirects
 * it follows, which answers it takes, and what it makes of the document. Each is a const struct in
 * a file of its own in clients/; what they are made after is in tests/clients/.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doctor/http.h"
#include "mail/address.h"
#include "mail/service.h"

struct arena;

enum setting_security {
	SETTING_TLS,
	SETTING_STARTTLS,
	SETTING_PLAIN,
	SETTING_AUTOMATIC, /* the client finds out itself */
};

/* One service as the client would use it. */
struct setting {
	enum service_kind kind;
	const char *url; /* of an HTTP service; NULL where host, port and security are */
	const char *host;
	uint16_t port;
	enum setting_security security;
	const char *username;
};

/* One of each kind at most. */
struct settings_found {
	struct setting items[SERVICE_KINDS];
	size_t count;
	const char *sent_on_to; /* instead: the address or URL where the client asks again */
};

/* Reads a document. Returns NULL with the settings, or why the client takes nothing from it. */
typedef const char *(*document_reader)(struct arena *memory, const char *data, size_t size,
				       const struct address *address,
				       struct settings_found *ret_settings);

/* Reads at which https URL Outlook's document is to be asked for. Returns NULL with it, or why
 * there is none. */
typedef const char *(*lead_reader)(struct arena *memory, const char *data, size_t size,
				   const char **ret_url);

enum step_query {
	QUERY_NONE,
	QUERY_ENCODED,	  /* ?emailaddress=fred%40example.org */
	QUERY_RAW,	  /* ?emailaddress=fred@example.org */
	QUERY_EVOLUTION,  /* ?emailaddress=EVOLUTIONUSER%40example.org */
	QUERY_ACTIVESYNC, /* ?Email=fred%40example.org&Protocol=ActiveSync */
	QUERY_VERSION_1,  /* ?Email=fred%40example.org&Protocol=AutodiscoverV1 */
};

/* One question, in the order of a client. Steps end with one without a path. */
struct step {
	const char *method;
	bool is_tls;
	const char *prefix; /* of the domain: "autoconfig." */
	const char *path;
	enum step_query query;
	bool asks_srv;	      /* the host is the target of _autodiscover._tcp instead */
	bool only_redirects;  /* of the answer only where it leads to counts */
	bool asks_mobilesync; /* with a POST, for the document of phones instead of Outlook's */
	bool has_digest;      /* the document's stands in DNS */
	lead_reader lead;     /* NULL where the answer itself has the settings */
	document_reader read;
};

struct client {
	const char *word; /* for it in commands */
	const char *name;
	int limit;	     /* milliseconds for an answer, 0 where it is not known */
	bool takes_any_name; /* whatever name a certificate has */
	bool is_optional;    /* few need what it reads: that there is none is not worth a word */
	bool asks_of_domain; /* and about nobody in particular */
	bool only_to_tls;    /* it follows no redirect to http */
	bool (*accepts)(int status, const char *media_type);
	const struct step *steps;
};

/* All of them; ends with NULL. */
extern const struct client *const clients[];

/* Whoever answers: the network, or the database. */
struct asker {
	void (*ask)(struct asker *asker, struct arena *memory, const struct http_request *request,
		    struct http_answer *ret_answer);
	const char *document;	 /* the only one that is asked for, or NULL for all */
	const char *srv_target;	 /* of _autodiscover._tcp, or NULL */
	const char *pacc_digest; /* that is in DNS if all is well; NULL where nobody asks DNS */
};

struct conclusion {
	struct settings_found settings; /* none: the client is left without */
	const char *url;		/* where they are from */
	const char *refusal; /* the last "URL: why" that it took nothing; NULL where it has some */
	struct http_request refused; /* then what it had asked */
	bool was_answered;	     /* with a good certificate, so that is not what is wrong */
	const char *slow_url;	     /* whose answer came too late; or NULL */
	int64_t slow_milliseconds;
};

/* Goes through the client's steps until it has settings. Strings live in memory. */
void client_conclude(const struct client *client, struct asker *asker, struct arena *memory,
		     const struct address *address, struct conclusion *ret_conclusion);

/* The client of the word, or NULL. */
const struct client *client_find(const char *word);

/* The document that the step asks for, as 'preview' calls it. */
const char *step_document(const struct step *step);

/* Whether the client asks for the document. */
bool client_reads(const struct client *client, const char *document);

/* All that it asks for, "outlook and autoconfig". In memory. */
const char *client_documents(struct arena *memory, const struct client *client);

bool settings_are_there(const struct settings_found *settings);

bool settings_equal(const struct settings_found *a, const struct settings_found *b);

/* "IMAP imap.example.org:993 TLS as fred; CalDAV https://dav.example.org/ as fred"; "a redirect to
 * fred@example.net"; "nothing". In memory. */
const char *settings_text(struct arena *memory, const struct settings_found *settings);

/* The request that asks for Outlook's document. In memory. */
const char *outlook_body(struct arena *memory, const char *address);

#define PATH_AUTOCONFIG "/mail/config-v1.1.xml"
#define PATH_WELL_KNOWN "/.well-known/autoconfig/mail/config-v1.1.xml"
#define PATH_AUTODISCOVER "/autodiscover/autodiscover.xml"
#define PATH_AUTODISCOVER_V2 "/autodiscover/autodiscover.json"
#define PATH_MOBILECONFIG "/mobileconfig"
#define PATH_PACC "/.well-known/user-agent-configuration.json"
