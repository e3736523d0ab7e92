#pragma once

/*
 * What would make a certificate authority (CA) refuse an order, found out before it is asked,
 * because CAs count failures: the challenges must be answered, CAA records may exclude the CA, and
 * another web server may answer at a name.
 */

#include "util/base.h"

struct acme_run;
struct choice;
struct order;

/* Expected outcomes: the CA would refuse the order, or cannot be reached at all. */
enum { PREFLIGHT_REFUSED = 1, PREFLIGHT_UNREACHABLE };

/*
 * Chooses how the CA validates the chosen names: by DNS-01 if there is a wildcard, and always if
 * listen-http is empty and there is a dns-hook; else by HTTP-01. Then a token is requested from the
 * plain listener, once in a run, and from the web servers at the names, which corrects where the
 * names are. Returns 0, PREFLIGHT_REFUSED with err set, or -1 with err set if no order can be
 * placed.
 */
int preflight_challenges(struct acme_run *run, struct order *order, const struct choice *choice,
			 struct error *err);

/* Whether CAA records let the CA of the order issue for the chosen names. Records that cannot be
 * looked up do not hold up a renewal in the last part of the certificate's lifetime. Returns 0, or
 * an outcome with err set to the reason. */
int preflight_caa(struct acme_run *run, const struct order *order, const struct choice *choice,
		  struct error *err);

/* Whether the CA returns its directory. Returns 0, or PREFLIGHT_UNREACHABLE with err set. */
int preflight_reach(struct acme_run *run, const char *server, struct error *err);
