#pragma once

/* Reads an autoconfig document of others, of version 1.1 or 1.2, as a provider of ours. */

#include <stddef.h>

struct arena;
struct draft;
struct error;

/* The largest in Thunderbird's database of providers has five thousand bytes. */
#define AUTOCONFIG_MAX_SIZE ((size_t)1024 * 1024)

/*
 * The provider is named after the document's id, and not at all where that is no name; the draft
 * is settled. What is no autoconfig document, or has no service of ours, is refused: returns 0, or
 * -1 with err set.
 */
int autoconfig_read(struct arena *memory, const char *data, size_t size, struct draft *ret_draft,
		    struct error *err);
