#pragma once

/* The client behind a reverse proxy. Any client can send these fields, so only trusted proxies are
 * believed. */

#include "util/base.h"

struct MHD_Connection;
struct request;

/* All values of the request's fields of that name, in their order, with commas between. NULL where
 * there is none. */
const char *forwarded_values(struct arena *memory, struct MHD_Connection *connection,
			     const char *name);

/*
 * The request came from a proxy: request->client is the peer, request->host the Host field. If
 * the peer is trusted, both become what the values of X-Forwarded-For and X-Forwarded-Host say
 * (NULL: nothing). A peer on the unix socket is trusted, others are if the networks contain them.
 *
 * The client is the right-most address that is not a trusted proxy's, because the client can have
 * written what is left of it; if all are trusted, the left-most. If that is not an address, or
 * there is none, the client is [::], which is in no network. The host is the right-most, the one
 * that the trusted proxy was asked for.
 *
 * Afterwards request->client is an IPv4 or IPv6 address. Lives in memory.
 */
void forwarded_apply(struct arena *memory, const char *trusted_networks, const char *addresses,
		     const char *hosts, struct request *request);
