#pragma once

/*
 * The database of automx2, another server of this kind, as its releases since 2020 make it: read
 * only, as plain values with the words of the database. Strings live in the arena.
 */

#include "util/base.h"

struct automx2;

/* A domain, whose provider has names only: the servers belong to the domain itself. */
struct automx2_domain {
	int64_t id;
	const char *name;
	int64_t provider;
	const char *provider_name; /* NULL where the provider is missing */
	const char *provider_short_name;
	const char *servers; /* equal for domains that have the same servers */
	const char *ldap;    /* the host at which logins are looked up, or NULL */
};

struct automx2_server {
	const char *type, *name, *socket_type, *user_name, *authentication;
	const char *port;
};

struct automx2_dav_server {
	const char *type, *url, *user_name; /* the last may be NULL */
	const char *port;		    /* "0" for that of the URL */
	bool uses_tls;
};

/* Writes the bytes of the database file to the output, as they are at one moment, whatever automx2
 * is changing. Returns 0 or -1 with err set, in which the file is named. */
int automx2_write_image(const char *path, FILE *output, struct error *err);

/* Opens those bytes, which must remain; what is none of automx2's is refused. The path is for
 * errors. Returns 0 or -1 with err set. */
int automx2_open(const char *path, const char *image, size_t size, struct automx2 **ret_automx2,
		 struct error *err);
void automx2_close(struct automx2 *automx2);
DEFINE_CLEANUP(struct automx2 *, automx2_close);

/* All domains, by provider, then in the order in which they were added. Returns 0 or -1 with err
 * set, as the next ones. */
int automx2_list_domains(struct automx2 *automx2, struct arena *memory,
			 struct automx2_domain **ret_domains, size_t *ret_count, struct error *err);

/* The servers of a domain: those of mail by their priority, those of DAV as they were added. */
int automx2_list_servers(struct automx2 *automx2, struct arena *memory, int64_t domain,
			 struct automx2_server **ret_servers, size_t *ret_count, struct error *err);
int automx2_list_dav_servers(struct automx2 *automx2, struct arena *memory, int64_t domain,
			     struct automx2_dav_server **ret_servers, size_t *ret_count,
			     struct error *err);

/* What no domain has, in words: "provider 'Example'", "the imap server 'imap.example.org'". */
int automx2_list_unused(struct automx2 *automx2, struct arena *memory, const char ***ret_words,
			size_t *ret_count, struct error *err);
