#pragma once

/* Records of a domain that DNS should have. */

#include "doctor/check.h"

struct dns_answer;
struct dns_question;
struct wanted_record;
struct resolver;

/* The record as a line of a zone file. In the check's memory. */
const char *record_line(struct check *check, const struct wanted_record *record);

/* "add to DNS: " or "change in DNS: ", and the line. In the check's memory. */
const char *record_addition(struct check *check, const struct wanted_record *record);
const char *record_change(struct check *check, const struct wanted_record *record);

/* Compares the SRV and TXT records with the answers to the questions. */
void check_records(struct check *check, const struct dns_question *questions, size_t count);

/* The answer for _autodiscover._tcp: one record at most, for port 443, within the domain. */
void check_autodiscover(struct check *check, const struct dns_answer *answer);

/* The targets of all SRV records. */
void check_targets(struct check *check, struct resolver *resolver,
		   const struct dns_question *questions, size_t count);
