#include "observe/access-log.h"

#include "mail/query.h"
#include "protocol/request.h"
#include "util/digest.h"

/* Of a digest's bytes; enough that two addresses of an installation do not meet. */
#define HASH_BYTES 8

const char *const tls_version_names[TLS_VERSIONS] = {
	[TLS_VERSION_NONE] = "none",
	[TLS_VERSION_1_2] = "1.2",
	[TLS_VERSION_1_3] = "1.3",
};

const char *access_log_hash(struct arena *memory, const struct digest_key *key, const char *address)
{
	const char *text = arena_printf(memory, "log %s", text_lower(memory, address));
	const struct digest digest = digest_with_key(key, text, strlen(text));
	char *hash = arena_alloc(memory, 2 * HASH_BYTES + 1);

	for (size_t i = 0; i < HASH_BYTES; i++)
		snprintf(hash + 2 * i, 3, "%02x", digest.bytes[i]);
	return hash;
}

/* The domain alone where the Host decided. */
void access_log_add_address(struct arena *memory, struct log_event *event,
			    const struct record *record)
{
	const struct query *query = record->response->query;
	bool has_address = query && query->address;

	if (record->addresses == LOG_ADDRESSES_NONE)
		return;
	if (has_address && record->addresses == LOG_ADDRESSES_FULL) {
		log_event_text(event, "address", query->address->typed);
		return;
	}
	log_event_text(event, "domain", query ? query->domain : NULL);
	if (has_address && record->addresses == LOG_ADDRESSES_HASH && record->key)
		log_event_word(event, "hash",
			       access_log_hash(memory, record->key, query->address->text));
}

/* @, or %40, %2540, %252540 ..., as it is once it was escaped, and that again. */
static bool is_at_sign(const char *text)
{
	if (*text != '%')
		return *text == '@';
	for (text++; strncmp(text, "25", 2) == 0; text += 2)
		;
	return strncmp(text, "40", 2) == 0;
}

/* Some clients put the address into the path or before the host, and so do those that escape the
 * '?': then only what stands before the part with the address is shown. */
const char *access_log_host(struct arena *memory, const char *host, enum log_addresses addresses)
{
	const char *at = host;

	while (at && *at && !is_at_sign(at))
		at++;
	if (!at || !*at || addresses == LOG_ADDRESSES_FULL)
		return host;
	while (at > host && at[-1] != '/')
		at--;
	return arena_printf(memory, "%.*s...", (int)(at - host), host);
}

/* The query string is never shown. */
void access_log_add_request(struct arena *memory, struct log_event *event,
			    const struct record *record)
{
	const struct request *request = record->request;
	const char *path = arena_strndup(memory, request->target, strcspn(request->target, "?"));

	log_event_text(event, "client",
		       record->network.bits ? client_network_text(memory, &record->network) : NULL);
	log_event_text(event, "method", request->method);
	log_event_text(event, "host", access_log_host(memory, request->host, record->addresses));
	log_event_text(event, "path", access_log_host(memory, path, record->addresses));
	log_event_word(event, "program", user_agent_name(record->agent));
}

void access_log_add_outcome(struct log_event *event, const struct record *record)
{
	const struct response *response = record->response;

	log_event_word(event, "outcome", response->outcome ? response->outcome : "aborted");
	log_event_number(event, "status", response->status);
	log_event_number(event, "bytes", (int64_t)response->size);
	log_event_number(event, "micros", record->micros);
}

void access_log_write(struct arena *memory, const struct record *record, int64_t slow)
{
	const struct response *response = record->response;
	bool is_slow = slow > 0 && record->micros >= slow && !record->was_held;
	struct log_event event;

	if (!log_is_on(is_slow ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO))
		return;
	event = log_event_begin(memory, is_slow ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO);
	access_log_add_request(memory, &event, record);
	log_event_word(&event, "protocol", response->protocol ? response->protocol : "none");
	access_log_add_address(memory, &event, record);
	access_log_add_outcome(&event, record);
	log_event_word(&event, "tls", tls_version_names[record->tls_version]);
	if (record->tls_version != TLS_VERSION_NONE)
		log_event_word(&event, "session", record->is_resumed ? "resumed" : "full");
	log_event_end(&event);
}
