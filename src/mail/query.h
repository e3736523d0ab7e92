#pragma once

/* A mail client's request without its wire format: the address, and the host that got it. */

#include "mail/address.h"
#include "mail/provider.h"
#include "util/base.h"

struct md5;

struct query {
	const struct address *address; /* NULL: the question names only a domain */
	const char *domain;	       /* the address's, or one named without an address; or NULL */
	const char *host;	       /* the host that was asked, without port; or NULL */
	const struct md5 *md5;	       /* of the address, if the client sends only that; or NULL */
	const char
		*replaced; /* what the client replaces in an answer wherever it stands; or NULL */
	bool host_may_answer; /* where the domain is not served, the Host's provider may answer */
};

/* Why the client gets what people without a row get. */
enum withheld { WITHHELD_NOT, WITHHELD_ADDRESS_LIMIT, WITHHELD_NETWORK, WITHHELD_REPLACED };

/* What the database says to one question, and which rows decided it. */
struct match {
	const char *domain; /* the domain that is answered for: the one asked for, or the Host's */
	const char *row;    /* the domain row that matched: itself, "*.parent" or "*" */
	const char *alias_of; /* the domain whose provider and users it shares, or NULL */
	const char *
		moved_to; /* where its row, or that of the alias's target, sends clients; or NULL */
	bool is_host;	  /* the Host decided, not an address */
	struct provider provider; /* the user's own, else the domain's */
	struct provider domain_provider;
	bool has_own_provider;
	bool has_user;
	enum withheld withheld;	       /* then has_user is false */
	struct user user;	       /* its address is NULL where there is no row */
	const struct address *address; /* the user's, found by its MD5; or NULL */
};
