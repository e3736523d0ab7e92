#include "daemon/credentials.h"

#include "config/settings.h"
#include "http/listener.h"
#include "tls/certificate.h"
#include "tls/certificate-file.h"
#include "tls/certificate-paths.h"
#include "tls/certificates.h"
#include "tls/cms.h"
#include "tls/watch.h"
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
	bool has_signer_failed;
};

static struct certificates_options options_of(struct arena *memory, const struct settings *settings,
					      certificates_warner on_failure)
{
	const char *name = settings->tls.default_certificate;
	const char *public_name = settings->server.public_name;
	const char *host = arena_strndup(memory, public_name, strcspn(public_name, ":"));

	return (struct certificates_options){
		.globs = settings->tls.certificates.items,
		.n_globs = settings->tls.certificates.count,
		.default_name = *name ? name : host,
		.name_is_required = *name,
		.stand_in_name = *public_name ? host : "localhost",
		.fail = on_failure,
	};
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

/* Returns false if the certificate or key for profiles is unusable. */
static bool update_signer(struct credentials *credentials, const struct settings *settings)
{
	struct signer *signer;
	struct error err;

	credentials->signer_files = stamps_of_signer(settings);
	credentials->has_signer_failed = load_signer(settings, log_warning_of, &signer, &err) < 0;
	if (credentials->has_signer_failed) {
		log_failure(LOG_LEVEL_ERROR, &err,
			    credentials->signer ? "profiles stay signed as before"
						: "profiles are not signed");
		return false;
	}
	signer_unref(credentials->signer);
	credentials->signer = signer;
	if (credentials->listener)
		listener_set_signer(credentials->listener, signer);
	return true;
}

struct credentials *credentials_open(const struct settings *settings, bool has_https)
{
	struct credentials *credentials = xnew(struct credentials);
	struct error err;

	credentials->has_https = has_https;
	if (watch_open(log_warning_of, NULL, &credentials->watch, &err) < 0)
		log_failure(LOG_LEVEL_WARNING, &err,
			    "a reload (SIGHUP) loads renewed certificates");
	set_watch(credentials, settings);
	(void)update_signer(credentials, settings);
	return credentials;
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
}

/* Returns 0, or -1 with err set where those in use stay. */
static int load_certificates(struct credentials *credentials, const struct settings *settings,
			     bool is_asked_for, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct certificates_options options = options_of(&memory, settings, log_error_of);
	struct certificates *previous = credentials->certificates, *certificates;
	const char *database = settings->database.file;

	if (!credentials->has_https)
		return 0;
	/* The daemon may write where its database is. */
	options.stand_in_file = arena_printf(&memory, "%.*s/self-signed.pem",
					     (int)(strrchr(database, '/') - database), database);
	options.previous = previous;
	options.watch = previous ? credentials->watch : NULL;
	options.repeats_failures = is_asked_for;
	if (certificates_load(&options, log_warning_of, NULL, &certificates, err) < 0)
		return -1;
	if (previous) {
		size_t added = certificates_count_new(certificates, previous);
		size_t count = certificates_count(certificates);

		if (added || count != certificates_count(previous))
			log_info("certificates have changed: new=%zu certificates=%zu", added,
				 count);
	}
	certificates_unref(previous);
	credentials->certificates = certificates;
	listener_set_certificates(credentials->listener, certificates);
	return 0;
}

int credentials_load(struct credentials *credentials, const struct settings *settings,
		     struct error *err)
{
	return load_certificates(credentials, settings, false, err);
}

size_t credentials_count(const struct credentials *credentials)
{
	return credentials->certificates ? certificates_count(credentials->certificates) : 0;
}

void credentials_describe(const struct credentials *credentials, struct bytes *text)
{
	const struct certificates *certificates = credentials->certificates;
	size_t count = credentials_count(credentials);
	size_t unusable = certificates ? certificates_count_unusable(certificates) : 0;

	bytes_add_text(text, "serving");
	if (certificates && certificates_are_stand_in(certificates))
		bytes_add_text(text, " a self-signed certificate");
	else if (certificates)
		bytes_add_format(text, " %zu certificate%s", count, count == 1 ? "" : "s");
	if (unusable)
		bytes_add_format(text, ", %zu unusable: %s", unusable,
				 certificates_unusable_file(certificates, 0));
	if (unusable > 1)
		bytes_add_format(text, " and %zu more", unusable - 1);
	if (credentials->has_signer_failed)
		bytes_add_format(text, ", %s",
				 credentials->signer
					 ? "the new key for profiles is unusable"
					 : "profiles are not signed because their key is unusable");
}

/* Returns whether all could be loaded. */
static bool update_certificates(struct credentials *credentials, const struct settings *settings,
				bool is_asked_for)
{
	struct error err;

	if (load_certificates(credentials, settings, is_asked_for, &err) < 0) {
		log_failure(LOG_LEVEL_ERROR, &err, "the old certificates stay in use");
		return false;
	}
	return !credentials->has_https || certificates_are_complete(credentials->certificates);
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

/* Returns how many things are wrong. */
static int check_certificates(const struct settings *settings,
			      void (*on_error)(const char *sentence, void *context),
			      void (*on_warning)(const char *sentence, void *context),
			      size_t *ret_count)
{
	_cleanup_(certificates_unrefp) struct certificates *certificates = NULL;
	_cleanup_(trust_store_closep) gnutls_x509_trust_list_t store = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct certificates_options options = options_of(&memory, settings, on_error);
	struct error err;
	int r = certificates_load(&options, on_warning, NULL, &certificates, &err);

	if (r != 0) {
		on_warning(arena_printf(&memory,
					"%s; until there is one the daemon serves a self-signed "
					"certificate for '%s'",
					error_line(&memory, &err), options.stand_in_name),
			   NULL);
		return r == CERTIFICATES_NONE ? 0 : 1;
	}
	*ret_count = certificates_count(certificates);
	/* Not at the start, because the sandbox hides the store of the system, which takes its
	 * time. */
	for (size_t i = 0; i < *ret_count; i++) {
		const struct certificate *certificate = certificates_at(certificates, i);
		const char *warning;

		if (certificate->has_issuer)
			continue;
		if (!store)
			store = trust_store_open();
		warning = trust_store_chain_warning(store, &memory, certificate);
		if (warning)
			on_warning(warning, NULL);
	}
	return certificates_are_complete(certificates) ? 0 : 1;
}

int credentials_check(const struct settings *settings,
		      void (*on_error)(const char *sentence, void *context),
		      void (*on_warning)(const char *sentence, void *context), size_t *ret_count)
{
	_cleanup_(signer_unrefp) struct signer *signer = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct error err;
	int wrong = 0;

	*ret_count = 0;
	if (settings->server.listen_https.count > 0)
		wrong += check_certificates(settings, on_error, on_warning, ret_count);
	if (load_signer(settings, on_warning, &signer, &err) < 0) {
		on_error(error_line(&memory, &err), NULL);
		wrong++;
	}
	return wrong;
}
