#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/protocol.h"
#include "protocol/request.h"
#include "protocol/templates.h"
#include "protocol/xml.h"
#include "template/value.h"
#include "unit/fixture.h"
#include "util/arena.h"
#include "util/string-list.h"

static void write_file(const char *directory, const char *name, const char *contents)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(fclosep) FILE *file = fopen(directory_path(&memory, directory, name), "w");

	assert_non_null(file);
	assert_true(fputs(contents, file) >= 0);
}

/* Returns how many errors there are; err has the first. */
static size_t load_after(const struct templates *previous, const char *directory,
			 struct templates **ret_templates, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct texts errors = TEXTS_IN(&memory);

	*err = (struct error){ 0 };
	*ret_templates = templates_load(directory, previous, &errors);
	if (errors.count > 0)
		error_set(err, ERROR_INPUT, "%s", errors.items[0]);
	return errors.count;
}

/* Returns 0, or -1 with the first error; there are templates all the same. */
static int load(const char *directory, struct templates **ret_templates, struct error *err)
{
	return load_after(NULL, directory, ret_templates, err) == 0 ? 0 : -1;
}

static const char *render(const struct templates *templates, const struct document_template *kind,
			  struct arena *memory, const struct profile *profile)
{
	struct value view = kind->view(memory, profile);
	struct response response = { 0 };

	templates_render(templates, kind, memory, view, &response);
	check_number("status", response.status, 200);
	check_text("media type", response.media_type, "text/xml; charset=utf-8");
	check_number("size", (long long)response.size, (long long)strlen(response.body));
	return response.body;
}

static void test_built_in(void **state)
{
	static const char *const directories[] = { NULL, "" };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct error err;

	for (size_t i = 0; i < 2; i++) {
		_cleanup_(templates_unrefp) struct templates *templates = NULL;

		assert_int_equal(load(directories[i], &templates, &err), 0);
		for (size_t p = 0; p < PROTOCOLS; p++) {
			const struct document_template *const *kind = all_protocols[p]->templates;

			for (; kind && *kind; kind++) {
				const char *document = render(templates, *kind, &memory,
							      &sample_full);

				/* Apple's is the only document that has a DOCTYPE. */
				if (all_protocols[p] == &protocol_mobileconfig
					    ? !strstr(document, "<!DOCTYPE plist PUBLIC")
					    : xml_check(document, strlen(document), NULL, &err) < 0)
					fail_msg("template %s: %s", (*kind)->name, err.text);
				assert_null(strstr(document, "{{"));
			}
		}
	}
}

/* A file replaces the template of its name, and no other. */
static void test_directory(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(templates_unrefp) struct templates *templates = NULL, *built_in = NULL;
	char *directory = directory_new();
	struct error err;

	write_file(directory, "mobilesync.xml", "<url of='{{address}}'>{{url}}</url>\n");
	write_file(directory, "README", "not ours");
	write_file(directory, "outlook.xml.orig", "not ours");
	write_file(directory, ".outlook.xml.swp", "not ours");
	assert_int_equal(load(NULL, &built_in, &err), 0);
	if (load(directory, &templates, &err) < 0)
		fail_msg("%s", err.text);
	check_text("mobilesync.xml",
		   render(templates, protocol_mobilesync.templates[0], &memory, &sample_full),
		   "<url of='First.Last&amp;Co@example.org'>"
		   "https://sync.example.org/Microsoft-Server-ActiveSync?a&amp;b</url>\n");
	check_text("outlook.xml",
		   render(templates, protocol_outlook.templates[0], &memory, &sample_full),
		   render(built_in, protocol_outlook.templates[0], &memory, &sample_full));
	directory_free(directory);
}

static void test_refused(void **state)
{
	static const struct {
		const char *name, *contents;
		const char *words[2]; /* that the sentence has, beside the path of the file */
	} rows[] = {
		/* does not parse */
		{ "outlook.xml", "<a>\n{{#person}}</a>", { "/outlook.xml:2: ", "person" } },
		{ "outlook.xml", "<a>\n\n{{person</a>", { "/outlook.xml:3: " } },
		{ "outlook.xml", "<a>{{{person}}}</a>", { "/outlook.xml:1: " } },
		{ "outlook.xml", "<a>\n{{&person}}</a>", { "/outlook.xml:2: " } },
		{ "outlook.xml", "<a>\n{{>other}}</a>", { "/outlook.xml:2: " } },
		{ "outlook.xml", "<a>\n\374</a>", { "/outlook.xml:2: " } },

		/* uses a name that this document does not have */
		{ "outlook.xml",
		  "<a>\n{{persn}}</a>",
		  { "/outlook.xml:2: ", "use one of: person, address, protocols" } },
		{ "outlook.xml", "<a>{{url}}</a>", { "there is no 'url' here" } },
		{ "outlook.xml", "<a>{{#person}}{{server}}{{/person}}</a>", { "'server'" } },
		{ "outlook.xml", "<a>{{protocols}}</a>", { "is a list" } },
		{ "autoconfig.xml",
		  "<a>{{#incoming}}\n{{login}}{{/incoming}}</a>",
		  { "/autoconfig.xml:2: ", "username" } },
		{ "autodiscover-error.xml",
		  "<a>{{address}}</a>",
		  { "/autodiscover-error.xml:1: ", "use one of: code, message" } },
		{ "mobilesync.xml", "<a>{{protocols}}</a>", { "/mobilesync.xml:1: " } },

		/* makes no well-formed XML */
		{ "outlook.xml", "", { "not well-formed XML: line " } },
		{ "outlook.xml", "{{address}}", { "not well-formed XML: line 1: " } },
		{ "outlook.xml", "<a>\n</b>", { "not well-formed XML: line 2: " } },
		{ "outlook.xml", "<a>\n&nbsp;</a>", { "not well-formed XML: line 2: " } },
		{ "outlook.xml", "<a/>\n{{#protocols}}<b/>{{/protocols}}", { "line 2: " } },
		{ "outlook.xml", "<a {{person}}/>", { "not well-formed XML" } },
		{ "outlook.xml", "<a>\001</a>", { "not well-formed XML" } },
		{ "autoconfig.xml", "<a/>x", { "not well-formed XML" } },
		{ "autodiscover-error.xml", "<a>", { "not well-formed XML" } },
		{ "outlook.xml",
		  "<!--\n--><!DOCTYPE a><a/>",
		  { "not well-formed XML: line 2: a DOCTYPE is not accepted" } },

		/* well-formed with the fullest profile, but not with the barest */
		{ "outlook.xml", "{{#person}}<a/>{{/person}}", { "not well-formed XML" } },
		{ "outlook.xml", "<a>{{^address}}</b>{{/address}}</a>", { "line 1: " } },

		/* not the name of a template */
		{ "outlok.xml", "<a/>", { "is not the name of a template", "autoconfig.xml" } },
		{ "Outlook.xml", "<a/>", { "is not the name of a template" } },
	};
	_cleanup_(templates_unrefp) struct templates *built_in = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	built_in = templates_load(NULL, NULL, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct templates *templates = NULL;
		char *directory = directory_new();
		struct error err = { 0 };

		write_file(directory, rows[i].name, rows[i].contents);
		if (load(directory, &templates, &err) == 0)
			fail_msg("%s: accepted", rows[i].contents);
		check_text("the built-in one",
			   render(templates, protocol_outlook.templates[0], &memory, &sample_full),
			   render(built_in, protocol_outlook.templates[0], &memory, &sample_full));
		templates_unref(templates);
		check_error(rows[i].contents, &err, ERROR_INPUT,
			    directory_path(&memory, directory, rows[i].name));
		for (size_t j = 0; j < 2 && rows[i].words[j]; j++)
			check_error(rows[i].contents, &err, ERROR_INPUT, rows[i].words[j]);
		directory_free(directory);
	}
}

/* One that breaks leaves the others of the directory alone: at the start the built-in one stands in
 * for it, later the one that was loaded before. */
static void test_one_broken(void **state)
{
	_cleanup_(templates_unrefp) struct templates *first = NULL, *second = NULL, *third = NULL;
	_cleanup_(templates_unrefp) struct templates *built_in = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char *directory = directory_new();
	struct error err = { 0 };

	write_file(directory, "outlook.xml", "<broken>");
	write_file(directory, "mobilesync.xml", "<url>{{url}}</url>\n");
	built_in = templates_load(NULL, NULL, NULL);
	assert_int_equal(load_after(NULL, directory, &first, &err), 1);
	check_error("first", &err, ERROR_INPUT, "the built-in template is used");
	check_text("outlook.xml",
		   render(first, protocol_outlook.templates[0], &memory, &sample_full),
		   render(built_in, protocol_outlook.templates[0], &memory, &sample_full));
	check_text("mobilesync.xml",
		   render(first, protocol_mobilesync.templates[0], &memory, &sample_bare),
		   "<url>https://sync.example.org/</url>\n");

	write_file(directory, "mobilesync.xml", "<url>");
	write_file(directory, "outlook.xml", "<mine/>");
	assert_int_equal(load_after(first, directory, &second, &err), 1);
	check_error("second", &err, ERROR_INPUT, "the one that was loaded before stays in use");
	check_text("outlook.xml",
		   render(second, protocol_outlook.templates[0], &memory, &sample_full), "<mine/>");
	check_text("mobilesync.xml",
		   render(second, protocol_mobilesync.templates[0], &memory, &sample_bare),
		   "<url>https://sync.example.org/</url>\n");

	assert_int_equal(
		load_after(second, directory_path(&memory, directory, "absent"), &third, &err), 1);
	check_text("outlook.xml",
		   render(third, protocol_outlook.templates[0], &memory, &sample_full), "<mine/>");
	directory_free(directory);
}

/* Errors of the operating system. */
static void test_unreadable(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct templates *templates = NULL;
	char *directory = directory_new();
	const char *file = directory_path(&memory, directory, "outlook.xml");
	struct error err = { 0 };

	assert_int_equal(load(directory_path(&memory, directory, "absent"), &templates, &err), -1);
	templates_unref(TAKE(templates));
	check_error("absent", &err, ERROR_INPUT, "/absent': No such file");

	write_file(directory, "outlook.xml", "");
	assert_int_equal(truncate(file, 256 * 1024 + 1), 0);
	assert_int_equal(load(directory, &templates, &err), -1);
	templates_unref(TAKE(templates));
	check_error("too large", &err, ERROR_INPUT, "/outlook.xml' has more than 262144 bytes");

	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkdir(file, 0700), 0);
	assert_int_equal(load(directory, &templates, &err), -1);
	templates_unref(TAKE(templates));
	check_error("a directory", &err, ERROR_INPUT, "/outlook.xml': it is not a file");
	assert_int_equal(rmdir(file), 0);

	assert_int_equal(symlink("absent", file), 0);
	assert_int_equal(load(directory, &templates, &err), -1);
	templates_unref(TAKE(templates));
	check_error("a dangling link", &err, ERROR_INPUT, "/outlook.xml': No such file");

	directory_free(directory);
}

#define ROUNDS 20000

static void *take_and_give(void *context)
{
	for (int i = 0; i < ROUNDS; i++)
		templates_unref(templates_ref(context));
	return NULL;
}

/* A set lives as long as one reference, whichever thread has it. */
static void test_references(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct templates *templates = NULL;
	pthread_t threads[4];
	struct error err;

	templates_unref(NULL);
	assert_int_equal(load(NULL, &templates, &err), 0);
	assert_ptr_equal(templates_ref(templates), templates);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, templates), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	templates_unref(templates);
	assert_non_null(render(templates, protocol_outlook.templates[2], &memory, &sample_bare));
	templates_unref(templates);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_built_in),   cmocka_unit_test(test_directory),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_one_broken),
		cmocka_unit_test(test_unreadable), cmocka_unit_test(test_references),
	};

	return cmocka_run_group_tests_name("templates", tests, NULL, NULL);
}
