#include "daemon/server.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/settings.h"
#include "daemon/credentials.h"
#include "daemon/database-watch.h"
#include "daemon/hidden-paths.h"
#include "daemon/sandbox.h"
#include "http/listener.h"
#include "http/sockets.h"
#include "protocol/templates.h"
#include "util/account.h"
#include "util/base.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/process.h"
#include "util/string-list.h"

/* The longest time between two calls of look_around(), in microseconds. */
#define PAUSE_MAX 5000000

/* The service manager, to which the protocol of sd_notify(3) sends lines in a datagram. */
struct notifier {
	int fd;		  /* -1 without a service manager */
	int64_t watchdog; /* microseconds within which it wants to hear WATCHDOG=1; 0 for never */
};

struct server {
	const char *settings_file;
	const char *user;		     /* to become, or NULL */
	struct arena started_memory, memory; /* of the settings */
	struct settings started;  /* as they were at the start: what cannot be reloaded */
	struct settings settings; /* as they are now */
	const char *own_name; /* of this host, or what stands for it; lives as long as started */
	struct sockets *sockets;
	struct listener *listener;
	struct notifier notifier;
	struct sandbox sandbox; /* lives as long as started */
	struct credentials *credentials;
	struct database_watch database;
	struct templates *templates;
	size_t n_broken_templates; /* of the last loading */
	char *status;		   /* that was sent last */
	int64_t check_due;	   /* when to look around next, in microseconds */
	bool was_hanging;
};

static void log_all(void (*log)(const char *format, ...), const struct texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		log("%s", texts->items[i]);
}

/* Reads NOTIFY_SOCKET and WATCHDOG_USEC from the environment. */
static struct notifier notifier_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET"), *time_text = getenv("WATCHDOG_USEC");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = path ? strlen(path) : 0;
	const char *pid_text = getenv("WATCHDOG_PID");
	struct notifier notifier = { .fd = -1 };
	unsigned long time, pid;

	if (!path || (*path != '/' && *path != '@') || length >= sizeof(address.sun_path))
		return notifier;
	memcpy(address.sun_path, path, length);
	if (*path == '@') /* the NUL of an abstract socket */
		address.sun_path[0] = '\0';
	notifier.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notifier.fd < 0 ||
	    connect(notifier.fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0) {
		closep(&notifier.fd);
		notifier.fd = -1;
		return notifier;
	}
	if (time_text && number_parse(time_text, 1, INT64_MAX, &time) &&
	    (!pid_text || (number_parse(pid_text, 1, INT_MAX, &pid) && (pid_t)pid == getpid())))
		notifier.watchdog = (int64_t)time;
	return notifier;
}

/* Sends what is formatted, such as "READY=1\nSTATUS=..."; what does not arrive is lost. */
__attribute__((format(printf, 2, 3))) static void notify_manager(const struct server *server,
								 const char *format, ...)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *text;
	va_list args;

	if (server->notifier.fd < 0)
		return;
	va_start(args, format);
	text = arena_vprintf(&memory, format, args);
	va_end(args);
	(void)send(server->notifier.fd, text, strlen(text), MSG_NOSIGNAL);
}

static void load_templates(struct server *server)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct texts errors = TEXTS_IN(&memory);
	struct templates *templates = templates_load(server->settings.templates.directory,
						     server->templates, &errors);

	log_all(log_error, &errors);
	server->n_broken_templates = errors.count;
	templates_unref(server->templates);
	server->templates = templates;
}

/* Clients can connect before the certificates are read, which for ten thousand takes a second. */
static int load(struct server *server, struct error *err)
{
	struct settings *settings = &server->settings;
	bool has_https = sockets_have(server->sockets, SOCKET_TLS);

	process_hide_memory();
	if (preparation_check_file(server->settings_file, err) < 0)
		return -1;
	server->credentials = credentials_open(settings, has_https);
	if (listener_open(settings, server->sockets, &server->listener, err) < 0)
		return -1;
	/* The resolver needs files and sockets that the sandbox takes away. */
	preparation_complete_settings(&server->started_memory, &server->own_name, settings);
	listener_set_rules(server->listener, settings);
	if (sandbox_enter(&server->started_memory, settings, server->settings_file,
			  &server->sandbox, err) < 0)
		return -1;
	load_templates(server);
	credentials_attach(server->credentials, server->listener);
	if (listener_start(server->listener, server->templates, err) < 0 ||
	    credentials_load(server->credentials, settings, err) < 0)
		return -1;
	return 0;
}

/* What settings and links lead to now, but did not when the sandbox was entered. */
static void warn_of_sandbox(const struct server *server)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *missed = sandbox_misses(&server->sandbox, &memory, &server->settings,
					    server->settings_file);

	if (missed)
		log_warning(
			"the settings refer to '%s', which was not opened to the sandbox at the "
			"start: only a restart lets it be read",
			missed);
}

/* Only the ports may need root. What the user cannot read fails here, not at a reload. */
static int start(struct server *server, struct error *err)
{
	unsigned threads = listener_threads_of(&server->settings);
	struct arena *memory = &server->started_memory;
	const char *name, *own_user;
	struct account account;

	/* A mistyped name is reported before a port is taken. */
	if (server->user && account_find(memory, server->user, &account, err) < 0)
		return -1;
	if (sockets_open(&server->settings, threads, &server->sockets, err) < 0 ||
	    preparation_become_service(memory, &server->settings, server->user, &name, err) < 0)
		return -1;
	/* Only in a unit of systemd: a container that is read-only has other remedies. */
	if (getenv("INVOCATION_ID"))
		hidden_paths_warn(&server->settings, server->settings_file, true, log_warning_of);
	own_user = account_name(memory); /* the sandbox hides the database of users */
	if (load(server, err) < 0)
		return name ? error_prefix(err, "as user '%s'", name) : -1;
	log_info("sandbox: user=%s %s", own_user, server->sandbox.text);
	preparation_warn_of_sandbox(&server->sandbox, log_warning_of);
	if (geteuid() == 0)
		log_warning("running as root, because root owns the directory of the database; use "
			    "'--user NAME', or 'User=' of systemd");
	warn_of_sandbox(server);
	if (server->sockets->warning.size)
		log_warning("%s", bytes_text(&server->sockets->warning));
	log_all(log_error, &server->sockets->problems);
	for (size_t i = 0; i < server->sockets->count; i++)
		log_info("listening %s", server->sockets->items[i].name);
	preparation_warn_of_settings(&server->settings, log_warning_of);
	database_watch_begin(&server->database, server->started.database.file, server->listener,
			     clock_now());
	log_info("ready: certificates=%zu threads=%u", credentials_count(server->credentials),
		 threads);
	return 0;
}

static int reload_settings(struct server *server, struct error *err)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct settings_key *keys;
	struct settings_reports reports;
	struct settings settings;
	size_t count;

	if (settings_load(&memory, server->settings_file, &settings, &reports) < 0) {
		log_all(log_error, &reports.errors);
		warn_of_sandbox(server);
		return error_set(err, ERROR_CONFIG, "cannot reload the settings: %zu error%s",
				 reports.errors.count, reports.errors.count == 1 ? "" : "s");
	}
	/* In the sandbox the resolver cannot be asked for this host's own name. */
	if (!*settings.server.public_name && !server->own_name) {
		server->own_name = arena_strdup(&server->started_memory,
						server->settings.server.public_name);
		log_warning("[server] public-name is empty now: only a restart finds this host's "
			    "own name; it stays '%s'",
			    server->own_name);
	}
	arena_clear(&server->memory);
	server->memory = memory;
	server->settings = settings;
	memory = ARENA_NULL;
	log_set_level(settings.log.level);
	log_set_format(settings.log.format);
	log_all(log_warning, &reports.warnings);
	keys = settings_keys(&count);
	for (size_t i = 0; i < count; i++)
		if (keys[i].needs_restart &&
		    settings_differ(&keys[i], &server->started, &server->settings))
			log_warning("[%s] %s has changed: only a restart applies it",
				    keys[i].section, keys[i].name);
	warn_of_sandbox(server);
	preparation_complete_settings(&server->started_memory, &server->own_name,
				      &server->settings);
	listener_set_rules(server->listener, &server->settings);
	return 0;
}

/* Sends what 'systemctl status' shows, if it has changed; or with READY=1 and the remark, which may
 * be NULL otherwise. */
static void send_status(struct server *server, const char *remark)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct bytes text = BYTES_IN(&memory);
	size_t problems = server->sockets->problems.count, templates = server->n_broken_templates;

	credentials_describe(server->credentials, &text);
	if (templates)
		bytes_add_format(&text, ", %zu template%s unusable", templates,
				 templates == 1 ? "" : "s");
	if (problems)
		bytes_add_format(&text, ", %zu address%s not open", problems,
				 problems == 1 ? "" : "es");
	if (listener_misses_metrics(server->listener))
		bytes_add_text(&text, ", no metrics");
	if (remark)
		notify_manager(server, "READY=1\nSTATUS=%s%s", bytes_text(&text), remark);
	else if (!text_equals(server->status, bytes_text(&text)))
		notify_manager(server, "STATUS=%s", bytes_text(&text));
	free(server->status);
	server->status = xstrdup(bytes_text(&text));
}

static void reload(struct server *server)
{
	bool failed = false;
	struct error err;

	log_info("reloading");
	notify_manager(server, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_microseconds());
	if (reload_settings(server, &err) < 0) {
		log_failure(LOG_LEVEL_ERROR, &err, "the old settings stay in force");
		failed = true;
	}
	if (!credentials_reload(server->credentials, &server->settings))
		failed = true;
	if (!database_watch_reopen(&server->database))
		failed = true;
	load_templates(server);
	listener_set_templates(server->listener, server->templates);
	failed |= server->n_broken_templates > 0;
	listener_tell_reloaded(server->listener, !failed);
	log_info("reloaded");
	send_status(server, failed ? "; not all could be reloaded, see the log" : "");
}

/* What is to be done every now and then: four times as often as the service manager wants to hear
 * that all workers respond. If they do not, it gets no message and restarts the daemon. */
static void look_around(struct server *server)
{
	int64_t pause = server->notifier.watchdog / 4;
	unsigned hanging = 0;

	log_tell_repeats(clock_now());
	listener_tick(server->listener, clock_now());
	if (pause == 0 || pause > PAUSE_MAX)
		pause = PAUSE_MAX;
	if (server->notifier.watchdog)
		hanging = listener_hanging(server->listener, clock_microseconds(), pause);
	if (server->notifier.watchdog && !hanging)
		notify_manager(server, "WATCHDOG=1");
	else if (hanging && !server->was_hanging)
		log_error("worker threads hang: count=%u silent=%lldms; the service manager gets "
			  "no watchdog message until they respond",
			  hanging, (long long)(pause / 1000));
	server->was_hanging = hanging > 0;
	server->check_due = clock_microseconds() + pause;
}

/* Waits for a signal, for a change of certificates, or until it is time to look around. Returns the
 * signal, 0 for none. */
static int wait_for_news(struct server *server, int signals)
{
	struct pollfd news[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = credentials_fd(server->credentials), .events = POLLIN },
	};
	int64_t pause = (server->check_due - clock_microseconds()) / 1000;
	int patience = credentials_patience(server->credentials, clock_now());
	struct signalfd_siginfo signal;

	if (patience >= 0 && patience < pause)
		pause = patience;
	patience = database_watch_patience(&server->database, clock_now());
	if (patience < pause)
		pause = patience;
	(void)poll(news, 2, pause < 0 ? 0 : (int)pause + 1);
	if (!credentials_update(server->credentials, &server->settings, clock_now()))
		warn_of_sandbox(server);
	send_status(server, NULL);
	database_watch_look(&server->database, clock_now());
	if (clock_microseconds() >= server->check_due)
		look_around(server);
	if (read(signals, &signal, sizeof(signal)) != (ssize_t)sizeof(signal))
		return 0;
	return (int)signal.ssi_signo;
}

int server_run(const char *settings_file, const char *user)
{
	struct server server = { .settings_file = settings_file, .user = user };
	_cleanup_(closep) int signals = -1;
	int status = SERVER_DONE, signal_number;
	struct settings_reports reports;
	struct error err;
	sigset_t blocked;

	if (settings_load(&server.started_memory, settings_file, &server.started, &reports) < 0) {
		log_all(log_error, &reports.errors);
		arena_clear(&server.started_memory);
		return SERVER_BAD_SETTINGS;
	}
	server.settings = server.started;
	log_set_level(server.settings.log.level);
	log_set_format(server.settings.log.format);
	log_all(log_warning, &reports.warnings);

	server.notifier = notifier_open();
	/* Before any thread starts, because threads inherit that; signals are read instead. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGPIPE, SIG_IGN);
	signals = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		error_set(&err, ERROR_SYSTEM, "cannot wait for signals: %s", strerror(errno));
	if (signals < 0 || start(&server, &err) < 0) {
		log_failure(LOG_LEVEL_ERROR, &err, NULL);
		notify_manager(&server, "STATUS=%s", error_line(&server.memory, &err));
		status = err.kind == ERROR_USAGE ? SERVER_BAD_SETTINGS : SERVER_FAILED;
	} else {
		send_status(&server, "");
		do {
			signal_number = wait_for_news(&server, signals);
			if (signal_number == SIGHUP)
				reload(&server);
		} while (signal_number == 0 || signal_number == SIGHUP);
		log_info("stopping: finishing the requests under way");
		notify_manager(&server, "STOPPING=1\nSTATUS=Finishing the requests under way");
	}
	listener_close(server.listener);
	credentials_close(server.credentials);
	templates_unref(server.templates);
	free(server.status);
	sockets_close(server.sockets);
	log_tell_repeats(INT64_MAX);
	closep(&server.notifier.fd);
	arena_clear(&server.memory);
	arena_clear(&server.started_memory);
	if (status == SERVER_DONE)
		log_info("stopped");
	return status;
}
