#pragma once

/*
 * What would make a certificate authority (CA) refuse an order, found out before it is asked: CAs
 * count failures. CAA records may exclude it, and another web server may answer at a name.
 */

struct arena;
struct choice;
struct error;
struct identities;
struct issuing;
struct order;

/* Expected outcomes: the CA would refuse the order, or cannot be reached at all. */
enum { PREFLIGHT_REFUSED = 1, PREFLIGHT_UNREACHABLE };

/* Whether CAA records let the CA of the order issue for the chosen names. Records that cannot be
 * looked up do not hold up a renewal in the last part of the certificate's lifetime. Returns 0, or
 * an outcome with err set to the reason. */
int preflight_caa(struct issuing *issuing, const struct order *order, const struct choice *choice,
		  struct error *err);

/* Whether the CA returns its directory. Returns 0, or PREFLIGHT_UNREACHABLE with err set. */
int preflight_reach(struct arena *memory, const char *server, struct error *err);

/* Asks the web servers at the chosen names for a token of ours, and corrects where the names are.
 * Returns 0, or -1 with err set if no token can be shown. */
int preflight_probe(struct issuing *issuing, struct order *order, const struct choice *choice,
		    struct error *err);
