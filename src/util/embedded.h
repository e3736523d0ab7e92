#pragma once

/* Text files that are compiled in, made by embed.py from what lies in data/ and templates/. Each
 * table ends with an entry without name. */

struct embedded {
	const char *name;
	const char *text;
};

/* Numbered migrations of the database, in order: data/schema/. */
extern const struct embedded embedded_schema[];

/* The wire documents: templates/. */
extern const struct embedded embedded_templates[];
