#include "http/mhd-response.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "util/error.h"

/* Whatever it has to say, in much less time than this. */
#define PATIENCE_MS 5000
#define PAUSE_MS 10

static void add_header(struct MHD_Response *out, const char *name, const char *value)
{
	if (value)
		MHD_add_response_header(out, name, value);
}

struct MHD_Response *reply_new(const struct response *response)
{
	struct MHD_Response *out = MHD_create_response_from_buffer(
		response->size, (void *)response->body, MHD_RESPMEM_PERSISTENT);

	if (!out)
		return NULL;
	add_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, response->media_type);
	add_header(out, MHD_HTTP_HEADER_CACHE_CONTROL, response->cache_control);
	add_header(out, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, response->allow_origin);
	add_header(out, MHD_HTTP_HEADER_CONTENT_DISPOSITION, response->disposition);
	add_header(out, MHD_HTTP_HEADER_ALLOW, response->allow);
	add_header(out, MHD_HTTP_HEADER_LOCATION, response->location);
	add_header(out, MHD_HTTP_HEADER_RETRY_AFTER, response->retry_after);
	add_header(out, "X-Content-Type-Options", "nosniff");
	add_header(out, "Referrer-Policy", "no-referrer");
	return out;
}

/* An answer before the whole request is there would end the connection. */
static enum MHD_Result send_response(void *context, struct MHD_Connection *connection,
				     const char *url, const char *method, const char *version,
				     const char *data, size_t *size, void **exchange)
{
	const struct response *response = context;
	_cleanup_(MHD_destroy_responsep) struct MHD_Response *out = NULL;

	if (!*exchange) {
		*exchange = context;
		return MHD_YES;
	}
	out = reply_new(response);
	return out ? MHD_queue_response(connection, response->status, out) : MHD_NO;
}

/* Returns whether all of it is there. */
static bool receive_head(int fd, struct bytes *received)
{
	char buffer[4096];
	ssize_t got;

	while ((got = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
		bytes_add(received, buffer, (size_t)got);
	return strstr(bytes_text(received), "\r\n\r\n") != NULL;
}

static int exchange_head(struct MHD_Daemon *daemon, int fd, struct bytes *head, struct error *err)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct bytes received = BYTES_IN(head->memory);
	const char *end;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return error_set(err, ERROR_SYSTEM, "cannot ask for the head: %s", strerror(errno));
	for (int waited = 0; waited < PATIENCE_MS; waited += PAUSE_MS) {
		struct pollfd answer = { .fd = fd, .events = POLLIN };

		MHD_run(daemon);
		if (receive_head(fd, &received)) {
			end = strstr(bytes_text(&received), "\r\n\r\n") + 4;
			bytes_add(head, received.data, (size_t)(end - received.data));
			return 0;
		}
		(void)poll(&answer, 1, PAUSE_MS);
	}
	return error_set(err, ERROR_SYSTEM, "libmicrohttpd gives no head");
}

DEFINE_CLEANUP(struct MHD_Daemon *, MHD_stop_daemon);

int reply_head(const struct response *response, struct bytes *head, struct error *err)
{
	const struct sockaddr_in nowhere = { .sin_family = AF_INET };
	_cleanup_(MHD_stop_daemonp) struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, send_response, (void *)response,
		MHD_OPTION_END);
	_cleanup_(closep) int ours = -1;
	int pair[2];

	if (!daemon || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(err, ERROR_SYSTEM, "cannot make a socket for the head: %s",
				 strerror(errno));
	ours = pair[0];
	if (MHD_add_connection(daemon, pair[1], (const struct sockaddr *)&nowhere,
			       sizeof(nowhere)) != MHD_YES)
		return error_set(err, ERROR_SYSTEM, "libmicrohttpd takes no socket for the head");
	return exchange_head(daemon, ours, head, err);
}
