#pragma once

/*
 * What a reverse proxy says of the client for whom it asks. Any client can say so too: only a proxy
 * that the operator trusts is believed.
 */

struct MHD_Connection;
struct arena;
struct request;

/* What a request says of itself; of several fields of a name, all values in their order, with
 * commas between. NULL where there is none. */
struct forwarded {
	const char *addresses; /* X-Forwarded-For */
	const char *hosts;     /* X-Forwarded-Host */
};

struct forwarded forwarded_read(struct arena *memory, struct MHD_Connection *connection);

/*
 * The request came from a proxy: request->client is the peer, request->host the Host field. Where
 * the peer is trusted, both become what it says; whoever may open our unix socket is trusted, the
 * others are where the networks contain them.
 *
 * The client is the right-most address that is not a trusted proxy's, for what stands to the left
 * of it the client can have written itself; where all are trusted, the left-most. Where that is no
 * address, or there is none, it is [::], which is in nobody's network. The host
 * is the right-most, the one that the trusted proxy was asked for.
 *
 * Afterwards request->client is an IPv4 or IPv6 address. Lives in memory.
 */
void forwarded_apply(struct arena *memory, const char *trusted_networks,
		     const struct forwarded *forwarded, struct request *request);
