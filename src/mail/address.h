#pragma once

/*
 * A mail address, and the parts of it that decide an answer.
 *
 *     First.Last+news@Example.ORG
 *
 *     typed   First.Last+news@Example.ORG
 *     local   First.Last+news               as typed: clients expect to meet it again
 *     domain  example.org                   lower case, A-labels
 *     key     first.last+news               the local part as the database has it (ASCII folded)
 */

#include "util/base.h"

/* RFC 5321 4.5.3.1.1 and .3 */
#define ADDRESS_MAX_LENGTH 254
#define ADDRESS_LOCAL_MAX_LENGTH 64

struct address {
	const char *typed;
	const char *text; /* local@domain */
	const char *local;
	const char *domain;
	const char *key;
};

/*
 * Parses one address, without whitespace around it. Also rejects quoted local parts and those that
 * would need quotes, bytes that are not UTF-8, and domains that do not convert to A-labels. Strings
 * live in memory. Returns 0, or -1 with err set to a sentence that names the address.
 */
int address_parse(struct arena *memory, const char *text, struct address *ret_address,
		  struct error *err);

/*
 * The domain of an address, or of a question without one, as address_parse() gives it. A pattern
 * ("*.example.org", "*") is accepted where patterns is true. Returns NULL with err set.
 */
const char *domain_parse(struct arena *memory, const char *text, bool patterns, struct error *err);

/* Whether the domain is a pattern. */
bool domain_is_pattern(const char *domain);

/* The local part up to the first of the delimiters that is not its first character ("" for none),
 * as Postfix's recipient_delimiter cuts it. Lives in memory. */
const char *local_without_tag(struct arena *memory, const char *local, const char *delimiters);

/* Whether the text is a set of delimiters: characters that an address may have before its '@',
 * neither letters nor digits, each once. "" is the empty set. Returns 0, or -1 with err set. */
int delimiters_check(const char *text, struct error *err);

/*
 * The domains for which a host may be asked, in the order of trying: the name without one leading
 * autoconfig., autodiscover. or ua-auto-config., then the name itself. The second is matched
 * exactly only, for "*.example.org" must not take autoconfig.example.org for a customer.
 */
struct host_domains {
	const char *stripped; /* NULL where nothing was stripped */
	const char *bare;
};

struct host_domains host_domains(const char *host);
