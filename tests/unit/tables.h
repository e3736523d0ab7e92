#pragma once

/* Reads a table from a text, and writes down what comes of it. */

#include <stddef.h>

struct arena;

struct table_case {
	const char *format;
	const char *text;
	size_t size; /* 0: that of the text */
	const char *domain;
	const char *address_attributes, *login_attribute, *name_attribute;
};

/* A line for each row ("3 a@example.org=a4711 name=N provider=P moved_to=M"), each line skipped
 * ("3 skipped: why") and each bad one ("3 bad: why"), in the order in which they were met. Served
 * are served.example and the domains below it, of which alias.served.example is an alias of it;
 * there are users boss@, who stays, and self@, who is replaced, both with the login b4711. */
const char *table_tell(struct arena *memory, const struct table_case *table_case);
