#pragma once

/*
 * The settings file, mailconfd.conf(5). Its keys, their defaults and their checks stand in one
 * table in settings.c.
 */

#include <stdbool.h>
#include <stddef.h>

#include "util/log.h"

struct arena;
struct error;

#define SETTINGS_FILE "/etc/mailconfd/mailconfd.conf"

enum unknown_name { UNKNOWN_NAME_REFUSE, UNKNOWN_NAME_DEFAULT };
enum log_addresses { LOG_ADDRESSES_NONE, LOG_ADDRESSES_DOMAIN, LOG_ADDRESSES_FULL };

/* A list of blank-separated words. */
struct words {
	const char *const *items;
	size_t count;
};

/* All strings live in the arena that settings_load() was given. */
struct settings {
	struct {
		const char *public_name;   /* host[:port]; "" for this host's own name */
		struct words listen_https; /* each checked: ADDRESS:PORT or [ADDRESS]:PORT */
		struct words listen_http;
		unsigned threads; /* 0: one for each processor */
	} server;
	struct {
		struct words certificates;	 /* globs, at least one */
		const char *default_certificate; /* "" for none */
		enum unknown_name unknown_name;
	} tls;
	struct {
		const char *file;
	} database;
	struct {
		const char *directory; /* "" for none */
	} templates;
	struct {
		enum log_level level;
		enum log_addresses addresses;
	} log;
	struct {
		unsigned handshake_timeout; /* seconds */
		unsigned idle_timeout;	    /* seconds */
	} limits;
};

/* The settings as they are without a file. Strings live in memory or are constant. */
void settings_default(struct arena *memory, struct settings *ret_settings);

/* Reads the file; what it does not say has its default. Returns 0, or -1 with err set to
 * "FILE:LINE: ..." (kind ERROR_CONFIG), or for a file that cannot be opened to a sentence that
 * names it. */
int settings_load(struct arena *memory, const char *path, struct settings *ret_settings,
		  struct error *err);
