#pragma once

/*
 * What the certificate commands need of the database: names of domains and public names of
 * providers. These commands remain root, because of the keys, and root never opens the database
 * itself.
 */

#include "util/base.h"

struct admin;

/*
 * Opens admin->store on an excerpt: domains with their provider or alias, and whether they are
 * enabled; providers with public_name and pacc. All else is as in a new provider, and there are no
 * users, services or links. A child process with the rights of the database's owner reads the rows;
 * they are checked as untrusted input. Returns 0, or -1 with err set.
 */
int excerpt_open(struct admin *admin, struct error *err);
