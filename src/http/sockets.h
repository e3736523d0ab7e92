#pragma once

/*
 * The listening sockets: one of its own for each worker at each address of the settings, so that
 * the kernel spreads connections over the workers (SO_REUSEPORT); or those that were handed over
 * by what started us, which the workers share, as they do unix sockets.
 */

#include "config/settings.h"
#include "util/base.h"

struct sockets;
struct texts;

/* What is spoken on a listening socket. */
enum port_kind {
	PORT_TLS,
	PORT_PLAIN,   /* what plain.h says */
	PORT_PROXY,   /* the same as on PORT_TLS, in the clear, to a proxy that has spoken TLS */
	PORT_METRICS, /* what monitor.h says; not for the workers */
	PORT_KINDS
};

/* Takes what was handed over under the names https, http, proxy and metrics; where there is none of
 * a kind, binds to the addresses that the settings have for it, for so many workers. Clients cannot
 * connect to these yet; at a unix socket they can, and wait. An address that cannot be opened is
 * left out as long as one for HTTPS or for a proxy is open. Returns 0, or -1 with err set to a
 * sentence that names the address. */
int sockets_open(const struct settings *settings, unsigned workers, struct sockets **ret_sockets,
		 struct error *err);

/* A sentence for each address that is left out, or that this machine does not have yet. */
const struct texts *sockets_problems(const struct sockets *sockets);

/* That [::] is not listened on, because there is no IPv6, and what is instead; NULL for none. */
const char *sockets_warning(const struct sockets *sockets);

/* How many there are. Each worker has one of each, but of PORT_METRICS there is only the one of
 * worker 0. */
size_t sockets_count(const struct sockets *sockets);

enum port_kind sockets_kind(const struct sockets *sockets, size_t index);
const char *sockets_kind_name(enum port_kind kind); /* "https" */
bool sockets_have(const struct sockets *sockets, enum port_kind kind);

/* Where clients connect to, for the log: "on https://ADDRESS:PORT", and whether it was handed over.
 */
const char *sockets_name(const struct sockets *sockets, size_t index);

/* Listens on a worker's socket, which the caller owns from now on. Returns it, or -1 with err
 * set. */
int sockets_listen(struct sockets *sockets, size_t index, unsigned worker, struct error *err);

/* Closes those that were not taken, and removes the files of unix sockets: clients cannot connect
 * any more. */
void sockets_close(struct sockets *sockets);
DEFINE_CLEANUP(struct sockets *, sockets_close);
