#pragma once

/*
 * A connection to a server that may be slow, silent or wrong: TCP, TLS once it is asked for, and a
 * deadline for all that is done on it. What is read is bounded.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "util/cleanup.h"
#include "util/digest.h"

struct arena;
struct error;
struct stream;
struct trust;

/* The authorities that certificates must come from: those of the file, or of the system where it is
 * NULL. Any number of threads may use it. Returns 0, or -1 with err set. */
int trust_load(const char *file, struct trust **ret_trust, struct error *err);
void trust_free(struct trust *trust);
DEFINE_CLEANUP(struct trust *, trust_free);

/* Expected outcomes of opening. */
enum {
	STREAM_REFUSED = 1, /* somebody is there, and says no */
	STREAM_SILENT,	    /* nobody answers */
	STREAM_NO_ROUTE,    /* this machine cannot get there, such as by IPv6 */
};

/* Connects. deadline is in the milliseconds of clock_now(), and holds for what follows until it is
 * set anew. Returns 0, an outcome, or -1, err saying why. */
int stream_open(const struct sockaddr *address, socklen_t length, int64_t deadline,
		struct stream **ret_stream, struct error *err);

/* A stream over a connected socket that does not block, which it owns from then on. */
struct stream *stream_new(int fd, int64_t deadline);
void stream_close(struct stream *stream);
DEFINE_CLEANUP(struct stream *, stream_close);
void stream_set_deadline(struct stream *stream, int64_t deadline);

enum tls_offer { TLS_OFFER_ALL, TLS_OFFER_12, TLS_OFFER_13 };

/* What the server showed. Strings live in the arena that was given. */
struct peer {
	bool covers_name;
	bool is_expired, is_future;
	bool is_untrusted;
	bool is_incomplete; /* of those untrusted: an issuer is neither sent nor known */
	int days_left;
	const char *names;  /* "a.example.org, b.example.org", or "none" */
	const char *issuer; /* of the last certificate that it sent */
	struct digest key;
	struct digest leaf; /* of the certificate itself */
};

/* Whether a careful client goes on. */
bool peer_is_good(const struct peer *peer);

/* Begins TLS and asks for the name; a certificate that is wrong is no error. Returns 0, or -1 with
 * err set to why the handshake failed. */
int stream_start_tls(struct stream *stream, const struct trust *trust, const char *name,
		     enum tls_offer offer, struct arena *memory, struct peer *ret_peer,
		     struct error *err);

/* Each returns 0 or -1 with err set. */
int stream_send(struct stream *stream, const char *data, size_t size, struct error *err);

/* A line without its end. A longer one, and one more than so many, is an error. Lives in memory. */
#define STREAM_LINE_MAX 8192
#define STREAM_LINES_MAX 4096
int stream_read_line(struct stream *stream, struct arena *memory, const char **ret_line,
		     struct error *err);

/* At least one and at most size bytes, fewer at will; 0 at the end. */
int stream_read(struct stream *stream, char *data, size_t size, size_t *ret_count,
		struct error *err);
