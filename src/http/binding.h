#pragma once

/* A TCP socket bound to an address of the settings. */

#include "util/base.h"

struct socket_holder;
struct texts;

enum { BINDING_TAKEN = 1, BINDING_DENIED, BINDING_ABSENT };

/*
 * What to bind to for an address of the list: itself; but without IPv6, where [::] cannot be bound,
 * 0.0.0.0 with the same port, in memory, or NULL if the list has that too. Adds what it replaces to
 * the warning. A unix socket is returned as it is.
 */
const char *binding_address(struct arena *memory, const struct texts *addresses, const char *text,
			    struct bytes *warning);

/* Whether the address can be bound by us alone, because sockets that share a port would not notice
 * another daemon of ours there. Nothing stays open. Returns 0; BINDING_TAKEN with err and
 * ret_holder set; BINDING_DENIED with err set where the user may not; BINDING_ABSENT with err set
 * where this machine does not have the address; or -1 with err set. */
int binding_check(const struct texts *addresses, const char *text, struct socket_holder *ret_holder,
		  struct error *err);

/* Binds to the address, which others of our sockets may share, and which this machine may get
 * later. [::] takes IPv4 connections too, unless the list has 0.0.0.0 with the same port. Returns
 * the socket, or -1 with err set. */
int binding_open(const struct texts *addresses, const char *text, struct error *err);
