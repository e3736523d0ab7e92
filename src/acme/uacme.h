#pragma once

/*
 * Runs the ACME client uacme(1), which stores the keys of the account and of the certificates in a
 * directory of ours.
 */

#include "util/base.h"

/* Expected outcome: the rate limit of the CA is reached. */
enum { UACME_LIMITED = 1 };

struct uacme {
	const char *directory;	/* for what it stores, for all servers; created if missing */
	const char *server;	/* the URL of the CA's directory */
	const char *challenges; /* the directory for challenges */
	const char *dns_hook; /* the program that answers challenges of DNS-01, NULL for HTTP-01 */
};

/* What has been issued, as files of PEM. */
struct uacme_issue {
	const char *chain_file, *key_file;
};

/* Creates an account at the server unless there is one, with the contact address email, which may
 * be NULL. If the CA has terms of service, they must be accepted; otherwise err has their URL.
 * Returns 0, or UACME_LIMITED or -1 with err set. */
int uacme_provide_account(struct arena *memory, const struct uacme *uacme, const char *email,
			  bool accepts_terms, struct error *err);

/* Deletes the keys and copies of certificates of orders with this first name. */
void uacme_forget(struct arena *memory, const struct uacme *uacme, const char *name);

/* Requests an ECDSA P-256 certificate for the names; renewals keep its key. Returns 0, or
 * UACME_LIMITED or -1 with err set, to the error of the CA if it returned one. */
int uacme_issue(struct arena *memory, const struct uacme *uacme, const char *const *names,
		size_t count, struct uacme_issue *ret_issue, struct error *err);
