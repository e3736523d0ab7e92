#pragma once

/* Runs other programs, and keeps this one's memory to itself. No shell is in between: words go to
 * the program as they are. */

#include <sys/types.h>

#include "util/base.h"

/* What a program says is kept up to here, the beginning of it; the rest is read and dropped. */
#define PROCESS_OUTPUT_MAX ((size_t)16 * 1024)

struct process_end {
	int status;	    /* its exit status; -1 where a signal ended it, or we did */
	bool was_too_slow;  /* it took longer than it might, and was ended */
	const char *output; /* what it wrote to standard output and standard error; in memory */
};

/*
 * Runs the program, found in PATH, with nothing to read, and with these NAME=VALUE added to the
 * environment (NULL for none). It ends when we do, and after so many seconds.
 * Returns 0, or -1 with err set where it could not be run.
 */
int process_run(struct arena *memory, const char *const *words, const char *addition,
		unsigned seconds, struct process_end *ret_end, struct error *err);

/* Waits until the child has ended. Returns its exit status, -1 where a signal ended it. */
int process_wait(pid_t pid);

/* Whether the path is that of a program: a file that somebody may execute. Returns 0, or -1 with
 * err set to a sentence that names it. */
int process_check_program(const char *path, struct error *err);

/* No core dump of this process is written from now on, and others of the same user cannot read its
 * memory: there are keys in it. A change of the user undoes it. */
void process_hide_memory(void);
