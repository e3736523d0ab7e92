#include "daemon/credentials.h"

#include <stdio.h>
#include <string.h>

#include "config/settings.h"
#include "http/listener.h"
#include "tls/certificate-file.h"
#include "tls/certificates.h"
#include "tls/self-signed.h"
#include "tls/signer.h"
#include "tls/watch.h"
#include "util/arena.h"
#include "util/error.h"
#include "util/log.h"

struct credentials {
	struct listener *listener;
	bool has_https;
	struct certificates *certificates; /* in use; NULL for none, or until they are loaded */
	struct signer *signer;		   /* NULL for none */
	struct watch *watch;		   /* NULL where nothing can be watched */
	struct file_stamps {
		struct certificate_stamp certificate, key;
	} signer_files;
	struct error complaint; /* the last one of what is watched, not to be repeated */
};

static struct certificates_options options_of(struct arena *memory, const struct settings *settings)
{
	const char *public_name = settings->server.public_name;
	const char *name = settings->tls.default_certificate;
	bool is_required = *name;

	if (!is_required)
		name = arena_strndup(memory, public_name, strcspn(public_name, ":"));
	return (struct certificates_options){
		.globs = settings->tls.certificates.items,
		.n_globs = settings->tls.certificates.count,
		.default_name = name,
		.name_is_required = is_required,
	};
}

/* The daemon may write where its database is. */
static const char *self_signed_file(struct arena *memory, const struct settings *settings)
{
	const char *database = settings->database.file;

	return arena_printf(memory, "%.*s/self-signed.pem",
			    (int)(strrchr(database, '/') - database), database);
}

/* The name that it is for: the public one without its port. */
static const char *self_signed_name(struct arena *memory, const struct settings *settings)
{
	const char *name = settings->server.public_name;

	return *name ? arena_strndup(memory, name, strcspn(name, ":")) : "localhost";
}

static void warn(const char *sentence, void *context)
{
	log_warning("%s", sentence);
}

/* Sets NULL where profiles are not signed. */
static int load_signer(const struct settings *settings,
		       void (*tell)(const char *sentence, void *context),
		       struct signer **ret_signer, struct error *err)
{
	*ret_signer = NULL;
	if (!*settings->profile.certificate)
		return 0;
	if (signer_load(settings->profile.certificate, settings->profile.key, tell, NULL,
			ret_signer, err) < 0)
		return error_prefix(err, "[profile]");
	return 0;
}

/* Nothing is read yet, so that a start that cannot succeed ends before it begins. */
static int find_certificates(const struct settings *settings, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct words *globs = &settings->tls.certificates;
	struct certificate_files files;

	return certificate_files_find(&memory, globs->items, globs->count, &files, err) < 0 ? -1
											    : 0;
}

static void set_watch(struct credentials *credentials, const struct settings *settings)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	size_t count = credentials->has_https ? settings->tls.certificates.count : 0;
	const char **paths = arena_array(&memory, const char *, count + 2);

	if (!credentials->watch)
		return;
	memcpy(paths, settings->tls.certificates.items, count * sizeof(*paths));
	if (*settings->profile.certificate) {
		paths[count++] = settings->profile.certificate;
		paths[count++] = settings->profile.key;
	}
	watch_set_paths(credentials->watch, paths, count);
}

static struct file_stamps stamps_of_signer(const struct settings *settings)
{
	return (struct file_stamps){
		.certificate = certificate_stamp_take(settings->profile.certificate),
		.key = certificate_stamp_take(settings->profile.key),
	};
}

int credentials_open(const struct settings *settings, bool has_https,
		     struct credentials **ret_credentials, struct error *err)
{
	_cleanup_(credentials_closep) struct credentials *credentials = xnew(struct credentials);

	credentials->has_https = has_https;
	if (credentials->has_https && find_certificates(settings, err) < 0)
		return -1;
	if (watch_open(warn, NULL, &credentials->watch, err) < 0)
		log_warning("%s; a reload (SIGHUP) loads renewed certificates", err->text);
	set_watch(credentials, settings);
	credentials->signer_files = stamps_of_signer(settings);
	if (load_signer(settings, warn, &credentials->signer, err) < 0)
		return -1;
	*ret_credentials = TAKE(credentials);
	return 0;
}

void credentials_close(struct credentials *credentials)
{
	if (!credentials)
		return;
	certificates_unref(credentials->certificates);
	signer_unref(credentials->signer);
	watch_close(credentials->watch);
	free(credentials);
}

void credentials_attach(struct credentials *credentials, struct listener *listener)
{
	credentials->listener = listener;
	listener_set_signer(listener, credentials->signer);
	if (credentials->certificates)
		listener_set_certificates(listener, credentials->certificates);
}

static void replace_certificates(struct credentials *credentials, struct certificates *certificates)
{
	certificates_unref(credentials->certificates);
	credentials->certificates = certificates;
	listener_set_certificates(credentials->listener, certificates);
}

/* So that a first start succeeds, and certificates can be requested over the plain port. */
static int load_self_signed(const struct settings *settings, const char *reason,
			    struct certificates **ret_certificates, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *file = self_signed_file(&memory, settings);
	const char *name = self_signed_name(&memory, settings);
	const struct certificates_options options = { .globs = &file, .n_globs = 1 };

	log_warning("%s", reason);
	if (self_signed_provide(file, name, err) < 0 ||
	    certificates_load(&options, warn, NULL, ret_certificates, err) != 0)
		return error_prefix(err, "a certificate to begin with");
	log_warning(
		"NO CLIENT WILL TRUST THIS SERVER: it signs for itself as '%s' (%s) until there "
		"is a certificate; 'mailconfctl certificate request' gets one",
		name, file);
	return 0;
}

int credentials_load(struct credentials *credentials, const struct settings *settings,
		     struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct certificates_options options = options_of(&memory, settings);
	struct certificates *certificates;
	int r;

	if (!credentials->has_https)
		return 0;
	r = certificates_load(&options, warn, NULL, &certificates, err);
	if (r == CERTIFICATES_NONE)
		r = load_self_signed(settings, arena_strdup(&memory, err->text), &certificates,
				     err);
	if (r < 0)
		return -1;
	replace_certificates(credentials, certificates);
	return 0;
}

size_t credentials_count(const struct credentials *credentials)
{
	return credentials->certificates ? certificates_count(credentials->certificates) : 0;
}

/* Says what is wrong with all of them. What is watched may be looked at every second, for the same
 * reason, and is not repeated. */
static void complain(struct credentials *credentials, bool is_asked_for, const struct error *err)
{
	if (is_asked_for || strcmp(credentials->complaint.text, err->text) != 0)
		log_error("%s; the old certificates stay in use", err->text);
	credentials->complaint = *err;
}

/* Returns whether they could be loaded. */
static bool update_certificates(struct credentials *credentials, const struct settings *settings,
				bool is_asked_for)
{
	_cleanup_(certificates_unrefp) struct certificates *certificates = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct certificates_options options = options_of(&memory, settings);
	struct error err;
	size_t added, count;

	if (!credentials->has_https)
		return true;
	options.previous = credentials->certificates;
	options.watch = credentials->watch;
	options.repeats_failures = is_asked_for;
	if (certificates_load(&options, warn, NULL, &certificates, &err) != 0) {
		complain(credentials, is_asked_for, &err);
		return false;
	}
	credentials->complaint.text[0] = '\0';
	added = certificates_count_new(certificates, credentials->certificates);
	count = certificates_count(certificates);
	if (added || count != certificates_count(credentials->certificates))
		log_info("certificates have changed: new=%zu certificates=%zu", added, count);
	replace_certificates(credentials, TAKE(certificates));
	return !certificates_have_failures(credentials->certificates);
}

static bool update_signer(struct credentials *credentials, const struct settings *settings)
{
	struct signer *signer;
	struct error err;

	credentials->signer_files = stamps_of_signer(settings);
	if (load_signer(settings, warn, &signer, &err) < 0) {
		log_error("%s; profiles stay signed as before", err.text);
		return false;
	}
	signer_unref(credentials->signer);
	credentials->signer = signer;
	listener_set_signer(credentials->listener, signer);
	return true;
}

bool credentials_reload(struct credentials *credentials, const struct settings *settings)
{
	bool is_done;

	set_watch(credentials, settings);
	is_done = update_certificates(credentials, settings, true);
	return update_signer(credentials, settings) && is_done;
}

int credentials_fd(const struct credentials *credentials)
{
	return credentials->watch ? watch_fd(credentials->watch) : -1;
}

int credentials_patience(const struct credentials *credentials, int64_t now)
{
	return credentials->watch ? watch_patience(credentials->watch, now) : -1;
}

bool credentials_update(struct credentials *credentials, const struct settings *settings,
			int64_t now)
{
	struct file_stamps stamps;
	bool is_whole;

	if (!credentials->watch)
		return true;
	watch_read(credentials->watch, now);
	if (!watch_has_settled(credentials->watch, now))
		return true;
	is_whole = update_certificates(credentials, settings, false);
	stamps = stamps_of_signer(settings);
	if (!certificate_stamp_equals(&stamps.certificate,
				      &credentials->signer_files.certificate) ||
	    !certificate_stamp_equals(&stamps.key, &credentials->signer_files.key))
		is_whole = update_signer(credentials, settings) && is_whole;
	return is_whole;
}

static int report(int r, const struct error *err)
{
	if (r == 0)
		return 0;
	(void)fprintf(stderr, "mailconfd: %s\n", err->text);
	return 1;
}

static void print_warning(const char *sentence, void *context)
{
	(void)fprintf(stderr, "mailconfd: warning: %s\n", sentence);
}

/* Returns how many things are wrong. */
static int check_certificates(const struct settings *settings, size_t *ret_count)
{
	_cleanup_(certificates_unrefp) struct certificates *certificates = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct certificates_options options = options_of(&memory, settings);
	struct error err;
	int r = certificates_load(&options, print_warning, NULL, &certificates, &err);

	*ret_count = certificates ? certificates_count(certificates) : 0;
	if (r != CERTIFICATES_NONE)
		return report(r, &err);
	print_warning(arena_printf(&memory, "%s; until then the daemon signs for itself as '%s'",
				   err.text, self_signed_name(&memory, settings)),
		      NULL);
	return 0;
}

int credentials_check(const struct settings *settings, size_t *ret_count)
{
	_cleanup_(signer_unrefp) struct signer *signer = NULL;
	struct error err;
	int wrong = 0;

	*ret_count = 0;
	if (settings->server.listen_https.count > 0)
		wrong += check_certificates(settings, ret_count);
	wrong += report(load_signer(settings, print_warning, &signer, &err), &err);
	return wrong;
}
