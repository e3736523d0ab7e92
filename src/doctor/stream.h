#pragma once

/*
 * A client connection to a server that may be slow, silent or wrong: TCP, then TLS on request, with
 * a deadline for everything. The size of what is read is bounded.
 */

#include <sys/socket.h>

#include "util/base.h"
#include "util/digest.h"

struct stream;
struct trust;

/* Loads the trusted CAs from the file, or those of the system if it is NULL. Any number of threads
 * may use them. Returns 0, or -1 with err set. */
int trust_load(const char *file, struct trust **ret_trust, struct error *err);
void trust_free(struct trust *trust);
DEFINE_CLEANUP(struct trust *, trust_free);

/* Expected outcomes of opening. */
enum {
	STREAM_SILENT = 1, /* no answer in time */
	STREAM_NO_ROUTE,   /* this machine has no route, for example no IPv6 */
};

/* Connects. The deadline is in milliseconds of clock_now(), and holds until another one is set.
 * Returns 0, an outcome or -1, both with err set. */
int stream_open(const struct sockaddr *address, socklen_t length, int64_t deadline,
		struct stream **ret_stream, struct error *err);

/* A stream over a connected, non-blocking socket, which it takes over. */
struct stream *stream_new(int fd, int64_t deadline);
void stream_close(struct stream *stream);
DEFINE_CLEANUP(struct stream *, stream_close);

/* Sets the deadline to so many milliseconds from now. */
void stream_set_patience(struct stream *stream, int64_t patience);

/* Versions of TLS to offer, as GnuTLS has them. */
#define TLS_OFFER_12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define TLS_OFFER_13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define TLS_OFFER_ALL TLS_OFFER_13 ":+VERS-TLS1.2"

/* The certificate that the server presented. Strings live in the arena that was given. */
struct peer {
	bool covers_name;
	bool is_expired, is_future;
	bool is_untrusted;
	bool is_incomplete; /* if untrusted: the CA of the last certificate is unknown */
	int days_left;
	const char *names;  /* "a.example.org, b.example.org", or "none" */
	const char *issuer; /* of the last certificate that it sent */
	struct digest key;
	struct digest leaf; /* of the certificate itself */
};

/* Whether the certificate is valid for the name. */
bool peer_is_good(const struct peer *peer);

/* Begins TLS with the name as SNI. An invalid certificate is not an error. Returns 0, or -1 with
 * err set if the handshake failed. */
int stream_start_tls(struct stream *stream, const struct trust *trust, const char *name,
		     const char *offer, struct arena *memory, struct peer *ret_peer,
		     struct error *err);

/* Each returns 0 or -1 with err set. */
int stream_send(struct stream *stream, const char *data, size_t size, struct error *err);

/* Reads a line, without its end, into memory. Longer and further lines are errors. */
#define STREAM_LINE_MAX 8192
#define STREAM_LINES_MAX 4096
int stream_read_line(struct stream *stream, struct arena *memory, const char **ret_line,
		     struct error *err);

/* Reads at least one and at most size bytes. Returns how many; 0 at the end, or -1 with err set. */
ssize_t stream_read(struct stream *stream, char *data, size_t size, struct error *err);
