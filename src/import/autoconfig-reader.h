#pragma once

/* Reads an autoconfig document of another server, of version 1.1 or 1.2, as a provider. */

#include "util/base.h"

struct draft;

/* The largest in Thunderbird's database of providers has five thousand bytes. */
#define AUTOCONFIG_MAX_SIZE ((size_t)1024 * 1024)

/* Reads the document into a settled draft, whose provider has the document's id as its name if that
 * is valid. Returns 0, or -1 with err set: not an autoconfig document, or no supported service. */
int autoconfig_read(struct arena *memory, const char *data, size_t size, struct draft *ret_draft,
		    struct error *err);
