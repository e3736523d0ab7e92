/*
 * The Mustache specification's own cases, one test each, read from the directory mustache-spec/
 * in $MAILCONFD_TEST_DATA. All of them hold, but for those that want unescaped text: these must
 * be refused.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "template/template.h"
#include "template/value.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

#define MAX_CASES 400
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *const modules[] = { "comments", "interpolation", "inverted", "sections" };

static struct arena memory;

static struct value value_from_json(const json_t *json);

static struct value value_from_array(const json_t *json)
{
	struct value *items = arena_array(&memory, struct value, json_array_size(json));

	for (size_t i = 0; i < json_array_size(json); i++)
		items[i] = value_from_json(json_array_get(json, i));
	return value_list(items, json_array_size(json));
}

static struct value value_from_object(json_t *json)
{
	struct field *fields = arena_array(&memory, struct field, json_object_size(json));
	size_t count = 0;
	const char *name;
	json_t *member;

	json_object_foreach(json, name, member)
		fields[count++] = (struct field){ name, value_from_json(member) };
	return value_map(fields, count);
}

static struct value value_from_json(const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return value_from_object((json_t *)json);
	case JSON_ARRAY:
		return value_from_array(json);
	case JSON_STRING:
		return value_text(json_string_value(json));
	case JSON_INTEGER:
		return value_text(
			arena_printf(&memory, "%" JSON_INTEGER_FORMAT, json_integer_value(json)));
	case JSON_REAL:
		return value_text(arena_printf(&memory, "%.15g", json_real_value(json)));
	default:
		return value_bool(json_is_true(json));
	}
}

static const char *member_text(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	assert_non_null(text);
	return text;
}

static void test_case(void **state)
{
	_cleanup_(template_freep) struct template *template = NULL;
	const json_t *json = *state;
	const char *source = member_text(json, "template");
	struct value data = value_from_json(json_object_get(json, "data"));
	struct bytes out = BYTES_IN(&memory);
	struct error err = { 0 };
	int result = template_parse("spec", source, strlen(source), &template, &err);

	if (strstr(source, "{{{") || strstr(source, "{{&")) {
		assert_int_equal(result, -1);
		assert_non_null(strstr(err.text, "would put in text that is not escaped"));
		return;
	}
	if (result < 0)
		fail_msg("%s", err.text);
	template_expand(template, &data, &out);
	assert_string_equal(bytes_text(&out), member_text(json, "expected"));
}

/* The tests' states borrow from the file. */
static size_t module_load(json_t *file, const char *module, struct CMUnitTest *tests, size_t room)
{
	json_t *cases = json_object_get(file, "tests");
	size_t count = json_array_size(cases);

	if (count == 0 || count > room) {
		(void)fprintf(stderr, "%s: no cases, or too many\n", module);
		exit(1);
	}
	for (size_t i = 0; i < count; i++) {
		json_t *json = json_array_get(cases, i);
		const char *name = json_string_value(json_object_get(json, "name"));

		tests[i] = (struct CMUnitTest){
			.name = arena_printf(&memory, "%s: %s", module, name ? name : "?"),
			.test_func = test_case,
			.initial_state = json,
		};
	}
	return count;
}

int main(void)
{
	static struct CMUnitTest tests[MAX_CASES]; /* cmocka passes over the empty ones */
	const char *directory = getenv("MAILCONFD_TEST_DATA");
	json_t *files[COUNT(modules)];
	size_t count = 0;
	int failed;

	if (!directory) {
		/* TAP's word for all of them; cmocka 1.1 reports its own skip() as "not ok". */
		(void)puts("1..0 # SKIP MAILCONFD_TEST_DATA, which has the cases, is not set");
		return 0;
	}
	for (size_t i = 0; i < COUNT(modules); i++) {
		files[i] = json_load_file(
			arena_printf(&memory, "%s/mustache-spec/%s.json", directory, modules[i]), 0,
			NULL);
		count += module_load(files[i], modules[i], tests + count, MAX_CASES - count);
	}
	failed = cmocka_run_group_tests_name("mustache-spec", tests, NULL, NULL);
	for (size_t i = 0; i < COUNT(modules); i++)
		json_decref(files[i]);
	arena_clear(&memory);
	return failed;
}
