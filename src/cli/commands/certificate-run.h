#pragma once

/* What the commands share that request or delete certificates: their options, and how they print
 * outcomes: at once, because a run may take minutes, or as a JSON array. */

#include "acme/missing.h"
#include "acme/run.h"
#include "cli/command.h"

struct arguments;
struct admin;
struct list;

struct certificate_run {
	struct acme_run acme;
	struct list *list; /* for --json */
};

/* Of the commands that request certificates. */
extern const struct option certificate_run_options[];

/* Fills in what acme_run_open() wants. */
void certificate_run_init(struct certificate_run *run, struct admin *admin,
			  const struct arguments *arguments);

/* Opens a run that requests certificates. Returns 0, or -1 with err set; in both cases
 * certificate_run_close() follows. */
int certificate_run_open(struct certificate_run *run, struct admin *admin,
			 const struct arguments *arguments, struct error *err);
void certificate_run_close(struct certificate_run *run);

/* Prints how many domains were skipped: on a large server most are elsewhere. */
void certificate_run_print_skipped(const struct certificate_run *run,
				   const struct missing_counts *counts);
