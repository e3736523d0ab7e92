#pragma once

/*
 * What the daemon proves itself with: the certificates that it serves, and the signer of profiles.
 * They are loaded, handed to the listener, and watched: what is renewed is loaded without being
 * asked to. What fails to load leaves the old in use.
 */

#include "util/base.h"

struct credentials;
struct listener;
struct settings;

/* Without HTTPS no certificates are read, because a proxy has them. Starts to watch the files and
 * loads the signer of profiles; where that fails, the error is logged and profiles are not signed.
 * Certificates are read later. */
struct credentials *credentials_open(const struct settings *settings, bool has_https);
void credentials_close(struct credentials *credentials);
DEFINE_CLEANUP(struct credentials *, credentials_close);

/* Gives the listener what there is; the signer from credentials_open() on. Borrowed until the end.
 */
void credentials_attach(struct credentials *credentials, struct listener *listener);

/* Loads the certificates for the first time; what cannot be used is logged. Where no file can be
 * used, it is a self-signed one. Returns 0, or -1 with err set where that cannot be created. */
int credentials_load(struct credentials *credentials, const struct settings *settings,
		     struct error *err);

/* How many certificates are served. */
size_t credentials_count(const struct credentials *credentials);

/* Adds what is served and what is unusable, for the status of the service manager: "serving 12
 * certificates, 1 unusable: FILE". */
void credentials_describe(const struct credentials *credentials, struct bytes *text);

/* Loads what has changed, after settings may have; logs what comes of it. Returns whether all could
 * be loaded. */
bool credentials_reload(struct credentials *credentials, const struct settings *settings);

/* The descriptor to wait for, and how many milliseconds at most, -1 without a limit; then what has
 * changed is loaded. Returns as credentials_reload(). now is clock_now(). */
int credentials_fd(const struct credentials *credentials);
int credentials_patience(const struct credentials *credentials, int64_t now);
bool credentials_update(struct credentials *credentials, const struct settings *settings,
			int64_t now);

/* Loads all certificates and the signer, and calls on_error and on_warning for each.
 * Returns the number of errors; ret_count is the number of certificates. */
int credentials_check(const struct settings *settings,
		      void (*on_error)(const char *sentence, void *context),
		      void (*on_warning)(const char *sentence, void *context), size_t *ret_count);
