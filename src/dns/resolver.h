#pragma once

/*
 * Asks a DNS resolver (RFC 1035): many questions side by side, with one time limit for each. A
 * resolver belongs to one thread.
 */

#include "util/base.h"

struct resolver;

/* The types of RFC 1035 3.2.2 and others, by their numbers. */
enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52,
	DNS_CAA = 257,
};

enum dns_outcome {
	DNS_FOUND,
	DNS_NOTHING, /* a definite answer: no record of the type (NODATA) or no such name (NXDOMAIN)
		      */
	DNS_FAILED,  /* no answer: timeout, SERVFAIL, REFUSED, connection refused, malformed; this
		      * says nothing about the name */
};

/* Names are in lower case, without a final dot; the root is ".". */
struct dns_record {
	enum dns_type type;
	const char *name; /* the owner */
	/* A, AAAA: the address; CNAME, PTR, MX, SRV: the name; TXT: all strings as one */
	const char *text;
	uint16_t priority, weight, port; /* of SRV; priority also of MX */
	const unsigned char *data;	 /* size bytes, as they came */
	size_t size;
};

/* The records of the type asked for, those of the CNAMEs' target; and that target. */
struct dns_answer {
	enum dns_outcome outcome;
	const char *failure; /* why it failed, else NULL */
	bool has_no_name;    /* of DNS_NOTHING: no record of any type has the name (NXDOMAIN) */
	const struct dns_record *records;
	size_t count;
	const char *alias; /* the target of the CNAMEs, or NULL */
};

struct dns_question {
	const char *name;
	enum dns_type type;
	struct dns_answer answer; /* filled in */
};

/* server is IP, IP:PORT or [IP]:PORT; NULL: those of the system. Returns 0, or -1 with err set to a
 * sentence that quotes it. */
int resolver_new(const char *server, struct resolver **ret_resolver, struct error *err);
void resolver_free(struct resolver *resolver);
DEFINE_CLEANUP(struct resolver *, resolver_free);

/* Asks all of them, up to RESOLVER_AT_ONCE at a time because forwarders refuse more than some
 * hundred, and waits for the answers, which live in memory. If an answer ends in a CNAME, as it
 * does if a forwarder does not look up the target, the target is asked for as well. */
#define RESOLVER_AT_ONCE 64
void resolver_ask(struct resolver *resolver, struct arena *memory, struct dns_question *questions,
		  size_t count);

/* Reads a message of RFC 1035 4 into the question's answer, which lives in memory. Returns 0, or -1
 * where the message is malformed; the answer is untouched then. */
int resolver_read(struct arena *memory, const unsigned char *message, size_t size,
		  struct dns_question *question);

/* The name that has the PTR record of an address (RFC 1035 3.5, RFC 3596 2.5). In memory. */
const char *resolver_reverse_name(struct arena *memory, const char *address);
