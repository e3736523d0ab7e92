#pragma once

/*
 * What a template is made of, for the files of this directory only: a flat array of nodes in the
 * order of the source. The nodes inside a section follow it, and the section knows how many they
 * are.
 */

#include "util/base.h"

/* Expansion goes into sections by recursion. The documents we know nest 4 deep. */
#define TEMPLATE_MAX_DEPTH 32

/* A name as written, and its parts between the dots; {{.}} has none. */
struct name {
	const char *text;
	const char *const *parts;
	size_t n_parts;
};

enum node_kind { NODE_TEXT, NODE_VALUE, NODE_SECTION, NODE_INVERTED };

struct node {
	enum node_kind kind;
	unsigned line;
	union {
		struct {
			const char *data;
			size_t size;
		} text;
		struct {
			struct name name;
			size_t n_inner; /* of sections: how many nodes follow that are inside */
		};
	};
};

struct template
{
	const char *name;
	struct node *nodes;
	size_t n_nodes, room;
	struct arena memory; /* all that nodes point to */
};
