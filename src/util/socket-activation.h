#pragma once

/* Descriptors that were handed over by who started us: systemd's socket activation, or whatever
 * else speaks the protocol of sd_listen_fds(3). */

#include "util/base.h"

struct handed {
	int fd;
	const char *name; /* of FileDescriptorName=; "" where nothing was said */
};

/* Takes them, in memory; they are closed on exec from now on, and the variables of the environment
 * that announced them are gone. Returns how many there are; 0 where LISTEN_PID means another
 * process. */
size_t handed_take(struct arena *memory, struct handed **ret_handed);
