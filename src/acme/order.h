#pragma once

/*
 * What to request under one name: the names of a certificate, and which of them it gets.
 *
 * A name that DNS gives no answer for is never taken for one that does not resolve to this server:
 * the order waits. A name of the present certificate that does not resolve to this server any more
 * is dropped only when a ninth of the certificate's lifetime is left (10 of 90 days), because its
 * clients are refused from then on; and at once if the user names the domain in a request.
 */

#include <time.h>

#include "util/base.h"
#include "util/string-list.h"

struct acme_run;
struct certificate;
struct name_place;

enum order_kind {
	ORDER_NAMED,   /* the user named the domain */
	ORDER_MISSING, /* a domain of which a name has no certificate */
	ORDER_RENEWAL, /* of a certificate that was requested before */
};

struct order {
	enum order_kind kind;
	const char *domain;
	const char *server;
	const struct certificate *present; /* that was requested before under the name, or NULL */
	bool is_due;			   /* the present one is */
	struct name_place *places;
	size_t count;
	bool is_located; /* the places are known */
};

/* When it is time for a new certificate: 30 days before the end of this one, or a third of its
 * lifetime if that is less. */
time_t order_due_time(const struct certificate *certificate);

/* Begins an order; unless it is ORDER_NAMED, with the names of the present certificate. */
struct order order_begin(struct acme_run *run, enum order_kind kind, const char *domain,
			 const char *server);

/* Adds a name, once. */
void order_add(struct acme_run *run, struct order *order, const char *name);

/* Adds the names by which clients look for the domain's settings, the public names within it, and
 * the domain itself. Returns 0, STORE_NOT_FOUND if nothing serves the domain, or -1 with err set.
 */
int order_add_wanted(struct acme_run *run, struct order *order, struct error *err);

/* Returns 0, or -1 with err set if the domain or a name is not a host name: they come from the
 * database, which the daemon's account can write, and go into file names and the arguments of the
 * ACME client. */
int order_validate(const struct order *order, struct error *err);

/* Removes the names that other certificates have. */
void order_leave_to_others(struct acme_run *run, struct order *order);

/* Looks up where the names of all the orders are. Returns whether DNS answered anything. */
bool orders_locate(struct acme_run *run, struct order *orders, size_t count);

enum order_verdict {
	ORDER_REQUEST,	  /* a certificate for the chosen names */
	ORDER_COMPLETE,	  /* the present certificate has them, and is not due */
	ORDER_COVERED,	  /* other certificates have all the names */
	ORDER_EMPTY,	  /* no name resolves to this server */
	ORDER_WAITS,	  /* names are missing that the present certificate keeps for now */
	ORDER_UNANSWERED, /* DNS gives no answer for a name */
};

struct choice {
	enum order_verdict verdict;
	struct texts names;  /* that resolve to this server */
	const char *problem; /* of ORDER_UNANSWERED */
	time_t until;	     /* of ORDER_WAITS: when names are dropped */
};

/* Decides what to do about an order whose names are located. */
struct choice order_judge(struct acme_run *run, const struct order *order);

/* Whether the name is to be reported if the certificate does not get it. */
bool order_must_report(const struct order *order, const struct name_place *place);
