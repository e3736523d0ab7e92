#include "fuzz/served.h"

#include <stdlib.h>

#include "protocol/templates.h"
#include "store/store.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define SERVICES                                                                  \
	" service=imaps://imap.example.org service=pop3+starttls://%EMAILDOMAIN%" \
	" service=submissions://smtp.example.org"                                 \
	" service=activesync+https://sync.example.org/x?a&b"

static const char *const lines[] = {
	"provider main names=yes md5=yes delimiter=+ display=<Main>&" SERVICES,
	"provider small login=%EMAILLOCALPART% service=imaps://imap.example.net",
	"provider empty",
	"provider all pacc=yes v2=yes service=imaps://imap.example.com"
	" service=submissions://smtp.example.com service=caldav+https://dav.example.com/c"
	" service=carddav+https://dav.example.com/ service=activesync+https://sync.example.com/x",
	"domain example.com all",
	"domain example.org main",
	"domain *.example.net small",
	"domain alias.example =example.org",
	"domain empty.example empty",
	"domain off.example main off",
	"domain xn--bcher-kva.example main",
	"domain * main",
	"user fred@example.org a4711 name=Fred&\"<Last>",
	"user @alias.example catch",
	NULL,
};

static char *directory;
static struct context context;

static void end(void)
{
	store_close(context.store);
	templates_unref((struct templates *)context.site.templates);
	directory_free(directory);
}

static void fill(const char *path)
{
	_cleanup_(store_closep) struct store *store = NULL;
	struct error err;

	if (store_open(path, STORE_WRITE, &store, &err) != 0)
		abort();
	store_fill(store, lines);
}

const struct context *served_context(void)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct templates *templates;
	const char *path;
	struct error err;

	if (context.store)
		return &context;
	directory = directory_new();
	path = directory_path(&memory, directory, "fuzz.db");
	fill(path);
	if (store_open(path, STORE_READ, &context.store, &err) != 0)
		abort();
	templates = templates_load(NULL, NULL, NULL);
	context.site = (struct site){ .templates = templates, .public_name = "" };
	(void)atexit(end);
	return &context;
}
