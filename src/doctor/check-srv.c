/*
 * SRV records: those that the domain ought to have, in the order of its services, and where they
 * lead to.
 */

#include <string.h>

#include "dns/resolver.h"
#include "doctor/check-dns.h"
#include "util/bytes.h"
#include "util/idna.h"

static bool srv_equals(const struct dns_record *seen, const struct wanted_record *wanted)
{
	return text_equals(seen->text, wanted->text) &&
	       (text_equals(wanted->text, ".") || seen->port == wanted->port);
}

static const char *srv_text(struct check *check, const struct dns_answer *answer)
{
	struct bytes text = BYTES_IN(&check->memory);

	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		bytes_add_format(&text, "%s%u %u %u %s", i ? "; " : "", record->priority,
				 record->weight, record->port, record->text);
	}
	return bytes_text(&text);
}

/* The wanted records of the name, of which there may be several. */
static bool is_wanted(const struct wanted *wanted, const char *name, const struct dns_record *seen)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->records[i].type == RECORD_SRV &&
		    text_equals(wanted->records[i].name, name) &&
		    srv_equals(seen, &wanted->records[i]))
			return true;
	return false;
}

static const struct dns_record *find_unwanted(struct check *check, const char *name,
					      const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		if (!is_wanted(&check->examined->wanted, name, &answer->records[i]))
			return &answer->records[i];
	return NULL;
}

static bool find_srv(const struct dns_answer *answer, const struct wanted_record *wanted)
{
	for (size_t i = 0; i < answer->count; i++)
		if (srv_equals(&answer->records[i], wanted))
			return true;
	return false;
}

/* The lowest priority that DNS gives to what is wanted. */
static bool find_priority(const struct dns_question *questions, size_t count,
			  const struct wanted_record *wanted, unsigned *ret_priority)
{
	const struct dns_answer *answer = answer_for(questions, count, wanted);
	bool is_found = false;

	for (size_t i = 0; answer && i < answer->count; i++) {
		if (!srv_equals(&answer->records[i], wanted) ||
		    (is_found && answer->records[i].priority >= *ret_priority))
			continue;
		*ret_priority = answer->records[i].priority;
		is_found = true;
	}
	return is_found;
}

/*
 * Whether clients would try the second before the first, whatever the numbers are. Of one name they
 * take equal ones in turn (RFC 2782), which is another order too; between names equal ones prefer
 * nothing (RFC 6186 3.4).
 */
static bool is_reversed(const struct dns_question *questions, size_t count,
			const struct wanted_record *first, const struct wanted_record *second)
{
	unsigned one, other;

	if (!find_priority(questions, count, first, &one) ||
	    !find_priority(questions, count, second, &other))
		return false;
	return one > other || (one == other && text_equals(first->name, second->name));
}

/* Another record of the same purpose with which this one is in the wrong order; or NULL. */
static const struct wanted_record *find_reversed(const struct check *check,
						 const struct dns_question *questions, size_t count,
						 const struct wanted_record *record)
{
	const struct wanted *wanted = &check->examined->wanted;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct wanted_record *other = &wanted->records[i];

		if (other->type != RECORD_SRV || other->presence != RECORD_WANTED ||
		    !text_equals(other->purpose, record->purpose))
			continue;
		if (record->priority < other->priority
			    ? is_reversed(questions, count, record, other)
			    : other->priority < record->priority &&
				      is_reversed(questions, count, other, record))
			return other;
	}
	return NULL;
}

static void report_reversed(struct check *check, const struct wanted_record *record,
			    const struct dns_answer *answer, const struct wanted_record *other)
{
	const struct wanted_record *first = record->priority < other->priority ? record : other;
	const struct wanted_record *second = first == record ? other : record;

	report(check, FINDING_RECORD_DIFFERS,
	       say(check, "%s has SRV %s, in another order than its services", record->name,
		   srv_text(check, answer)),
	       say(check, "the priority of %s:%u of %s before that of %s:%u of %s", first->text,
		   first->port, first->name, second->text, second->port, second->name),
	       say(check, "change in DNS: %s", record_line(check, record)));
}

void check_srv(struct check *check, const struct dns_question *questions, size_t count,
	       const struct wanted_record *record, const struct dns_answer *answer)
{
	const struct wanted_record *other = find_reversed(check, questions, count, record);
	bool is_denial = text_equals(record->text, ".");

	if (answer->outcome == DNS_FAILED)
		report_no_answer(check, record->name, "SRV", answer->failure);
	else if (answer->count == 0 && is_denial)
		report(check, FINDING_DENIAL_MISSING,
		       say(check, "%s has no SRV record", record->name),
		       "one that says that the service is not offered",
		       record_addition(check, record));
	else if (answer->count == 0)
		report(check, FINDING_RECORD_MISSING,
		       say(check, "%s has no SRV record", record->name), record_line(check, record),
		       record_addition(check, record));
	else if (!find_srv(answer, record) || find_unwanted(check, record->name, answer))
		report(check, FINDING_RECORD_DIFFERS,
		       say(check, "%s has SRV %s", record->name, srv_text(check, answer)),
		       record_line(check, record),
		       say(check, "change in DNS: %s", record_line(check, record)));
	else if (other)
		report_reversed(check, record, answer, other);
	else
		report(check, FINDING_RECORD, record_line(check, record), NULL, NULL);
}

/* SRV targets must have addresses of their own (RFC 2782). */
static void check_target(struct check *check, struct resolver *resolver, const char *owner,
			 const char *target)
{
	struct host host;

	if (text_equals(target, "."))
		return;
	host_find(resolver, &check->memory, target, &host);
	if (host.failure)
		report_no_answer(check, target, "the addresses", host.failure);
	else if (host.alias)
		report(check, FINDING_TARGET_ALIAS,
		       say(check, "%s leads to %s, which is a CNAME for %s", owner, target,
			   host.alias),
		       "a target with A or AAAA records",
		       say(check, "let %s lead to %s, or give %s addresses of its own", owner,
			   host.alias, target));
	else if (host.outcome == DNS_NOTHING)
		report(check, FINDING_TARGET_MISSING,
		       say(check, "%s leads to %s, which has no address", owner, target),
		       "a target with A or AAAA records",
		       say(check, "give %s an A or AAAA record", target));
}

void check_targets(struct check *check, struct resolver *resolver,
		   const struct dns_question *questions, size_t count)
{
	struct bytes seen = BYTES_IN(&check->memory);

	for (size_t i = 0; i < count; i++) {
		const struct dns_question *question = &questions[i];

		for (size_t j = 0; question->type == DNS_SRV && j < question->answer.count; j++) {
			const char *target = question->answer.records[j].text;
			const char *mark = say(check, " %s ", target);

			if (strstr(bytes_text(&seen), mark))
				continue;
			bytes_add_text(&seen, mark);
			check_target(check, resolver, question->name, target);
		}
	}
}

/* Outlook warns of a target that is not of the mail domain, Thunderbird asks as well. */
void check_autodiscover(struct check *check, const struct dns_answer *answer)
{
	const char *domain = check->examined->subject.domain;

	if (answer->outcome == DNS_FAILED)
		report_no_answer(check, say(check, "_autodiscover._tcp.%s", domain), "SRV",
				 answer->failure);
	if (answer->count > 1)
		report(check, FINDING_AUTODISCOVER_SEVERAL,
		       say(check, "_autodiscover._tcp.%s has %zu records: %s", domain,
			   answer->count, srv_text(check, answer)),
		       "one at most, for clients differ in which they take",
		       "remove all but one from DNS");
	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		if (record->port != 443 && !text_equals(record->text, "."))
			report(check, FINDING_AUTODISCOVER_PORT,
			       say(check, "_autodiscover._tcp.%s has the port %u", domain,
				   record->port),
			       "443, for Outlook and Thunderbird ignore the port",
			       say(check,
				   "change in DNS: _autodiscover._tcp.%s. IN SRV 0 0 443 %s.",
				   domain, record->text));
		if (!text_equals(record->text, ".") && !host_name_is_within(record->text, domain))
			report(check, FINDING_AUTODISCOVER_CONSENT,
			       say(check, "_autodiscover._tcp.%s leads to %s", domain,
				   record->text),
			       "a name of the domain itself: for others clients ask the person",
			       say(check,
				   "let autodiscover.%s lead to this server, get it a certificate, "
				   "and remove the SRV record from DNS",
				   domain));
	}
}
