#pragma once

/* Requesting certificates, for the first time or again: what both have in common. */

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "acme/local-names.h"
#include "acme/uacme.h"
#include "tls/certificate-list.h"
#include "cli/command.h"
#include "cli/public-hosts.h"
#include "tls/coverage.h"

struct arguments;
struct admin;
struct closed_authority;
struct error;
struct identities;
struct list;
struct memo;
struct order;
struct resolver;
struct trust;

struct issuing {
	struct admin *admin;
	const char *directory; /* of the certificates */
	struct uacme uacme;    /* but for the server */
	const char *email;     /* or NULL */
	bool accepts_terms, is_trial;
	struct resolver *resolver;
	struct ours ours;
	struct public_hosts hosts;
	struct loaded_certificates loaded;
	struct coverage coverage; /* of all that is loaded */
	time_t now;
	int lock;
	bool can_show_challenges;	       /* tried, and found so */
	struct trust *trust;		       /* of connections to our own listener, or NULL */
	bool is_blind;			       /* whether a certificate is served cannot be seen */
	const struct closed_authority *closed; /* those that are asked no more, or NULL */
	const struct identities *identities;   /* of CAs in CAA records, or NULL */
	struct memo *silent;		       /* addresses that cannot be reached, or NULL */
	size_t n_requested, n_failed;
	struct list *report; /* for --json, else NULL */
};

/* Options of both commands. */
extern const struct option issuing_options[];

/* Reads certificates, finds our addresses, and sees to it that nobody else requests meanwhile.
 * Returns 0, or -1 with err set; in both cases issuing_close() follows. */
int issuing_open(struct issuing *issuing, struct admin *admin, const struct arguments *arguments,
		 struct error *err);
void issuing_close(struct issuing *issuing);

/* The same, but only the certificates are read and nobody else requests meanwhile. */
int issuing_open_files(struct issuing *issuing, struct admin *admin,
		       const struct arguments *arguments, struct error *err);

/* When it is time for a new one: 30 days before its end, or a third of its lifetime if that is
 * less. */
time_t issuing_due_time(const struct certificate *certificate);

/* Whether it is time for a new one: within so many days before its end, or with 0 for days within
 * 30 or a third of its time, whichever is less. */
bool issuing_is_due(const struct issuing *issuing, const struct certificate *certificate,
		    unsigned long days);

/* The certificate that was requested under the name; NULL if none is loaded. Borrowed. */
const struct certificate *issuing_held(const struct issuing *issuing, const char *domain);

/* Expected outcome of ORDER_MISSING: another web server answers at the names, or CAA records
 * exclude the CA. Nothing has been told. */
enum { ISSUING_REFUSED = 1 };

/* Requests what the order wants and tells what comes of it; a failure is counted. An authority that
 * cannot be reached, gives no account or wants no more requests is asked no more. Returns 0,
 * ISSUING_REFUSED with err set to the reason, or -1 with err set where it is of no use to go on
 * with other orders. */
int issuing_place(struct issuing *issuing, struct order *order, struct error *err);

/* Tells that nothing has been requested under the name: as a failure, or as a word about it. */
void issuing_fail(struct issuing *issuing, const char *domain, const char *problem);
void issuing_pass(struct issuing *issuing, const char *domain, const char *outcome,
		  const char *remark);

/* When all orders are done. Returns 0, or -1 with err set where some failed. */
int issuing_end(struct issuing *issuing, struct error *err);
