#pragma once

/* PACC (draft-ietf-mailmaint-pacc): settings as JSON, whose digest is in DNS. */

#include "util/base.h"

struct provider;

/* Whether PACC can say what the provider has. Returns 0, or -1 with err set to why not. */
int pacc_check(struct arena *memory, const struct provider *provider, struct error *err);
