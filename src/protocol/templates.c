#include "protocol/templates.h"

#include <dirent.h>
#include <errno.h>
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

struct templates {
	atomic_uint references;
	struct template *templates[TEMPLATES];
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

static int load(const char *name, const char *source, size_t size, enum template_id id,
		struct templates *templates, struct error *err)
{
	if (template_parse(name, source, size, &templates->templates[id], err) < 0)
		return -1;
	return check(templates->templates[id], id, name, err);
}

static const char *built_in(const char *name)
{
	for (const struct embedded *file = embedded_templates;; file++)
		if (strcmp(file->name, name) == 0)
			return file->text;
}

static int load_one(const char *directory, enum template_id id, struct templates *templates,
		    struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *name = documents[id].name, *source = built_in(name), *path;
	size_t size = strlen(source);
	struct stat status;

	/* A link that leads nowhere is there, and cannot be read. */
	if (directory) {
		path = arena_printf(&memory, "%s/%s", directory, name);
		if (lstat(path, &status) == 0 || errno != ENOENT) {
			source = file_read(&memory, path, TEMPLATE_MAX_SIZE, &size, err);
			if (!source)
				return -1;
			name = path;
		}
	}
	return load(name, source, size, id, templates, err);
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
		(void)closedir(*directory);
}

/* A misspelt file would be passed over in silence, and the admin wonder. */
static int check_directory(const char *path, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(closedirp) DIR *directory = opendir(path);
	struct dirent *entry;

	if (!directory)
		return error_set(err, ERROR_SYSTEM, "cannot read the templates directory '%s': %s",
				 path, strerror(errno));
	while ((entry = readdir(directory))) {
		if (is_document_name(entry->d_name) && !is_template_name(entry->d_name))
			return error_set(err, ERROR_INPUT,
					 "%s/%s is the name of no template; there are %s", path,
					 entry->d_name, all_names(&memory));
	}
	return 0;
}

int templates_load(const char *directory, struct templates **ret_templates, struct error *err)
{
	_cleanup_(templates_unrefp) struct templates *templates = xnew(struct templates);

	templates->references = 1;
	if (directory && !*directory)
		directory = NULL;
	if (directory && check_directory(directory, err) < 0)
		return -1;
	for (size_t id = 0; id < TEMPLATES; id++)
		if (load_one(directory, (enum template_id)id, templates, err) < 0)
			return -1;
	*ret_templates = TAKE(templates);
	return 0;
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
		template_free(templates->templates[id]);
	free(templates);
}

void templates_render(const struct templates *templates, enum template_id id, struct arena *memory,
		      const struct value *view, struct response *response)
{
	struct bytes document = BYTES_IN(memory);

	template_expand(templates->templates[id], view, &document);
	response->status = 200;
	response->media_type = "text/xml; charset=utf-8";
	response->body = bytes_text(&document);
	response->size = document.size;
}
