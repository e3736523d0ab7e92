#pragma once

/* A host in DNS: its addresses, and connections to them. */

#include <sys/socket.h>

#include "dns/resolver.h"
#include "util/base.h"

struct stream;
struct memo;
struct trust;

/* Clients wait at least this long for a connection, in milliseconds. */
#define HOST_PATIENCE 5000

/* Further addresses of a host are not tried. */
#define HOST_ADDRESSES_MAX 8

/* Reads a port from 1 to 65535. Returns whether the text is one, and nothing else; NULL is none. */
bool port_parse(const char *text, uint16_t *ret_port);

struct host_address {
	const char *text;
	bool is_ipv6;
	const struct sockaddr *socket; /* address and port to connect to instead, or NULL */
	socklen_t socket_length;
};

/* What all checks of a run share. Borrowed. */
struct world {
	const struct trust *trust;
	struct memo *silent; /* each "ADDRESS:PORT" that timed out */
	/* Where HTTPS for the names of this server goes, whatever DNS says; text NULL: by DNS. */
	struct host_address connect;
};

struct host {
	const char *name;
	enum dns_outcome outcome;
	const char *failure; /* of the lookup of A or AAAA, even if the other was found; or NULL */
	const char *alias;   /* the target of CNAMEs, or NULL */
	struct host_address addresses[HOST_ADDRESSES_MAX];
	size_t n_addresses;
};

/* Looks up A and AAAA. In memory. */
struct host host_find(struct resolver *resolver, struct arena *memory, const char *name);

/* "192.0.2.1, 2001:db8::1"; "no address". In memory. */
const char *host_addresses(struct arena *memory, const struct host *host);

/* Connects to one of its addresses. Returns as stream_open(); an address that timed out once is not
 * tried again. */
int host_connect_address(const struct world *world, const struct host_address *address,
			 uint16_t port, struct stream **ret_stream, struct error *err);

/* Connects to the first that accepts. Returns as stream_open() for the last of them. */
int host_connect(const struct world *world, const struct host *host, uint16_t port,
		 struct stream **ret_stream, struct error *err);
