#pragma once

/* What the checks of DNS share: a check's questions, all asked at once, and the sentences. */

#include "doctor/check.h"

struct dns_answer;
struct dns_question;
struct wanted_record;
struct resolver;

/* The record as a line of the zone. In the check's memory. */
const char *record_line(struct check *check, const struct wanted_record *record);

/* The fix for a missing record. In the check's memory. */
const char *record_addition(struct check *check, const struct wanted_record *record);

void report_no_answer(struct check *check, const char *name, const char *type, const char *failure);

/* The answer to the question for an SRV or TXT record; NULL where it was not asked. */
const struct dns_answer *answer_for(const struct dns_question *questions, size_t count,
				    const struct wanted_record *record);

/* One record that is wanted: that it is there, alone, and in its order among the others. */
void check_srv(struct check *check, const struct dns_question *questions, size_t count,
	       const struct wanted_record *record, const struct dns_answer *answer);

/* The answer for _autodiscover._tcp, of which clients take a single one, at their port. */
void check_autodiscover(struct check *check, const struct dns_answer *answer);

/* All that the SRV records lead to. */
void check_targets(struct check *check, struct resolver *resolver,
		   const struct dns_question *questions, size_t count);
