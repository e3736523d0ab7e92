#pragma once

/* The public names of this server: that of the settings and those of providers, without ports. */

#include <stdbool.h>
#include <stddef.h>

struct admin;
struct error;

struct public_hosts {
	const char **names;
	size_t count;
};

/* Reads them from the settings and the database. Returns 0, or -1 with err set. */
int public_hosts_find(struct admin *admin, struct public_hosts *ret_hosts, struct error *err);

bool public_hosts_have(const struct public_hosts *hosts, const char *name);
