#pragma once

/*
 * XML of others, as a small tree of plain values. Strict on purpose: UTF-8 only, no DOCTYPE and so
 * no entities of its own, no network, and bounds on size, depth and number.
 */

#include "util/base.h"

/* What a client may send. */
#define XML_DEPTH_MAX 8
#define XML_ELEMENTS_MAX 64
#define XML_ATTRIBUTES_MAX 64

/* Attributes, among which declarations count, are counted before the document is parsed. */
struct xml_limits {
	int depth;
	size_t elements, attributes;
};

struct xml_attribute {
	const char *name; /* without prefix; declarations of namespaces are none */
	const char *value;
	const struct xml_attribute *next;
};

struct xml_element {
	const char *name; /* without prefix; namespaces are not looked at */
	const char *text; /* of the element itself, without whitespace at its ends */
	const struct xml_element *first_child;
	const struct xml_element *next; /* sibling */

	/* Not from xml_parse(). */
	const struct xml_attribute *attributes; /* or NULL */

	/* Only from xml_parse_whole(). */
	const char *prefix; /* or NULL */
	const char *space;  /* the URI of its namespace, or NULL */
};

/* A DOCTYPE that names an external subset and has no internal one. */
struct xml_doctype {
	const char *name, *public_id, *system_id;
};

/* Parses a document, around which a byte order mark, whitespace and NUL bytes are tolerated. The
 * tree lives in memory. Returns its root, or NULL with err set. */
const struct xml_element *xml_parse(struct arena *memory, const char *data, size_t size,
				    struct error *err);

/* The same for what a server answered, as a client would read it: with all that the elements have,
 * and their texts with the whitespace at their ends. The document may have the one DOCTYPE that is
 * accepted, of which nothing is loaded; NULL for none. */
#define XML_WHOLE_DEPTH_MAX 32
#define XML_WHOLE_ELEMENTS_MAX 4096
#define XML_WHOLE_ATTRIBUTES_MAX 4096
const struct xml_element *xml_parse_whole(struct arena *memory, const char *data, size_t size,
					  const struct xml_doctype *accepted, struct error *err);

/* The same as xml_parse() for a document that an admin wants read, with attributes and within other
 * limits; the error has the line that is not XML. */
const struct xml_element *xml_parse_within(struct arena *memory, const char *data, size_t size,
					   const struct xml_limits *limits, struct error *err);

/* The attribute's value, or NULL. Letter case counts. */
const char *xml_attribute(const struct xml_element *element, const char *name);

/* Whether an XML document of ours is well-formed, with the DOCTYPE that is accepted or none.
 * Returns 0, or -1 with err set to "line N: ...". */
int xml_check(const char *data, size_t size, const struct xml_doctype *accepted, struct error *err);
