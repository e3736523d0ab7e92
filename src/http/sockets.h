#pragma once

/*
 * The listening sockets: one of its own for each worker at each address of the settings, so that
 * the kernel spreads connections over the workers (SO_REUSEPORT); or those that were handed over
 * by what started us, which the workers share, as they do unix sockets.
 */

#include "config/settings.h"
#include "util/base.h"
#include "util/string-list.h"
#include "util/unix-socket.h"

struct socket_holder;

/* What is spoken on a listening socket. */
enum socket_kind {
	SOCKET_TLS,
	SOCKET_PLAIN, /* what plain-http.h says */
	SOCKET_PROXY, /* the same as on SOCKET_TLS, in the clear, to a proxy that has spoken TLS */
	SOCKET_METRICS, /* what metrics-server.h says; not for the workers */
	SOCKET_KINDS
};

/* One address. */
struct listening_socket {
	const char *address;
	const char *name; /* for the log: "on https://ADDRESS:PORT", and whether it was handed over
			   */
	enum socket_kind kind;
	bool is_listening;
	bool is_absent;			/* this machine does not have the address */
	int *fds;			/* one for each worker, -1 once it is taken */
	struct unix_socket unix_socket; /* its fd is -1 where it is none */
};

struct sockets {
	struct arena memory; /* holds all below */
	unsigned workers;
	/* Each worker has one of each, of SOCKET_METRICS the first. */
	struct listening_socket *items;
	size_t count;
	struct texts problems; /* sentences about addresses that are left out, or not there yet */
	struct error first;    /* of these */
	struct bytes warning;  /* that [::] is not listened on without IPv6, and what is instead; or
				  empty */
};

/* Takes what was handed over under the names https, http, proxy and metrics; where there is none of
 * a kind, binds to the addresses that the settings have for it, for so many workers. Clients cannot
 * connect to these yet; at a unix socket they can, and wait. An address that cannot be opened is
 * left out as long as one for HTTPS or for a proxy is open. Returns 0, or -1 with err set to a
 * sentence that names the address. */
int sockets_open(const struct settings *settings, unsigned workers, struct sockets **ret_sockets,
		 struct error *err);

const char *sockets_kind_name(enum socket_kind kind); /* "https" */
bool sockets_have(const struct sockets *sockets, enum socket_kind kind);

/* Listens on a worker's socket, which the caller owns from now on. Returns it, or -1 with err
 * set. */
int sockets_listen(struct sockets *sockets, size_t index, unsigned worker, struct error *err);

/* Closes those that were not taken, and removes the files of unix sockets: clients cannot connect
 * any more. */
void sockets_close(struct sockets *sockets);

enum { SOCKETS_TAKEN = 1, SOCKETS_DENIED, SOCKETS_ABSENT };

/*
 * What to bind to for an address of the list: itself; but without IPv6, where [::] cannot be bound,
 * 0.0.0.0 with the same port, in memory, or NULL if the list has that too. Adds what it replaces to
 * the warning. A unix socket is returned as it is.
 */
const char *sockets_address(struct arena *memory, const struct texts *addresses, const char *text,
			    struct bytes *warning);

/* Whether the address can be bound by us alone, because sockets that share a port would not notice
 * another daemon of ours there. Nothing stays open. Returns 0; SOCKETS_TAKEN with err and
 * ret_holder set; SOCKETS_DENIED with err set where the user may not; SOCKETS_ABSENT with err set
 * where this machine does not have the address; or -1 with err set. */
int sockets_check(const struct texts *addresses, const char *text, struct socket_holder *ret_holder,
		  struct error *err);

DEFINE_CLEANUP(struct sockets *, sockets_close);
