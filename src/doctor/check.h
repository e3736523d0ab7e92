#pragma once

/*
 * One check of the doctor. A check has memory and findings of its own and waits only for the
 * servers that it asks, so any number of checks run in parallel.
 */

#include "doctor/client.h"
#include "doctor/expected.h"
#include "doctor/finding.h"
#include "doctor/host.h"
#include "doctor/pool.h"
#include "util/base.h"

struct check;
struct context;
struct coverage;
struct examination;

#define HTTPS_PORT 443

typedef void check_runner(struct check *check);

struct check {
	struct job job;
	const struct world *world;
	check_runner *run;
	struct resolver *resolver; /* of the thread that runs it */

	const struct examination *examination; /* NULL if several domains share the check */
	const char *name;	  /* of the host, for certificates; if shared, the public name */
	uint16_t port;		  /* at that */
	struct endpoint endpoint; /* for services */

	struct arena memory;
	struct findings findings;
	struct check *next; /* among those that are shared */
};

/* A domain under examination. It does not change while its checks run. */
struct examination {
	const char *domain;
	struct expected expected;
	struct wanted wanted;
	const char *const *names; /* n_names below the domain that clients try */
	size_t n_names;
	struct address sample;	/* clients ask for this address */
	const char *no_sample;	/* why there is no address to test with; or NULL */
	const char *sample_fix; /* then what to do about it */
	/* What the clients should get, in the order of client_models[]; and from a network to
	 * which logins are not sent. */
	struct client_result *results, *results_elsewhere;
	bool plain_autoconfig; /* port 80 may serve autoconfig without logins */

	struct check database; /* has the findings about the database */
	struct check **checks; /* n_checks, its own and those that it shares */
	size_t n_checks;
};

/* Reads all that the database has about the domain, reports what is notable about that, and plays
 * the clients against it. coverage: of the configured certificates; NULL where it is not known.
 * Returns 0, or -1 where no request for the domain is answered; the reason is reported. */
int examination_prepare(struct examination *examination, const struct context *context,
			const struct coverage *coverage);

/* All records of 'dns', and what interferes with them. */
void check_dns(struct check *check);

/* Reachability, TLS and certificate of check->name. */
void check_name(struct check *check);

/* The same for any name; an unreachable host is a problem only if the name is needed. */
void check_host(struct check *check, const char *name, bool is_needed);

/* What each client gets. */
void check_clients(struct check *check);

/* Reachability, security and authentications of check->endpoint. */
void check_announced_service(struct check *check);

/* Whether clients look for this server under the name. */
bool examination_has_name(const struct examination *examination, const char *name);

/* The same, or the public name to which clients are redirected. */
bool examination_owns_name(const struct examination *examination, const char *name);

/* The same, also for a shared check. */
bool check_owns_name(const struct check *check, const char *name);

/* Formats a text in the check's memory. */
const char *check_format(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds a finding. The format has a line for what was seen and, unless that is right, one for what
 * was expected and one for what fixes it; only what was seen may have line ends of its own. */
void check_report(struct check *check, enum finding_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Reports what is wrong with the certificate that a server presented for the name. */
void check_peer(struct check *check, const char *name, const char *place, const struct peer *peer);

/* Begins TLS and reports what is wrong with the certificate, or a failed handshake, for which fix
 * is the remedy. Returns 0, or -1 where the handshake failed. */
int check_tls(struct check *check, struct stream *stream, const char *name, const char *place,
	      const char *fix, struct peer *ret_peer);

/* Whether there is a finding of the kind: one is enough for all addresses of a host. */
bool check_has(const struct check *check, enum finding_kind kind);

void check_report_failed_lookup(struct check *check, const char *name, const char *types,
				const char *failure);

#define ADDRESS_TYPES "A, AAAA"
