#include "template/template.h"

#include "template/node.h"
#include "template/value.h"
#include "util/log.h"

/* What is written in place of a character of ASCII, NULL for itself. The characters that XML 1.0
 * forbids (2.2) are dropped, since no way to write them would be accepted either. */
static const char *const replacements[128] = {
	[0x01 ... 0x08] = "", [0x0b ... 0x0c] = "", [0x0e ... 0x1f] = "",
	['&'] = "&amp;",      ['<'] = "&lt;",	    ['>'] = "&gt;",
	['"'] = "&quot;",     ['\''] = "&#39;", /* &apos; is unknown to HTML 4 readers */
};

/* The length of the character if XML allows it, else 0. */
static size_t allowed_length(const char *text, size_t size)
{
	uint32_t character = 0;
	size_t length = utf8_decode(text, size, &character);

	return character == 0xfffe || character == 0xffff ? 0 : length;
}

static void escaped_add(struct bytes *out, const char *text)
{
	const char *end = text + strlen(text), *plain = text; /* what needs no change */

	while (text < end) {
		unsigned char c = (unsigned char)*text;
		size_t length = c < 0x80 ? 1 : allowed_length(text, (size_t)(end - text));
		const char *replacement = length == 0 ? "" : c < 0x80 ? replacements[c] : NULL;

		if (replacement) {
			bytes_add(out, plain, (size_t)(text - plain));
			bytes_add_text(out, replacement);
			plain = text + 1;
		}
		text += length ?: 1;
	}
	bytes_add(out, plain, (size_t)(end - plain));
}

/* The context stack: the values of the sections that are open, innermost first. */
struct scope {
	const struct value *value;
	const struct scope *outer;
};

/* The field's value. NULL if there is none, or the value is not a map. */
static const struct value *map_find(const struct value *map, const char *name)
{
	if (map->type != VALUE_MAP)
		return NULL;
	for (size_t i = 0; i < map->map.count; i++)
		if (strcmp(map->map.fields[i].name, name) == 0)
			return &map->map.fields[i].value;
	return NULL;
}

/* What the name stands for: its first part is looked for from the innermost value outwards, the
 * others only in what was found. NULL if it stands for nothing. */
static const struct value *scope_find(const struct scope *scope, const struct name *name)
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

/*
 * Mustache lets a name that is not found expand to nothing. In a document that a mail client acts
 * on, a misspelt name would be a server without a host: so names are checked when a template is
 * loaded.
 */

/* So that the sentence fits into an error. */
#define KNOWN_NAMES_MAX_SIZE 320

struct name_check {
	const struct template *template;
	struct arena *memory;
	struct error *err;
};

/* The names that can be used in the scope, innermost first, without those that inner ones hide. */
static const char *known_names(struct name_check *check, const struct scope *scope)
{
	struct bytes list = BYTES_IN(check->memory);

	for (const struct scope *at = scope; at; at = at->outer) {
		size_t count = at->value->type == VALUE_MAP ? at->value->map.count : 0;

		for (size_t i = 0; i < count; i++) {
			const struct field *field = &at->value->map.fields[i];
			const struct name name = { .parts = &field->name, .n_parts = 1 };

			if (scope_find(scope, &name) != &field->value)
				continue;
			if (list.size > KNOWN_NAMES_MAX_SIZE) {
				bytes_add_text(&list, ", ...");
				return bytes_text(&list);
			}
			bytes_add_format(&list, "%s%s", list.size ? ", " : "", field->name);
		}
	}
	return list.size ? bytes_text(&list) : "no names";
}

static int fail_not_found(struct name_check *check, const struct node *node,
			  const struct scope *scope)
{
	const struct name *name = &node->name;
	struct name first = { .parts = name->parts, .n_parts = 1 };
	const struct value *value = scope_find(scope, &first), *next;
	size_t i = 1;

	if (!value)
		return error_set(
			check->err, ERROR_INPUT, "%s:%u: there is no %s here; use one of: %s",
			check->template->name, node->line, log_quote(check->memory, name->parts[0]),
			known_names(check, scope));
	while ((next = map_find(value, name->parts[i]))) {
		value = next;
		i++;
	}
	return error_set(check->err, ERROR_INPUT, "%s:%u: there is no %s in %s; use one of: %s",
			 check->template->name, node->line,
			 log_quote(check->memory, name->parts[i]),
			 log_quote(check->memory, name->parts[i - 1]),
			 known_names(check, &(struct scope){ value, NULL }));
}

static int fail_no_text(struct name_check *check, const struct node *node, enum value_type type)
{
	static const char *const kinds[] = {
		[VALUE_FALSE] = "a Boolean",
		[VALUE_TRUE] = "a Boolean",
		[VALUE_LIST] = "a list",
		[VALUE_MAP] = "a map",
	};

	return error_set(check->err, ERROR_INPUT,
			 "%s:%u: %s is %s, which cannot be put in; open it as a section",
			 check->template->name, node->line,
			 log_quote(check->memory, node->name.text), kinds[type]);
}

/* A section is entered once, whatever it stands for: the first item stands for the whole list. */
static int nodes_check(struct name_check *check, const struct node *node, const struct node *end,
		       const struct scope *scope)
{
	for (; node < end; node++) {
		struct scope inner = { .outer = scope };
		const struct value *value;

		if (node->kind == NODE_TEXT)
			continue;
		value = scope_find(scope, &node->name);
		if (!value)
			return fail_not_found(check, node, scope);
		if (node->kind == NODE_VALUE) {
			if (value->type != VALUE_TEXT)
				return fail_no_text(check, node, value->type);
			continue;
		}
		inner.value = value->type == VALUE_LIST ? value->list.items : value;
		if (nodes_check(check, node + 1, node + 1 + node->n_inner,
				node->kind == NODE_SECTION && value_is_true(value) ? &inner
										   : scope) < 0)
			return -1;
		node += node->n_inner;
	}
	return 0;
}

int template_check_names(const struct template *template, const struct value *sample,
			 struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct name_check check = { .template = template, .memory = &memory, .err = err };
	const struct node *nodes = template->nodes;

	return nodes_check(&check, nodes, nodes + template->n_nodes,
			   &(struct scope){ sample, NULL });
}
