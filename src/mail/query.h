#pragma once

/* A mail client's question without its wire format: whom it is about, and who was asked. */

#include <stdbool.h>
#include <stddef.h>

#include "mail/address.h"

struct md5;

struct query {
	const struct address *address; /* NULL: the question names only a domain */
	const char *domain;	       /* the address's, or one named without an address; or NULL */
	const char *host;	       /* the host that was asked, without port; or NULL */
	const struct md5 *md5; /* of the address, where that is all that is told of it; or NULL */
	const char
		*replaced; /* what the client replaces in an answer wherever it stands; or NULL */
	bool host_may_answer; /* where the domain is not served, the Host's provider may answer */
};

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
