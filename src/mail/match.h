#pragma once

/* What the database says to one question, and which rows decided it. */

#include <stdbool.h>

#include "mail/address.h"
#include "mail/provider.h"

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
	bool is_kept_back;	       /* has_user was true, but the row is not for whoever asks */
	struct user user;	       /* where has_user or is_kept_back */
	const struct address *address; /* the user's, found by its MD5; or NULL */
};
