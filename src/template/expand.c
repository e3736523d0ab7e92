#include "template/template.h"

#include "template/node.h"
#include "template/value.h"
#include "util/base.h"

/* What escaping does with a byte. The characters that XML 1.0 forbids (2.2) are dropped, since
 * no way to write them would be accepted either. */
enum byte_class { BYTE_PLAIN, BYTE_ESCAPED, BYTE_DROPPED, BYTE_NOT_ASCII };

static const unsigned char byte_classes[256] = {
	[0x01 ... 0x08] = BYTE_DROPPED,
	[0x0b ... 0x0c] = BYTE_DROPPED,
	[0x0e ... 0x1f] = BYTE_DROPPED,
	['&'] = BYTE_ESCAPED,
	['<'] = BYTE_ESCAPED,
	['>'] = BYTE_ESCAPED,
	['"'] = BYTE_ESCAPED,
	['\''] = BYTE_ESCAPED,
	[0x80 ... 0xff] = BYTE_NOT_ASCII,
};

static const char *escape_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	default:
		return "&#39;"; /* &apos; is unknown to HTML 4 readers */
	}
}

/* The length of the character if XML allows it, else 0. */
static size_t allowed_length(const char *text, size_t size)
{
	size_t length = utf8_sequence_length(text, size);

	/* U+FFFE and U+FFFF */
	if (length == 3 &&
	    (memcmp(text, "\xef\xbf\xbe", 3) == 0 || memcmp(text, "\xef\xbf\xbf", 3) == 0))
		return 0;
	return length;
}

/* The length of the longest beginning that needs no change. */
static size_t plain_length(const char *text, size_t size)
{
	size_t i = 0;

	while (i < size) {
		unsigned char class = byte_classes[(unsigned char)text[i]];
		size_t length = class == BYTE_PLAIN	  ? 1
				: class == BYTE_NOT_ASCII ? allowed_length(text + i, size - i)
							  : 0;

		if (length == 0)
			break;
		i += length;
	}
	return i;
}

static void escaped_add(struct bytes *out, const char *text)
{
	size_t size = strlen(text);

	for (;;) {
		size_t length = plain_length(text, size);

		bytes_add(out, text, length);
		text += length;
		size -= length;
		if (size == 0)
			return;
		if (byte_classes[(unsigned char)*text] == BYTE_ESCAPED)
			bytes_add_text(out, escape_of(*text));
		text++;
		size--;
	}
}

const struct value *map_find(const struct value *map, const char *name)
{
	if (map->type != VALUE_MAP)
		return NULL;
	for (size_t i = 0; i < map->map.count; i++)
		if (strcmp(map->map.fields[i].name, name) == 0)
			return &map->map.fields[i].value;
	return NULL;
}

const struct value *scope_find(const struct scope *scope, const struct name *name)
{
	const struct value *value = NULL;

	if (name->n_parts == 0)
		return scope->value;
	for (; scope && !value; scope = scope->outer)
		value = map_find(scope->value, name->parts[0]);
	for (size_t i = 1; value && i < name->n_parts; i++)
		value = map_find(value, name->parts[i]);
	return value;
}

static void nodes_expand(const struct node *node, const struct node *end, const struct scope *scope,
			 struct bytes *out);

static void section_expand(const struct node *section, const struct scope *scope, struct bytes *out)
{
	const struct node *first = section + 1, *end = first + section->n_inner;
	const struct value *value = scope_find(scope, &section->name);
	bool is_true = value && value_is_true(value);

	if (section->kind == NODE_INVERTED) {
		if (!is_true)
			nodes_expand(first, end, scope, out);
	} else if (is_true && value->type == VALUE_LIST) {
		for (size_t i = 0; i < value->list.count; i++)
			nodes_expand(first, end, &(struct scope){ &value->list.items[i], scope },
				     out);
	} else if (is_true) {
		nodes_expand(first, end, &(struct scope){ value, scope }, out);
	}
}

static void nodes_expand(const struct node *node, const struct node *end, const struct scope *scope,
			 struct bytes *out)
{
	for (; node < end; node++) {
		const struct value *value;

		switch (node->kind) {
		case NODE_TEXT:
			bytes_add(out, node->text.data, node->text.size);
			break;
		case NODE_VALUE:
			value = scope_find(scope, &node->name);
			if (value && value->type == VALUE_TEXT)
				escaped_add(out, value->text);
			break;
		case NODE_SECTION:
		case NODE_INVERTED:
			section_expand(node, scope, out);
			node += node->n_inner;
			break;
		}
	}
}

void template_expand(const struct template *template, const struct value *root, struct bytes *out)
{
	nodes_expand(template->nodes, template->nodes + template->n_nodes,
		     &(struct scope){ root, NULL }, out);
}
