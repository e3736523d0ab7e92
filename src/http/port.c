#include "http/port.h"

#include <errno.h>
#include <microhttpd.h>
#include <unistd.h>

#include "http/connection-share.h"
#include "http/handshake.h"
#include "http/linger.h"
#include "tls/certificates.h"
#include "util/clock.h"
#include "util/log.h"

/* The memory that libmicrohttpd has for the head of a request. */
#define REQUEST_HEAD_MAX ((size_t)8 * 1024)

static int select_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *request,
			      gnutls_pcert_st **chain, unsigned *length, gnutls_ocsp_data_st **ocsp,
			      unsigned *ocsp_length, gnutls_privkey_t *key, unsigned *flags)
{
	struct connection *connection = gnutls_transport_get_ptr(session);

	*ocsp_length = 0;
	*flags = 0; /* the set keeps what it lends */
	return handshake_select_certificate(connection, chain, length, key);
}

static void notify_connection(void *cls, struct MHD_Connection *mhd, void **context,
			      enum MHD_ConnectionNotificationCode code)
{
	struct port *port = cls;
	struct connection *connection = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = connection = connection_open(port->resources.connections, mhd,
							port->exchanges.kind, port->shares);
		if (connection->session)
			handshake_begin(connection);
		return;
	}
	if (connection->must_linger)
		lingering_add(port->resources.lingering, connection->fd, clock_now());
	exchange_abandon(connection);
	connection_close(connection);
}

/* Requests are passed on as they came, because libmicrohttpd would decode a plus as a space. */
static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
	return strlen(text);
}

__attribute__((format(printf, 2, 0))) static void log_library(void *cls, const char *format,
							      va_list args)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	log_debug("libmicrohttpd: %s", log_quote(&memory, arena_vprintf(&memory, format, args)));
}

/* Strict, or libmicrohttpd 1.0 would redirect a request with a space in its path to what it makes
 * of it: nothing from a request may be in Location. */
static struct MHD_Daemon *start_daemon(struct port *port, int fd)
{
	const struct port_resources *resources = &port->resources;
	const bool is_tls = port->exchanges.kind == PORT_TLS;
	unsigned flags = MHD_USE_EPOLL | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	const struct MHD_OptionItem tls_options[] = {
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (char *)resources->priorities },
		{ MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)select_certificate },
		{ MHD_OPTION_END, 0, NULL },
	};
	const struct MHD_OptionItem no_options[] = { { MHD_OPTION_END, 0, NULL } };

	return MHD_start_daemon(
		is_tls ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, exchange_handle,
		&port->exchanges, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_HEAD_MAX,
		MHD_OPTION_CONNECTION_LIMIT, resources->connections_max,
		MHD_OPTION_CONNECTION_TIMEOUT, resources->idle_timeout,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, exchange_begin,
		&port->exchanges, MHD_OPTION_NOTIFY_CONNECTION, notify_connection, port,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED,
		exchange_end, &port->exchanges, MHD_OPTION_ARRAY, is_tls ? tls_options : no_options,
		MHD_OPTION_END);
}

int port_open(const struct port_resources *resources, int fd, enum port_kind kind,
	      struct port **ret_port, struct error *err)
{
	struct port *port = xnew(struct port);

	port->resources = *resources;
	port->exchanges = (struct exchange_port){ resources->exchanges, kind };
	port->shares = shares_new();
	port->daemon = start_daemon(port, fd);
	if (!port->daemon) {
		port_close(port);
		close(fd);
		return error_set(err, ERROR_SYSTEM, "libmicrohttpd does not start: %s",
				 strerror(errno));
	}
	*ret_port = port;
	return 0;
}

void port_close(struct port *port)
{
	if (!port)
		return;
	if (port->daemon)
		MHD_stop_daemon(port->daemon);
	shares_free(port->shares);
	free(port);
}

void port_set_share(struct port *port, unsigned percent)
{
	size_t max = (size_t)port->resources.connections_max * percent / 100;

	port->shares->max = percent == 100 ? 0 : max > 0 ? max : 1;
}

/*
 * At its limit of connections libmicrohttpd takes the listening socket out of its epoll set, and
 * puts it back at the beginning of a run: the one after that in which a connection ended. Nothing
 * would wake the loop for it, and if all connections ended, no client could connect any more.
 */
void port_run(struct port *port)
{
	unsigned before;

	do {
		before = port->connections;
		MHD_run(port->daemon);
		port->connections = MHD_get_daemon_info(port->daemon,
							MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
					    ->num_connections;
	} while (port->connections < before);
}
