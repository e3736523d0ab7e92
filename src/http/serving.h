#pragma once

#include "config/settings.h"
#include "observe/access-log.h"
#include "util/base.h"
#include "util/idna.h"

struct certificates;
struct signer;
struct templates;

/* What connections and requests are served with, which a reload may change. The owner holds
 * references to the objects. */
struct serving {
	struct certificates *certificates; /* NULL until they are loaded */
	struct templates *templates;
	struct signer *signer; /* or NULL */
	enum unknown_name unknown_name;
	struct log_rules log;
	unsigned handshake_timeout;	  /* seconds */
	unsigned connections_per_network; /* percent of the worker's */
	bool http_autoconfig, redirect_to_same_host;
	/* Networks whose X-Forwarded-* fields are believed, and that have no share on the listener
	 * for proxies. */
	char trusted_proxies[SETTINGS_NETWORKS_MAX];
	char acme_directory[256];
	char public_name[HOST_NAME_MAX_LENGTH + sizeof(":65535")];
};
