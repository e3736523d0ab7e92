#include "protocol/templates.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "protocol/protocol.h"
#include "protocol/xml.h"
#include "template/template.h"
#include "util/embedded.h"
#include "util/file.h"
#include "util/string-list.h"

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

static const struct address sample_address = {
	.typed = "First.Last&Co@example.org",
	.text = "First.Last&Co@example.org",
	.local = "First.Last&Co",
	.domain = "example.org",
	.key = "first.last&co",
};

static const enum authentication ways[] = { AUTHENTICATION_PASSWORD_CLEARTEXT,
					    AUTHENTICATION_OAUTH2 };

#define FULL_ENDPOINT(kind_, url_)                                                                 \
	{                                                                                          \
		.kind = (kind_), .security = SECURITY_TLS, .host = "mail.example.org", .port = 1,  \
		.url = (url_), .path = "/?a&b", .login = "<first&last>",                           \
		.login_template = "<first&last>", .authentications = ways, .n_authentications = 2, \
		.pop3 = { WISH_YES, 1, 1, WISH_YES },                                              \
	}

static const struct endpoint full_endpoints[] = {
	FULL_ENDPOINT(SERVICE_IMAP, NULL),
	FULL_ENDPOINT(SERVICE_POP3, NULL),
	FULL_ENDPOINT(SERVICE_JMAP, "https://jmap.example.org/session?a&b"),
	FULL_ENDPOINT(SERVICE_SUBMISSION, NULL),
	FULL_ENDPOINT(SERVICE_CALDAV, "https://dav.example.org/?a&b"),
	FULL_ENDPOINT(SERVICE_CARDDAV, "https://dav.example.org/?a&b"),
	FULL_ENDPOINT(SERVICE_WEBDAV, "https://dav.example.org/?a&b"),
	FULL_ENDPOINT(SERVICE_MANAGESIEVE, NULL),
	FULL_ENDPOINT(SERVICE_ACTIVESYNC,
		      "https://sync.example.org/Microsoft-Server-ActiveSync?a&b"),
};

static const struct link_text full_texts[] = { { "en", "Help & <more>" } };

static const struct link full_links[] = {
	{ LINK_DOCUMENTATION, "https://help.example.org/?a&b", full_texts, 1 },
	{ LINK_ENABLE, "https://help.example.org/?a&b", full_texts, 1 },
};

const struct profile sample_full = {
	.domain = "example.org",
	.display_name = "Mail & More <Example>",
	.short_name = "Mail & More",
	.address = &sample_address,
	.ttl = 1,
	.moved_url = "https://autodiscover.example.net/autodiscover/autodiscover.xml?a&b",
	.moved_address = "first&last@example.net",
	.pox_dav = true,
	.person = "First \"&\" Last",
	.endpoints = full_endpoints,
	.n_endpoints = sizeof(full_endpoints) / sizeof(*full_endpoints),
	.oauth2 = { "https://login.example.org", "mail&<offline>",
		    "https://login.example.org/auth?a&b", "https://login.example.org/token?a&b" },
	.webmail = "https://mail.example.org/?a&b",
	.links = full_links,
	.n_links = sizeof(full_links) / sizeof(*full_links),
};

#define BARE_ENDPOINT(kind_, url_)                                                          \
	{                                                                                   \
		.kind = (kind_), .security = SECURITY_STARTTLS, .host = "mail.example.org", \
		.port = 1, .url = (url_), .path = "/", .login_template = "%EMAILADDRESS%",  \
		.authentications = ways, .n_authentications = 1,                            \
	}

static const struct endpoint bare_endpoints[] = {
	BARE_ENDPOINT(SERVICE_IMAP, NULL),
	BARE_ENDPOINT(SERVICE_SUBMISSION, NULL),
	BARE_ENDPOINT(SERVICE_ACTIVESYNC, "https://sync.example.org/"),
};

const struct profile sample_bare = {
	.domain = "example.org",
	.display_name = "example.org",
	.endpoints = bare_endpoints,
	.n_endpoints = sizeof(bare_endpoints) / sizeof(*bare_endpoints),
};

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
		if (xml_check(bytes_text(&document), document.size, kind->doctype, err) < 0)
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

static void closedirp(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* The administrator would wonder why a misspelt file has no effect. */
static void check_names(const char *path, DIR *directory, struct texts *errors)
{
	const struct document_template *kind;
	struct bytes names = BYTES_IN(errors->memory);
	struct dirent *entry;
	size_t misnamed = 0;

	for (size_t i = 0; (kind = kind_at(i)); i++)
		bytes_add_format(&names, "%s%s", i ? ", " : "", kind->name);
	while (misnamed < MISNAMED_MAX && (entry = readdir(directory))) {
		const char *name = entry->d_name, *ending = strrchr(name, '.');

		if (name[0] == '.' || !ending ||
		    !(text_equals(ending, ".xml") || text_equals(ending, ".plist")))
			continue;
		for (size_t i = 0; (kind = kind_at(i)) && !text_equals(kind->name, name); i++)
			;
		if (kind)
			continue;
		misnamed++;
		texts_add(errors, arena_printf(errors->memory,
					       "%s/%s is not the name of a template; it must be "
					       "one of: %s",
					       path, name, bytes_text(&names)));
	}
}

static void load_directory(const char *path, const struct templates *previous, struct texts *errors,
			   struct templates *templates)
{
	_cleanup_(closedirp) DIR *directory = opendir(path);
	const struct document_template *kind;

	if (!directory)
		texts_add(errors,
			  arena_printf(errors->memory,
				       "cannot read the templates directory '%s': %s; %s", path,
				       strerror(errno),
				       previous
					       ? "the templates that were loaded before stay in use"
					       : "the built-in templates are used"));
	for (size_t id = 0; (kind = kind_at(id)); id++) {
		struct loaded **loaded = &templates->loaded[id];
		struct error err;
		int r = directory ? load_file(path, kind, loaded, &err) : -1;

		if (r < 0 && directory)
			texts_add(errors,
				  arena_printf(
					  errors->memory, "%s; %s", err.text,
					  previous ? "the one that was loaded before stays in use"
						   : "the built-in template is used"));
		if (r < 0 && previous) {
			*loaded = previous->loaded[id];
			atomic_fetch_add(&(*loaded)->references, 1);
		} else if (!*loaded) {
			*loaded = load_built_in(kind);
		}
	}
	if (directory)
		check_names(path, directory, errors);
}

struct templates *templates_load(const char *directory, const struct templates *previous,
				 struct texts *errors)
{
	struct templates *templates = xnew(struct templates);
	const struct document_template *kind;

	templates->references = 1;
	if (directory && *directory)
		load_directory(directory, previous, errors, templates);
	else
		for (size_t id = 0; (kind = kind_at(id)); id++)
			templates->loaded[id] = load_built_in(kind);
	return templates;
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
		      struct arena *memory, struct value view, struct response *response)
{
	struct bytes document = BYTES_IN(memory);
	size_t id = 0;

	while (templates->loaded[id]->kind != kind)
		id++;
	template_expand(templates->loaded[id]->template, &view, &document);
	response->status = 200;
	response->media_type = "text/xml; charset=utf-8";
	response->body = bytes_text(&document);
	response->size = document.size;
}
