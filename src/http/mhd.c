#include "http/mhd.h"

#include <time.h>

#include "util/log.h"

__attribute__((format(printf, 2, 0))) static void log_library(void *cls, const char *format,
							      va_list args)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	log_debug("libmicrohttpd: %s", log_quote(&memory, arena_vprintf(&memory, format, args)));
}

/* Strict, or libmicrohttpd 1.0 would redirect a request with a space in its path to what it makes
 * of it: nothing from a request may be in Location. */
struct MHD_Daemon *mhd_start(int fd, const struct mhd_options *options)
{
	return MHD_start_daemon(
		options->flags | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL, options->handle,
		options->context, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, options->connections,
		MHD_OPTION_CONNECTION_TIMEOUT, options->timeout, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_ARRAY, options->more, MHD_OPTION_END);
}

static void add_header(struct MHD_Response *out, const char *name, const char *value)
{
	if (value)
		MHD_add_response_header(out, name, value);
}

struct MHD_Response *mhd_response_new(const struct response *response)
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

static enum MHD_Result add_line(void *context, enum MHD_ValueKind kind, const char *name,
				const char *value)
{
	bytes_add_format(context, "%s: %s\r\n", name, value);
	return MHD_YES;
}

void mhd_response_head(const struct response *response, struct bytes *head)
{
	_cleanup_(MHD_destroy_responsep) struct MHD_Response *out = mhd_response_new(response);
	char date[sizeof("Sun, 06 Nov 1994 08:49:37 GMT")] = "";
	time_t now = time(NULL);
	struct tm parts;

	if (gmtime_r(&now, &parts))
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
	bytes_add_format(head, "HTTP/1.1 %u %s\r\nDate: %s\r\n", response->status,
			 MHD_get_reason_phrase_for(response->status), date);
	MHD_get_response_headers(out, add_line, head);
	bytes_add_format(head, "Content-Length: %zu\r\n\r\n", response->size);
}
