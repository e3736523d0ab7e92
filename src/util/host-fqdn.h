#pragma once

struct arena;

/* This host's name with its domain, as far as the resolver knows it, which may take a while to ask.
 * NULL if it has none. Lives in memory. */
const char *own_name(struct arena *memory);
