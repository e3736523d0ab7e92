#pragma once

/*
 * One run of a command that requests or deletes certificates by ACME: its input and findings, and
 * where it reports. At most one run changes the files at a time.
 */

#include <time.h>

#include "acme/local-names.h"
#include "acme/managed-certificate.h"
#include "acme/uacme.h"
#include "tls/certificate-list.h"
#include "util/base.h"
#include "util/string-list.h"

struct memo;
struct order;
struct resolver;
struct settings;
struct store;
struct trust;

/* What came of an order. */
struct outcome {
	const char *domain, *word; /* the word is for programs, the remark for people */
	const char *remark, *problem, *hint;
	bool is_repeated;	   /* the problem, which was reported before */
	const struct order *order; /* or NULL */
	const char *const *names;  /* that are requested */
	size_t n_names;
	const char *file, *expires; /* or NULL */
	const char *unserved;	    /* why it is stored, but perhaps not served; or NULL */
	const char *kept_until;	    /* the day when names are dropped, or NULL */
	bool is_unanswered;	    /* the problem is that DNS gives no answer */
	bool is_refused;	    /* the problem is that the CA would refuse the order */
};

/* A certificate authority (CA), by the URL of its directory. */
struct authority {
	const char *server;
	const char *closed, *hint; /* why it is not asked again in this run, or NULL */
	bool has_identities;	   /* they are known */
	struct texts identities;   /* its names in CAA records, by its own account */
	struct authority *next;
};

struct acme_run {
	/* Set by the caller. */
	struct arena *memory;
	const struct settings *settings;
	const char *database; /* its path */
	struct store *store;
	bool lacks_rows; /* the store lacks invalid rows of the database */
	bool is_dry;	 /* nothing is requested or changed */
	bool wants_all;	 /* domains for which nothing is requested are reported one by one */
	const char *email;
	bool accepts_terms;
	void (*report)(const struct outcome *outcome, void *context);
	void *context;

	/* Of acme_run_open_files(). */
	const char *directory; /* of the certificates */
	struct uacme uacme;    /* except the server */
	struct certificate_list certificates;
	struct managed_certificate *managed;
	size_t n_managed;
	time_t now;
	int lock;

	/* Of acme_run_open(). */
	struct resolver *resolver;
	struct local_addresses addresses;
	struct texts hosts;	  /* public names of the settings and of providers */
	struct coverage coverage; /* of all certificates */

	/* What the run has found out. */
	struct authority *authorities;
	bool can_show_challenges; /* tried, and found so */
	bool cannot_see_served;	  /* whether a certificate is served cannot be seen */
	struct trust *trust;	  /* of connections, or NULL */
	struct memo *silent;	  /* addresses that cannot be reached, or NULL */
	size_t n_requested, n_failed;
};

/* Reads the certificates, and unless the run is dry makes sure that no other run changes them
 * meanwhile. Returns 0, or -1 with err set; in both cases acme_run_close() follows. */
int acme_run_open_files(struct acme_run *run, struct error *err);

/* The same for requests: also finds the addresses of this server, which are those given (see
 * local_addresses_find()), and its public names. */
int acme_run_open(struct acme_run *run, const char *resolver, const char *addresses,
		  struct error *err);
void acme_run_close(struct acme_run *run);

/* The certificate that was requested under the name; NULL if there is none. */
const struct managed_certificate *acme_run_managed(const struct acme_run *run, const char *domain);

/* The CA of this server; added if it is new. */
struct authority *acme_run_authority(struct acme_run *run, const char *server);

/* Reports an outcome, and counts failures. */
void acme_run_report(struct acme_run *run, const struct outcome *outcome);

/* Reports that nothing was requested for the domain: as a failure, whose hint may be NULL, or as a
 * remark. */
void acme_run_fail(struct acme_run *run, const char *domain, const char *problem, const char *hint);
void acme_run_skip(struct acme_run *run, const char *domain, const char *word, const char *remark);

/* When all orders are done. Returns 0, or -1 with err set if some failed. */
int acme_run_result(const struct acme_run *run, struct error *err);
