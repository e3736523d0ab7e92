#pragma once

/* Providers that were read from elsewhere go into the database. */

struct arguments;
struct admin;
struct draft;
struct error;

/*
 * Adds the provider of a settled draft with its services, and its domains; warns of what the draft
 * notes. With --replace a provider of its name gets its services, texts and login, and keeps all
 * else; domains of other providers become its own. Without --replace these are refused, and so are
 * services in clear text without --allow-plaintext. source is what it was read from, for errors.
 * Returns 0 or -1 with err set.
 */
int draft_store(struct admin *admin, const struct arguments *arguments, const char *source,
		const struct draft *draft, struct error *err);
