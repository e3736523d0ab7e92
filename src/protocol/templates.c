#include "protocol/templates.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "protocol/protocol.h"
#include "protocol/response.h"
#include "protocol/sample.h"
#include "protocol/xml.h"
#include "template/template.h"
#include "template/value.h"
#include "util/embedded.h"
#include "util/file.h"

/* The longest of ours has 2 KiB. */
#define TEMPLATE_MAX_SIZE ((size_t)256 * 1024)

/* Misspelt names that are reported. */
#define MISNAMED_MAX 10

#define TEMPLATES_MAX 16

/* One template, shared by the sets of several reloads. */
struct loaded {
	atomic_uint references;
	const struct document_template *kind;
	struct template *template;
};

struct templates {
	atomic_uint references;
	struct loaded *loaded[TEMPLATES_MAX]; /* in the order of kind_at() */
};

/* The kind of that number, NULL beyond the last one. */
static const struct document_template *kind_at(size_t number)
{
	for (size_t i = 0; i < PROTOCOLS; i++)
		for (const struct document_template *const *kind = all_protocols[i]->templates;
		     kind && *kind; kind++)
			if (number-- == 0)
				return *kind;
	return NULL;
}

/* The fullest profile shows every name that a template may use; both must give XML. */
static int check(const struct template *template, const struct document_template *kind,
		 const char *name, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct profile *const samples[] = { &sample_full, &sample_bare };
	struct value view = kind->view(&memory, samples[0]);

	if (template_check_names(template, &view, err) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		struct bytes document = BYTES_IN(&memory);

		view = kind->view(&memory, samples[i]);
		template_expand(template, &view, &document);
		if (xml_check_with_doctype(bytes_text(&document), document.size, kind->doctype,
					   err) < 0)
			return error_prefix(
				err,
				"%s: the document that it makes of a sample profile is not "
				"well-formed XML",
				name);
	}
	return 0;
}

static void loaded_unref(struct loaded *loaded)
{
	if (!loaded || atomic_fetch_sub(&loaded->references, 1) != 1)
		return;
	template_free(loaded->template);
	free(loaded);
}

DEFINE_CLEANUP(struct loaded *, loaded_unref);

static int parse(const char *name, const char *source, size_t size,
		 const struct document_template *kind, struct loaded **ret_loaded,
		 struct error *err)
{
	_cleanup_(loaded_unrefp) struct loaded *loaded = xnew(struct loaded);

	loaded->references = 1;
	loaded->kind = kind;
	if (template_parse(name, source, size, &loaded->template, err) < 0 ||
	    check(loaded->template, kind, name, err) < 0)
		return -1;
	*ret_loaded = TAKE(loaded);
	return 0;
}

/* Tests load all of these, so that none can fail. */
static struct loaded *load_built_in(const struct document_template *kind)
{
	const struct embedded *file = embedded_templates;
	struct loaded *loaded;
	struct error err;

	while (!text_equals(file->name, kind->name))
		file++;
	if (parse(file->name, file->text, strlen(file->text), kind, &loaded, &err) < 0)
		abort();
	return loaded;
}

/* Sets NULL where the directory has no file of the name. */
static int load_file(const char *directory, const struct document_template *kind,
		     struct loaded **ret_loaded, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *path = arena_printf(&memory, "%s/%s", directory, kind->name), *source;
	struct stat status;
	size_t size;

	*ret_loaded = NULL;
	/* A link that leads nowhere is there, and cannot be read. */
	if (lstat(path, &status) < 0 && errno == ENOENT)
		return 0;
	source = file_read(&memory, path, TEMPLATE_MAX_SIZE, &size, err);
	return source ? parse(path, source, size, kind, ret_loaded, err) : -1;
}

static bool is_template_name(const char *name)
{
	const struct document_template *kind;

	for (size_t i = 0; (kind = kind_at(i)); i++)
		if (text_equals(kind->name, name))
			return true;
	return false;
}

static bool is_document_name(const char *name)
{
	const char *ending = strrchr(name, '.');

	return name[0] != '.' && ending &&
	       (text_equals(ending, ".xml") || text_equals(ending, ".plist"));
}

static const char *all_names(struct arena *memory)
{
	const struct document_template *kind;
	struct bytes list = BYTES_IN(memory);

	for (size_t i = 0; (kind = kind_at(i)); i++)
		bytes_add_format(&list, "%s%s", i ? ", " : "", kind->name);
	return bytes_text(&list);
}

static void closedirp(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* Reports what went wrong; returns 1. */
static size_t report_template(templates_reporter fail, void *context, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static size_t report_template(templates_reporter fail, void *context, const char *format, ...)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	va_list args;

	va_start(args, format);
	fail(arena_vprintf(&memory, format, args), context);
	va_end(args);
	return 1;
}

/* The administrator would wonder why a misspelt file has no effect. */
static size_t check_names(const char *path, DIR *directory, templates_reporter fail, void *context)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct dirent *entry;
	size_t wrong = 0;

	while ((entry = readdir(directory)))
		if (is_document_name(entry->d_name) && !is_template_name(entry->d_name))
			wrong +=
				wrong < MISNAMED_MAX
					? report_template(
						  fail, context,
						  "%s/%s is not the name of a template; it must be "
						  "one of: %s",
						  path, entry->d_name, all_names(&memory))
					: 0;
	return wrong;
}

static const char *what_remains(const struct templates *previous)
{
	return previous ? "the one that was loaded before stays in use"
			: "the built-in template is used";
}

static struct loaded *previous_or_built_in(const struct templates *previous, size_t id)
{
	if (!previous)
		return load_built_in(kind_at(id));
	atomic_fetch_add(&previous->loaded[id]->references, 1);
	return previous->loaded[id];
}

static size_t load_directory(const char *path, const struct templates *previous,
			     templates_reporter fail, void *context, struct templates *templates)
{
	_cleanup_(closedirp) DIR *directory = opendir(path);
	const struct document_template *kind;
	size_t wrong = 0;

	if (!directory)
		wrong = report_template(
			fail, context, "cannot read the templates directory '%s': %s; %s", path,
			strerror(errno),
			previous ? "the templates that were loaded before stay in use"
				 : "the built-in templates are used");
	for (size_t id = 0; (kind = kind_at(id)); id++) {
		struct loaded **loaded = &templates->loaded[id];
		struct error err;
		int r = directory ? load_file(path, kind, loaded, &err) : -1;

		if (r < 0 && directory)
			wrong += report_template(fail, context, "%s; %s", err.text,
						 what_remains(previous));
		if (r < 0)
			*loaded = previous_or_built_in(previous, id);
		else if (!*loaded)
			*loaded = load_built_in(kind);
	}
	return directory ? wrong + check_names(path, directory, fail, context) : wrong;
}

size_t templates_load(const char *directory, const struct templates *previous,
		      templates_reporter fail, void *context, struct templates **ret_templates)
{
	struct templates *templates = xnew(struct templates);
	const struct document_template *kind;
	size_t wrong = 0;

	templates->references = 1;
	if (directory && *directory)
		wrong = load_directory(directory, previous, fail, context, templates);
	else
		for (size_t id = 0; (kind = kind_at(id)); id++)
			templates->loaded[id] = load_built_in(kind);
	*ret_templates = templates;
	return wrong;
}

struct templates *templates_ref(struct templates *templates)
{
	atomic_fetch_add(&templates->references, 1);
	return templates;
}

void templates_unref(struct templates *templates)
{
	if (!templates || atomic_fetch_sub(&templates->references, 1) != 1)
		return;
	for (size_t id = 0; id < TEMPLATES_MAX; id++)
		loaded_unref(templates->loaded[id]);
	free(templates);
}

void templates_render(const struct templates *templates, const struct document_template *kind,
		      struct arena *memory, const struct value *view, struct response *response)
{
	struct bytes document = BYTES_IN(memory);
	size_t id = 0;

	while (templates->loaded[id]->kind != kind)
		id++;
	template_expand(templates->loaded[id]->template, view, &document);
	response->status = 200;
	response->media_type = "text/xml; charset=utf-8";
	response->body = bytes_text(&document);
	response->size = document.size;
}
