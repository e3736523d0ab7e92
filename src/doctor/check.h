#pragma once

/*
 * One thing that the doctor looks at, by itself: a check waits for nobody but the servers that it
 * asks, and has memory and findings of its own, so that any number run side by side.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doctor/client.h"
#include "doctor/expected.h"
#include "doctor/finding.h"
#include "doctor/host.h"
#include "doctor/pool.h"
#include "util/arena.h"

struct run;

#define HTTPS 443

/* What the checks of one domain know. It does not change once they run. */
struct examined {
	struct expected subject;
	struct wanted wanted;
	const char *const *names; /* n_names of ours that clients try */
	size_t n_names;
	struct address sample;		     /* whom clients ask about */
	const char *no_sample;		     /* why nobody can be asked about; or NULL */
	const char *sample_fix;		     /* then what would change that */
	struct client_result *expected;	     /* of each client, in the order of client_models[] */
	struct client_result *for_strangers; /* likewise, where logins are not sent to */
	bool plain_autoconfig;		     /* port 80 may give the document without logins */
};

struct check {
	struct job job;
	struct run *run;
	const struct world *world;
	void (*examine)(struct check *check, struct resolver *resolver);

	const struct examined *examined; /* of the domain; NULL where several share the check */
	const char *name;		 /* of the host, for certificates; where shared, ours */
	uint16_t port;			 /* at that */
	struct endpoint endpoint;	 /* for services */

	struct arena memory;
	struct findings findings;
	bool is_done; /* guarded by the run's lock */
};

/* All records of 'dns', and what stands in their way. */
void check_dns(struct check *check, struct resolver *resolver);

/* Reachability, TLS and certificate of check->name, where clients try it for HTTPS. */
void check_name(struct check *check, struct resolver *resolver);

/* The same for any name; that nobody is there is a problem where it is needed. */
void look_at_name(struct check *check, struct resolver *resolver, const char *name, bool is_needed);

/* What each client comes to. */
void check_clients(struct check *check, struct resolver *resolver);

/* check->endpoint, reached and secured as it is announced, with the announced authentications. */
void check_service(struct check *check, struct resolver *resolver);

/* Whether a name is one under which clients look for this server. */
bool is_wanted_name(const struct examined *examined, const char *name);

/* The same, or the one to which it sends them. */
bool is_own_name(const struct examined *examined, const char *name);

/* The same, for a check that domains share too. */
bool is_ours(const struct check *check, const char *name);

/* What is wrong with a certificate that a server showed for the name; nothing where it is good.
 * fix says who is to do something. */
void report_peer(struct check *check, const char *name, const char *place, const struct peer *peer);

/* Formats for findings, in the check's memory. */
const char *say(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

void report(struct check *check, enum finding_kind kind, const char *seen, const char *expected,
	    const char *fix);
