#include "daemon/server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "config/settings.h"
#include "daemon/credentials.h"
#include "http/listener.h"
#include "protocol/templates.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/idna.h"
#include "util/log.h"

struct server {
	const char *settings_file;
	struct arena started_memory, memory; /* of the settings */
	struct settings started;  /* as they were at the start: what cannot be reloaded */
	struct settings settings; /* as they are now */
	const char *own_name;	  /* of this host, once it was needed; lives as long as started */
	struct listener *listener;
	struct credentials *credentials;
};

/* This host's name with its domain, as far as the resolver knows it. NULL if it has none. */
static const char *own_name(struct arena *memory)
{
	const struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM };
	char name[HOST_NAME_MAX_LENGTH + 1] = "";
	struct addrinfo *found = NULL;
	const char *own;

	if (gethostname(name, sizeof(name) - 1) < 0)
		return NULL;
	own = idna_to_ascii(memory, name);
	if (own && !strchr(own, '.') && getaddrinfo(name, NULL, &hints, &found) == 0) {
		if (found->ai_canonname && strchr(found->ai_canonname, '.'))
			own = idna_to_ascii(memory, found->ai_canonname);
		freeaddrinfo(found);
	}
	return own;
}

/* Settings without a public name get this host's own. The resolver, which may take a while, is
 * asked for it once. */
static void complete_settings(struct arena *memory, const char **own, struct settings *settings)
{
	if (*settings->server.public_name)
		return;
	if (!*own)
		*own = own_name(memory);
	if (*own)
		settings->server.public_name = *own;
}

static void log_addresses(const struct settings *settings)
{
	for (size_t i = 0; i < settings->server.listen_https.count; i++)
		log_info("listening on https://%s", settings->server.listen_https.items[i]);
	for (size_t i = 0; i < settings->server.listen_http.count; i++)
		log_info("listening on http://%s", settings->server.listen_http.items[i]);
}

/* Clients can connect before the certificates are read, which for ten thousand takes a second. */
static int start(struct server *server, struct error *err)
{
	_cleanup_(templates_unrefp) struct templates *templates = NULL;
	struct settings *settings = &server->settings;

	if (credentials_open(settings, &server->credentials, err) < 0 ||
	    templates_load(settings->templates.directory, &templates, err) < 0 ||
	    listener_open(settings, &server->listener, err) < 0)
		return -1;
	credentials_attach(server->credentials, server->listener);
	if (listener_start(server->listener, templates, err) < 0)
		return -1;
	complete_settings(&server->started_memory, &server->own_name, settings);
	listener_set_rules(server->listener, settings);
	if (credentials_load(server->credentials, settings, err) < 0)
		return -1;
	log_addresses(settings);
	log_info("ready: certificates=%zu threads=%u", credentials_count(server->credentials),
		 listener_threads(server->listener));
	return 0;
}

/* Names what stays as it was at the start. */
static void warn_of_restarts(const struct server *server)
{
	size_t count;
	const struct settings_key *keys = settings_keys(&count);

	for (size_t i = 0; i < count; i++)
		if (keys[i].needs_restart &&
		    settings_differ(&keys[i], &server->started, &server->settings))
			log_warning("[%s] %s has changed: only a restart applies it",
				    keys[i].section, keys[i].name);
}

static int reload_settings(struct server *server, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct settings settings;

	if (settings_load(&memory, server->settings_file, &settings, err) < 0)
		return -1;
	arena_clear(&server->memory);
	server->memory = memory;
	server->settings = settings;
	memory = ARENA_NULL;
	log_set_level(settings.log.level);
	warn_of_restarts(server);
	complete_settings(&server->started_memory, &server->own_name, &server->settings);
	listener_set_rules(server->listener, &server->settings);
	return 0;
}

static void reload(struct server *server)
{
	_cleanup_(templates_unrefp) struct templates *templates = NULL;
	struct error err;

	log_info("reloading");
	if (reload_settings(server, &err) < 0)
		log_error("%s; the old settings stay in force", err.text);
	(void)credentials_reload(server->credentials, &server->settings);
	if (templates_load(server->settings.templates.directory, &templates, &err) < 0)
		log_error("%s; the old templates stay in use", err.text);
	else
		listener_set_templates(server->listener, templates);
	log_info("reloaded");
}

/* Waits for a signal or for a change of certificates. Returns the signal, 0 for none. */
static int wait_for_news(struct server *server, int signals)
{
	struct pollfd news[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = credentials_fd(server->credentials), .events = POLLIN },
	};
	struct signalfd_siginfo signal;

	(void)poll(news, 2, credentials_patience(server->credentials, clock_now()));
	credentials_update(server->credentials, &server->settings, clock_now());
	if (read(signals, &signal, sizeof(signal)) != (ssize_t)sizeof(signal))
		return 0;
	return (int)signal.ssi_signo;
}

static void serve(struct server *server, int signals)
{
	for (;;) {
		int signal = wait_for_news(server, signals);

		if (signal == SIGHUP) {
			reload(server);
		} else if (signal != 0) {
			log_info("stopping: finishing the requests under way");
			return;
		}
	}
}

/* Blocks signals, before any thread starts, for they inherit that; they are read instead. */
static int open_signals(int *ret_fd, struct error *err)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	*ret_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (*ret_fd < 0)
		return error_set(err, ERROR_SYSTEM, "cannot wait for signals: %s", strerror(errno));
	return 0;
}

int server_run(const char *settings_file)
{
	struct server server = { .settings_file = settings_file };
	_cleanup_(closep) int signals = -1;
	struct error err;
	int status = SERVER_DONE;

	if (settings_load(&server.started_memory, settings_file, &server.started, &err) < 0) {
		log_error("%s", err.text);
		arena_clear(&server.started_memory);
		return SERVER_BAD_SETTINGS;
	}
	server.settings = server.started;
	log_set_level(server.settings.log.level);

	if (open_signals(&signals, &err) < 0 || start(&server, &err) < 0) {
		log_error("%s", err.text);
		status = SERVER_FAILED;
	} else {
		serve(&server, signals);
	}
	listener_close(server.listener);
	credentials_close(server.credentials);
	arena_clear(&server.memory);
	arena_clear(&server.started_memory);
	if (status == SERVER_DONE)
		log_info("stopped");
	return status;
}

static int report(int r, const struct error *err)
{
	if (r == 0)
		return 0;
	(void)fprintf(stderr, "mailconfd: %s\n", err->text);
	return 1;
}

int server_check(const char *settings_file)
{
	_cleanup_(templates_unrefp) struct templates *templates = NULL;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(store_closep) struct store *store = NULL;
	struct settings settings;
	struct error err;
	const char *own = NULL;
	size_t count = 0;
	int wrong;

	if (settings_load(&memory, settings_file, &settings, &err) < 0) {
		(void)report(-1, &err);
		return SERVER_BAD_SETTINGS;
	}
	complete_settings(&memory, &own, &settings);
	wrong = credentials_check(&settings, &count);
	wrong += report(templates_load(settings.templates.directory, &templates, &err), &err);
	wrong += report(store_open(settings.database.file, STORE_READ, &store, &err), &err);
	if (wrong)
		return SERVER_FAILED;
	(void)printf("%s is good: %zu certificate%s, the templates and the database load.\n",
		     settings_file, count, count == 1 ? "" : "s");
	return SERVER_DONE;
}
