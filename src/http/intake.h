#pragma once

/*
 * What GnuTLS reads of one connection, counted so that a client cannot make it hold more.
 *
 * GnuTLS collects a handshake message until it is complete, up to the 16 MiB that its header can
 * announce, and checks the length only then. During the handshake all bytes count. The largest
 * ClientHello of a browser has 1.9 KB, with a post-quantum key share and a session ticket.
 *
 * After the handshake a message of TLS 1.3 (KeyUpdate) looks like any record. But what is not part
 * of a message reaches the HTTP parser, which reads at most INTAKE_UNPARSED_MAX bytes before it
 * passes something on or rejects the request. A client that has sent more, with nothing of it
 * passed on, is sending a message.
 */

#include <stdbool.h>
#include <stddef.h>

#define INTAKE_HANDSHAKE_MAX ((size_t)16 * 1024)

/* The memory that libmicrohttpd has for the head of a request. */
#define INTAKE_UNPARSED_MAX ((size_t)8 * 1024)

#define INTAKE_HEADER 5 /* of a TLS record, RFC 8446 5.1 */

struct intake {
	bool is_established;  /* the handshake is finished */
	size_t handshake;     /* bytes received until then, headers of records included */
	size_t unparsed;      /* bytes in records since then that were not passed on yet */
	size_t body;	      /* bytes of the current record still to come */
	size_t header_length; /* bytes of its header that have come */
	unsigned char header[INTAKE_HEADER];
};

/* Counts bytes that were received. Returns whether they are within the limit. */
bool intake_count(struct intake *intake, const void *data, size_t size);

/* The handshake is finished; a part of a request was passed on. */
void intake_establish(struct intake *intake);
void intake_pass_on(struct intake *intake);
