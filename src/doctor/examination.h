#pragma once

/* A domain under examination: what the database says of it, and the checks of it. */

#include "doctor/check.h"
#include "doctor/doctor.h"

struct patient {
	const char *domain;
	struct arena memory;
	struct examined examined;
	struct findings findings; /* from the database */
	struct check **checks;	  /* its own, and those that it shares */
	bool *is_own;
	size_t n_checks;
};

/* Reads all that the database says, and notes what is to be noted about that; expects of each
 * client what it would come to. Returns 0, or -1 with err set where nothing is answered for the
 * domain. */
int patient_examine(struct patient *patient, const struct context *context,
		    const struct doctor_options *options, struct error *err);

/* Why nothing is answered for the domain. The text is copied. */
void patient_note_broken(struct patient *patient, const char *why);

/* Of a pattern there is nothing more to say. */
void patient_note_pattern(struct patient *patient);

/* Texts are not copied. */
void patient_note(struct patient *patient, enum finding_kind kind, const char *seen,
		  const char *expected, const char *fix);
