#include "doctor/check-records.h"

#include "dns/resolver.h"
#include "util/base.h"
#include "util/idna.h"
#include "util/string-list.h"

const char *record_line(struct check *check, const struct wanted_record *record)
{
	return check_format(check, "%s. IN %s %s", record->name, record_type_name(record->type),
			    record_value(&check->memory, record));
}

const char *record_addition(struct check *check, const struct wanted_record *record)
{
	return check_format(check, "add to DNS: %s", record_line(check, record));
}

const char *record_change(struct check *check, const struct wanted_record *record)
{
	return check_format(check, "change in DNS: %s", record_line(check, record));
}

/* NULL where it was not asked. */
static const struct dns_answer *answer_for(const struct dns_question *questions, size_t count,
					   const struct wanted_record *record)
{
	enum dns_type type = record->type == RECORD_SRV ? DNS_SRV : DNS_TXT;

	for (size_t i = 0; i < count; i++)
		if (questions[i].type == type && text_equals(questions[i].name, record->name))
			return &questions[i].answer;
	return NULL;
}

/* "0 1 993 mail.example.org; ..." or "\"v=UAAC1; ...\"; ..." */
static const char *answer_text(struct check *check, const struct dns_answer *answer,
			       enum record_type type)
{
	struct bytes text = BYTES_IN(&check->memory);

	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		bytes_add_text(&text, i ? "; " : "");
		if (type == RECORD_SRV)
			bytes_add_format(&text, "%u %u %u %s", record->priority, record->weight,
					 record->port, record->text);
		else
			bytes_add_format(&text, "\"%s\"", record->text);
	}
	return bytes_text(&text);
}

static bool srv_equals(const struct dns_record *seen, const struct wanted_record *wanted)
{
	return text_equals(seen->text, wanted->text) &&
	       (text_equals(wanted->text, ".") || seen->port == wanted->port);
}

/* The name may have several wanted records. */
static bool is_wanted(const struct wanted *wanted, const char *name, const struct dns_record *seen)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->records[i].type == RECORD_SRV &&
		    text_equals(wanted->records[i].name, name) &&
		    srv_equals(seen, &wanted->records[i]))
			return true;
	return false;
}

/* Whether the answer has the record, and nothing that is not wanted. */
static bool srv_matches(const struct check *check, const struct wanted_record *record,
			const struct dns_answer *answer)
{
	bool is_found = false;

	for (size_t i = 0; i < answer->count; i++) {
		if (!is_wanted(&check->examination->wanted, record->name, &answer->records[i]))
			return false;
		is_found |= srv_equals(&answer->records[i], record);
	}
	return is_found;
}

/* The lowest priority that the wanted record has in DNS. */
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
 * Whether clients would try the second before the first, whatever the numbers are. Records of one
 * name with the same priority are used in turn (RFC 2782), which is the wrong order too; between
 * names the same priority expresses no preference (RFC 6186 3.4).
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

/* Reports that the record and another one of its purpose are in the wrong order. Returns whether
 * there is such a record. */
static bool check_order(struct check *check, const struct dns_question *questions, size_t count,
			const struct wanted_record *record, const struct dns_answer *answer)
{
	const struct wanted *wanted = &check->examination->wanted;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct wanted_record *other = &wanted->records[i];
		const struct wanted_record *first = record->priority < other->priority ? record
										       : other;
		const struct wanted_record *second = first == record ? other : record;

		if (other->type != RECORD_SRV || other->presence != RECORD_WANTED ||
		    !text_equals(other->purpose, record->purpose) ||
		    record->priority == other->priority ||
		    !is_reversed(questions, count, first, second))
			continue;
		check_report(check, FINDING_RECORD_DIFFERS,
			     check_format(check, "%s:%u of %s is preferred over %s:%u of %s",
					  first->text, first->port, first->name, second->text,
					  second->port, second->name),
			     record_change(check, record),
			     "%s has SRV %s, not in the order of its services", record->name,
			     answer_text(check, answer, RECORD_SRV));
		return true;
	}
	return false;
}

/* "v=UAAC1; a=sha256; d=...": the tags may be in any order, and only d must match. */
static bool is_digest(const struct wanted_record *record)
{
	return record->type == RECORD_TXT && strncmp(record->text, "v=UAAC1", 7) == 0;
}

static bool txt_matches(struct check *check, const struct wanted_record *record,
			const struct dns_answer *answer)
{
	const char *tag = check_format(check, "d=%s", check->examination->expected.pacc_digest);

	for (size_t i = 0; i < answer->count; i++)
		if (is_digest(record) ? strstr(answer->records[i].text, tag) != NULL
				      : text_equals(answer->records[i].text, record->text))
			return true;
	return false;
}

static void check_record(struct check *check, const struct dns_question *questions, size_t count,
			 const struct wanted_record *record, const struct dns_answer *answer)
{
	const char *type = record_type_name(record->type);
	bool is_srv = record->type == RECORD_SRV;
	bool is_denial = is_srv && text_equals(record->text, ".");

	if (answer->outcome == DNS_FAILED)
		check_report_failed_lookup(check, record->name, type, answer->failure);
	else if (is_srv ? srv_matches(check, record, answer) : txt_matches(check, record, answer)) {
		if (!is_srv || !check_order(check, questions, count, record, answer))
			check_report(check, FINDING_RECORD, NULL, NULL, "%s",
				     record_line(check, record));
	} else if (answer->count == 0)
		check_report(check,
			     is_denial		 ? FINDING_DENIAL_MISSING
			     : is_digest(record) ? FINDING_DIGEST_MISSING
						 : FINDING_RECORD_MISSING,
			     is_denial ? "a record that says that the service is not offered"
				       : record_line(check, record),
			     record_addition(check, record), "%s has no %s record", record->name,
			     type);
	else
		check_report(check,
			     is_digest(record) ? FINDING_DIGEST_MISSING : FINDING_RECORD_DIFFERS,
			     record_line(check, record),
			     is_digest(record) ? record_addition(check, record)
					       : record_change(check, record),
			     "%s has %s %s", record->name, type,
			     answer_text(check, answer, record->type));
}

void check_records(struct check *check, const struct dns_question *questions, size_t count)
{
	const struct wanted *wanted = &check->examination->wanted;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct wanted_record *record = &wanted->records[i];
		const struct dns_answer *answer = answer_for(questions, count, record);

		if (answer && record->presence == RECORD_WANTED &&
		    (record->type == RECORD_SRV || record->type == RECORD_TXT))
			check_record(check, questions, count, record, answer);
	}
}

/* SRV targets must have addresses of their own (RFC 2782). */
static void check_target(struct check *check, struct resolver *resolver, const char *owner,
			 const char *target)
{
	struct host host;

	host_find(resolver, &check->memory, target, &host);
	if (host.failure)
		check_report_failed_lookup(check, target, ADDRESS_TYPES, host.failure);
	else if (host.alias)
		check_report(check, FINDING_TARGET_ALIAS, "a target with A or AAAA records",
			     check_format(check,
					  "point %s to %s, or give %s A and AAAA records of its "
					  "own",
					  owner, host.alias, target),
			     "%s points to %s, which is a CNAME for %s", owner, target, host.alias);
	else if (host.outcome == DNS_NOTHING)
		check_report(check, FINDING_TARGET_MISSING, "a target with A or AAAA records",
			     check_format(check, "add an A or AAAA record for %s", target),
			     "%s points to %s, which has no address", owner, target);
}

void check_targets(struct check *check, struct resolver *resolver,
		   const struct dns_question *questions, size_t count)
{
	struct texts seen = TEXTS_IN(&check->memory);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; questions[i].type == DNS_SRV && j < questions[i].answer.count;
		     j++) {
			const char *target = questions[i].answer.records[j].text;

			if (text_equals(target, ".") || texts_has(&seen, target))
				continue;
			texts_add(&seen, target);
			check_target(check, resolver, questions[i].name, target);
		}
}

/* Outlook warns of a target outside the mail domain, Thunderbird asks the user. */
void check_autodiscover(struct check *check, const struct dns_answer *answer)
{
	const char *domain = check->examination->domain;
	const char *name = check_format(check, "_autodiscover._tcp.%s", domain);

	if (answer->outcome == DNS_FAILED)
		check_report_failed_lookup(check, name, "SRV", answer->failure);
	if (answer->count > 1)
		check_report(check, FINDING_AUTODISCOVER_SEVERAL,
			     "at most one, because clients differ in which one they use",
			     "remove all but one from DNS", "%s has %zu records: %s", name,
			     answer->count, answer_text(check, answer, RECORD_SRV));
	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		if (text_equals(record->text, "."))
			continue;
		if (record->port != HTTPS_PORT)
			check_report(check, FINDING_AUTODISCOVER_PORT,
				     "443, because Outlook and Thunderbird ignore the port",
				     check_format(check, "change in DNS: %s. IN SRV 0 0 443 %s.",
						  name, record->text),
				     "%s has the port %u", name, record->port);
		if (!host_name_is_within(record->text, domain))
			check_report(check, FINDING_AUTODISCOVER_CONSENT,
				     "a name within the domain; for others clients ask the user",
				     check_format(check,
						  "point autodiscover.%s to this server, get a "
						  "certificate for it, and remove the SRV record "
						  "from DNS",
						  domain),
				     "%s points to %s", name, record->text);
	}
}
