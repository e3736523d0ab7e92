#pragma once

/*
 * Counts what GnuTLS receives on one connection, because GnuTLS itself has no limit: it collects a
 * handshake message until it is complete, up to the 16 MiB that its header can announce.
 *
 * During the handshake all bytes count. The largest ClientHello of a browser has 1.9 KB, with a
 * post-quantum key share and a session ticket.
 *
 * After the handshake a TLS 1.3 message such as KeyUpdate looks like data, because the type of a
 * record is encrypted (RFC 8446 5.2). But data reaches the HTTP parser. So what counts is the
 * content of all records since a part of a request was passed on, and the announced length of the
 * record that is being received. Together they may have the length of one record. The head and the
 * body of a request have at most 8 KiB each, so a request of any TLS 1.3 records is within the
 * limit.
 */

#include "util/base.h"

#define INTAKE_HANDSHAKE_MAX ((size_t)16 * 1024)

/* The longest record, without its header: RFC 5246 6.2.3. RFC 8446 5.2 allows 16 KiB + 256. */
#define INTAKE_RECORD_MAX ((size_t)18 * 1024)

#define INTAKE_HEADER 5 /* of a TLS record, RFC 8446 5.1 */

struct intake {
	bool is_established;  /* set once the handshake is finished */
	size_t handshake;     /* bytes received until then, headers of records included */
	size_t unparsed;      /* content of records since then; set to 0 when a request gets it */
	size_t body;	      /* bytes of the current record still to come */
	size_t header_length; /* bytes of its header that have come */
	unsigned char header[INTAKE_HEADER];
};

/* Counts bytes that were received. Returns whether they are within the limit. */
bool intake_count(struct intake *intake, const unsigned char *data, size_t size);
