#pragma once

/*
 * The settings file, mailconfd.conf(5). keys.c has one table of its keys, their defaults and their
 * checks.
 */

#include "util/base.h"
#include "util/log.h"
#include "util/string-list.h"

struct unit;

#define SETTINGS_FILE "/etc/mailconfd/mailconfd.conf"

/* The default of [acme] directory: only root can write there. */
#define SETTINGS_ACME_DIRECTORY "/var/lib/mailconfd-acme/.well-known/acme-challenge"

/* What is remembered of each network has a bound. */
#define ADDRESSES_PER_NETWORK_MAX 1000

/* Whether the document without an address is served on listen_http. */
enum http_autoconfig { HTTP_AUTOCONFIG_NO, HTTP_AUTOCONFIG_YES };

/* Whether 'certificate renew --scheduled' requests certificates for domains that have none. */
enum request_missing { REQUEST_MISSING_NO, REQUEST_MISSING_YES };

/* Where the plain HTTP listener redirects clients. */
enum redirect { REDIRECT_PUBLIC_NAME, REDIRECT_SAME_HOST };

/* Whether the start fails where a part of the sandbox cannot be entered. */
enum sandbox_require { SANDBOX_REQUIRE_NO, SANDBOX_REQUIRE_YES };

enum unknown_name { UNKNOWN_NAME_REFUSE, UNKNOWN_NAME_DEFAULT };
enum log_addresses {
	LOG_ADDRESSES_NONE,
	LOG_ADDRESSES_DOMAIN,
	LOG_ADDRESSES_HASH,
	LOG_ADDRESSES_FULL
};

/* What a list of networks has room for: some thirty of them. */
#define SETTINGS_NETWORKS_MAX 1024

/* All strings live in the arena that settings_load() was given, or are constant. */
struct settings {
	struct {
		const char *public_name;   /* host[:port]; "" for this host's own name */
		struct texts listen_https; /* each checked: ADDRESS:PORT or [ADDRESS]:PORT */
		struct texts listen_http;
		enum http_autoconfig http_autoconfig;
		enum redirect redirect;
		struct texts behind_proxy; /* as listen_https, or UNIX_SOCKET_PREFIX and a path */
		struct texts trusted_proxies; /* networks, joined less than SETTINGS_NETWORKS_MAX
						 bytes */
		unsigned threads;	      /* 0: one for each processor */
	} server;
	struct {
		struct texts certificates;	 /* globs, at least one; for listen_https */
		const char *default_certificate; /* "" for none */
		enum unknown_name unknown_name;
		const char *priorities; /* as priorities_string() takes it */
	} tls;
	struct {
		const char *file;
		unsigned lock_timeout; /* seconds */
	} database;
	struct {
		const char *directory; /* "" for none */
	} templates;
	struct {
		const char *directory; /* "" for none */
		const char *server;    /* the URL of a CA's directory */
		enum request_missing request_missing;
		const char *dns_hook; /* "" for none */
	} acme;
	struct {
		const char *certificate, *key; /* both or none "" */
	} profile;
	struct {
		enum log_level level;
		enum log_format format;
		enum log_addresses addresses;
		unsigned slow;	    /* milliseconds, 0 for never */
		struct texts trace; /* networks, as server.trusted_proxies */
	} log;
	struct {
		struct texts listen; /* as server.behind_proxy */
	} metrics;
	struct {
		enum sandbox_require require;
	} sandbox;
	struct {
		unsigned handshake_timeout; /* seconds */
		unsigned idle_timeout;	    /* seconds */
		unsigned connections;
		unsigned connections_per_network; /* percent of them */
		unsigned requests_per_second;	  /* 0: no limit */
		unsigned requests_at_once;
		unsigned addresses_per_network; /* 0: no limit */
		struct texts trusted;		/* networks */
	} limits;
};

enum setting_kind {
	SETTING_TEXT,	/* const char * */
	SETTING_LIST,	/* struct texts; the key may be given in several lines */
	SETTING_NUMBER, /* unsigned */
	SETTING_CHOICE, /* an enum, whose values are the words that are allowed, in their order */
};

/* One key of the file, a row of the table in keys.c. */
struct settings_key {
	const char *section, *name;
	const char *text; /* the default, as the file would have it */
	enum setting_kind kind;
	size_t place;	     /* of the value in struct settings */
	bool is_optional;    /* a text or list may be empty */
	const char *allowed; /* what may be written, for errors: "write ..." */
	bool needs_restart;  /* a reload cannot change it */

	/* Of a text: returns it in its normal form, or NULL. */
	const char *(*parse)(struct arena *memory, const char *text, struct error *err);

	/* Of a list: checks a word that is to be added to it. Returns 0 or -1. */
	int (*check)(struct arena *memory, const struct settings *settings, const struct texts *own,
		     const char *word, struct error *err);

	/* Of a number. */
	const struct unit *units;
	unsigned low, high;
	const char *zero; /* what stands for 0, or NULL */
};

const struct settings_key *settings_keys(size_t *ret_count);

/* A key of earlier versions: a file that still has it gets a warning. */
struct settings_obsolete_key {
	const char *section, *name;
	const char *remedy; /* what to do instead */
};

const struct settings_obsolete_key *settings_obsolete_keys(size_t *ret_count);

/* Checks the text and puts its value into the settings; a list is added to. Returns 0, or -1 with
 * err set to a sentence that quotes the text. */
int setting_parse(struct arena *memory, const struct settings_key *key, const char *text,
		  struct settings *settings, struct error *err);

/* The text for an error: in double quotes, and short enough to leave room for what is to say. */
const char *setting_quote(struct arena *memory, const char *text);

/* Whether the two differ in the key. */
bool settings_differ(const struct settings_key *key, const struct settings *a,
		     const struct settings *b);

/* The settings as they are without a file. Strings live in memory or are constant. */
void settings_default(struct arena *memory, struct settings *ret_settings);

/* What a settings file gives rise to: each text is "FILE:LINE: ...", in memory. */
struct settings_reports {
	struct texts errors;   /* a file that has one is not used */
	struct texts warnings; /* of keys that are obsolete, and ignored */
};

/* Reading ends after so many errors. */
#define SETTINGS_ERRORS_MAX 20

/* Reads the file; a key that is not in it has its default. Returns 0, or -1 with all errors in
 * ret_reports. A file that cannot be opened has one, which names it. */
int settings_load(struct arena *memory, const char *path, struct settings *ret_settings,
		  struct settings_reports *ret_reports);

/* The same from an open stream; reports call it name. */
int settings_read(struct arena *memory, FILE *stream, const char *name,
		  struct settings *ret_settings, struct settings_reports *ret_reports);
