#pragma once

/* A host as the world sees it: its addresses, and connections to them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "dns/resolver.h"

struct arena;
struct error;
struct stream;
struct memo;
struct trust;

/* Connecting takes a client that waits for it at least this long, in milliseconds. */
#define HOST_PATIENCE 5000

/* More addresses than these of a host are not tried. */
#define HOST_ADDRESSES_MAX 8

/* What is asked and how: the same for the whole run. Borrowed. */
struct world {
	const struct trust *trust;
	struct memo *silent; /* "ADDRESS:PORT" from which nobody answered */
	/* Where HTTPS for names of ours goes instead of where DNS says; length 0 for nowhere. */
	struct sockaddr_storage connect;
	socklen_t connect_length;
	const char *connect_text;
};

struct host_address {
	const char *text;
	bool is_ipv6;
};

struct host {
	const char *name;
	enum dns_outcome outcome;
	const char *
		failure; /* why looking up A or AAAA failed, also if the other was found; or NULL */
	const char *alias; /* where CNAMEs led to, or NULL */
	struct host_address addresses[HOST_ADDRESSES_MAX];
	size_t n_addresses;
};

/* Looks up A and AAAA. In memory. */
void host_find(struct resolver *resolver, struct arena *memory, const char *name,
	       struct host *ret_host);

/* "192.0.2.1, 2001:db8::1"; "no address". In memory. */
const char *host_addresses(struct arena *memory, const struct host *host);

/* Connects to one of its addresses. Returns as stream_open(); an address that was silent once is
 * not waited for again. */
int host_connect_address(const struct world *world, const struct host_address *address,
			 uint16_t port, struct stream **ret_stream, struct error *err);

/* Connects to the first that answers. Returns as stream_open() for the last of them. */
int host_connect(const struct world *world, const struct host *host, uint16_t port,
		 struct stream **ret_stream, struct error *err);
