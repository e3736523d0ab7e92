#pragma once

/*
 * The database of automx2, another server of this kind, as its releases since 2020 make it: read
 * only, as the texts of the database, "" for NULL. Each member of a struct is one. They live in the
 * arena.
 */

#include "util/base.h"

struct automx2;

/* A domain, whose provider has names only: the servers belong to the domain itself. */
struct automx2_domain {
	const char *id, *name;
	const char *provider; /* its id, "" where it is missing */
	const char *provider_name, *provider_short_name;
	const char *servers;	 /* equal for domains that have the same servers */
	const char *ldap;	 /* the host at which logins are looked up; "" also where an earlier
				    domain of this provider with these servers has it */
	const char *ldap_others; /* those that have it too: " and 2 more domains" */
};

struct automx2_server {
	const char *type;
	const char *name; /* its host, or its URL */
	const char *port, *socket_type, *user_name, *authentication;
	const char *scheme; /* of DAV alone, whose URL may lack it: "https" or "http" */
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

/* The servers of a domain, by its id: those of mail by their priority, then those of DAV as they
 * were added. */
int automx2_list_servers(struct automx2 *automx2, struct arena *memory, const char *domain,
			 struct automx2_server **ret_servers, size_t *ret_count, struct error *err);

/* What no domain has, in words: "provider 'Example'", "the imap server 'imap.example.org'". */
int automx2_list_unused(struct automx2 *automx2, struct arena *memory, const char ***ret_words,
			size_t *ret_count, struct error *err);
