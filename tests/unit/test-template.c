#include "template/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "template/value.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define LIST(array)                                                  \
	{                                                            \
		.type = VALUE_LIST, .list = {(array), COUNT(array) } \
	}
#define MAP(array)                                                 \
	{                                                          \
		.type = VALUE_MAP, .map = {(array), COUNT(array) } \
	}
#define TEXT(literal)                                 \
	{                                             \
		.type = VALUE_TEXT, .text = (literal) \
	}

static const struct field imap[] = {
	{ "type", TEXT("imap") },
	{ "host", TEXT("imap.example.org") },
};
static const struct field smtp[] = {
	{ "type", TEXT("smtp") },
	{ "host", TEXT("smtp.example.org") },
};
static const struct value services[] = { MAP(imap), MAP(smtp) };
static const struct value digits[] = { TEXT("1"), TEXT("2"), TEXT("3") };
static const struct field person[] = {
	{ "name", TEXT("Ada & Co") },
	{ "nick", { .type = VALUE_FALSE } },
};
static const struct field data[] = {
	{ "domain", TEXT("example.org") },
	{ "type", TEXT("outer") },
	{ "empty", TEXT("") },
	{ "yes", { .type = VALUE_TRUE } },
	{ "no", { .type = VALUE_FALSE } },
	{ "none", { .type = VALUE_LIST } },
	{ "services", LIST(services) },
	{ "digits", LIST(digits) },
	{ "person", MAP(person) },
	{ "markup", TEXT("<a b=\"c\" d='e'>&amp;</a>") },
	{ "cdata", TEXT("]]>") },
	{ "tag", TEXT("{{domain}}{{/services}}") },
	{ "controls", TEXT("\x01"
			   "a\x08\tb\nc\rd\x0b\x0c\x0e\x1f"
			   "e\x1b[0m\x7f") },
	{ "letters", TEXT("b\u00fccher \u65e5\u672c <\U0001f4e7>") },
	{ "not_xml", TEXT("a\xef\xbf\xbe"
			  "b\xef\xbf\xbf"
			  "c\xef\xbf\xbd") },
	{ "not_utf8", TEXT("\x80"
			   "a\xc0\xbc"
			   "b\xed\xa0\x80"
			   "c\xf5<\xe2\x82") },
};
static const struct value root = MAP(data);

static const char *expand(struct arena *memory, const char *source, const struct value *value)
{
	_cleanup_(template_freep) struct template *template = NULL;
	struct bytes out = BYTES_IN(memory);
	struct error err = { 0 };

	if (template_parse("test", source, strlen(source), &template, &err) < 0)
		fail_msg("%s: %s", source, err.text);
	template_expand(template, value, &out);
	return bytes_text(&out);
}

static const struct {
	const char *source, *expected;
} expanded[] = {
	{ "", "" },
	{ "no tags, { one } brace }} or two", "no tags, { one } brace }} or two" },
	{ "<d>{{domain}}</d>", "<d>example.org</d>" },
	{ "{{domain}}}", "example.org}" },
	{ "{{\n\tdomain\n}}", "example.org" },
	{ "{{unknown}}{{person.unknown}}{{domain.name}}", "" },
	{ "{{yes}}{{no}}{{person}}{{services}}{{.}}", "" },

	/* what values may hold */
	{ "{{markup}}", "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;&lt;/a&gt;" },
	{ "{{cdata}}", "]]&gt;" },
	{ "{{tag}}", "{{domain}}{{/services}}" },
	{ "{{controls}}", "a\tb\nc\rde[0m\x7f" },
	{ "{{letters}}", "b\u00fccher \u65e5\u672c &lt;\U0001f4e7&gt;" },
	{ "{{not_xml}}", "abc\xef\xbf\xbd" },
	{ "{{not_utf8}}", "abc&lt;" },
	{ "{{person.name}}", "Ada &amp; Co" },

	/* sections */
	{ "{{#services}}{{type}}={{host}};{{/services}}",
	  "imap=imap.example.org;smtp=smtp.example.org;" },
	{ "{{#services}}{{domain}} {{/services}}", "example.org example.org " },
	{ "{{#digits}}{{.}},{{/digits}}", "1,2,3," },
	{ "{{#digits}}{{#services}}{{type}}{{.}}{{/services}}{{/digits}}",
	  "imapsmtpimapsmtpimapsmtp" },
	{ "{{#domain}}at {{.}}{{/domain}}", "at example.org" },
	{ "{{#person}}{{name}} of {{domain}}{{/person}}", "Ada &amp; Co of example.org" },
	{ "{{#person.name}}{{.}}{{/person.name}}", "Ada &amp; Co" },
	{ "{{#yes}}{{type}}{{/yes}}{{^yes}}no{{/yes}}", "outer" },
	{ "{{#no}}x{{/no}}{{#none}}x{{/none}}{{#empty}}x{{/empty}}{{#unknown}}x{{/unknown}}", "" },
	{ "{{^no}}a{{/no}}{{^none}}b{{/none}}{{^empty}}c{{/empty}}{{^unknown}}d{{/unknown}}",
	  "abcd" },
	{ "{{#person}}{{^nick}}{{name}}{{/nick}}{{/person}}", "Ada &amp; Co" },
	{ "{{ # yes }}a{{ / yes }}{{ ! a {{ in a comment }}b", "ab" },

	/* lines that vanish, and lines that do not */
	{ "a\n {{#yes}} \t\nb\n {{/yes}}\nc\n", "a\nb\nc\n" },
	{ "a\r\n{{#digits}}\r\n{{.}}\r\n{{/digits}}\r\nb", "a\r\n1\r\n2\r\n3\r\nb" },
	{ "{{! c }}\r", "\r" },
	{ "{{#yes}} {{/yes}}\n", " \n" },
	{ "a\n{{! one\n two }}{{! three }}\nb", "a\n\nb" },
	{ "a\n  {{domain}}\n", "a\n  example.org\n" },
	{ "{{#yes}}\n{{/yes}}", "" },
};

static void test_expand(void **state)
{
	struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < COUNT(expanded); i++)
		assert_string_equal(expand(&memory, expanded[i].source, &root),
				    expanded[i].expected);
	arena_clear(&memory);
}

/* The root need not be a map. */
static void test_expand_root(void **state)
{
	static const struct value text = TEXT("<"), list = LIST(digits);
	struct arena memory = ARENA_NULL;

	assert_string_equal(expand(&memory, "{{.}}{{x}}{{x.y}}", &text), "&lt;");
	assert_string_equal(expand(&memory, "{{#.}}{{.}}{{/.}}", &list), "123");
	arena_clear(&memory);
}

/* What is there stays; a template can be used again, also from its copy of the source. */
static void test_expand_again(void **state)
{
	char source[] = "{{domain}}\n";
	struct template *template = NULL;
	struct arena memory = ARENA_NULL;
	struct bytes out = BYTES_IN(&memory);
	struct error err = { 0 };

	assert_int_equal(template_parse("test", source, strlen(source), &template, &err), 0);
	memset(source, 'x', sizeof(source));
	template_expand(template, &root, &out);
	template_expand(template, &root, &out);
	assert_string_equal(bytes_text(&out), "example.org\nexample.org\n");
	template_free(template);
	arena_clear(&memory);
}

/* A text from a hostile client, of any length, at any place of a buffer that has to grow. */
static void test_expand_long(void **state)
{
	static const char *const pieces[] = { "<", "\x01", "plain ", "\u00fc" };
	static const char *const escaped[] = { "&lt;", "", "plain ", "\u00fc" };
	struct arena memory = ARENA_NULL;
	struct bytes text = BYTES_IN(&memory), expected = BYTES_IN(&memory);
	struct value value;

	for (size_t i = 0; i < 10000; i++) {
		bytes_add_text(&text, pieces[i * 7 % 11 % COUNT(pieces)]);
		bytes_add_text(&expected, escaped[i * 7 % 11 % COUNT(pieces)]);
	}
	value = value_text(bytes_text(&text));
	assert_string_equal(expand(&memory, "{{.}}", &value), bytes_text(&expected));
	arena_clear(&memory);
}

static const struct {
	const char *source, *words;
} refused[] = {
	{ "a\n{{{x}}}", "test:2: {{{...}}} would put in text that is not escaped" },
	{ "{{&x}}", "test:1: {{&...}} would put in text that is not escaped" },
	{ "{{ & x }}", "not escaped; write {{...}}" },
	{ "{{>x}}", "include another template" },
	{ "{{=<% %>=}}", "change the delimiters" },
	{ "{{<x}}{{/x}}", "build on another template" },
	{ "{{$x}}{{/x}}", "mark a block" },
	{ "a\r\nb\r\n{{x", "test:3: the tag is not closed; end it with }}" },
	{ "{{", "not closed" },
	{ "{{x}", "not closed" },
	{ "{{#", "not closed" },
	{ "{{! a comment\n", "test:1: the tag is not closed" },
	{ "{{x {{y}}", "not closed before the next one begins" },
	{ "\n{{#a}}\n{{#b}}{{/b}}\n", "test:2: the section 'a' that begins here is never closed" },
	{ "{{#a}}\n{{^b}}", "test:2: the section 'b' that begins here" },
	{ "{{#a}}\n{{#b}}\n{{/a}}{{/b}}",
	  "test:3: 'a' is closed, but the section that is open is 'b' of line 2" },
	{ "{{#a.b}}{{/a}}", "'a.b' of line 1" },
	{ "{{/a}}", "test:1: 'a' is closed, but no section is open" },
	{ "{{}}", "the tag has no name" },
	{ "{{ }}", "the tag has no name" },
	{ "{{#}}{{/}}", "the tag has no name" },
	{ "{{#a}}{{/}}", "the tag has no name" },
	{ "{{a b}}", "the name 'a b' has whitespace" },
	{ "{{a\nb}}", "has whitespace" },
	{ "{{#a\x01}}{{/a}}", "control character" },
	{ "{{a{b}}", "a brace" },
	{ "{{a.}}", "the name 'a.' has a dot without a name beside it" },
	{ "{{.a}}", "a dot without" },
	{ "{{a..b}}", "a dot without" },
	{ "{{..}}", "a dot without" },
	{ "a\n\xc3(", "test:2: the text is not UTF-8" },
	{ "{{\xff}}", "test:1: the text is not UTF-8" },
	{ "{{!\xed\xa0\x80}}", "not UTF-8" },
};

static void assert_refused(const char *source, size_t size, const char *words)
{
	struct template *template = NULL;
	struct error err = { 0 };

	if (template_parse("test", source, size, &template, &err) != -1)
		fail_msg("accepted: %s", source);
	assert_null(template);
	assert_int_equal(err.kind, ERROR_INPUT);
	if (!strstr(err.text, words))
		fail_msg("'%s' is refused with '%s', without '%s'", source, err.text, words);
}

static void test_refused(void **state)
{
	static const char nul[] = "a\nb\0c";

	for (size_t i = 0; i < COUNT(refused); i++)
		assert_refused(refused[i].source, strlen(refused[i].source), refused[i].words);
	assert_refused(nul, sizeof(nul) - 1, "test:2: the text has a NUL character");
}

static void test_depth(void **state)
{
	struct arena memory = ARENA_NULL;
	struct bytes source = BYTES_IN(&memory);

	for (size_t i = 0; i < 32; i++)
		bytes_add_text(&source, "{{#yes}}\n");
	bytes_add_text(&source, "deep");
	for (size_t i = 0; i < 32; i++)
		bytes_add_text(&source, "{{/yes}}");
	assert_string_equal(expand(&memory, bytes_text(&source), &root), "deep");

	source = BYTES_IN(&memory);
	for (size_t i = 0; i < 33; i++)
		bytes_add_text(&source, "{{#yes}}\n");
	assert_refused(source.data, source.size, "test:33: sections are nested more than 32 deep");
	arena_clear(&memory);
}

/* An over-long name is cut in the sentence, which keeps its beginning. */
static void test_refused_long_name(void **state)
{
	char source[5000] = "{{#";

	memset(source + 3, 'a', sizeof(source) - 3);
	assert_refused(source, sizeof(source), "test:1: the tag is not closed");
	memcpy(source + sizeof(source) - 2, "}}", 2);
	assert_refused(source, sizeof(source), "test:1: the section 'aaaa");
}

static const char *check(const char *source, const struct value *sample, struct error *err)
{
	_cleanup_(template_freep) struct template *template = NULL;

	*err = (struct error){ 0 };
	assert_int_equal(template_parse("test", source, strlen(source), &template, err), 0);
	if (template_check_names(template, sample, err) == 0)
		return NULL;
	assert_int_equal(err->kind, ERROR_INPUT);
	return err->text;
}

static void test_names_known(void **state)
{
	static const char *const known[] = {
		"",
		"{{! unknown }}{{domain}}",
		"{{#services}}{{type}}{{host}}{{domain}}{{person.name}}{{/services}}",
		"{{#digits}}{{.}}{{domain}}{{/digits}}",
		"{{#person}}{{name}}{{/person}}{{^person}}{{domain}}{{/person}}",
		"{{#person.name}}{{.}}{{/person.name}}",
		"{{#yes}}{{domain}}{{/yes}}{{#none}}{{domain}}{{/none}}",
	};
	struct error err;

	for (size_t i = 0; i < COUNT(known); i++)
		if (check(known[i], &root, &err))
			fail_msg("%s: %s", known[i], err.text);
}

static const struct {
	const char *source, *words;
} unknown[] = {
	{ "{{domain}}\n{{domian}}", "test:2: there is no 'domian' here; use one of: domain, type" },
	{ "{{#x}}{{/x}}", "there is no 'x'" },
	{ "{{^x}}{{/x}}", "there is no 'x'" },
	{ "{{host}}", "there is no 'host' here" },
	{ "{{^services}}{{host}}{{/services}}", "there is no 'host' here" },
	{ "{{#services}}\n{{hots}}{{/services}}",
	  "test:2: there is no 'hots' here; use one of: type, host, domain, empty" },
	{ "{{#services}}{{/services}}{{#digits}}{{x}}{{/digits}}", "use one of: domain" },
	{ "{{person.nam}}", "there is no 'nam' in 'person'; use one of: name, nick" },
	{ "{{services.host}}", "there is no 'host' in 'services'; use one of: no names" },
	{ "{{domain.a.b}}", "there is no 'a' in 'domain'" },

	/* found, but nothing that can be put in */
	{ "\n{{services}}", "test:2: 'services' is a list, which cannot be put in" },
	{ "{{person}}", "is a map" },
	{ "{{yes}}", "is a Boolean" },
	{ "{{#services}}{{.}}{{/services}}", "'.' is a map" },
};

static void test_names_unknown(void **state)
{
	struct error err;

	for (size_t i = 0; i < COUNT(unknown); i++) {
		const char *text = check(unknown[i].source, &root, &err);

		if (!text || !strstr(text, unknown[i].words))
			fail_msg("'%s' gives '%s', without '%s'", unknown[i].source,
				 text ? text : "no error", unknown[i].words);
	}
}

/* More names than the sentence has room for: it says so. */
static void test_names_unknown_of_many(void **state)
{
	struct arena memory = ARENA_NULL;
	struct field fields[100] = { 0 };
	const struct value sample = value_map(fields, COUNT(fields));
	struct error err;

	for (size_t i = 0; i < COUNT(fields); i++)
		fields[i] = (struct field){ arena_printf(&memory, "display-name-%zu", i),
					    value_bool(true) };
	assert_non_null(check("{{x}}", &sample, &err));
	assert_non_null(strstr(err.text, "use one of: display-name-0, display-name-1, "));
	assert_string_equal(err.text + strlen(err.text) - 5, ", ...");
	arena_clear(&memory);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_expand_root),
		cmocka_unit_test(test_expand_again),
		cmocka_unit_test(test_expand_long),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_refused_long_name),
		cmocka_unit_test(test_names_known),
		cmocka_unit_test(test_names_unknown),
		cmocka_unit_test(test_names_unknown_of_many),
	};

	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
