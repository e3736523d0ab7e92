/* c-ares has a parser for each record type, but none for some that are needed here, so one loop
 * over the records of an answer reads all types. */

#include "dns/resolver.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <ares.h>

#include "util/network.h"
#include "util/socket-address.h"

/* c-ares doubles the time with each try: six seconds at most. */
#define TIMEOUT_MS 2000
#define TRIES 2

/* An answer over TCP has at most 64 KiB; more CNAMEs than this are a circle. */
#define ALIASES_MAX 16
#define HEADER_SIZE 12
#define RECORD_MIN_SIZE 11
#define MESSAGE_MAX 65535

struct resolver {
	ares_channel channel;
	struct arena *memory; /* of the answers that are waited for */
	size_t n_active;
};

struct pending {
	struct resolver *resolver;
	struct dns_question *question;
	const char *name; /* that is asked for now: the question's, or the target of its CNAMEs */
	unsigned n_targets;
};

static void init_ares(void)
{
	ares_library_init(ARES_LIB_INIT_ALL);
}

int resolver_new(const char *server, struct resolver **ret_resolver, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_(resolver_freep) struct resolver *resolver = xnew(struct resolver);
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct ares_options options = {
		.flags = ARES_FLAG_EDNS,
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
		.ednspsz = 1232,
		.lookups = (char *)"b",
	};
	struct sockaddr_storage address;

	pthread_once(&once, init_ares);
	if (ares_init_options(&resolver->channel, &options,
			      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
				      ARES_OPT_EDNSPSZ | ARES_OPT_LOOKUPS) != ARES_SUCCESS)
		return error_set(err, ERROR_SYSTEM, "cannot initialise the resolver");
	/* The library takes any number for a port. */
	if (server &&
	    ((socket_address_parse(server, &address, err) < 0 &&
	      socket_address_parse(arena_printf(&memory, "%s:53", server), &address, err) < 0 &&
	      !ip_address_parse(&memory, server)) ||
	     ares_set_servers_ports_csv(resolver->channel, server) != ARES_SUCCESS)) {
		error_set(err, ERROR_INPUT, "'%s' is not a resolver", server);
		return error_hint(err, "write an IP address, as in 192.0.2.53, 192.0.2.53:5353 or "
				       "[2001:db8::53]:53");
	}
	*ret_resolver = TAKE(resolver);
	return 0;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	if (resolver->channel)
		ares_destroy(resolver->channel);
	free(resolver);
}

/* A message and how far it is read. */
struct message_reader {
	struct arena *memory;
	const unsigned char *message;
	int size;
	const unsigned char *at;
};

static size_t bytes_left(const struct message_reader *reader)
{
	return (size_t)(reader->message + reader->size - reader->at);
}

static uint16_t read_uint16(const unsigned char *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* NULL if there is no name. Bytes that no name of ours has stay escaped as c-ares escapes them.
 */
static const char *read_dns_name(struct message_reader *reader)
{
	char *expanded = NULL;
	const char *name;
	long length = 0;

	if (bytes_left(reader) == 0 || ares_expand_name(reader->at, reader->message, reader->size,
							&expanded, &length) != ARES_SUCCESS)
		return NULL;
	name = *expanded ? text_lower(reader->memory, expanded) : ".";
	ares_free_string(expanded);
	reader->at += length;
	return name;
}

/* Reads the data of the record and leaves the reader anywhere within them. Returns whether they are
 * good. */
static bool read_data(struct message_reader *reader, struct dns_record *record)
{
	const unsigned char *data = reader->at, *end = data + record->size;
	size_t before_name = record->type == DNS_SRV ? 6 : record->type == DNS_MX ? 2 : 0;
	bool is_ipv4 = record->type == DNS_A;
	struct bytes strings = BYTES_IN(reader->memory);
	char text[INET6_ADDRSTRLEN];

	record->data = arena_copy(reader->memory, data, record->size, 1);
	switch (record->type) {
	case DNS_A:
	case DNS_AAAA:
		if (record->size == (is_ipv4 ? 4 : 16) &&
		    inet_ntop(is_ipv4 ? AF_INET : AF_INET6, data, text, sizeof(text)))
			record->text = arena_strdup(reader->memory, text);
		break;
	case DNS_CNAME:
	case DNS_PTR:
	case DNS_MX:
	case DNS_SRV:
		if (record->size < before_name)
			return false;
		reader->at += before_name;
		record->text = read_dns_name(reader);
		if (before_name)
			record->priority = read_uint16(data);
		if (record->type == DNS_SRV) {
			record->weight = read_uint16(data + 2);
			record->port = read_uint16(data + 4);
		}
		break;
	case DNS_TXT: /* a NUL byte ends it for us */
		for (; data < end && *data < end - data; data += *data + 1)
			bytes_add(&strings, (const char *)data + 1, *data);
		if (data == end)
			record->text = bytes_text(&strings);
		break;
	case DNS_TLSA:
	case DNS_CAA:
		record->text = "";
		break;
	}
	return record->text;
}

/* The name at the end of the CNAMEs that begin at name. */
static const char *follow_cnames(const struct dns_record *records, size_t count, const char *name)
{
	for (size_t step = 0; step < ALIASES_MAX; step++) {
		const char *next = NULL;

		for (size_t i = 0; i < count && !next; i++)
			if (records[i].type == DNS_CNAME && text_equals(records[i].name, name))
				next = records[i].text;
		if (!next)
			break;
		name = next;
	}
	return name;
}

/* Keeps the records of the wanted type that the question's name has, through its CNAMEs. */
static void keep_wanted(struct arena *memory, struct dns_question *question,
			const struct dns_record *found, size_t count)
{
	const char *asked = text_lower(memory, question->name);
	const char *name = question->type == DNS_CNAME ? asked : follow_cnames(found, count, asked);
	struct dns_record *kept = arena_array(memory, struct dns_record, count);
	struct dns_answer *answer = &question->answer;

	*answer = (struct dns_answer){ 0 };
	for (size_t i = 0; i < count; i++)
		if (found[i].type == question->type && text_equals(found[i].name, name))
			kept[answer->count++] = found[i];
	answer->records = kept;
	answer->alias = text_equals(name, asked) ? NULL : name;
	answer->outcome = answer->count ? DNS_FOUND : DNS_NOTHING;
}

int resolver_read(struct arena *memory, const unsigned char *message, size_t size,
		  struct dns_question *question)
{
	struct message_reader reader = { memory, message, (int)size, message };
	unsigned questions, answers;
	struct dns_record *found;
	size_t count = 0;

	if (size < HEADER_SIZE || size > MESSAGE_MAX)
		return -1;
	questions = read_uint16(message + 4);
	answers = read_uint16(message + 6);
	reader.at += HEADER_SIZE;
	while (questions-- > 0) {
		if (!read_dns_name(&reader) || bytes_left(&reader) < 4)
			return -1;
		reader.at += 4;
	}
	/* The least that a record takes bounds how many there can be. */
	if (answers > bytes_left(&reader) / RECORD_MIN_SIZE)
		return -1;
	found = arena_array(memory, struct dns_record, answers);
	/* NAME TYPE(2) CLASS(2) TTL(4) LENGTH(2) DATA, of which other types are passed over. */
	while (answers-- > 0) {
		struct dns_record record = { .name = read_dns_name(&reader) };
		const unsigned char *fields = reader.at;

		if (!record.name || bytes_left(&reader) < 10)
			return -1;
		record.type = (enum dns_type)read_uint16(fields);
		record.size = read_uint16(fields + 8);
		reader.at += 10;
		if (bytes_left(&reader) < record.size)
			return -1;
		if (record.type == question->type || record.type == DNS_CNAME) {
			if (!read_data(&reader, &record))
				return -1;
			found[count++] = record;
		}
		reader.at = fields + 10 + record.size;
	}
	keep_wanted(memory, question, found, count);
	return 0;
}

static void fail_question(struct pending *pending, const char *why)
{
	pending->question->answer = (struct dns_answer){
		.outcome = DNS_FAILED,
		.failure = arena_strdup(pending->resolver->memory, why),
	};
}

static void receive_answer(void *argument, int status, int timeouts, unsigned char *message,
			   int size);

static void send_question(struct pending *pending)
{
	pending->resolver->n_active++;
	ares_query(pending->resolver->channel, pending->name, 1, (int)pending->question->type,
		   receive_answer, pending);
}

static void receive_answer(void *argument, int status, int timeouts, unsigned char *message,
			   int size)
{
	struct pending *pending = argument;
	struct dns_question asked = { .name = pending->name, .type = pending->question->type };
	struct dns_answer *answer = &pending->question->answer;
	const char *alias = answer->alias;
	bool is_read = message &&
		       resolver_read(pending->resolver->memory, message, (size_t)size, &asked) == 0;

	answer->outcome = DNS_NOTHING;
	if (is_read)
		*answer = asked.answer;
	answer->alias = answer->alias ?: alias;
	answer->has_no_name = status == ARES_ENOTFOUND;
	pending->resolver->n_active--;
	if (status == ARES_SUCCESS && !is_read) {
		fail_question(pending, "the answer is malformed");
	} else if (status == ARES_SUCCESS || status == ARES_ENODATA) {
		/* If the answer ends in a CNAME, asks for its target. */
		if (answer->outcome != DNS_NOTHING || !answer->alias ||
		    text_equals(answer->alias, pending->name))
			return;
		if (pending->n_targets++ == ALIASES_MAX) {
			fail_question(pending, "too many CNAME records");
			return;
		}
		pending->name = answer->alias;
		send_question(pending);
	} else if (status != ARES_ENOTFOUND && status != ARES_EBADNAME) {
		fail_question(pending, ares_strerror(status));
	}
}

/* With poll(), because select() ends at descriptor 1023. Returns whether there was anything to wait
 * for. */
static bool wait_and_process(ares_channel channel)
{
	ares_socket_t list[ARES_GETSOCK_MAXNUM];
	struct pollfd sockets[ARES_GETSOCK_MAXNUM];
	/* Readable ones, and above those the writable; the macros for them shift into a sign. */
	unsigned bits = (unsigned)ares_getsock(channel, list, ARES_GETSOCK_MAXNUM);
	struct timeval time, *left_time = ares_timeout(channel, NULL, &time);
	size_t count = 0;
	int ready, timeout;

	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		short readable = bits >> i & 1 ? POLLIN : 0;
		short writable = bits >> (i + ARES_GETSOCK_MAXNUM) & 1 ? POLLOUT : 0;

		if (readable || writable)
			sockets[count++] = (struct pollfd){ .fd = list[i],
							    .events = readable | writable };
	}
	if (count == 0)
		return false;
	timeout = left_time ? (int)(left_time->tv_sec * 1000 + left_time->tv_usec / 1000 + 1) : -1;
	ready = poll(sockets, count, timeout);
	if (ready <= 0)
		ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	for (size_t i = 0; ready > 0 && i < count; i++)
		if (sockets[i].revents)
			ares_process_fd(
				channel,
				sockets[i].revents & ~POLLOUT ? sockets[i].fd : ARES_SOCKET_BAD,
				sockets[i].revents & POLLOUT ? sockets[i].fd : ARES_SOCKET_BAD);
	return true;
}

void resolver_ask(struct resolver *resolver, struct arena *memory, struct dns_question *questions,
		  size_t count)
{
	struct pending *pending = arena_array(memory, struct pending, count);
	size_t n_sent = 0;

	resolver->memory = memory;
	resolver->n_active = 0;
	for (size_t i = 0; i < count; i++) {
		pending[i] = (struct pending){
			.resolver = resolver,
			.question = &questions[i],
			.name = questions[i].name,
		};
		questions[i].answer = (struct dns_answer){ .outcome = DNS_FAILED,
							   .failure = "no answer" };
	}
	do {
		while (n_sent < count && resolver->n_active < RESOLVER_AT_ONCE)
			send_question(&pending[n_sent++]);
	} while (wait_and_process(resolver->channel) || (n_sent < count && !resolver->n_active));
	if (resolver->n_active)
		ares_cancel(resolver->channel);
}

const char *resolver_reverse_name(struct arena *memory, const char *address)
{
	struct bytes name = BYTES_IN(memory);
	unsigned char bytes[16];

	if (inet_pton(AF_INET, address, bytes) == 1)
		return arena_printf(memory, "%u.%u.%u.%u.in-addr.arpa", bytes[3], bytes[2],
				    bytes[1], bytes[0]);
	if (inet_pton(AF_INET6, address, bytes) != 1)
		return ".";
	for (int i = 15; i >= 0; i--)
		bytes_add_format(&name, "%x.%x.", bytes[i] & 15, bytes[i] >> 4);
	bytes_add_text(&name, "ip6.arpa");
	return bytes_text(&name);
}
