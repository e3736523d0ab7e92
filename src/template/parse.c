/*
 * Source to nodes, in one pass. A tag that puts nothing in by itself (a section's ends, a comment)
 * and has a line to itself takes the whole line with it, as the Mustache specification wants, so
 * that documents come out without holes.
 *
 * We are stricter than Mustache where a template could do harm or can only be a mistake: nothing
 * gets out unescaped, and what we do not know is refused rather than taken as a name.
 */

#include "template/template.h"

#include <stdarg.h>

#include "template/node.h"
#include "util/base.h"
#include "util/log.h"

struct parser {
	struct template *template;
	const char *source, *end;
	const char *at;				  /* what is read up to here */
	const char *text;			  /* what is in nodes up to here */
	unsigned line;				  /* of at */
	size_t open_sections[TEMPLATE_MAX_DEPTH]; /* their places among the nodes */
	size_t depth;
	struct error *err;
};

/* {{# services }}
 *   | +- name, without the spaces around it
 *   +--- sigil, 0 if there is none */
struct tag {
	char sigil;
	const char *start, *end;
	const char *name;
	size_t name_size;
	unsigned line;
};

static int refuse_template(struct parser *parser, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse_template(struct parser *parser, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_set(parser->err, ERROR_INPUT, "%s:%u: %s", parser->template->name, line,
		  arena_vprintf(&parser->template->memory, format, args));
	va_end(args);
	return -1;
}

static const char *quote(struct parser *parser, const char *text)
{
	return log_quote(&parser->template->memory, text);
}

static void advance(struct parser *parser, const char *to)
{
	for (; parser->at < to; parser->at++)
		parser->line += *parser->at == '\n';
}

static const char *find(const char *from, const char *end, const char *braces)
{
	return memmem(from, (size_t)(end - from), braces, strlen(braces));
}

static struct node *node_add(struct template *template, enum node_kind kind, unsigned line)
{
	struct node *node;

	if (template->n_nodes == template->room) {
		template->room = template->room ? 2 * template->room : 16;
		template->nodes = xrealloc(template->nodes, template->room, sizeof(*node));
	}
	node = &template->nodes[template->n_nodes++];
	*node = (struct node){ .kind = kind, .line = line };
	return node;
}

static void text_add(struct parser *parser, const char *end)
{
	struct node *node;

	if (end == parser->text)
		return;
	node = node_add(parser->template, NODE_TEXT, parser->line);
	node->text.data = parser->text;
	node->text.size = (size_t)(end - parser->text);
}

static const char *why_refused(char sigil)
{
	switch (sigil) {
	case '{':
		return "{{{...}}} would put in text that is not escaped; write {{...}}, which "
		       "escapes for XML";
	case '&':
		return "{{&...}} would put in text that is not escaped; write {{...}}, which "
		       "escapes for XML";
	case '>':
		return "{{>...}} would include another template, which is not supported; put its "
		       "text here";
	case '=':
		return "{{=...=}} would change the delimiters, which is not supported; leave the "
		       "line out and write {{...}}";
	case '<':
		return "{{<...}} would build on another template, which is not supported; put its "
		       "text here";
	case '$':
		return "{{$...}} would mark a block for other templates, which is not supported; "
		       "leave the tag and its end out";
	default:
		return NULL;
	}
}

/* Reads the tag that begins where the parser is. */
static int tag_read(struct parser *parser, struct tag *ret_tag)
{
	struct tag tag = { .start = parser->at, .line = parser->line };
	const char *name = tag.start + 2, *close;

	while (name < parser->end && char_is_blank(*name))
		name++;
	if (name < parser->end && why_refused(*name))
		return refuse_template(parser, tag.line, "%s", why_refused(*name));
	if (name < parser->end && strchr("#^/!", *name))
		tag.sigil = *name++;

	close = find(name, parser->end, "}}");
	if (!close)
		return refuse_template(parser, tag.line, "the tag is not closed; end it with }}");
	tag.end = close + 2;
	if (tag.sigil != '!' && find(name, close, "{{"))
		return refuse_template(
			parser, tag.line,
			"the tag is not closed before the next one begins; end it with }}");

	while (name < close && char_is_blank(*name))
		name++;
	while (name < close && char_is_blank(close[-1]))
		close--;
	tag.name = name;
	tag.name_size = (size_t)(close - name);
	*ret_tag = tag;
	return 0;
}

static int name_parse(struct parser *parser, const struct tag *tag, struct name *ret_name)
{
	struct arena *memory = &parser->template->memory;
	char *text = arena_strndup(memory, tag->name, tag->name_size);
	char *rest = arena_strdup(memory, text);
	const char **parts;
	size_t n_parts = 1;

	if (!*text)
		return refuse_template(parser, tag->line,
				       "the tag has no name; write one between the braces");
	for (const char *c = text; *c; c++) {
		if (*c == ' ' || *c == '{' || *c == '}' || char_is_control(*c))
			return refuse_template(
				parser, tag->line,
				"the name %s has whitespace, a brace or a control character in "
				"it; write one name in each tag",
				quote(parser, text));
		n_parts += *c == '.';
	}
	if (text_equals(text, ".")) {
		*ret_name = (struct name){ .text = text };
		return 0;
	}
	parts = arena_array(memory, const char *, n_parts);
	for (size_t i = 0; i < n_parts; i++) {
		parts[i] = strsep(&rest, ".");
		if (!*parts[i])
			return refuse_template(
				parser, tag->line,
				"the name %s has a dot without a name beside it; write a.b, "
				"or {{.}} for the value itself",
				quote(parser, text));
	}
	*ret_name = (struct name){ .text = text, .parts = parts, .n_parts = n_parts };
	return 0;
}

static int section_close(struct parser *parser, const struct tag *tag, const struct name *name)
{
	struct template *template = parser->template;
	struct node *section;
	size_t place;

	if (parser->depth == 0)
		return refuse_template(
			parser, tag->line,
			"%s is closed, but no section is open; leave the tag out or open the "
			"section before it",
			quote(parser, name->text));
	place = parser->open_sections[parser->depth - 1];
	section = &template->nodes[place];
	if (!text_equals(section->name.text, name->text))
		return refuse_template(
			parser, tag->line,
			"%s is closed, but the section that is open is %s of line %u; close "
			"that one first",
			quote(parser, name->text), quote(parser, section->name.text),
			section->line);
	section->n_inner = template->n_nodes - place - 1;
	parser->depth--;
	return 0;
}

/* Widens the tag to the whole line if it has only whitespace besides. */
static void tag_take_line(const struct parser *parser, struct tag *tag)
{
	const char *start = tag->start, *end = tag->end;

	while (start > parser->source && (start[-1] == ' ' || start[-1] == '\t'))
		start--;
	if (start > parser->source && start[-1] != '\n')
		return;
	while (end < parser->end && (*end == ' ' || *end == '\t'))
		end++;
	if (end + 1 < parser->end && end[0] == '\r' && end[1] == '\n')
		end++;
	if (end < parser->end && *end != '\n')
		return;
	tag->start = start;
	tag->end = end < parser->end ? end + 1 : end;
}

static int tag_add(struct parser *parser, struct tag *tag)
{
	struct name name;

	if (tag->sigil)
		tag_take_line(parser, tag);
	text_add(parser, tag->start);
	advance(parser, tag->end);
	parser->text = tag->end;
	if (tag->sigil == '!')
		return 0;
	if (name_parse(parser, tag, &name) < 0)
		return -1;

	switch (tag->sigil) {
	case '#':
	case '^':
		if (parser->depth == TEMPLATE_MAX_DEPTH)
			return refuse_template(parser, tag->line,
					       "sections are nested more than %d deep; close some "
					       "before this one",
					       TEMPLATE_MAX_DEPTH);
		parser->open_sections[parser->depth++] = parser->template->n_nodes;
		node_add(parser->template, tag->sigil == '^' ? NODE_INVERTED : NODE_SECTION,
			 tag->line)
			->name = name;
		return 0;
	case '/':
		return section_close(parser, tag, &name);
	default:
		node_add(parser->template, NODE_VALUE, tag->line)->name = name;
		return 0;
	}
}

static int parse(struct parser *parser)
{
	const char *start, *end = parser->end;
	size_t length;

	for (const char *at = parser->source; at < end; at += length) {
		length = utf8_decode(at, (size_t)(end - at), NULL);
		if (length > 0 && *at) {
			parser->line += *at == '\n';
			continue;
		}
		return refuse_template(
			parser, parser->line, "%s",
			length == 0 ? "the text is not UTF-8; convert it"
				    : "the text has a NUL character; templates are plain text in "
				      "UTF-8");
	}
	parser->line = 1;
	while ((start = find(parser->at, end, "{{"))) {
		struct tag tag = { 0 };

		advance(parser, start);
		if (tag_read(parser, &tag) < 0 || tag_add(parser, &tag) < 0)
			return -1;
	}
	text_add(parser, end);
	if (parser->depth > 0) {
		const struct node *section =
			&parser->template->nodes[parser->open_sections[parser->depth - 1]];

		return refuse_template(
			parser, section->line,
			"the section %s that begins here is never closed; close it with {{/...}}",
			quote(parser, section->name.text));
	}
	return 0;
}

int template_parse(const char *name, const char *source, size_t size,
		   struct template **ret_template, struct error *err)
{
	_cleanup_(template_freep) struct template *template = xnew(struct template);
	const char *copy = arena_strndup(&template->memory, source, size);
	struct parser parser = {
		.template = template,
		.source = copy,
		.end = copy + size,
		.at = copy,
		.text = copy,
		.line = 1,
		.err = err,
	};

	template->name = arena_strdup(&template->memory, name);
	if (parse(&parser) < 0)
		return -1;
	*ret_template = TAKE(template);
	return 0;
}

void template_free(struct template *template)
{
	if (!template)
		return;
	free(template->nodes);
	arena_clear(&template->memory);
	free(template);
}
