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

/* The daemon may write where its database is. */
static const char *self_signed_file(struct arena *memory, const struct settings *settings)
{
	const char *database = settings->database.file;

	return arena_printf(memory, "%.*s/self-signed.pem",
			    (int)(strrchr(database, '/') - database), database);
}

/* The public name without its port. */
static const char *public_host(struct arena *memory, const struct settings *settings)
{
	const char *name = settings->server.public_name;

	return arena_strndup(memory, name, strcspn(name, ":"));
}

static const char *self_signed_name(struct arena *memory, const struct settings *settings)
{
	return *settings->server.public_name ? public_host(memory, settings) : "localhost";
}

static struct certificates_options options_of(struct arena *memory, const struct settings *settings,
					      certificates_warner on_failure)
{
	const char *name = settings->tls.default_certificate;

	return (struct certificates_options){
		.globs = settings->tls.certificates.items,
		.n_globs = settings->tls.certificates.count,
		.default_name = *name ? name : public_host(memory, settings),
		.name_is_required = *name,
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
	if (credentials->certificates)
		listener_set_certificates(listener, credentials->certificates);
}

static void replace_certificates(struct credentials *credentials, struct certificates *certificates)
{
	certificates_unref(credentials->certificates);
	credentials->certificates = certificates;
	listener_set_certificates(credentials->listener, certificates);
}

int credentials_load(struct credentials *credentials, const struct settings *settings,
		     struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct certificates_options options = options_of(&memory, settings, log_error_of);
	struct certificates *certificates;

	if (!credentials->has_https)
		return 0;
	options.stand_in_file = self_signed_file(&memory, settings);
	options.stand_in_name = self_signed_name(&memory, settings);
	if (certificates_load(&options, log_warning_of, NULL, &certificates, err) < 0)
		return -1;
	replace_certificates(credentials, certificates);
	return 0;
}

size_t credentials_count(const struct credentials *credentials)
{
	return credentials->certificates ? certificates_count(credentials->certificates) : 0;
}

/* "serving 12 certificates, 2 unusable: FILE and 1 more". */
static void describe_certificates(const struct certificates *certificates, struct bytes *text)
{
	size_t count = certificates_count(certificates);
	size_t unusable = certificates_count_unusable(certificates);

	if (certificates_are_stand_in(certificates))
		bytes_add_text(text, "serving a self-signed certificate");
	else
		bytes_add_format(text, "serving %zu certificate%s", count, count == 1 ? "" : "s");
	if (!unusable)
		return;
	bytes_add_format(text, ", %zu unusable: %s", unusable,
			 certificates_unusable_file(certificates, 0));
	if (unusable > 1)
		bytes_add_format(text, " and %zu more", unusable - 1);
}

void credentials_describe(const struct credentials *credentials, struct bytes *text)
{
	if (credentials->certificates)
		describe_certificates(credentials->certificates, text);
	else
		bytes_add_text(text, "serving");
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
	_cleanup_(certificates_unrefp) struct certificates *certificates = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct certificates_options options = options_of(&memory, settings, log_error_of);
	struct error err;
	size_t added, count;

	if (!credentials->has_https)
		return true;
	options.stand_in_file = self_signed_file(&memory, settings);
	options.stand_in_name = self_signed_name(&memory, settings);
	options.previous = credentials->certificates;
	options.watch = credentials->watch;
	options.repeats_failures = is_asked_for;
	if (certificates_load(&options, log_warning_of, NULL, &certificates, &err) < 0) {
		log_failure(LOG_LEVEL_ERROR, &err, "the old certificates stay in use");
		return false;
	}
	added = certificates_count_new(certificates, credentials->certificates);
	count = certificates_count(certificates);
	if (added || count != certificates_count(credentials->certificates))
		log_info("certificates have changed: new=%zu certificates=%zu", added, count);
	replace_certificates(credentials, TAKE(certificates));
	return certificates_are_complete(credentials->certificates);
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

/* Not at the start, because the sandbox hides the store of the system, which takes its time. */
static void warn_of_chains(const struct certificates *certificates, credentials_report *on_warning)
{
	_cleanup_(trust_store_closep) gnutls_x509_trust_list_t store = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < certificates_count(certificates); i++) {
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
}

/* Returns how many things are wrong. */
static int check_certificates(const struct settings *settings, credentials_report *on_error,
			      credentials_report *on_warning, size_t *ret_count)
{
	_cleanup_(certificates_unrefp) struct certificates *certificates = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct certificates_options options = options_of(&memory, settings, on_error);
	struct error err;
	int r = certificates_load(&options, on_warning, NULL, &certificates, &err);

	*ret_count = certificates ? certificates_count(certificates) : 0;
	if (r == 0) {
		warn_of_chains(certificates, on_warning);
		return certificates_are_complete(certificates) ? 0 : 1;
	}
	on_warning(arena_printf(
			   &memory,
			   "%s; until there is one the daemon serves a self-signed certificate for "
			   "'%s'",
			   error_line(&memory, &err), self_signed_name(&memory, settings)),
		   NULL);
	return r == CERTIFICATES_NONE ? 0 : 1;
}

int credentials_check(const struct settings *settings, credentials_report *on_error,
		      credentials_report *on_warning, size_t *ret_count)
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
