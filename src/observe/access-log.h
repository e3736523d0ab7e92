#pragma once

/* What is known of one request when it is over: a line of the log, and a few numbers of the
 * metrics. */

#include "config/settings.h"
#include "observe/user-agent.h"
#include "util/base.h"
#include "util/network.h"

struct digest_key;
struct request;
struct response;

enum tls_version { TLS_VERSION_NONE, TLS_VERSION_1_2, TLS_VERSION_1_3, TLS_VERSIONS };

struct record {
	const struct request *request;	 /* as far as it was gathered */
	const struct response *response; /* status 0 where none was sent */
	struct client_network network;
	user_agent_t agent;
	enum tls_version tls_version;
	bool is_resumed;
	bool was_held;	/* beyond the limit: the answer was late on purpose */
	int64_t micros; /* from the first line of the request until the answer was handed over */
	enum log_addresses addresses; /* how much of an address the log shows */
	const struct digest_key *key; /* of LOG_ADDRESSES_HASH */
};

/* How requests are logged. */
struct log_rules {
	enum log_addresses addresses;
	int64_t slow; /* microseconds from which on an answer is slow; 0: none is */
	char traced[SETTINGS_NETWORKS_MAX]; /* networks, "" for none */
};

/* Writes the line of the log, as a warning where the answer took longer than slow microseconds
 * (0: never that). */
void access_log_write(struct arena *memory, const struct record *record, int64_t slow);

/* Parts of a line, which the trace has too: the request, who it is about, and what became of it. */
void access_log_add_request(struct arena *memory, struct log_event *event,
			    const struct record *record);
void access_log_add_address(struct arena *memory, struct log_event *event,
			    const struct record *record);
void access_log_add_outcome(struct log_event *event, const struct record *record);

/* The host name as far as the setting lets it be seen. NULL for NULL. Lives in memory. */
const char *access_log_host(struct arena *memory, const char *host, enum log_addresses addresses);

/* What stands for an address in the log: the same for the same address in this installation,
 * however its letters are cased. */
const char *access_log_hash(struct arena *memory, const struct digest_key *key,
			    const char *address);

extern const char *const tls_version_names[TLS_VERSIONS]; /* "1.3"; "none" */
