#include "http/request-handler.h"

#include "answer/address-limit.h"
#include "http/forwarded.h"
#include "http/connection.h"
#include "http/exchange.h"
#include "http/intake.h"
#include "http/mhd-response.h"
#include "http/request-log.h"
#include "observe/trace.h"
#include "protocol/request.h"
#include "protocol/response.h"
#include "protocol/protocol.h"
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

void *exchange_begin(void *port, const char *target, struct MHD_Connection *connection)
{
	struct exchange *exchange = xnew(struct exchange);

	exchange->port = port;
	exchange->connection = connection;
	exchange->waiter.connection = connection;
	exchange->started = clock_microseconds();
	exchange->request.target = arena_strdup(&exchange->memory, target);
	exchange->port->exchanges->count++;
	exchange->ours = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
				 ->socket_context;
	exchange_abandon(exchange->ours);
	exchange->ours->exchange = exchange;
	connection_start_request(exchange->ours);
	return exchange;
}

void exchanges_retry(struct exchanges *exchanges, int64_t now)
{
	retry_resume(&exchanges->for_database, now);
	retry_resume(&exchanges->for_refusal, now);
}

int64_t exchanges_next_retry(const struct exchanges *exchanges)
{
	int64_t database = retry_next(&exchanges->for_database);
	int64_t refusal = retry_next(&exchanges->for_refusal);

	return database < refusal ? database : refusal;
}

void exchanges_clear(struct exchanges *exchanges)
{
	if (exchanges->refusal)
		MHD_destroy_response(TAKE(exchanges->refusal));
}

static enum MHD_Result queue_response(struct exchange *exchange, struct MHD_Response *out)
{
	exchange->ours->must_linger = exchange->must_close;
	exchange->micros = clock_microseconds() - exchange->started;
	return MHD_queue_response(exchange->connection, exchange->response.status, out);
}

/* The body stays in the exchange's memory, which outlives the sending. */
static enum MHD_Result send_response(struct exchange *exchange)
{
	_cleanup_(MHD_destroy_responsep) struct MHD_Response *out = reply_new(&exchange->response);

	if (!out)
		return MHD_NO;
	if (exchange->must_close || exchange->port->exchanges->is_stopping)
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

/* libmicrohttpd calls exchange_handle() again afterwards. */
static void suspend_until(struct exchange *exchange, struct waiting *waiting, int64_t until)
{
	connection_renew(exchange->ours);
	retry_wait(waiting, &exchange->waiter, until);
}

static void delay_refusal(struct exchange *exchange)
{
	int64_t until = clock_now() + REFUSAL_DELAY_MS + REFUSAL_STEP_MS - 1;

	suspend_until(exchange, &exchange->port->exchanges->for_refusal,
		      until - until % REFUSAL_STEP_MS);
}

/* A refusal costs as little as possible: the body is dropped unread, the response is made and
 * logged once, and has no text, because libmicrohttpd sends the body as a TLS record of its own. */
static enum MHD_Result send_refusal(struct exchange *exchange)
{
	struct exchanges *exchanges = exchange->port->exchanges;

	exchange->response = (struct response){
		.status = MHD_HTTP_TOO_MANY_REQUESTS,
		.is_refusal = true,
		.cache_control = "no-store",
		.retry_after = "1",
		.body = "",
		.outcome = "too-many-requests",
	};
	if (exchange->must_close || exchanges->is_stopping)
		return send_response(exchange);
	if (!exchanges->refusal)
		exchanges->refusal = reply_new(&exchange->response);
	return exchanges->refusal ? queue_response(exchange, exchanges->refusal) : MHD_NO;
}

/* A program that repeats its request at once is slowed by a late response. Only so many are
 * delayed, so that waiting connections cannot fill the server. */
static enum MHD_Result delay_or_send_refusal(struct exchange *exchange)
{
	struct exchanges *exchanges = exchange->port->exchanges;

	if (exchange->was_held || exchanges->for_refusal.count >= DELAYED_REFUSALS_MAX ||
	    exchanges->is_stopping)
		return send_refusal(exchange);
	exchange->was_held = true;
	delay_refusal(exchange);
	return MHD_YES;
}

static bool reads_body(struct exchange *exchange)
{
	const char *path = request_path(&exchange->memory, &exchange->request);
	const struct route *route = path ? route_find(path) : NULL;

	return route && route_reads_body(route, exchange->request.method);
}

static bool is_too_large(struct exchange *exchange, size_t size)
{
	return size > DROPPED_BODY_MAX || (size > REQUEST_BODY_MAX && reads_body(exchange));
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
	const struct context *context = &exchange->port->exchanges->context;
	const struct sockaddr *client = exchange->request.client;

	if (client)
		exchange->network = network_of_client(client);
	if (exchange->ours->is_prepaid)
		exchange->ours->is_prepaid = false;
	else if (client && context->limit)
		exchange->admission = limit_admit(context->limit, client, exchange->started,
						  &exchange->network);
}

static enum MHD_Result begin_handling(struct exchange *exchange, const char *method)
{
	struct forwarded forwarded;

	exchange->has_begun = true;
	exchange->request.method = arena_strdup(&exchange->memory, method);
	exchange->request.host = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
							     MHD_HTTP_HEADER_HOST);
	if (exchange->request.host)
		exchange->request.host = arena_strdup(&exchange->memory, exchange->request.host);
	exchange->request.client = MHD_get_connection_info(exchange->connection,
							   MHD_CONNECTION_INFO_CLIENT_ADDRESS)
					   ->client_addr;
	exchange->agent = agent_of(MHD_lookup_connection_value(
		exchange->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_USER_AGENT));
	if (exchange->port->kind == PORT_PROXY) {
		forwarded = forwarded_read(&exchange->memory, exchange->connection);
		forwarded_apply(&exchange->memory, exchange->port->exchanges->trusted_proxies,
				&forwarded, &exchange->request);
	}
	apply_rate_limit(exchange);
	request_log_begin(exchange);
	if (exchange->admission == ADMITTED && exchange->port->kind == PORT_PLAIN &&
	    plain_refuses(&exchange->memory, &exchange->request, &exchange->response)) {
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

static enum MHD_Result gather_body(struct exchange *exchange, const char *data, size_t size)
{
	if (exchange->received + size > DROPPED_BODY_MAX)
		return MHD_NO;
	if (exchange->admission == ADMITTED && exchange->received + size <= REQUEST_BODY_MAX) {
		if (!exchange->body)
			exchange->body = arena_alloc(&exchange->memory, REQUEST_BODY_MAX);
		memcpy(exchange->body + exchange->received, data, size);
	}
	exchange->received += size;
	return MHD_YES;
}

/* Returns whether there is an answer; if not, the exchange waits for the database. */
static bool make_answer(struct exchange *exchange)
{
	struct exchanges *exchanges = exchange->port->exchanges;
	struct error err;
	int r;

	arena_clear(&exchange->scratch);
	r = exchange->port->kind == PORT_PLAIN
		    ? plain_answer(&exchanges->context, &exchanges->plain, &exchange->scratch,
				   &exchange->request, &exchange->response, &err)
		    : answer(&exchanges->context, &exchange->scratch, &exchange->request,
			     &exchange->response, &err);
	if (r == ANSWER_BUSY) {
		if (exchange->patience == 0) {
			exchange->patience = clock_now() + EXCHANGE_PATIENCE_MS;
			trace_database_busy(exchange->ours->trace);
		}
		if (clock_now() < exchange->patience) {
			suspend_until(exchange, &exchanges->for_database,
				      clock_now() + EXCHANGE_RETRY_MS);
			return false;
		}
	}
	if (r != 0)
		log_error_counted("protocol=%s: %s",
				  exchange->response.protocol ? exchange->response.protocol : "-",
				  error_line(&exchange->scratch, &err));
	request_log_answer(exchange);
	return true;
}

enum MHD_Result exchange_handle(void *port, struct MHD_Connection *connection, const char *url,
				const char *method, const char *version, const char *data,
				size_t *size, void **context)
{
	struct exchange *exchange = *context;
	size_t received = *size;

	intake_pass_on(&exchange->ours->intake);
	if (!exchange->has_begun)
		return begin_handling(exchange, method);
	if (received > 0) {
		*size = 0;
		return gather_body(exchange, data, received);
	}
	if (exchange->admission != ADMITTED)
		return delay_or_send_refusal(exchange);
	if (is_too_large(exchange, exchange->received))
		return reject_oversized_body(exchange);
	if (exchange->received <= REQUEST_BODY_MAX) {
		exchange->request.body = exchange->body;
		exchange->request.body_size = exchange->received;
	}
	if (!make_answer(exchange))
		return MHD_YES;
	return send_response(exchange);
}

static void finish_exchange(struct exchange *exchange)
{
	retry_cancel(&exchange->waiter);
	connection_renew(exchange->ours);
	request_log_end(exchange);
	exchange->ours->exchange = NULL;
	exchange->port->exchanges->count--;
	arena_clear(&exchange->memory);
	arena_clear(&exchange->scratch);
	free(exchange);
}

void exchange_end(void *port, struct MHD_Connection *connection, void **context,
		  enum MHD_RequestTerminationCode code)
{
	if (*context)
		finish_exchange(*context);
	*context = NULL;
}

void exchange_abandon(struct connection *connection)
{
	if (connection->exchange)
		finish_exchange(connection->exchange);
}
