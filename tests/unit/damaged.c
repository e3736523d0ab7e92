#include "unit/damaged.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "answer/answer.h"
#include "protocol/request.h"
#include "protocol/templates.h"
#include "store/bulk.h"
#include "store/store.h"
#include "unit/fixture.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/digest.h"
#include "util/file.h"

#define USERS 400
#define IMAGE_MAX_SIZE ((size_t)4 * 1024 * 1024)

static const char *const lines[] = {
	"provider main names=yes md5=yes delimiter=+ display=<Main>& "
	"service=imaps://imap.example.org"
	" service=pop3+starttls://%EMAILDOMAIN% service=submissions://smtp.example.org",
	"provider all pacc=yes v2=yes service=imaps://imap.example.com"
	" service=submissions://smtp.example.com service=caldav+https://dav.example.com/c"
	" service=activesync+https://sync.example.com/x",
	"domain example.com all",
	"domain example.org main",
	"domain *.example.net all",
	"domain alias.example =example.org",
	"domain off.example main off",
	"user fred@example.org a4711 name=Fred provider=all",
	"user @alias.example catch",
	NULL,
};

static const char *const targets[] = {
	"/mail/config-v1.1.xml?emailaddress=fred%40example.org",
	"/mail/config-v1.1.xml?emailaddress=user7%2Btag%40example.org",
	"/mail/config-v1.1.xml?emailaddress=x%40alias.example",
	"/mail/config-v1.1.xml?emailaddress=x%40a.example.net",
	"/mail/config-v1.1.xml",
	"/autodiscover/autodiscover.json?Email=fred%40example.com&Protocol=AutodiscoverV1",
	"/.well-known/caldav",
	"/email.mobileconfig?email=fred%40example.org",
};

static void fill(struct store *store)
{
	static const struct link_text text = { .language = "en", .text = "Help" };
	static const struct link link = {
		.kind = LINK_ENABLE, .url = "https://www.example.com/", .texts = &text, .n_texts = 1
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct provider provider;
	struct error err = { 0 };

	store_fill(store, lines);
	if (store_begin(store, &err) < 0)
		fail_msg("%s", err.text);
	for (int i = 0; i < USERS; i++) {
		const struct user user = {
			.address = arena_printf(&memory, "user%d@example.org", i),
			.login = arena_printf(&memory, "login-%d", i),
			.name = "A Person With A Name",
		};

		if (store_add_user(store, &user, &err) != 0)
			fail_msg("%s", err.text);
	}
	if (store_find_provider(store, &memory, "main", &provider, &err) != 0 ||
	    store_set_links(store, provider.id, &link, 1, &err) != 0 ||
	    store_commit(store, &err) < 0)
		fail_msg("%s", err.text);
}

uint8_t *database_image(size_t *ret_size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char *directory = directory_new(), *contents;
	const char *path = directory_path(&memory, directory, "image.db");
	struct store *store = NULL;
	struct error err = { 0 };
	uint8_t *image;

	if (store_open(path, STORE_WRITE, &store, &err) != 0)
		fail_msg("%s", err.text);
	fill(store);
	store_close(store); /* the last to close writes the log back */
	contents = file_read(&memory, path, IMAGE_MAX_SIZE, ret_size, &err);
	if (!contents)
		fail_msg("%s", err.text);
	image = malloc(*ret_size);
	if (!image)
		abort();
	memcpy(image, contents, *ret_size);
	directory_free(directory);
	return image;
}

/* An outcome other than a failure, or a failure with a text. */
static void check(int r, struct error *err)
{
	if (r < 0 && !*err->text)
		fail_msg("a failure without a text");
	*err = (struct error){ 0 };
}

static void ask(const struct context *context, const char *target)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct request request = { .method = "GET", .target = target, .host = "example.com" };
	struct response response;
	struct error err = { 0 };
	int r = answer(context, &memory, &request, &response, &err);

	store_release(context->store);
	check(r, &err);
	if (response.status < 200 || response.status > 599 || !response.body)
		fail_msg("no response to %s", target);
}

static int ignore_user(const struct user *user, void *context, struct error *err)
{
	return !user->address || !user->login;
}

static int ignore_service(const char *provider, const struct service *service, void *context,
			  struct error *err)
{
	return !provider || !service;
}

static void ignore_row(const struct error *err, void *context)
{
	if (!*err->text)
		fail_msg("an invalid row without a sentence");
}

static void list(struct store *store)
{
	static const struct domain_filter all_domains = { 0 };
	static const struct user_filter all_users = { 0 };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct provider *providers;
	struct domain *domains;
	struct error err = { 0 };
	struct digest_key secret;
	const char **names;
	int64_t number;
	size_t count;
	bool truth;

	check(store_list_providers(store, &memory, &providers, &count, &err), &err);
	check(store_list_domains(store, &memory, &all_domains, &domains, &count, &err), &err);
	check(store_list_moved_domains(store, &memory, &domains, &count, &err), &err);
	check(store_list_user_domains(store, &memory, &names, &count, &err), &err);
	check(store_list_names(store, &memory, PROVIDER_NAMES, "", 100, &names, &count, &err),
	      &err);
	check(store_list_names(store, &memory, DOMAIN_NAMES, "", 100, &names, &count, &err), &err);
	check(store_list_locals(store, &memory, "example.org", "u", 100, &names, &count, &err),
	      &err);
	check(store_visit_users(store, &all_users, ignore_user, NULL, &err), &err);
	check(store_visit_moved_users(store, ignore_user, NULL, &err), &err);
	check(store_visit_asking_services(store, ignore_service, NULL, &err), &err);
	check(store_count_users(store, &all_users, &number, &err), &err);
	check(store_has_moved_users(store, "example.org", &truth, &err), &err);
	check(store_has_public_name(store, "mail.example.org", &truth, &err), &err);
	check(store_secret(store, &secret, &err), &err);
}

static void read_all(const char *path)
{
	struct context context = { .site.public_name = "" };
	struct templates *templates;
	struct error err = { 0 };
	int r = store_open(path, STORE_READ, &context.store, &err);

	check(r, &err);
	if (r != 0)
		return;
	templates = templates_load(NULL, NULL, NULL);
	context.site.templates = templates;
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		ask(&context, targets[i]);
	list(context.store);
	store_skip_invalid_rows(context.store, ignore_row, NULL);
	list(context.store);
	store_close(context.store);
	templates_unref(templates);
}

/* Replaces all users of the domain by one. */
static int replace_users(struct store *store, struct error *err)
{
	static const char *const domains[] = { "example.org" };
	static const struct bulk_scope scope = { .domains = domains, .n_domains = 1 };
	static const struct bulk_user user = { "example.org", "fred", "a1", NULL, 0, NULL };
	_cleanup_(bulk_freep) struct bulk *bulk = NULL;
	struct row_counts counts;

	if (bulk_begin(store, &scope, &bulk, err) < 0 || bulk_put(bulk, &user, err) < 0)
		return -1;
	return bulk_end(bulk, &counts, err);
}

static void change_all(const char *path)
{
	_cleanup_(store_closep) struct store *store = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct domain domain = { .name = "new.example", .provider = "main", .is_enabled = 1 };
	struct provider provider;
	struct error err = { 0 };
	int r;

	r = store_open(path, STORE_CHANGE, &store, &err);
	check(r, &err);
	if (r != 0)
		return;
	r = store_begin(store, &err);
	check(r, &err);
	if (r != 0)
		return;
	check(store_add_domain(store, &domain, &err), &err);
	check(store_remove_user(store, "user7@example.org", &err), &err);
	r = store_find_provider(store, &memory, "main", &provider, &err);
	check(r, &err);
	if (r == 0)
		check(store_set_services(store, provider.id, provider.services, provider.n_services,
					 &err),
		      &err);
	check(replace_users(store, &err), &err);
	store_rollback(store);
}

void database_exercise(const uint8_t *image, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char *directory = directory_new();
	const char *path = directory_path(&memory, directory, "damaged.db");
	_cleanup_(fclosep) FILE *file = fopen(path, "we");

	if (!file || fwrite(image, 1, size, file) != size || fflush(file) != 0)
		fail_msg("cannot write %s", path);
	read_all(path);
	change_all(path);
	directory_free(directory);
}
