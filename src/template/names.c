/*
 * Mustache lets a name that is not found expand to nothing. In a document that a mail client acts
 * on, a misspelt name would be a server without a host: so names are checked when a template is
 * loaded.
 */

#include "template/template.h"

#include "template/node.h"
#include "template/value.h"
#include "util/base.h"
#include "util/log.h"

/* So that the sentence fits into an error. */
#define KNOWN_NAMES_MAX_SIZE 320

struct name_check {
	const struct template *template;
	struct arena memory;
	struct error *err;
};

/* The names that can be used in the scope, innermost first, without those that inner ones hide. */
static const char *known_names(struct name_check *check, const struct scope *scope)
{
	struct bytes list = BYTES_IN(&check->memory);

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
			check->template->name, node->line,
			log_quote(&check->memory, name->parts[0]), known_names(check, scope));
	while ((next = map_find(value, name->parts[i]))) {
		value = next;
		i++;
	}
	return error_set(check->err, ERROR_INPUT, "%s:%u: there is no %s in %s; use one of: %s",
			 check->template->name, node->line,
			 log_quote(&check->memory, name->parts[i]),
			 log_quote(&check->memory, name->parts[i - 1]),
			 known_names(check, &(struct scope){ value, NULL }));
}

static int check_is_text(struct name_check *check, const struct node *node,
			 const struct value *value)
{
	static const char *const kinds[] = {
		[VALUE_FALSE] = "a truth value", [VALUE_TRUE] = "a truth value",
		[VALUE_TEXT] = "a text",	 [VALUE_LIST] = "a list",
		[VALUE_MAP] = "a map",
	};

	if (value->type == VALUE_TEXT)
		return 0;
	return error_set(check->err, ERROR_INPUT,
			 "%s:%u: %s is %s, which cannot be put in; open it as a section",
			 check->template->name, node->line,
			 log_quote(&check->memory, node->name.text), kinds[value->type]);
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
			if (check_is_text(check, node, value) < 0)
				return -1;
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
	struct name_check check = { .template = template, .err = err };
	const struct node *nodes = template->nodes;
	int result;

	result = nodes_check(&check, nodes, nodes + template->n_nodes,
			     &(struct scope){ sample, NULL });
	arena_clear(&check.memory);
	return result;
}
