#pragma once

/*
 * A certificate that was requested by mailconfctl: one PEM file with chain and key, named for its
 * domain, whose first line names the server of the CA:
 *
 *     # Requested by mailconfctl from https://...: 'mailconfctl certificate renew' renews it.
 *
 * A file without that line is never written or renewed.
 */

#include <sys/types.h>

#include "util/base.h"

struct listed_certificate;
struct texts;

struct managed_certificate {
	const char *domain;
	const char *server; /* of the CA that it was requested from */
	const struct listed_certificate *listed;
};

/* Whether the file of the certificate is such a file in the directory. Strings live in memory. */
bool managed_certificate_find(struct arena *memory, const char *directory,
			      const struct listed_certificate *listed,
			      struct managed_certificate *ret_managed);

/* The directory of such files: the first one of the globs in which they match a file DOMAIN.pem. In
 * memory. NULL with err set if there is none. */
const char *managed_directory(struct arena *memory, const struct texts *globs, struct error *err);

/* The directory below it for accounts, keys and failures, which only root can read. In memory. */
const char *managed_keys_directory(struct arena *memory, const char *directory);

/* DOMAIN.pem there; that of the wildcard "*.example.org" is _.example.org.pem. In memory. */
const char *managed_file(struct arena *memory, const char *directory, const char *domain);

/* The CA's server by the first line of the file. In memory. NULL if there is no such file, or no
 * such line. */
const char *managed_server(struct arena *memory, const char *file);

/* Writes chain and key into the file, readable by its owner and the group only. Returns 0, or -1
 * with err set. */
int managed_store(const char *file, gid_t group, const char *server, const char *chain_file,
		  const char *key_file, struct error *err);

/* The group of the daemon's user: that of the directory of certificates; if that is root's, that of
 * the directory of the database. */
gid_t managed_group(struct arena *memory, const char *directory, const char *database);
