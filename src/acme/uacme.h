#pragma once

/*
 * The ACME client that speaks to the certificate authority: uacme(1), a program of its own. It
 * keeps the key of our account there and those of the certificates in a directory of ours.
 */

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;

/* Expected outcome: the authority wants no more requests for now. */
enum { UACME_LIMITED = 1 };

struct uacme {
	const char *directory;	/* of what it keeps, for all servers; made where it is not there */
	const char *server;	/* the URL of the authority's directory */
	const char *challenges; /* the directory to put challenges into */
	const char *dns_hook; /* the program that answers challenges of DNS-01, NULL for HTTP-01 */
};

/* What has been issued, as files of PEM. */
struct uacme_issue {
	const char *chain_file, *key_file;
};

/* Sees to it that there is an account at the server. Where one has to be made, email is the address
 * to write to, NULL for none; and if the authority has terms, they must be accepted: if not, err
 * says where they are. Returns 0, UACME_LIMITED, or -1; but for 0 err says why. */
int uacme_provide_account(struct arena *memory, const struct uacme *uacme, const char *email,
			  bool accepts_terms, struct error *err);

/* Deletes what is kept of orders whose first name this was: keys and copies of certificates. */
void uacme_forget(struct arena *memory, const struct uacme *uacme, const char *name);

/* Requests a certificate for the names, ECDSA P-256; its key stays the same from one to the next.
 * Returns 0, UACME_LIMITED, or -1; but for 0 err says why, in the authority's words if it spoke. */
int uacme_issue(struct arena *memory, const struct uacme *uacme, const char *const *names,
		size_t count, struct uacme_issue *ret_issue, struct error *err);
