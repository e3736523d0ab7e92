#include "http/request-handler.h"

#include <stdlib.h>
#include <string.h>

#include "answer/address-limit.h"
#include "http/forwarded.h"
#include "http/connection.h"
#include "http/intake.h"
#include "http/mhd-response.h"
#include "observe/access-log.h"
#include "observe/counters.h"
#include "observe/trace.h"
#include "protocol/request.h"
#include "protocol/response.h"
#include "protocol/protocol.h"
#include "store/store.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/log.h"

struct exchange {
	struct exchange_port *port;
	struct MHD_Connection *connection;
	struct connection *ours; /* what we know of it */
	struct arena memory;	 /* of the request */
	struct arena scratch;	 /* of the answer, for each try anew */
	struct request request;
	struct response response;
	char *body; /* REQUEST_BODY_MAX bytes, or NULL */
	size_t received;
	agent_t agent;
	struct client_network network; /* of the client, or the one whose limit was reached */
	enum admission admission;
	bool has_begun, must_close, was_held;
	int64_t started;  /* microseconds */
	int64_t micros;	  /* until the answer was handed over */
	int64_t patience; /* ends then, 0 while the database was not busy */
	int64_t next_try;
	struct waiting *waiting; /* NULL while it does not wait */
	struct exchange *older, *newer;
};

void *exchange_begin(void *port, const char *target, struct MHD_Connection *connection)
{
	struct exchange *exchange = xnew(struct exchange);

	exchange->port = port;
	exchange->connection = connection;
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

/* Comes back to exchange_handle() then, which is not before what waits there already. */
static void wait(struct exchange *exchange, struct waiting *waiting, int64_t until)
{
	connection_renew(exchange->ours);
	exchange->next_try = until;
	exchange->waiting = waiting;
	exchange->newer = NULL;
	exchange->older = waiting->newest;
	*(waiting->newest ? &waiting->newest->newer : &waiting->oldest) = exchange;
	waiting->newest = exchange;
	waiting->count++;
	MHD_suspend_connection(exchange->connection);
}

static void stop_waiting(struct exchange *exchange)
{
	struct waiting *waiting = exchange->waiting;

	if (!waiting)
		return;
	exchange->waiting = NULL;
	*(exchange->older ? &exchange->older->newer : &waiting->oldest) = exchange->newer;
	*(exchange->newer ? &exchange->newer->older : &waiting->newest) = exchange->older;
	waiting->count--;
}

static void retry(struct waiting *waiting, int64_t now)
{
	struct exchange *exchange;

	while ((exchange = waiting->oldest) && exchange->next_try <= now) {
		stop_waiting(exchange);
		MHD_resume_connection(exchange->connection);
	}
}

void exchanges_retry(struct exchanges *exchanges, int64_t now)
{
	retry(&exchanges->for_database, now);
	retry(&exchanges->for_refusal, now);
}

static int64_t next_retry(const struct waiting *waiting)
{
	return waiting->oldest ? waiting->oldest->next_try : INT64_MAX;
}

int64_t exchanges_next_retry(const struct exchanges *exchanges)
{
	int64_t database = next_retry(&exchanges->for_database);
	int64_t refusal = next_retry(&exchanges->for_refusal);

	return database < refusal ? database : refusal;
}

void exchanges_clear(struct exchanges *exchanges)
{
	if (exchanges->refusal)
		MHD_destroy_response(TAKE(exchanges->refusal));
}

static enum MHD_Result queue(struct exchange *exchange, struct MHD_Response *out)
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
	return queue(exchange, out);
}

static enum MHD_Result refuse_body(struct exchange *exchange)
{
	response_set_text(&exchange->response, MHD_HTTP_CONTENT_TOO_LARGE,
			  "The request is too large.\n");
	exchange->response.outcome = "too-large";
	exchange->must_close = true;
	return send_response(exchange);
}

static void hold(struct exchange *exchange)
{
	int64_t until = clock_now() + EXCHANGE_HOLD_MS + EXCHANGES_HELD_STEP_MS - 1;

	wait(exchange, &exchange->port->exchanges->for_refusal,
	     until - until % EXCHANGES_HELD_STEP_MS);
}

/* Whatever a refusal spares is spared for others: its body is dropped unread, it is made once, is
 * logged once, and has no text, for libmicrohttpd sends the body as a TLS record of its own. */
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
	return exchanges->refusal ? queue(exchange, exchanges->refusal) : MHD_NO;
}

/* A program that asks again at once, whatever it is told, is slowed by an answer that comes late.
 * So that nobody can fill the server with connections that wait, only so many do. */
static enum MHD_Result refuse_more(struct exchange *exchange)
{
	struct exchanges *exchanges = exchange->port->exchanges;

	if (exchange->was_held || exchanges->for_refusal.count >= EXCHANGES_HELD_MAX ||
	    exchanges->is_stopping)
		return send_refusal(exchange);
	exchange->was_held = true;
	hold(exchange);
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
	return size > EXCHANGE_DROPPED_MAX || (size > REQUEST_BODY_MAX && reads_body(exchange));
}

static bool announces_too_much(struct exchange *exchange)
{
	const char *length = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_CONTENT_LENGTH);
	unsigned long number;

	return length && (!number_parse(length, 0, EXCHANGE_DROPPED_MAX, &number) ||
			  is_too_large(exchange, number));
}

struct gathering {
	struct bytes *values;
	const char *name;
};

static enum MHD_Result gather_field(void *context, enum MHD_ValueKind kind, const char *name,
				    const char *value)
{
	const struct gathering *gathering = context;

	if (value && text_equals_ignoring_case(name, gathering->name)) {
		if (gathering->values->size > 0)
			bytes_add_char(gathering->values, ',');
		bytes_add_text(gathering->values, value);
	}
	return MHD_YES;
}

/* All values of the field, in their order, with commas between. NULL where there is none. */
static const char *field_values(struct exchange *exchange, const char *name)
{
	struct bytes values = BYTES_IN(&exchange->memory);
	struct gathering gathering = { &values, name };

	(void)MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, gather_field,
					&gathering);
	return values.size > 0 ? bytes_text(&values) : NULL;
}

static void believe_proxy(struct exchange *exchange)
{
	const struct forwarded forwarded = {
		.addresses = field_values(exchange, "X-Forwarded-For"),
		.hosts = field_values(exchange, "X-Forwarded-Host"),
	};

	forwarded_apply(&exchange->memory, exchange->port->exchanges->trusted_proxies, &forwarded,
			&exchange->request);
}

/* The key stays the same, so it is read once. NULL while the database cannot be read. */
static const struct digest_key *log_key(struct exchanges *exchanges)
{
	struct error err;

	if (exchanges->log.addresses != LOG_ADDRESSES_HASH)
		return NULL;
	if (!exchanges->has_log_key && exchanges->context.store)
		exchanges->has_log_key = store_secret(exchanges->context.store, &exchanges->log_key,
						      &err) == 0;
	return exchanges->has_log_key ? &exchanges->log_key : NULL;
}

static struct record_privacy log_privacy(struct exchanges *exchanges)
{
	return (struct record_privacy){ exchanges->log.addresses, log_key(exchanges) };
}

static struct record describe(const struct exchange *exchange)
{
	return (struct record){
		.request = &exchange->request,
		.response = &exchange->response,
		.network = exchange->network,
		.agent = exchange->agent,
		.tls_version = exchange->ours->tls_version,
		.is_resumed = exchange->ours->is_resumed,
		.was_held = exchange->was_held,
		.micros = exchange->micros,
	};
}

static void trace_begin(struct exchange *exchange)
{
	struct exchanges *exchanges = exchange->port->exchanges;
	struct connection *connection = exchange->ours;
	struct record_privacy privacy;
	struct record record;

	connection->trace = trace_number(&exchanges->log, connection->trace,
					 exchange->request.client);
	if (!connection->trace)
		return;
	privacy = log_privacy(exchanges);
	record = describe(exchange);
	trace_request(connection->trace, &record, &privacy,
		      exchange->admission == ADMITTED ? "passed" : "exceeded");
}

static void trace_result(struct exchange *exchange)
{
	struct record_privacy privacy;

	if (!exchange->ours->trace)
		return;
	privacy = log_privacy(exchange->port->exchanges);
	trace_answer(exchange->ours->trace, &exchange->request, &exchange->response, &privacy);
}

static void admit(struct exchange *exchange)
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
	if (exchange->port->kind == PORT_PROXY)
		believe_proxy(exchange);
	admit(exchange);
	trace_begin(exchange);
	if (exchange->admission == ADMITTED && exchange->port->kind == PORT_PLAIN &&
	    plain_refuses(&exchange->memory, &exchange->request, &exchange->response)) {
		exchange->must_close = true;
		return send_response(exchange);
	}
	if (!announces_too_much(exchange))
		return MHD_YES;
	if (exchange->admission == ADMITTED)
		return refuse_body(exchange);
	exchange->must_close = true;
	return send_refusal(exchange);
}

static enum MHD_Result gather_body(struct exchange *exchange, const char *data, size_t size)
{
	if (exchange->received + size > EXCHANGE_DROPPED_MAX)
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
			wait(exchange, &exchanges->for_database, clock_now() + EXCHANGE_RETRY_MS);
			return false;
		}
	}
	if (r != 0)
		log_error_counted("protocol=%s: %s",
				  exchange->response.protocol ? exchange->response.protocol : "-",
				  error_line(&exchange->scratch, &err));
	trace_result(exchange);
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
		return refuse_more(exchange);
	if (is_too_large(exchange, exchange->received))
		return refuse_body(exchange);
	if (exchange->received <= REQUEST_BODY_MAX) {
		exchange->request.body = exchange->body;
		exchange->request.body_size = exchange->received;
	}
	if (!make_answer(exchange))
		return MHD_YES;
	return send_response(exchange);
}

static void tell(struct exchange *exchange)
{
	struct exchanges *exchanges = exchange->port->exchanges;
	const struct record_privacy privacy = log_privacy(exchanges);
	const struct record record = describe(exchange);

	counters_add_request(exchanges->context.counters, &record);
	if (exchange->admission != REFUSED_AGAIN)
		record_log(&exchange->memory, &record, &privacy, exchanges->log.slow);
	trace_response(exchange->ours->trace, &record);
}

static void end(struct exchange *exchange)
{
	stop_waiting(exchange);
	connection_renew(exchange->ours);
	tell(exchange);
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
		end(*context);
	*context = NULL;
}

void exchange_abandon(struct connection *connection)
{
	if (connection->exchange)
		end(connection->exchange);
}
