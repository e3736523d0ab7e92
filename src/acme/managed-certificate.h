#pragma once

/*
 * A certificate that was requested by mailconfctl: one PEM file with chain and key, called by its
 * domain, whose first line says where it came from:
 *
 *     # Requested by mailconfctl from https://...: 'mailconfctl certificate renew' renews it.
 *
 * Whoever puts a file of their own in its place takes it out of our hands.
 */

#include <sys/types.h>

struct arena;
struct error;
struct words;

/* Where such files go: the first directory of the globs in which they match a file DOMAIN.pem. In
 * memory. NULL with err set where none does. */
const char *held_directory(struct arena *memory, const struct words *globs, struct error *err);

/* The directory below it for accounts, keys and what failed, which are root's alone. In memory. */
const char *held_keys_directory(struct arena *memory, const char *directory);

/* DOMAIN.pem there; that of the wildcard "*.example.org" is _.example.org.pem. In memory. */
const char *held_file(struct arena *memory, const char *directory, const char *domain);

/* The domain of such a file. In memory. */
const char *held_domain(struct arena *memory, const char *file);

/* The server that it came from. NULL where the file is not there, or not ours. */
const char *held_server(struct arena *memory, const char *file);

/* Puts chain and key together in place of what is there, readable by its owner and the group alone.
 * Returns 0, or -1 with err set. */
int held_store(const char *file, gid_t group, const char *server, const char *chain_file,
	       const char *key_file, struct error *err);

/* The group that the daemon's user belongs to: that of the directory of certificates, unless it is
 * root's; then that of the directory of the database, which is the daemon's. */
gid_t held_group(struct arena *memory, const char *directory, const char *database);
