#include "protocol/templates.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/autoconfig.h"
#include "protocol/autodiscover.h"
#include "protocol/mobileconfig.h"
#include "protocol/mobilesync.h"
#include "protocol/outlook.h"
#include "protocol/response.h"
#include "protocol/sample.h"
#include "protocol/xml.h"
#include "template/template.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/embedded.h"
#include "util/error.h"
#include "util/file.h"

/* The longest of ours has 2 KiB. */
#define TEMPLATE_MAX_SIZE ((size_t)256 * 1024)

/* Misspelt names that are reported. */
#define MISNAMED_MAX 10

/* One template, shared by the sets of several reloads. */
struct loaded {
	atomic_uint references;
	struct template *template;
};

struct templates {
	atomic_uint references;
	struct loaded *loaded[TEMPLATES];
};

static const struct {
	const char *name;
	struct value (*view)(struct arena *memory, const struct profile *profile);
	const struct xml_doctype *doctype; /* that it may have, or NULL */
} documents[TEMPLATES] = {
	[TEMPLATE_OUTLOOK] = { "outlook.xml", outlook_view },
	[TEMPLATE_OUTLOOK_REDIRECT] = { "outlook-redirect.xml", autodiscover_redirect_view },
	[TEMPLATE_MOBILESYNC_REDIRECT] = { "mobilesync-redirect.xml", autodiscover_redirect_view },
	[TEMPLATE_MOBILESYNC] = { "mobilesync.xml", mobilesync_view },
	[TEMPLATE_AUTODISCOVER_ERROR] = { "autodiscover-error.xml", autodiscover_error_view },
	[TEMPLATE_AUTOCONFIG] = { "autoconfig.xml", autoconfig_view },
	[TEMPLATE_MOBILECONFIG] = { "mobileconfig.plist", mobileconfig_sample_view,
				    &mobileconfig_doctype },
};

/* The fullest profile shows every name that a template may use; both must give XML. */
static int check(const struct template *template, enum template_id id, const char *name,
		 struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct profile *const samples[] = { &sample_full, &sample_bare };
	struct value view = documents[id].view(&memory, samples[0]);

	if (template_check_names(template, &view, err) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		struct bytes document = BYTES_IN(&memory);

		view = documents[id].view(&memory, samples[i]);
		template_expand(template, &view, &document);
		if (xml_check_with_doctype(bytes_text(&document), document.size,
					   documents[id].doctype, err) < 0)
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

static int parse(const char *name, const char *source, size_t size, enum template_id id,
		 struct loaded **ret_loaded, struct error *err)
{
	_cleanup_(loaded_unrefp) struct loaded *loaded = xnew(struct loaded);

	loaded->references = 1;
	if (template_parse(name, source, size, &loaded->template, err) < 0 ||
	    check(loaded->template, id, name, err) < 0)
		return -1;
	*ret_loaded = TAKE(loaded);
	return 0;
}

/* Tests load all of these, so that none can fail. */
static struct loaded *load_built_in(enum template_id id)
{
	const struct embedded *file = embedded_templates;
	struct loaded *loaded;
	struct error err;

	while (!text_equals(file->name, documents[id].name))
		file++;
	if (parse(file->name, file->text, strlen(file->text), id, &loaded, &err) < 0)
		abort();
	return loaded;
}

/* Sets NULL where the directory has no file of the name. */
static int load_file(const char *directory, enum template_id id, struct loaded **ret_loaded,
		     struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *path = arena_printf(&memory, "%s/%s", directory, documents[id].name), *source;
	struct stat status;
	size_t size;

	*ret_loaded = NULL;
	/* A link that leads nowhere is there, and cannot be read. */
	if (lstat(path, &status) < 0 && errno == ENOENT)
		return 0;
	source = file_read(&memory, path, TEMPLATE_MAX_SIZE, &size, err);
	return source ? parse(path, source, size, id, ret_loaded, err) : -1;
}

static bool is_template_name(const char *name)
{
	for (size_t i = 0; i < TEMPLATES; i++)
		if (text_equals(documents[i].name, name))
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
	struct bytes list = BYTES_IN(memory);

	for (size_t i = 0; i < TEMPLATES; i++)
		bytes_add_format(&list, "%s%s", i ? ", " : "", documents[i].name);
	return bytes_text(&list);
}

static void closedirp(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* Reports what went wrong; returns 1. */
static size_t report(templates_reporter fail, void *context, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static size_t report(templates_reporter fail, void *context, const char *format, ...)
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
			wrong += wrong < MISNAMED_MAX
					 ? report(fail, context,
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

static struct loaded *previous_or_built_in(const struct templates *previous, enum template_id id)
{
	if (!previous)
		return load_built_in(id);
	atomic_fetch_add(&previous->loaded[id]->references, 1);
	return previous->loaded[id];
}

static size_t load_directory(const char *path, const struct templates *previous,
			     templates_reporter fail, void *context, struct templates *templates)
{
	_cleanup_(closedirp) DIR *directory = opendir(path);
	size_t wrong = 0;

	if (!directory)
		wrong = report(fail, context, "cannot read the templates directory '%s': %s; %s",
			       path, strerror(errno),
			       previous ? "the templates that were loaded before stay in use"
					: "the built-in templates are used");
	for (size_t id = 0; id < TEMPLATES; id++) {
		struct loaded **loaded = &templates->loaded[id];
		struct error err;
		int r = directory ? load_file(path, (enum template_id)id, loaded, &err) : -1;

		if (r < 0 && directory)
			wrong += report(fail, context, "%s; %s", err.text, what_remains(previous));
		if (r < 0)
			*loaded = previous_or_built_in(previous, (enum template_id)id);
		else if (!*loaded)
			*loaded = load_built_in((enum template_id)id);
	}
	return directory ? wrong + check_names(path, directory, fail, context) : wrong;
}

size_t templates_load(const char *directory, const struct templates *previous,
		      templates_reporter fail, void *context, struct templates **ret_templates)
{
	struct templates *templates = xnew(struct templates);
	size_t wrong = 0;

	templates->references = 1;
	if (directory && *directory)
		wrong = load_directory(directory, previous, fail, context, templates);
	else
		for (size_t id = 0; id < TEMPLATES; id++)
			templates->loaded[id] = load_built_in((enum template_id)id);
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
	for (size_t id = 0; id < TEMPLATES; id++)
		loaded_unref(templates->loaded[id]);
	free(templates);
}

void templates_render(const struct templates *templates, enum template_id id, struct arena *memory,
		      const struct value *view, struct response *response)
{
	struct bytes document = BYTES_IN(memory);

	template_expand(templates->loaded[id]->template, view, &document);
	response->status = 200;
	response->media_type = "text/xml; charset=utf-8";
	response->body = bytes_text(&document);
	response->size = document.size;
}
