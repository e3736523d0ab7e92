#pragma once

/*
 * What would make a certificate authority (CA) refuse an order, found out before it is asked: CAs
 * count failures. CAA records may exclude it, and another web server may answer at a name.
 */

struct choice;
struct error;
struct identities;
struct issuing;
struct order;

/* Expected outcome: the order cannot succeed now. */
enum { PREFLIGHT_REFUSED = 1 };

/* Whether CAA records let the CA of the order issue for the chosen names. Returns 0, or
 * PREFLIGHT_REFUSED with err set to the reason. */
int preflight_caa(struct issuing *issuing, const struct order *order, const struct choice *choice,
		  struct error *err);

/* Asks the web servers at the chosen names for a token of ours, and corrects where the names are.
 * Returns 0, or -1 with err set if no token can be shown. */
int preflight_probe(struct issuing *issuing, struct order *order, const struct choice *choice,
		    struct error *err);
