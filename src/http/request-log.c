#include "http/request-log.h"

#include "http/connection.h"
#include "http/exchange.h"
#include "observe/access-log.h"
#include "observe/counters.h"
#include "observe/trace.h"
#include "store/store.h"
#include "util/base.h"
#include "util/digest.h"

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

void request_log_begin(struct exchange *exchange)
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

void request_log_answer(struct exchange *exchange)
{
	struct record_privacy privacy;

	if (!exchange->ours->trace)
		return;
	privacy = log_privacy(exchange->port->exchanges);
	trace_answer(exchange->ours->trace, &exchange->request, &exchange->response, &privacy);
}

void request_log_end(struct exchange *exchange)
{
	struct exchanges *exchanges = exchange->port->exchanges;
	const struct record_privacy privacy = log_privacy(exchanges);
	const struct record record = describe(exchange);

	counters_add_request(exchanges->context.counters, &record);
	if (exchange->admission != REFUSED_AGAIN)
		record_log(&exchange->memory, &record, &privacy, exchanges->log.slow);
	trace_response(exchange->ours->trace, &record);
}
