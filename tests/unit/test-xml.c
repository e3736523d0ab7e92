#include <string.h>

#include "protocol/xml.h"
#include "unit/fixture.h"
#include "util/arena.h"
#include "util/bytes.h"

/* Literals, for some have a NUL inside. */
#define BYTES(literal) (literal), sizeof(literal) - 1

/* Writes a tree as name[text](children) so that a table can hold it. */
static void write_tree(const struct xml_element *element, struct bytes *out)
{
	for (; element; element = element->next) {
		bytes_add_format(out, "%s[%s]", element->name, element->text);
		if (element->first_child) {
			bytes_add_char(out, '(');
			write_tree(element->first_child, out);
			bytes_add_char(out, ')');
		}
	}
}

static void test_accepted(void **state)
{
	static const struct {
		const char *in;
		size_t size;
		const char *tree;
	} rows[] = {
		{ BYTES("<a/>"), "a[]" },
		{ BYTES("<a></a>"), "a[]" },
		{ BYTES("<a>x</a>"), "a[x]" },
		{ BYTES("<a><b>1</b><c>2</c><b>3</b></a>"), "a[](b[1]c[2]b[3])" },
		{ BYTES("<a>x<b>y</b>z</a>"), "a[xz](b[y])" },
		{ BYTES("<a y='1' x=\"2\">x</a>"), "a[x]" },

		/* around the document */
		{ BYTES("\357\273\277<a/>"), "a[]" },
		{ BYTES("\357\273\277\r\n <?xml version='1.0'?><a/>"), "a[]" },
		{ BYTES(" \t\r\n\v\f<a/>"), "a[]" },
		{ BYTES("\r\n<?xml version='1.0' encoding='utf-8'?>\r\n<a/>"), "a[]" },
		{ BYTES("<a/>\0"), "a[]" },
		{ BYTES("<a/>\r\n\0\0 \0"), "a[]" },
		{ BYTES("<a/><!-- after -->\n"), "a[]" },
		{ BYTES("<!-- before --><?pi before?><a/><?pi after?>"), "a[]" },

		/* texts */
		{ BYTES("<a> \r\n\tx y \n</a>"), "a[x y]" },
		{ BYTES("<a> <b/> </a>"), "a[](b[])" },
		{ BYTES("<a><![CDATA[x<&>]]></a>"), "a[x<&>]" },
		{ BYTES("<a>x<![CDATA[ y ]]>z</a>"), "a[x y z]" },
		{ BYTES("<a><![CDATA[]]></a>"), "a[]" },
		{ BYTES("<a>x<!-- - -->y</a>"), "a[xy]" },
		{ BYTES("<a>x<?y z?>w</a>"), "a[xw]" },
		{ BYTES("<a>&lt;&amp;&gt;&quot;&apos;</a>"), "a[<&>\"']" },
		{ BYTES("<a>&#65;&#x42;&#xfc;</a>"), "a[AB\303\274]" },
		{ BYTES("<a>&#x20;x&#10;</a>"), "a[x]" },
		{ BYTES("<a>b\303\274cher \360\237\223\254</a>"),
		  "a[b\303\274cher \360\237\223\254]" },
		{ BYTES("<a>\302\240x</a>"), "a[\302\240x]" },

		/* names lose their prefix, declared or not */
		{ BYTES("<x:a xmlns:x='urn:x'><x:b/></x:a>"), "a[](b[])" },
		{ BYTES("<a xmlns='urn:x'><b xmlns='urn:y'/></a>"), "a[](b[])" },

		/* A declared encoding counts for nothing: the bytes are UTF-8, which was looked at.
		 */
		{ BYTES("<?xml version='1.0' encoding='UTF-8' standalone='yes'?><a/>"), "a[]" },
		{ BYTES("<?xml version='1.0' encoding='utf-16'?><a>\303\274</a>"), "a[\303\274]" },
		{ BYTES("<?xml version='1.0' encoding='iso-8859-1'?><a>\303\274</a>"),
		  "a[\303\274]" },
		{ BYTES("<?xml version='1.0' encoding='us-ascii'?><a>x</a>"), "a[x]" },

		/* as deep as it may be */
		{ BYTES("<a><a><a><a><a><a><a><a>x</a></a></a></a></a></a></a></a>"),
		  "a[](a[](a[](a[](a[](a[](a[](a[x])))))))" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct bytes tree = BYTES_IN(&memory);
		const struct xml_element *root;
		struct error err = { 0 };

		root = xml_parse(&memory, rows[i].in, rows[i].size, &err);
		if (!root)
			fail_msg("%s: %s", rows[i].in, err.text);
		write_tree(root, &tree);
		check_text(rows[i].in, bytes_text(&tree), rows[i].tree);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *in;
		size_t size;
		const char *words;
	} rows[] = {
		{ BYTES(""), "the body is empty" },
		{ BYTES(" \r\n\t"), "the body is empty" },
		{ BYTES("\357\273\277"), "the body is empty" },
		{ BYTES("\0\0"), "the body is empty" },

		{ BYTES("x"), "not well-formed" },
		{ BYTES("<"), "not well-formed" },
		{ BYTES("<a"), "not well-formed" },
		{ BYTES("<a>"), "not well-formed" },
		{ BYTES("<a></b>"), "not well-formed" },
		{ BYTES("<a/><b/>"), "not well-formed" },
		{ BYTES("<a/>x"), "not well-formed" },
		{ BYTES("x<a/>"), "not well-formed" },
		{ BYTES("<!-- alone -->"), "not well-formed" },
		{ BYTES("<?xml version='1.0'?>"), "not well-formed" },
		{ BYTES("<a>&</a>"), "not well-formed" },
		{ BYTES("<a>x&y@example.org</a>"), "not well-formed" },
		{ BYTES("<a><</a>"), "not well-formed" },
		{ BYTES("<a>]]></a>"), "not well-formed" },
		{ BYTES("<a><![CDATA[x]></a>"), "not well-formed" },
		{ BYTES("<a><!-- -- --></a>"), "not well-formed" },
		{ BYTES("<a x='1' x='2'/>"), "not well-formed" },
		{ BYTES("<a x=1/>"), "not well-formed" },
		{ BYTES("<a>\001</a>"), "not well-formed" },
		{ BYTES("<a>&#0;</a>"), "not well-formed" },
		{ BYTES("<a>&#1;</a>"), "not well-formed" },
		{ BYTES("<a>&#xd800;</a>"), "not well-formed" },
		{ BYTES("<a>&#x110000;</a>"), "not well-formed" },
		{ BYTES("<a>&#99999999999999999999;</a>"), "not well-formed" },
		{ BYTES("<a>\357\277\277</a>"), "not well-formed" },
		{ BYTES("<a/>\357\273\277"), "not well-formed" },
		{ BYTES("<!-- --><?xml version='1.0'?><a/>"), "not well-formed" },

		/* entities that only a DOCTYPE could declare */
		{ BYTES("<a>&x;</a>"), "not well-formed" },
		{ BYTES("<a>&nbsp;</a>"), "not well-formed" },
		{ BYTES("<a b='&x;'/>"), "not well-formed" },
		{ BYTES("<?xml version='1.0' standalone='no'?><a>&x;</a>"), "not well-formed" },

		{ BYTES("<!DOCTYPE a><a/>"), "DOCTYPE" },
		{ BYTES("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), "DOCTYPE" },
		{ BYTES("<!DOCTYPE a SYSTEM 'file:///etc/hostname'><a/>"), "DOCTYPE" },
		{ BYTES("<!DOCTYPE a PUBLIC '-//A' 'http://example.invalid/a.dtd'><a/>"),
		  "DOCTYPE" },
		{ BYTES("<!DOCTYPE a [<!ENTITY % b SYSTEM 'file:///b'> %b;]><a/>"), "DOCTYPE" },
		{ BYTES("<!DOCTYPE a ["), "DOCTYPE" },
		{ BYTES("<!DOCTYPE a"), "DOCTYPE" },
		{ BYTES("<!-- x --><!DOCTYPE a><a/>"), "DOCTYPE" },
		{ BYTES("<?x y?>\n<!DOCTYPE a><a/>"), "DOCTYPE" },
		{ BYTES("<?xml version='1.0'?>\n<!DOCTYPE a><a/>"), "DOCTYPE" },
		{ BYTES("\357\273\277 <!DOCTYPE\n\ta>\n<a/>"), "DOCTYPE" },

		/* at places or in letters where it is none */
		{ BYTES("<!DOCTYPE>"), "not well-formed" },
		{ BYTES("<!doctype a><a/>"), "not well-formed" },
		{ BYTES("<a/><!DOCTYPE a>"), "not well-formed" },
		{ BYTES("<a><!DOCTYPE a></a>"), "not well-formed" },
		{ BYTES("<!ENTITY b 'c'><a/>"), "not well-formed" },

		/* The root is at depth 1. */
		{ BYTES("<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>"),
		  "too many elements" },

		{ BYTES("<a>\0</a>"), "not UTF-8" },
		{ BYTES("\0<a/>"), "not UTF-8" },
		{ BYTES("<a/>\0<b/>"), "not UTF-8" },
		{ BYTES("<a>\374</a>"), "not UTF-8" },
		{ BYTES("<?xml version='1.0' encoding='iso-8859-1'?><a>\374</a>"), "not UTF-8" },
		{ BYTES("<a>\303</a>"), "not UTF-8" },
		{ BYTES("<a>\300\200</a>"), "not UTF-8" },
		{ BYTES("<a>\355\240\200</a>"), "not UTF-8" },
		{ BYTES("<a>\364\220\200\200</a>"), "not UTF-8" },
		{ BYTES("\377\376<\0a\0/\0>\0"), "not UTF-8" },
		{ BYTES("\376\377\0<\0a\0/\0>"), "not UTF-8" },
		{ BYTES("<\0a\0/\0>\0"), "not UTF-8" },
		{ BYTES("L\247\224\2237"), "not UTF-8" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct error err = { 0 };

		if (xml_parse(&memory, rows[i].in, rows[i].size, &err))
			fail_msg("%s: accepted", rows[i].in);
		check_error(rows[i].in, &err, ERROR_INPUT, rows[i].words);
	}
}

/* <a>, then the piece so often, then </a> */
static const char *repeat(struct arena *memory, const char *piece, size_t count)
{
	struct bytes out = BYTES_IN(memory);

	bytes_add_text(&out, "<a>");
	for (size_t i = 0; i < count; i++)
		bytes_add_text(&out, piece);
	bytes_add_text(&out, "</a>");
	return bytes_text(&out);
}

static void test_bounds(void **state)
{
	static const struct {
		const char *piece;
		size_t count;
		const char *words; /* NULL: accepted */
	} rows[] = {
		{ "<b/>", XML_ELEMENTS_MAX - 1, NULL },
		{ "<b/>", XML_ELEMENTS_MAX, "too many elements" },
		{ "<b><c/></b>", XML_ELEMENTS_MAX / 2, "too many elements" },
		{ "<b/>", 2000, "too many elements" },
		{ "<b>", 20, "not well-formed" },
		{ "<b>", 2000, "too many elements" },
		{ "<", 2000, "too many elements" },
		{ "<b/><b></b>", 31, NULL },
		{ "<x:b/>", 1300, "too many elements" },
		{ "&lt;", 2000, NULL },
		{ "--", 4000, NULL },
		{ "<?p?>", 63, NULL },
		{ "<?p:q?>", 1000, "too many elements" },
		{ "=", 8000, NULL },
		{ "='", 64, NULL },
		{ "='", 65, "too many attributes" },
		{ "<!---->", 1000, NULL },
		{ "<![CDATA[x]]>", 600, NULL },
		{ "x", 8000, NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const char *document = repeat(&memory, rows[i].piece, rows[i].count);
		struct error err = { 0 };

		if (xml_parse(&memory, document, strlen(document), &err)) {
			if (rows[i].words)
				fail_msg("%zu times %s: accepted", rows[i].count, rows[i].piece);
		} else {
			check_error(rows[i].piece, &err, ERROR_INPUT,
				    rows[i].words ? rows[i].words : "is to be accepted");
		}
	}
}

/* Each element with a start tag and an end tag, after an XML declaration. */
static void test_all_elements_with_a_declaration(void **state)
{
	for (size_t count = XML_ELEMENTS_MAX - 1; count <= XML_ELEMENTS_MAX; count++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const char *document = arena_printf(&memory, "<?xml version='1.0'?>%s",
						    repeat(&memory, "<b></b>", count));
		struct error err = { 0 };

		check_number("elements below the first",
			     xml_parse(&memory, document, strlen(document), &err) != NULL,
			     count < XML_ELEMENTS_MAX);
	}
}

/* <a, then so many attributes with that between name and value, then /> */
static const char *with_attributes(struct arena *memory, const char *sign, size_t count)
{
	struct bytes out = BYTES_IN(memory);

	bytes_add_text(&out, "<a");
	for (size_t i = 0; i < count; i++)
		bytes_add_format(&out, " b%zu%s''", i, sign);
	bytes_add_text(&out, "/>");
	return bytes_text(&out);
}

static void test_attributes_are_counted(void **state)
{
	static const char *const signs[] = { "=", " = ", "\n=\r\n\t" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		for (size_t count = XML_ATTRIBUTES_MAX - 1; count < 1150; count += 271 + i) {
			_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
			const char *document = with_attributes(&memory, signs[i], count);
			bool is_good = count <= XML_ATTRIBUTES_MAX;
			struct error err = { 0 };

			if (!xml_parse(&memory, document, strlen(document), &err) == is_good)
				fail_msg("%zu attributes with %s", count, signs[i]);
			if (!is_good)
				check_error(signs[i], &err, ERROR_INPUT, "too many attributes");
		}
}

/* Each takes libxml2 a millisecond or so. A time means nothing on a busy machine; that the reason
 * is one of ours shows that it did not read them. */
static void test_costly_documents_are_not_parsed(void **state)
{
	static const struct {
		const char *head, *piece, *tail, *words;
	} rows[] = {
		{ "<a", " b=''", "/>", "too many attributes" },
		{ "<a", " xmlns:b='c'", "/>", "too many attributes" },
		{ "<a>", "<", "</a>", "too many elements" },
		{ "<a>", "<x:b/>", "</a>", "too many elements" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct bytes document = BYTES_IN(&memory);
		struct error err = { 0 };

		bytes_add_text(&document, rows[i].head);
		while (document.size < 8000)
			bytes_add_text(&document, rows[i].piece);
		bytes_add_text(&document, rows[i].tail);
		assert_null(xml_parse(&memory, bytes_text(&document), document.size, &err));
		check_error(rows[i].piece, &err, ERROR_INPUT, rows[i].words);
	}
}

static void test_attributes(void **state)
{
	static const struct xml_limits limits = { XML_DEPTH_MAX, XML_ELEMENTS_MAX,
						  XML_ATTRIBUTES_MAX };
	static const struct {
		const char *in;
		const char *value; /* of the attribute y */
	} rows[] = {
		{ "<a/>", NULL },
		{ "<a x='1'/>", NULL },
		{ "<a y='1'/>", "1" },
		{ "<a x='1' y=\"2\" z='3'/>", "2" },
		{ "<a y=''/>", "" },
		{ "<a y=' \n1 '/>", "1" },
		{ "<a y='&lt;&#38;&gt;&quot;&#xfc;'/>", "<&>\"\303\274" },
		{ "<a xmlns:n='urn:n' n:y='1'/>", "1" },
		{ "<a xmlns='urn:n' Y='1'/>", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const struct xml_element *root;
		struct error err = { 0 };

		root = xml_parse_within(&memory, rows[i].in, strlen(rows[i].in), &limits, &err);
		if (!root)
			fail_msg("%s: %s", rows[i].in, err.text);
		check_text(rows[i].in, xml_attribute(root, "y"), rows[i].value);
	}
}

/* Limits of its own, and lines in errors, where an admin reads them. */
static void test_within(void **state)
{
	static const struct xml_limits limits = { .depth = 3, .elements = 4, .attributes = 4 };
	static const struct {
		const char *in;
		size_t size;
		const char *words; /* NULL: accepted */
	} rows[] = {
		{ BYTES("\357\273\277\n<a><a><a/></a><a/></a>\0"), NULL },
		{ BYTES("<a><a><a><a/></a></a></a>"), "too many elements" },
		{ BYTES("<a><a/><a/><a/><a/></a>"), "too many elements" },
		{ BYTES("<a>\n<b>\n</a>"), "line 3: " },
		{ BYTES("<a>\n\374</a>"), "line 2: " },
		{ BYTES("\n<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]><a>&b;</a>"),
		  "line 2: a DOCTYPE is not accepted" },
		{ BYTES(""), "the body is empty" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct error err = { 0 };

		if (xml_parse_within(&memory, rows[i].in, rows[i].size, &limits, &err)) {
			if (rows[i].words)
				fail_msg("%s: accepted", rows[i].in);
		} else {
			check_error(rows[i].in, &err, ERROR_INPUT,
				    rows[i].words ? rows[i].words : "is to be accepted");
		}
	}
}

static void test_check(void **state)
{
	static const struct {
		const char *in, *words; /* NULL: well-formed */
	} rows[] = {
		{ "<?xml version=\"1.0\"?>\n<a>b\303\274cher</a>\n", NULL },
		{ "<a/>", NULL },
		{ "", "line " },
		{ "<a>", "line 1: " },
		{ "<a>\n</b>", "line 2: " },
		{ "<a>\n\n<b x=1/>\n</a>", "line 3: " },
		{ "<a/>\n<b/>", "line 2: " },
		{ "<a>\n&x;</a>", "line 2: " },
		{ "<a>\n\374</a>", "line 2: " },
		{ "\n<?xml version=\"1.0\"?><a/>", "line 2: " },
		{ "<!DOCTYPE a><a/>", "line 1: a DOCTYPE is not accepted" },
		{ "<!-- x\n\n--><!DOCTYPE a><a/>", "line 3: a DOCTYPE is not accepted" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct error err = { 0 };
		int r = xml_check(rows[i].in, strlen(rows[i].in), NULL, &err);

		check_number(rows[i].in, r, rows[i].words ? -1 : 0);
		if (rows[i].words)
			check_error(rows[i].in, &err, ERROR_INPUT, rows[i].words);
	}
}

/* What a client sees of an answer: prefixes, namespaces, attributes, blanks; and more of it. */
static void test_whole(void **state)
{
	static const char in[] = "<x:a xmlns:x='urn:x' xmlns='urn:y' type='i&amp;p' x:id=''>"
				 "<b>\n 1 </b></x:a>";
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct bytes many = BYTES_IN(&memory);
	const struct xml_element *root;
	struct error err;

	root = xml_parse_whole(&memory, in, strlen(in), NULL, &err);
	assert_non_null(root);
	check_text("prefix", root->prefix, "x");
	check_text("space", root->space, "urn:x");
	check_text("attribute", root->attributes->name, "type");
	check_text("its text", root->attributes->value, "i&p");
	check_text("the second", root->attributes->next->name, "id");
	check_text("empty", root->attributes->next->value, "");
	assert_null(root->attributes->next->next);
	check_text("blanks", root->first_child->text, "\n 1 ");
	check_text("default", root->first_child->space, "urn:y");
	assert_null(root->first_child->prefix);

	bytes_add_text(&many, "<a>");
	for (int i = 1; i < XML_WHOLE_ELEMENTS_MAX; i++)
		bytes_add_text(&many, "<b/>");
	bytes_add_text(&many, "</a>");
	assert_non_null(xml_parse_whole(&memory, many.data, many.size, NULL, &err));
	many.size -= strlen("</a>");
	bytes_add_text(&many, "<b/></a>");
	assert_null(xml_parse_whole(&memory, many.data, many.size, NULL, &err));
	check_error("too many", &err, ERROR_INPUT, "too many elements");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_all_elements_with_a_declaration),
		cmocka_unit_test(test_attributes_are_counted),
		cmocka_unit_test(test_costly_documents_are_not_parsed),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests_name("xml", tests, NULL, NULL);
}
