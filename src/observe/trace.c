#include "observe/trace.h"

#include <stdatomic.h>

#include "mail/query.h"
#include "protocol/request.h"
#include "protocol/protocol.h"
#include "tls/certificate.h"

unsigned trace_number(const struct log_rules *rules, unsigned number, const struct sockaddr *client)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	static atomic_uint last;

	if (!log_is_on(LOG_LEVEL_DEBUG) &&
	    !(*rules->traced && client && networks_contain(&memory, rules->traced, client)))
		return 0;
	while (number == 0)
		number = atomic_fetch_add(&last, 1) + 1;
	return number;
}

static struct log_event begin_line(struct arena *memory, const char *name, unsigned number)
{
	struct log_event event = log_event_begin_trace(memory, name);

	log_event_number(&event, "connection", number);
	return event;
}

void trace_connection(unsigned number, const struct sockaddr *client, const char *listener)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct client_network network;
	struct log_event event;

	if (number == 0)
		return;
	network = network_of_client(client);
	event = begin_line(&memory, "connection accepted", number);
	log_event_text(&event, "client",
		       network.bits ? client_network_text(&memory, &network) : NULL);
	log_event_word(&event, "listener", listener);
	log_event_end(&event);
}

void trace_event(unsigned number, const char *name, const char *key, const char *word)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct log_event event;

	if (number == 0)
		return;
	event = begin_line(&memory, name, number);
	if (key)
		log_event_word(&event, key, word);
	log_event_end(&event);
}

void trace_hello(unsigned number, const struct log_rules *rules, const char *sni,
		 const struct certificate *certificate)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct log_event event;

	if (number == 0)
		return;
	event = begin_line(&memory, "TLS handshake", number);
	log_event_text(&event, "sni", access_log_host(&memory, sni, rules->addresses));
	log_event_text(&event, "certificate", certificate ? certificate->file : NULL);
	log_event_text(&event, "key",
		       certificate ? certificate_key_kind(&memory, certificate) : NULL);
	log_event_end(&event);
}

void trace_handshake(unsigned number, enum tls_version version, bool is_resumed)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct log_event event;

	if (number == 0)
		return;
	event = begin_line(&memory, "TLS handshake finished", number);
	log_event_word(&event, "tls", tls_version_names[version]);
	log_event_word(&event, "session", is_resumed ? "resumed" : "full");
	log_event_end(&event);
}

void trace_request(unsigned number, const struct record *record, const char *verdict)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct log_event event;

	if (number == 0)
		return;
	event = begin_line(&memory, "request received", number);
	access_log_add_request(&memory, &event, record);
	log_event_word(&event, "rate-limit", verdict);
	log_event_end(&event);
}

static void trace_domain(unsigned number, const struct record *record)
{
	const struct match *match = record->response->match;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct log_event event = begin_line(&memory, match ? "domain found" : "domain not found",
					    number);

	if (match && record->addresses != LOG_ADDRESSES_NONE) {
		log_event_text(&event, "domain", match->domain);
		log_event_text(&event, "row", match->row);
		log_event_text(&event, "alias-of", match->alias_of);
	}
	if (match) {
		log_event_word(&event, "named-by", match->is_host ? "host" : "query");
		log_event_text(&event, "provider", match->domain_provider.name);
	}
	log_event_end(&event);
}

static const char *kind_of_row(const struct query *query, const struct user *user)
{
	const char *at = user->address ? strchr(user->address, '@') : NULL;
	const char *local = query->address ? query->address->key : NULL;

	if (!at)
		return "none";
	if (at == user->address)
		return "catch-all";
	return !local || (strlen(local) == (size_t)(at - user->address) &&
			  strncmp(local, user->address, strlen(local)) == 0)
		       ? "exact"
		       : "without-subaddress";
}

static void trace_login(unsigned number, const struct query *query, const struct match *match)
{
	static const char *const reasons[] = {
		[WITHHELD_NOT] = "no",
		[WITHHELD_ADDRESS_LIMIT] = "address-limit",
		[WITHHELD_NETWORK] = "send-logins-to",
		[WITHHELD_REPLACED] = "client-replaces-it",
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct log_event event = begin_line(&memory, "login decided", number);

	log_event_word(&event, "user-row", kind_of_row(query, &match->user));
	log_event_word(&event, "withheld", reasons[match->withheld]);
	log_event_word(&event, "login", match->has_user ? "row" : "pattern");
	if (!match->has_user)
		log_event_text(&event, "pattern", match->provider.login);
	log_event_text(&event, "provider", match->provider.name);
	log_event_end(&event);
}

void trace_answer(unsigned number, const struct record *record)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct response *response = record->response;
	const struct query *query = response->query;
	const struct route *route;
	struct log_event event;

	if (number == 0)
		return;
	route = route_find(request_path(&memory, record->request));
	event = begin_line(&memory, "route found", number);
	log_event_text(&event, "route", route ? route->path : NULL);
	log_event_word(&event, "protocol", response->protocol ?: "none");
	log_event_end(&event);
	if (!response->protocol)
		return;
	if (!query) {
		trace_event(number, "query is invalid", NULL, NULL);
		return;
	}
	event = begin_line(&memory, "query parsed", number);
	log_event_word(&event, "asks-for",
		       query->address  ? "address"
		       : query->md5    ? "md5"
		       : query->domain ? "domain"
				       : "host");
	access_log_add_address(&memory, &event, record);
	log_event_end(&event);
	trace_domain(number, record);
	if (response->match)
		trace_login(number, query, response->match);
}

void trace_response(unsigned number, const struct record *record)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct log_event event;

	if (number == 0)
		return;
	event = begin_line(&memory, "response sent", number);
	access_log_add_outcome(&event, record);
	log_event_end(&event);
}
