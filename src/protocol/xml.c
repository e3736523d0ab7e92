#include "protocol/xml.h"

#include <libxml/parser.h>
#include <pthread.h>

/* IGNORE_ENC: all that is read was found to be UTF-8 before, whatever it declares; told the
 * encoding instead, libxml2 would convert every byte. Never among these: NOENT, DTDLOAD, DTDATTR,
 * XINCLUDE, HUGE. */
#define XML_OPTIONS                                                                    \
	(XML_PARSE_NONET | XML_PARSE_COMPACT | XML_PARSE_NOCDATA | XML_PARSE_NOERROR | \
	 XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC)

DEFINE_CLEANUP(xmlParserCtxtPtr, xmlFreeParserCtxt);
DEFINE_CLEANUP(xmlDocPtr, xmlFreeDoc);

struct tree {
	struct arena *memory;
	const struct xml_limits *limits;
	bool has_attributes;		    /* as well as elements */
	bool is_whole;			    /* with the whitespace around texts, and namespaces */
	const struct xml_doctype *accepted; /* or NULL */
	size_t elements;
	struct error *err;
};

static const struct xml_element *fail(struct error *err, const char *reason)
{
	error_set(err, ERROR_INPUT, "%s", reason);
	return NULL;
}

/* What the callbacks of libxml2 get and leave behind. */
struct guard {
	const struct xml_doctype *accepted; /* or NULL */
	int line; /* of one that was refused, at which reading ended; else 0 */
	bool stops_at_error;
};

static bool is_text(const xmlChar *text, const char *wanted)
{
	return text && text_equals((const char *)text, wanted);
}

/* Called after '<!DOCTYPE plist PUBLIC "..." "..."', at '>' or the '[' of an internal subset,
 * before anything in that is read. One that is accepted is taken for nothing: libxml2 would let
 * entities pass that the external subset might have declared. */
static void guard_doctype(void *context, const xmlChar *name, const xmlChar *public_id,
			  const xmlChar *system_id)
{
	xmlParserCtxtPtr parser = context;
	struct guard *guard = parser->_private;
	const struct xml_doctype *accepted = guard->accepted;

	if (accepted && is_text(name, accepted->name) && is_text(public_id, accepted->public_id) &&
	    is_text(system_id, accepted->system_id) && *parser->input->cur == '>') {
		parser->hasExternalSubset = 0;
		return;
	}
	guard->line = parser->input->line;
	xmlStopParser(parser);
}

#if LIBXML_VERSION < 21200
typedef xmlError *error_report;
#else
typedef const xmlError *error_report;
#endif

/* After an error libxml2 reads on, and formats a message for each that follows: 8 KiB of them take
 * it 2 to 12 ms. The rest of its input becomes NUL bytes, at which it ends; xmlStopParser() would
 * free what its functions still point into. */
static void guard_error(void *context, error_report error)
{
	xmlParserCtxtPtr parser = context;
	const struct guard *guard = parser->_private;
	const xmlParserInput *input = parser->input;

	if (guard->stops_at_error && error->level == XML_ERR_FATAL && input && input->cur &&
	    input->end > input->cur)
		memset((xmlChar *)(uintptr_t)input->cur, 0, (size_t)(input->end - input->cur));
}

/* No document may make libxml2 open anything, whatever else goes wrong. */
static xmlParserInputPtr load_nothing(const char *url, const char *id, xmlParserCtxtPtr context)
{
	return NULL;
}

/* The loader is the library's, for all threads: it is set once, and not while another one reads. */
static void prepare_library(void)
{
	xmlInitParser();
	xmlSetExternalEntityLoader(load_nothing);
}

static const char *text_of(const struct tree *tree, const xmlNode *children)
{
	struct bytes text = BYTES_IN(tree->memory);
	const char *start;
	size_t length;

	for (const xmlNode *child = children; child; child = child->next)
		if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE)
			bytes_add_text(&text, (const char *)child->content);
	start = bytes_text(&text);
	if (tree->is_whole)
		return start;
	while (char_is_blank(*start))
		start++;
	length = strlen(start);
	while (length > 0 && char_is_blank(start[length - 1]))
		length--;
	return arena_strndup(tree->memory, start, length);
}

/* Reports a reference to an entity that the document does not declare. */
static bool has_entity(const struct tree *tree, const xmlNode *children)
{
	for (const xmlNode *child = children; child; child = child->next)
		if (child->type == XML_ENTITY_REF_NODE) {
			fail(tree->err, "an entity is used that XML does not know");
			return true;
		}
	return false;
}

static const struct xml_element *element_of(struct tree *tree, const xmlNode *node, int depth)
{
	struct xml_element *element = arena_new(tree->memory, struct xml_element);
	const struct xml_element **link = &element->first_child;
	const struct xml_attribute **next = &element->attributes;
	const xmlNs *space = tree->is_whole ? node->ns : NULL;

	if (depth > tree->limits->depth || ++tree->elements > tree->limits->elements)
		return fail(tree->err, "too many elements");
	element->name = arena_strdup(tree->memory, (const char *)node->name);
	element->text = text_of(tree, node->children);
	if (space && space->prefix)
		element->prefix = arena_strdup(tree->memory, (const char *)space->prefix);
	if (space && space->href)
		element->space = arena_strdup(tree->memory, (const char *)space->href);
	for (const xmlAttr *at = tree->has_attributes ? node->properties : NULL; at;
	     at = at->next) {
		struct xml_attribute *attribute = arena_new(tree->memory, struct xml_attribute);

		if (has_entity(tree, at->children))
			return NULL;
		attribute->name = arena_strdup(tree->memory, (const char *)at->name);
		attribute->value = text_of(tree, at->children);
		*next = attribute;
		next = &attribute->next;
	}
	if (has_entity(tree, node->children))
		return NULL;
	for (const xmlNode *child = node->children; child; child = child->next) {
		if (child->type != XML_ELEMENT_NODE)
			continue;
		*link = element_of(tree, child, depth + 1);
		if (!*link)
			return NULL;
		/* Only this file links new elements; for all others they are const. */
		link = &((struct xml_element *)*link)->next;
	}
	return element;
}

static xmlParserCtxtPtr parser_new(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, prepare_library);
	return xmlNewParserCtxt();
}

/* The data may be changed where the guard stops at errors. */
static xmlDocPtr read_document(xmlParserCtxtPtr parser, struct guard *guard, const char *data,
			       size_t size)
{
	parser->_private = guard;
	parser->sax->internalSubset = guard_doctype;
	parser->sax->serror = guard_error;
	return xmlCtxtReadMemory(parser, data, (int)size, NULL, NULL, XML_OPTIONS);
}

/* = "value", with whitespace or without. */
static bool starts_value(const char *at, const char *end)
{
	for (at++; at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'); at++)
		;
	return at < end && (*at == '"' || *at == '\'');
}

/*
 * Finds documents that would keep libxml2 busy for a millisecond or two: it compares every
 * attribute of an element with those before it, and formats a warning for every undeclared prefix.
 * The counts are upper bounds, wherever the characters are, so that no markup can hide from them.
 * Returns NULL, or what there is too much of.
 */
static const char *find_excess(const char *data, size_t size, const struct xml_limits *limits)
{
	const char *end = data + size;
	size_t tags = 0, attributes = 0;

	for (const char *at = data; at < end; at++) {
		if (*at == '<')
			tags += at + 1 == end || at[1] != '!'; /* comments and CDATA are cheap */
		else if (*at == '=')
			attributes += starts_value(at, end);
	}
	if (attributes > limits->attributes)
		return "too many attributes";
	/* Two for each element, and one for the XML declaration. */
	return tags > 2 * limits->elements + 1 ? "too many elements" : NULL;
}

static const struct xml_element *parse(struct tree tree, const char *data, size_t size)
{
	_cleanup_(xmlFreeParserCtxtp) xmlParserCtxtPtr parser = NULL;
	_cleanup_(xmlFreeDocp) xmlDocPtr document = NULL;
	struct error *err = tree.err;
	struct guard guard = { tree.accepted, .stops_at_error = true };
	const char *excess;

	if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
		data += 3;
		size -= 3;
	}
	for (; size > 0 && char_is_blank(*data); data++)
		size--;
	while (size > 0 && (char_is_blank(data[size - 1]) || data[size - 1] == '\0'))
		size--;
	if (size == 0)
		return fail(err, "the body is empty");
	if (memchr(data, '\0', size) || !utf8_is_valid(data, size))
		return fail(err, "the body is not UTF-8");
	excess = find_excess(data, size, tree.limits);
	if (excess)
		return fail(err, excess);

	parser = parser_new();
	if (!parser)
		return fail(err, "out of memory");
	document = read_document(parser, &guard, arena_strndup(tree.memory, data, size), size);
	if (guard.line)
		return fail(err, "a DOCTYPE is not accepted");
	if (!document || !parser->wellFormed)
		return fail(err, "the body is not well-formed XML");
	return element_of(&tree, xmlDocGetRootElement(document), 1);
}

const struct xml_element *xml_parse(struct arena *memory, const char *data, size_t size,
				    struct error *err)
{
	static const struct xml_limits limits = { XML_DEPTH_MAX, XML_ELEMENTS_MAX,
						  XML_ATTRIBUTES_MAX };

	return parse((struct tree){ .memory = memory, .limits = &limits, .err = err }, data, size);
}

const struct xml_element *xml_parse_whole(struct arena *memory, const char *data, size_t size,
					  const struct xml_doctype *accepted, struct error *err)
{
	static const struct xml_limits limits = { XML_WHOLE_DEPTH_MAX, XML_WHOLE_ELEMENTS_MAX,
						  XML_WHOLE_ATTRIBUTES_MAX };
	const struct tree tree = {
		.memory = memory,
		.limits = &limits,
		.has_attributes = true,
		.is_whole = true,
		.accepted = accepted,
		.err = err,
	};

	return parse(tree, data, size);
}

const struct xml_element *xml_parse_within(struct arena *memory, const char *data, size_t size,
					   const struct xml_limits *limits, struct error *err)
{
	const struct tree tree = {
		.memory = memory,
		.limits = limits,
		.has_attributes = true,
		.err = err,
	};
	const struct xml_element *root = parse(tree, data, size);
	struct error told = { 0 };

	/* Errors for clients have no line numbers; those for administrators have. */
	if (!root && size > 0 && xml_check(data, size, NULL, &told) < 0)
		*err = told;
	return root;
}

const char *xml_attribute(const struct xml_element *element, const char *name)
{
	for (const struct xml_attribute *at = element->attributes; at; at = at->next)
		if (text_equals(at->name, name))
			return at->value;
	return NULL;
}

int xml_check(const char *data, size_t size, const struct xml_doctype *accepted, struct error *err)
{
	_cleanup_(xmlFreeParserCtxtp) xmlParserCtxtPtr parser = parser_new();
	_cleanup_(xmlFreeDocp) xmlDocPtr document = NULL;
	struct guard guard = { accepted };
	const char *message;

	if (!parser)
		return error_set(err, ERROR_SYSTEM, "out of memory");
	document = read_document(parser, &guard, data, size);
	if (guard.line && accepted)
		return error_set(
			err, ERROR_INPUT,
			"line %d: the only DOCTYPE accepted is <!DOCTYPE %s PUBLIC \"%s\" \"%s\">",
			guard.line, accepted->name, accepted->public_id, accepted->system_id);
	if (guard.line)
		return error_set(err, ERROR_INPUT, "line %d: a DOCTYPE is not accepted",
				 guard.line);
	if (document && parser->wellFormed)
		return 0;
	message = parser->lastError.message ? parser->lastError.message : "not XML";
	return error_set(err, ERROR_INPUT, "line %d: %.*s", parser->lastError.line,
			 (int)strcspn(message, "\n"), message);
}
