#include "http/request-handler.h"

#include "answer/client-limits.h"
#include "http/connection.h"
#include "http/forwarded.h"
#include "http/mhd.h"
#include "http/plain-http.h"
#include "observe/counters.h"
#include "observe/trace.h"
#include "protocol/request.h"
#include "protocol/protocol.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/log.h"

/* A body that no route reads, such as that of a CalDAV client, is read and dropped up to this size,
 * so that the connection stays usable. */
#define DROPPED_BODY_MAX ((size_t)64 * 1024)

/* A request beyond the rate limit is refused after this delay, which is less than any idle timeout.
 * So many refusals of a worker are delayed at a time, and they become due in steps, because a
 * processor that wakes up for each of them has more to do. */
#define REFUSAL_DELAY_MS 800
#define DELAYED_REFUSALS_MAX 256
#define REFUSAL_STEP_MS 100

struct exchange {
	struct request_handler *handler;
	struct MHD_Connection *connection;
	struct connection *ours; /* beside what libmicrohttpd knows */
	struct arena memory;	 /* of the request */
	struct arena scratch;	 /* of the answer, cleared before each try */
	struct request request;
	struct response response;
	struct record record; /* of the request and the response */
	char *body;	      /* REQUEST_BODY_MAX bytes, or NULL */
	size_t received;
	enum admission admission;
	bool has_begun, must_close;
	int64_t started;  /* microseconds */
	int64_t patience; /* ends then, 0 while the database was not busy */

	struct waiting *waiting; /* NULL while it does not wait */
	TAILQ_ENTRY(exchange) place;
	int64_t until;
};

void *request_handler_begin(void *handler, const char *target, struct MHD_Connection *connection)
{
	struct exchange *exchange = xnew(struct exchange);

	exchange->handler = handler;
	exchange->connection = connection;
	exchange->started = clock_microseconds();
	exchange->request.target = arena_strdup(&exchange->memory, target);
	exchange->handler->count++;
	exchange->ours = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
				 ->socket_context;
	exchange->record = (struct record){
		.request = &exchange->request,
		.response = &exchange->response,
		.tls_version = exchange->ours->tls_version,
		.is_resumed = exchange->ours->is_resumed,
	};
	request_handler_abandon(exchange->ours);
	exchange->ours->exchange = exchange;
	connection_start_request(exchange->ours);
	return exchange;
}

static void stop_waiting(struct exchange *exchange)
{
	struct waiting *waiting = TAKE(exchange->waiting);

	if (!waiting)
		return;
	TAILQ_REMOVE(&waiting->exchanges, exchange, place);
	waiting->count--;
}

void request_handler_retry(struct request_handler *handler, int64_t now)
{
	struct exchange *exchange;

	for (size_t i = 0; i < WAIT_REASONS; i++) {
		while ((exchange = TAILQ_FIRST(&handler->waiting[i].exchanges)) &&
		       exchange->until <= now) {
			stop_waiting(exchange);
			MHD_resume_connection(exchange->connection);
		}
	}
}

int64_t request_handler_next_retry(const struct request_handler *handler)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < WAIT_REASONS; i++) {
		const struct exchange *oldest = TAILQ_FIRST(&handler->waiting[i].exchanges);

		if (oldest && oldest->until < next)
			next = oldest->until;
	}
	return next;
}

/* The key stays the same, so it is read once. It is NULL while the database cannot be read. */
static void set_privacy(struct request_handler *handler, struct record *record)
{
	struct store *store = handler->context.store;
	struct error err;

	record->addresses = handler->serving->log.addresses;
	if (record->addresses == LOG_ADDRESSES_HASH && !handler->has_log_key && store)
		handler->has_log_key = store_secret(store, &handler->log_key, &err) == 0;
	record->key = handler->has_log_key ? &handler->log_key : NULL;
}

static enum MHD_Result queue_response(struct exchange *exchange, struct MHD_Response *out)
{
	exchange->ours->must_linger = exchange->must_close;
	exchange->record.micros = clock_microseconds() - exchange->started;
	return MHD_queue_response(exchange->connection, exchange->response.status, out);
}

/* The body stays in the exchange's memory, which outlives the sending. */
static enum MHD_Result send_response(struct exchange *exchange)
{
	_cleanup_(MHD_destroy_responsep) struct MHD_Response *out = mhd_response_new(
		&exchange->response);

	if (!out)
		return MHD_NO;
	if (exchange->must_close || exchange->handler->is_stopping)
		MHD_add_response_header(out, MHD_HTTP_HEADER_CONNECTION, "close");
	return queue_response(exchange, out);
}

static enum MHD_Result reject_oversized_body(struct exchange *exchange)
{
	response_set_text(&exchange->response, MHD_HTTP_CONTENT_TOO_LARGE,
			  "The request is too large.\n");
	exchange->response.outcome = "too-large";
	exchange->must_close = true;
	return send_response(exchange);
}

/* In milliseconds of clock_now(), not before any other that waits for the same. libmicrohttpd calls
 * request_handler_access() again afterwards. */
static void suspend_until(struct exchange *exchange, struct waiting *waiting, int64_t until)
{
	connection_renew(exchange->ours);
	exchange->waiting = waiting;
	exchange->until = until;
	TAILQ_INSERT_TAIL(&waiting->exchanges, exchange, place);
	waiting->count++;
	MHD_suspend_connection(exchange->connection);
}

/* A refusal costs as little as possible: the body is dropped unread, the response is made and
 * logged once, and has no text, because libmicrohttpd sends the body as a TLS record of its own. */
static enum MHD_Result send_refusal(struct exchange *exchange)
{
	struct request_handler *handler = exchange->handler;

	exchange->response = (struct response){
		.status = MHD_HTTP_TOO_MANY_REQUESTS,
		.is_refusal = true,
		.cache_control = "no-store",
		.retry_after = "1",
		.body = "",
		.outcome = "too-many-requests",
	};
	if (exchange->must_close || handler->is_stopping)
		return send_response(exchange);
	if (!handler->refusal)
		handler->refusal = mhd_response_new(&exchange->response);
	return handler->refusal ? queue_response(exchange, handler->refusal) : MHD_NO;
}

/* A program that repeats its request at once is slowed by a late response. Only so many are
 * delayed, so that waiting connections cannot fill the server. */
static enum MHD_Result delay_or_send_refusal(struct exchange *exchange)
{
	struct request_handler *handler = exchange->handler;
	struct waiting *waiting = &handler->waiting[WAIT_FOR_REFUSAL];
	int64_t until = clock_now() + REFUSAL_DELAY_MS + REFUSAL_STEP_MS - 1;

	if (exchange->record.was_held || waiting->count >= DELAYED_REFUSALS_MAX ||
	    handler->is_stopping)
		return send_refusal(exchange);
	exchange->record.was_held = true;
	suspend_until(exchange, waiting, until - until % REFUSAL_STEP_MS);
	return MHD_YES;
}

static bool is_too_large(struct exchange *exchange, size_t size)
{
	const struct route *route;

	if (size <= REQUEST_BODY_MAX || size > DROPPED_BODY_MAX)
		return size > DROPPED_BODY_MAX;
	route = route_find(request_path(&exchange->memory, &exchange->request));
	return route && route_reads_body(route, exchange->request.method);
}

static bool announces_too_much(struct exchange *exchange)
{
	const char *length = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_CONTENT_LENGTH);
	unsigned long number;

	return length && (!number_parse(length, 0, DROPPED_BODY_MAX, &number) ||
			  is_too_large(exchange, number));
}

static void apply_rate_limit(struct exchange *exchange)
{
	struct client_limits *limits = exchange->handler->context.limits;
	const struct sockaddr *client = exchange->request.client;

	if (client)
		exchange->record.network = network_of_client(client);
	if (exchange->ours->is_prepaid)
		exchange->ours->is_prepaid = false;
	else if (client && limits)
		exchange->admission = client_limits_admit(limits, client, exchange->started,
							  &exchange->record.network);
}

/* The header of the request was received. */
static enum MHD_Result begin_handling(struct exchange *exchange, const char *method)
{
	struct request_handler *handler = exchange->handler;
	struct MHD_Connection *connection = exchange->connection;
	struct request *request = &exchange->request;
	const char *host;

	exchange->has_begun = true;
	request->method = arena_strdup(&exchange->memory, method);
	host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	request->host = host ? arena_strdup(&exchange->memory, host) : NULL;
	request->client = connection_client(exchange->ours);
	exchange->record.agent = user_agent_find(MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_USER_AGENT));
	if (exchange->ours->kind == SOCKET_PROXY)
		forwarded_apply(&exchange->memory, handler->serving->trusted_proxies,
				forwarded_values(&exchange->memory, connection, "X-Forwarded-For"),
				forwarded_values(&exchange->memory, connection, "X-Forwarded-Host"),
				request);
	apply_rate_limit(exchange);
	exchange->ours->trace = trace_number(&handler->serving->log, exchange->ours->trace,
					     request->client);
	set_privacy(handler, &exchange->record);
	trace_request(exchange->ours->trace, &exchange->record,
		      exchange->admission == ADMITTED ? "passed" : "exceeded");
	if (exchange->admission == ADMITTED && exchange->ours->kind == SOCKET_PLAIN &&
	    plain_http_refuses(&exchange->memory, request, &exchange->response)) {
		exchange->must_close = true;
		return send_response(exchange);
	}
	if (!announces_too_much(exchange))
		return MHD_YES;
	if (exchange->admission == ADMITTED)
		return reject_oversized_body(exchange);
	exchange->must_close = true;
	return send_refusal(exchange);
}

/* Sends the answer, or waits for the database. */
static enum MHD_Result make_answer(struct exchange *exchange)
{
	struct request_handler *handler = exchange->handler;
	const char *protocol;
	struct error err;
	int r;

	arena_clear(&exchange->scratch);
	r = exchange->ours->kind == SOCKET_PLAIN
		    ? plain_http_answer(&handler->context, handler->serving, &exchange->scratch,
					&exchange->request, &exchange->response, &err)
		    : answer(&handler->context, &exchange->scratch, &exchange->request,
			     &exchange->response, &err);
	if (r == ANSWER_BUSY) {
		int64_t now = clock_now();

		if (exchange->patience == 0) {
			exchange->patience = now + REQUEST_PATIENCE_MS;
			trace_event(exchange->ours->trace, "database locked, waiting", NULL, NULL);
		}
		if (now < exchange->patience) {
			suspend_until(exchange, &handler->waiting[WAIT_FOR_DATABASE],
				      now + REQUEST_RETRY_MS);
			return MHD_YES;
		}
	}
	protocol = exchange->response.protocol;
	if (r != 0)
		log_error_counted("protocol=%s: %s", protocol ?: "-",
				  error_line(&exchange->scratch, &err));
	if (exchange->patience != 0) /* settings and database can have changed meanwhile */
		set_privacy(handler, &exchange->record);
	trace_answer(exchange->ours->trace, &exchange->record);
	return send_response(exchange);
}

enum MHD_Result request_handler_access(void *handler, struct MHD_Connection *connection,
				       const char *url, const char *method, const char *version,
				       const char *data, size_t *size, void **context)
{
	struct exchange *exchange = *context;
	size_t received = *size;

	exchange->ours->intake.unparsed = 0;
	if (!exchange->has_begun)
		return begin_handling(exchange, method);
	if (received > 0) {
		*size = 0;
		if (exchange->received + received > DROPPED_BODY_MAX)
			return MHD_NO;
		if (exchange->admission == ADMITTED &&
		    exchange->received + received <= REQUEST_BODY_MAX) {
			if (!exchange->body)
				exchange->body = arena_alloc(&exchange->memory, REQUEST_BODY_MAX);
			memcpy(exchange->body + exchange->received, data, received);
		}
		exchange->received += received;
		return MHD_YES;
	}
	if (exchange->admission != ADMITTED)
		return delay_or_send_refusal(exchange);
	if (is_too_large(exchange, exchange->received))
		return reject_oversized_body(exchange);
	if (exchange->received <= REQUEST_BODY_MAX) {
		exchange->request.body = exchange->body;
		exchange->request.body_size = exchange->received;
	}
	return make_answer(exchange);
}

void request_handler_abandon(struct connection *connection)
{
	struct exchange *exchange = TAKE(connection->exchange);
	struct request_handler *handler;

	if (!exchange)
		return;
	stop_waiting(exchange);
	connection_renew(connection);
	handler = exchange->handler;
	counters_add_request(handler->context.counters, &exchange->record);
	set_privacy(handler, &exchange->record);
	if (exchange->admission != REFUSED_AGAIN)
		access_log_write(&exchange->memory, &exchange->record, handler->serving->log.slow);
	trace_response(connection->trace, &exchange->record);
	handler->count--;
	arena_clear(&exchange->memory);
	arena_clear(&exchange->scratch);
	free(exchange);
}

void request_handler_end(void *handler, struct MHD_Connection *connection, void **context,
			 enum MHD_RequestTerminationCode code)
{
	struct exchange *exchange = TAKE(*context);

	if (exchange)
		request_handler_abandon(exchange->ours);
}
