#include "http/mhd-response.h"

#include <time.h>

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

static enum MHD_Result add_line(void *context, enum MHD_ValueKind kind, const char *name,
				const char *value)
{
	bytes_add_format(context, "%s: %s\r\n", name, value);
	return MHD_YES;
}

void reply_head(const struct response *response, struct bytes *head)
{
	_cleanup_(MHD_destroy_responsep) struct MHD_Response *out = reply_new(response);
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
