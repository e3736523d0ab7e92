#pragma once

/* Tells the service manager how we are, in the protocol of sd_notify(3): lines in a datagram. */

#include "util/base.h"

struct notifier {
	int fd;		  /* -1 without a service manager */
	int64_t watchdog; /* microseconds within which it wants to hear WATCHDOG=1; 0 for never */
};

/* Reads NOTIFY_SOCKET and WATCHDOG_USEC from the environment. */
void notifier_open(struct notifier *ret_notifier);
void notifier_close(struct notifier *notifier);

/* Sends what is formatted, such as "READY=1\nSTATUS=..."; what does not arrive is lost. */
void notifier_send(const struct notifier *notifier, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
