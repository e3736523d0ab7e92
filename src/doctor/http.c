/*
 * HTTP over the streams that mail services need anyway. libcurl with GnuTLS, as in Debian 12, loads
 * the trusted CAs for each connection: 8 ms, six times for each domain.
 */

#include "doctor/http.h"

#include "doctor/host.h"
#include "doctor/memo.h"
#include "util/clock.h"
#include "util/idna.h"

struct browser {
	const struct world *world;
	struct resolver *resolver;
	struct arena *memory;
	struct stream *stream; /* open to this place, or NULL */
	const char *place;
	struct peer peer;
	struct memo *failures; /* by place: why there is no connection */
};

struct browser *browser_new(const struct world *world, struct resolver *resolver,
			    struct arena *memory)
{
	struct browser *browser = xnew(struct browser);

	browser->world = world;
	browser->resolver = resolver;
	browser->memory = memory;
	browser->failures = memo_new();
	return browser;
}

static void hang_up(struct browser *browser)
{
	stream_close(browser->stream);
	browser->stream = NULL;
}

void browser_free(struct browser *browser)
{
	if (!browser)
		return;
	hang_up(browser);
	memo_free(browser->failures);
	free(browser);
}

bool http_is_redirect(const struct http_answer *answer)
{
	return (answer->status == 301 || answer->status == 302 || answer->status == 303 ||
		answer->status == 307 || answer->status == 308) &&
	       *answer->location;
}

/* With the port, unless it is the scheme's own. */
static const char *authority_of(struct arena *memory, const struct http_request *request)
{
	return request->port == (request->is_tls ? 443 : 80)
		       ? request->host
		       : arena_printf(memory, "%s:%u", request->host, request->port);
}

const char *http_url(struct arena *memory, const struct http_request *request)
{
	return arena_printf(memory, "http%s://%s%s", request->is_tls ? "s" : "",
			    authority_of(memory, request), request->target);
}

/*
 * https://autodiscover.example.org:443/autodiscover/autodiscover.xml
 *         ^authority                   ^target
 */
bool http_url_parse(struct arena *memory, const char *url, const struct http_request *base,
		    struct http_request *ret_request)
{
	struct http_request request = { .method = "GET" };
	const char *authority, *colon;
	size_t length;

	if (url[0] == '/' && url[1] != '/') {
		*ret_request = *base;
		ret_request->target = arena_strdup(memory, url);
		return true;
	}
	request.is_tls = text_starts_with_ignoring_case(url, "https://");
	if (!request.is_tls && !text_starts_with_ignoring_case(url, "http://"))
		return false;
	authority = strstr(url, "//") + 2;
	length = strcspn(authority, "/?#");
	request.target = authority[length] == '/' ? arena_strndup(memory, authority + length,
								  strcspn(authority + length, "#"))
						  : "/";
	authority = arena_strndup(memory, authority, length);
	colon = strchr(authority, ':');
	request.port = request.is_tls ? 443 : 80;
	if (colon && !port_parse(colon + 1, &request.port))
		return false;
	request.host = idna_to_ascii(memory,
				     arena_strndup(memory, authority, strcspn(authority, ":")));
	if (!request.host)
		return false;
	*ret_request = request;
	return true;
}

static int open_stream(struct browser *browser, const struct http_request *request, bool is_ours,
		       struct error *err)
{
	const struct world *world = browser->world;
	struct host host = { .name = request->host, .addresses = { world->connect } };

	if (is_ours && request->is_tls && world->connect.text)
		host.n_addresses = 1;
	else
		host = host_find(browser->resolver, browser->memory, request->host);
	if (host.outcome == DNS_FAILED)
		return error_set(err, ERROR_INPUT, "DNS lookup of %s failed: %s", request->host,
				 host.failure);
	if (host_connect(world, &host, request->port, &browser->stream, err) != 0)
		return -1;
	stream_set_patience(browser->stream, HTTP_PATIENCE);
	return request->is_tls
		       ? stream_start_tls(browser->stream, world->trust, request->host,
					  TLS_OFFER_ALL, browser->memory, &browser->peer, err)
		       : 0;
}

/* Connects, unless the connection is open already. After a failure none is tried again. */
static int connect_to(struct browser *browser, const struct http_request *request, bool is_ours,
		      bool *ret_is_kept, struct error *err)
{
	const char *place = arena_printf(browser->memory, "%d %s:%u", request->is_tls,
					 request->host, request->port);
	const char *failure = memo_get(browser->failures, place);

	*ret_is_kept = browser->stream && text_equals(browser->place, place);
	if (*ret_is_kept)
		return 0;
	if (failure)
		return error_set(err, ERROR_SYSTEM, "%s", failure);
	hang_up(browser);
	browser->peer = (struct peer){ 0 };
	browser->place = place;
	if (open_stream(browser, request, is_ours, err) == 0)
		return 0;
	hang_up(browser);
	memo_put(browser->failures, place, arena_strdup(browser->memory, err->text));
	return -1;
}

static const char *message_of(struct arena *memory, const struct http_request *request)
{
	const char *field = request->field, *body = request->body;

	return arena_printf(memory,
			    "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n"
			    "User-Agent: mailconfctl-doctor\r\n%s%s%s\r\n%s",
			    request->method, request->target, authority_of(memory, request),
			    field ?: "", field ? "\r\n" : "",
			    body ? arena_printf(memory,
						"Content-Type: text/xml; charset=utf-8\r\n"
						"Content-Length: %zu\r\n",
						strlen(body))
				 : "",
			    body ?: "");
}

static const char *skip_spaces(const char *text)
{
	return text + strspn(text, " \t");
}

/* How the body ends. */
struct framing {
	bool is_chunked, has_length;
	unsigned long length;
};

static void read_field(struct arena *memory, const char *line, struct http_answer *answer,
		       struct framing *framing)
{
	const char *colon = strchr(line, ':'), *name, *value;

	if (!colon)
		return;
	name = arena_strndup(memory, line, (size_t)(colon - line));
	value = skip_spaces(colon + 1);
	if (text_equals_ignoring_case(name, "Content-Type"))
		answer->media_type = value;
	else if (text_equals_ignoring_case(name, "Location"))
		answer->location = value;
	else if (text_equals_ignoring_case(name, "WWW-Authenticate"))
		answer->authenticate = *answer->authenticate
					       ? arena_printf(memory, "%s, %s",
							      answer->authenticate, value)
					       : value;
	else if (text_equals_ignoring_case(name, "Content-Length"))
		framing->has_length = number_parse(value, 0, UINT32_MAX, &framing->length);
	else if (text_equals_ignoring_case(name, "Transfer-Encoding"))
		framing->is_chunked = text_equals_ignoring_case(value, "chunked");
	else if (text_equals_ignoring_case(name, "Connection"))
		answer->closes = text_equals_ignoring_case(value, "close");
}

/* HTTP/1.1 200 OK, and header fields; those of 100 Continue are skipped. */
static int read_head(struct stream *stream, struct arena *memory, struct http_answer *answer,
		     struct framing *framing, struct error *err)
{
	const char *line, *status;
	unsigned long number;

	do {
		if (stream_read_line(stream, memory, &line, err) < 0)
			return -1;
		status = strchr(line, ' ');
		if (strncmp(line, "HTTP/1.", 7) != 0 || !status ||
		    !number_parse(arena_strndup(memory, skip_spaces(status), 3), 100, 599, &number))
			return error_set(err, ERROR_INPUT, "the response is not HTTP");
		answer->closes = strncmp(line, "HTTP/1.0", 8) == 0;
		for (size_t i = 0;; i++) {
			if (stream_read_line(stream, memory, &line, err) < 0)
				return -1;
			if (!*line)
				break;
			if (i == HTTP_FIELDS_MAX)
				return error_set(err, ERROR_INPUT,
						 "the response has too many header fields");
			read_field(memory, line, answer, framing);
		}
	} while (number < 200);
	answer->status = (int)number;
	return 0;
}

/* Reads count bytes, or to the end where count is larger than what comes. */
static int read_bytes(struct stream *stream, struct bytes *body, size_t count, bool to_end,
		      struct error *err)
{
	char part[4096];

	while (count > 0) {
		size_t most = count < sizeof(part) ? count : sizeof(part);
		ssize_t got;

		if (body->size >= HTTP_BODY_MAX)
			return error_set(err, ERROR_INPUT, "the response is larger than %zu KiB",
					 HTTP_BODY_MAX / 1024);
		got = stream_read(stream, part, most, err);
		if (got < 0)
			return -1;
		if (got == 0)
			return to_end ? 0
				      : error_set(err, ERROR_SYSTEM,
						  "the server closed the connection");
		bytes_add(body, part, (size_t)got);
		count -= (size_t)got;
	}
	return 0;
}

static int read_chunks(struct stream *stream, struct arena *memory, struct bytes *body,
		       struct error *err)
{
	for (;;) {
		const char *line;
		unsigned long size;
		char *end;

		if (stream_read_line(stream, memory, &line, err) < 0)
			return -1;
		size = strtoul(line, &end, 16);
		if (end == line || size > HTTP_BODY_MAX)
			return error_set(err, ERROR_INPUT, "the response has an invalid chunk");
		if (size > 0 && read_bytes(stream, body, size, false, err) < 0)
			return -1;
		do {
			if (stream_read_line(stream, memory, &line, err) < 0)
				return -1;
		} while (size == 0 && *line);
		if (size == 0)
			return 0;
	}
}

int http_read(struct stream *stream, struct arena *memory, struct http_answer *ret_answer,
	      struct error *err)
{
	struct http_answer answer = HTTP_NO_ANSWER;
	struct framing framing = { 0 };
	struct bytes body = BYTES_IN(memory);
	int r = 0;

	if (read_head(stream, memory, &answer, &framing, err) < 0)
		return -1;
	if (answer.status == 204 || answer.status == 304)
		;
	else if (framing.is_chunked)
		r = read_chunks(stream, memory, &body, err);
	else if (framing.has_length)
		r = read_bytes(stream, &body, framing.length, false, err);
	else {
		r = read_bytes(stream, &body, SIZE_MAX, true, err);
		answer.closes = true;
	}
	answer.body = bytes_text(&body);
	answer.size = body.size;
	if (r == 0)
		*ret_answer = answer;
	return r;
}

struct http_answer browser_ask(struct browser *browser, const struct http_request *request,
			       bool is_ours)
{
	const char *message = message_of(browser->memory, request);
	int64_t start = clock_now();
	struct http_answer answer = HTTP_NO_ANSWER;
	struct error err = { 0 };
	bool is_kept, has_peer;
	int r;

	/* A kept connection may have been closed meanwhile: try again on a new one. */
	do {
		r = connect_to(browser, request, is_ours, &is_kept, &err);
		has_peer = r == 0 && request->is_tls;
		if (r < 0)
			break;
		stream_set_patience(browser->stream, HTTP_PATIENCE);
		r = stream_send(browser->stream, message, strlen(message), &err);
		if (r == 0)
			r = http_read(browser->stream, browser->memory, &answer, &err);
		if (r < 0 || answer.closes)
			hang_up(browser);
	} while (r < 0 && is_kept);
	answer.milliseconds = clock_now() - start;
	answer.has_peer = has_peer;
	answer.peer = browser->peer;
	if (r < 0)
		answer.failure = arena_strdup(browser->memory, err.text);
	return answer;
}
