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
	struct stream *stream; /* open to this place, or NULL */
	const char *place;
	struct peer peer;
	struct arena peer_memory; /* of the place and the peer */
	struct memo *failures;	  /* by place: why there is no connection */
	struct arena memory;	  /* of those */
};

struct browser *browser_new(const struct world *world, struct resolver *resolver)
{
	struct browser *browser = xnew(struct browser);

	browser->world = world;
	browser->resolver = resolver;
	browser->failures = memo_new();
	return browser;
}

static void hang_up(struct browser *browser)
{
	stream_close(browser->stream);
	browser->stream = NULL;
	browser->peer = (struct peer){ 0 };
	arena_clear(&browser->peer_memory);
}

void browser_free(struct browser *browser)
{
	if (!browser)
		return;
	hang_up(browser);
	memo_free(browser->failures);
	arena_clear(&browser->memory);
	free(browser);
}

bool http_is_redirect(const struct http_answer *answer)
{
	return (answer->status == 301 || answer->status == 302 || answer->status == 303 ||
		answer->status == 307 || answer->status == 308) &&
	       *answer->location;
}

const char *http_url(struct arena *memory, const struct http_request *request)
{
	const char *scheme = request->is_tls ? "https" : "http";

	if (request->port == (request->is_tls ? 443 : 80))
		return arena_printf(memory, "%s://%s%s", scheme, request->host, request->target);
	return arena_printf(memory, "%s://%s:%u%s", scheme, request->host, request->port,
			    request->target);
}

/*
 * https://autodiscover.example.org:443/autodiscover/autodiscover.xml
 *         ^authority                   ^target
 */
bool http_url_parse(struct arena *memory, const char *url, const struct http_request *base,
		    struct http_request *ret_request)
{
	struct http_request request = { .method = "GET", .is_tls = true, .port = 443 };
	unsigned long port;
	const char *authority, *colon;
	size_t length;

	if (url[0] == '/' && url[1] != '/') {
		*ret_request = *base;
		ret_request->target = arena_strdup(memory, url);
		return true;
	}
	if (text_starts_with_ignoring_case(url, "http://")) {
		request.is_tls = false;
		request.port = 80;
	} else if (!text_starts_with_ignoring_case(url, "https://")) {
		return false;
	}
	authority = strstr(url, "//") + 2;
	length = strcspn(authority, "/?#");
	request.target = authority[length] == '/' ? arena_strndup(memory, authority + length,
								  strcspn(authority + length, "#"))
						  : "/";
	authority = arena_strndup(memory, authority, length);
	colon = strchr(authority, ':');
	if (colon && !number_parse(colon + 1, 1, UINT16_MAX, &port))
		return false;
	if (colon)
		request.port = (uint16_t)port;
	request.host = idna_to_ascii(
		memory,
		colon ? arena_strndup(memory, authority, (size_t)(colon - authority)) : authority);
	if (!request.host)
		return false;
	*ret_request = request;
	return true;
}

static int connect_host(struct browser *browser, struct arena *memory,
			const struct http_request *request, bool is_ours, struct error *err)
{
	const struct world *world = browser->world;
	struct host host = { .name = request->host, .addresses = { world->connect } };

	if (is_ours && request->is_tls && world->connect.text)
		host.n_addresses = 1;
	else
		host_find(browser->resolver, memory, request->host, &host);
	if (host.outcome == DNS_FAILED)
		return error_set(err, ERROR_INPUT, "DNS lookup of %s failed: %s", request->host,
				 host.failure);
	return host_connect(world, &host, request->port, &browser->stream, err) == 0 ? 0 : -1;
}

static int open_stream(struct browser *browser, struct arena *memory,
		       const struct http_request *request, bool is_ours, struct error *err)
{
	if (connect_host(browser, memory, request, is_ours, err) < 0)
		return -1;
	stream_set_deadline(browser->stream, clock_now() + HTTP_PATIENCE);
	return request->is_tls
		       ? stream_start_tls(browser->stream, browser->world->trust, request->host,
					  TLS_OFFER_ALL, &browser->peer_memory, &browser->peer, err)
		       : 0;
}

/* Connects, unless the connection is open already. After a failure none is tried again. */
static int connect_to(struct browser *browser, struct arena *memory,
		      const struct http_request *request, bool is_ours, bool *ret_is_kept,
		      struct error *err)
{
	const char *place = arena_printf(memory, "%d %s:%u", request->is_tls, request->host,
					 request->port);
	const char *failure = memo_get(browser->failures, place);

	*ret_is_kept = browser->stream && text_equals(browser->place, place);
	if (*ret_is_kept)
		return 0;
	if (failure)
		return error_set(err, ERROR_SYSTEM, "%s", failure);
	hang_up(browser);
	if (open_stream(browser, memory, request, is_ours, err) < 0) {
		hang_up(browser);
		(void)memo_put(browser->failures, place, arena_strdup(&browser->memory, err->text));
		return -1;
	}
	browser->place = arena_strdup(&browser->peer_memory, place);
	return 0;
}

static const char *head_of(struct arena *memory, const struct http_request *request)
{
	struct bytes head = BYTES_IN(memory);

	bytes_add_format(&head, "%s %s HTTP/1.1\r\nHost: %s", request->method, request->target,
			 request->host);
	if (request->port != (request->is_tls ? 443 : 80))
		bytes_add_format(&head, ":%u", request->port);
	bytes_add_text(&head, "\r\nAccept: */*\r\nUser-Agent: mailconfctl-doctor\r\n");
	if (request->field)
		bytes_add_format(&head, "%s\r\n", request->field);
	if (request->body)
		bytes_add_format(&head, "Content-Type: %s\r\nContent-Length: %zu\r\n",
				 request->media_type, strlen(request->body));
	bytes_add_text(&head, "\r\n");
	if (request->body)
		bytes_add_text(&head, request->body);
	return bytes_text(&head);
}

/* How the body ends. */
struct framing {
	bool is_chunked, has_length, closes;
	unsigned long length;
};

static const char *skip_spaces(const char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	return text;
}

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
		framing->closes = text_equals_ignoring_case(value, "close");
}

/* HTTP/1.1 200 OK */
static int read_status(struct stream *stream, struct arena *memory, struct http_answer *answer,
		       struct framing *framing, struct error *err)
{
	const char *line, *status;
	unsigned long number;

	if (stream_read_line(stream, memory, &line, err) < 0)
		return -1;
	status = strchr(line, ' ');
	if (strncmp(line, "HTTP/1.", 7) != 0 || !status ||
	    !number_parse(arena_strndup(memory, skip_spaces(status), 3), 100, 599, &number))
		return error_set(err, ERROR_INPUT, "the response is not HTTP");
	answer->status = (int)number;
	framing->closes = strncmp(line, "HTTP/1.0", 8) == 0;
	return 0;
}

static int read_head(struct stream *stream, struct arena *memory, struct http_answer *answer,
		     struct framing *framing, struct error *err)
{
	do {
		if (read_status(stream, memory, answer, framing, err) < 0)
			return -1;
		for (size_t i = 0;; i++) {
			const char *line;

			if (stream_read_line(stream, memory, &line, err) < 0)
				return -1;
			if (!*line)
				break;
			if (i == HTTP_FIELDS_MAX)
				return error_set(err, ERROR_INPUT,
						 "the response has too many header fields");
			read_field(memory, line, answer, framing);
		}
	} while (answer->status < 200);
	return 0;
}

/* Reads count bytes, or to the end where count is larger than what comes. */
static int read_bytes(struct stream *stream, struct bytes *body, size_t count, bool to_end,
		      struct error *err)
{
	char part[4096];

	while (count > 0) {
		size_t got = 0, most = count < sizeof(part) ? count : sizeof(part);

		if (body->size >= HTTP_BODY_MAX)
			return error_set(err, ERROR_INPUT, "the response is larger than %zu KiB",
					 HTTP_BODY_MAX / 1024);
		if (stream_read(stream, part, most, &got, err) < 0)
			return -1;
		if (got == 0)
			return to_end ? 0
				      : error_set(err, ERROR_SYSTEM,
						  "the server closed the connection");
		bytes_add(body, part, got);
		count -= got;
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

static int read_body(struct stream *stream, struct arena *memory,
		     const struct http_request *request, struct http_answer *answer,
		     struct framing *framing, struct error *err)
{
	struct bytes body = BYTES_IN(memory);
	int r = 0;

	if (text_equals(request->method, "HEAD") || answer->status == 204 || answer->status == 304)
		;
	else if (framing->is_chunked)
		r = read_chunks(stream, memory, &body, err);
	else if (framing->has_length)
		r = read_bytes(stream, &body, framing->length, false, err);
	else {
		r = read_bytes(stream, &body, SIZE_MAX, true, err);
		framing->closes = true;
	}
	answer->body = bytes_text(&body);
	answer->size = body.size;
	return r;
}

int http_read(struct stream *stream, struct arena *memory, const struct http_request *request,
	      struct http_answer *ret_answer, bool *ret_closes, struct error *err)
{
	struct http_answer answer = HTTP_NO_ANSWER;
	struct framing framing = { 0 };

	if (read_head(stream, memory, &answer, &framing, err) < 0 ||
	    read_body(stream, memory, request, &answer, &framing, err) < 0)
		return -1;
	*ret_answer = answer;
	*ret_closes = framing.closes;
	return 0;
}

static int exchange_messages(struct browser *browser, struct arena *memory,
			     const struct http_request *request, struct http_answer *answer,
			     struct error *err)
{
	const char *head = head_of(memory, request);
	bool closes = true;
	int r;

	stream_set_deadline(browser->stream, clock_now() + HTTP_PATIENCE);
	r = stream_send(browser->stream, head, strlen(head), err);
	if (r == 0)
		r = http_read(browser->stream, memory, request, answer, &closes, err);
	if (closes)
		hang_up(browser);
	return r;
}

/* The strings of the peer outlive the connection. */
static void keep_peer(struct arena *memory, struct peer *peer)
{
	peer->names = peer->names ? arena_strdup(memory, peer->names) : NULL;
	peer->issuer = peer->issuer ? arena_strdup(memory, peer->issuer) : NULL;
}

void browser_ask(struct browser *browser, struct arena *memory, const struct http_request *request,
		 bool is_ours, struct http_answer *ret_answer)
{
	int64_t start = clock_now();
	struct http_answer answer;
	struct peer peer = { 0 };
	struct error err = { 0 };
	bool is_kept, has_peer;
	int r;

	/* A kept connection may have been closed meanwhile: try again on a new one. */
	do {
		answer = HTTP_NO_ANSWER;
		has_peer = false;
		r = connect_to(browser, memory, request, is_ours, &is_kept, &err);
		if (r < 0)
			break;
		has_peer = request->is_tls;
		peer = browser->peer;
		keep_peer(memory, &peer);
		r = exchange_messages(browser, memory, request, &answer, &err);
	} while (r < 0 && is_kept);
	answer.milliseconds = clock_now() - start;
	answer.has_peer = has_peer;
	answer.peer = peer;
	if (r < 0)
		answer.failure = arena_strdup(memory, err.text);
	*ret_answer = answer;
}
