/*
 * All questions of a domain go out at once: the records that it ought to have, what a wildcard
 * would give, its MX; then those that follow from the answers.
 */

#include <stdio.h>
#include <string.h>

#include "doctor/check.h"
#include "dns/resolver.h"
#include "util/bytes.h"

/* No client asks for it; so only a wildcard answers. */
#define NEVER "mailconf-no-such-name"

/* The record as a line of the zone. */
static const char *line_of(struct check *check, const struct record *record)
{
	return say(check, "%s. IN %s %s", record->name, record_type_name(record->type),
		   record_value(&check->memory, record));
}

static const char *add_line(struct check *check, const struct record *record)
{
	return say(check, "add to DNS: %s", line_of(check, record));
}

static void report_failure(struct check *check, const char *name, const char *type,
			   const char *failure)
{
	report(check, FINDING_RESOLVER_FAILED,
	       say(check, "asking for %s of %s: %s", type, name, failure ? failure : "no answer"),
	       "an answer",
	       say(check, "see whether the name servers of %s answer; --resolver asks another one",
		   check->examined->subject.domain));
}

/* Where clients should end up: the addresses that are wanted, or those of the target. */
static bool has_address(const struct host *host, const char *address)
{
	for (size_t i = 0; i < host->n_addresses; i++)
		if (text_equals(host->addresses[i].text, address))
			return true;
	return false;
}

static bool share_address(const struct host *a, const struct host *b)
{
	for (size_t i = 0; i < a->n_addresses; i++)
		if (has_address(b, a->addresses[i].text))
			return true;
	return false;
}

static const struct record *own_record(const struct check *check, const char *name)
{
	for (size_t i = 0; i < check->examined->wanted.count; i++)
		if (text_equals(check->examined->wanted.records[i].name, name))
			return &check->examined->wanted.records[i];
	return NULL;
}

static const char *add_name(struct check *check, const char *name)
{
	const struct record *record = own_record(check, name);

	return record && record->text
		       ? add_line(check, record)
		       : say(check, "add A and AAAA records of this server to DNS for %s", name);
}

/* An autodiscover name may be missing where the SRV record stands for it. */
static bool is_replaced(const struct check *check, const char *name,
			const struct dns_answer *autodiscover)
{
	return autodiscover->count > 0 && strncmp(name, "autodiscover.", 13) == 0;
}

static void check_own_name(struct check *check, const char *name, const struct host *host,
			   const struct host *target, const struct dns_answer *autodiscover)
{
	if (host->outcome == DNS_FAILED) {
		report_failure(check, name, "the addresses", host->failure);
	} else if (host->outcome == DNS_NOTHING && is_replaced(check, name, autodiscover)) {
		report(check, FINDING_RECORD,
		       say(check, "%s has no address, and _autodiscover._tcp stands for it", name),
		       NULL, NULL);
	} else if (host->outcome == DNS_NOTHING) {
		report(check, FINDING_NAME_MISSING, say(check, "%s has no address", name),
		       say(check, "%s leads to this server", name), add_name(check, name));
	} else if (target->n_addresses && !share_address(host, target)) {
		report(check, FINDING_NAME_ELSEWHERE,
		       say(check, "%s has the address %s", name,
			   host_addresses(&check->memory, host)),
		       say(check, "an address of %s: %s", target->name,
			   host_addresses(&check->memory, target)),
		       say(check, "change in DNS: %s",
			   own_record(check, name) ? line_of(check, own_record(check, name))
						   : name));
	} else {
		report(check, FINDING_RECORD,
		       say(check, "%s has the address %s", name,
			   host_addresses(&check->memory, host)),
		       NULL, NULL);
	}
}

/* Where it is a name under which clients look, the loop over those says it. */
static void check_public_name(struct check *check, const struct host *target)
{
	if (!target->name || is_wanted_name(check->examined, target->name))
		return;
	if (target->outcome == DNS_FAILED)
		report_failure(check, target->name, "the addresses", target->failure);
	else if (target->outcome == DNS_NOTHING)
		report(check, FINDING_NAME_MISSING,
		       say(check, "%s, the public name, has no address", target->name),
		       say(check, "%s leads to this server, for clients are sent there",
			   target->name),
		       add_name(check, target->name));
}

static void check_own_names(struct check *check, struct resolver *resolver,
			    const struct dns_answer *autodiscover)
{
	const struct examined *examined = check->examined;
	struct host target = { 0 };

	if (examined->subject.target)
		host_find(resolver, &check->memory, examined->subject.target, &target);
	check_public_name(check, &target);
	for (size_t i = 0; i < examined->n_names; i++) {
		struct host host;

		host_find(resolver, &check->memory, examined->names[i], &host);
		check_own_name(check, examined->names[i], &host, &target, autodiscover);
	}
}

static bool srv_equals(const struct dns_record *seen, const struct record *wanted)
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

static bool find_srv(const struct dns_answer *answer, const struct record *wanted)
{
	for (size_t i = 0; i < answer->count; i++)
		if (srv_equals(&answer->records[i], wanted))
			return true;
	return false;
}

static const struct dns_answer *answer_to(const struct dns_question *questions, size_t count,
					  const struct record *record)
{
	enum dns_type type = record->type == RECORD_SRV ? DNS_SRV : DNS_TXT;

	for (size_t i = 0; i < count; i++)
		if (questions[i].type == type && text_equals(questions[i].name, record->name))
			return &questions[i].answer;
	return NULL;
}

/* The lowest priority that DNS gives to what is wanted. */
static bool find_priority(const struct dns_question *questions, size_t count,
			  const struct record *wanted, unsigned *ret_priority)
{
	const struct dns_answer *answer = answer_to(questions, count, wanted);
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
			const struct record *first, const struct record *second)
{
	unsigned one, other;

	if (!find_priority(questions, count, first, &one) ||
	    !find_priority(questions, count, second, &other))
		return false;
	return one > other || (one == other && text_equals(first->name, second->name));
}

/* Another record of the same purpose with which this one is in the wrong order; or NULL. */
static const struct record *find_reversed(const struct check *check,
					  const struct dns_question *questions, size_t count,
					  const struct record *record)
{
	const struct wanted *wanted = &check->examined->wanted;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct record *other = &wanted->records[i];

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

static void report_reversed(struct check *check, const struct record *record,
			    const struct dns_answer *answer, const struct record *other)
{
	const struct record *first = record->priority < other->priority ? record : other;
	const struct record *second = first == record ? other : record;

	report(check, FINDING_RECORD_DIFFERS,
	       say(check, "%s has SRV %s, in another order than its services", record->name,
		   srv_text(check, answer)),
	       say(check, "the priority of %s:%u of %s before that of %s:%u of %s", first->text,
		   first->port, first->name, second->text, second->port, second->name),
	       say(check, "change in DNS: %s", line_of(check, record)));
}

static void check_srv(struct check *check, const struct dns_question *questions, size_t count,
		      const struct record *record, const struct dns_answer *answer)
{
	const struct record *other = find_reversed(check, questions, count, record);
	bool is_denial = text_equals(record->text, ".");

	if (answer->outcome == DNS_FAILED)
		report_failure(check, record->name, "SRV", answer->failure);
	else if (answer->count == 0 && is_denial)
		report(check, FINDING_DENIAL_MISSING,
		       say(check, "%s has no SRV record", record->name),
		       "one that says that the service is not offered", add_line(check, record));
	else if (answer->count == 0)
		report(check, FINDING_RECORD_MISSING,
		       say(check, "%s has no SRV record", record->name), line_of(check, record),
		       add_line(check, record));
	else if (!find_srv(answer, record) || find_unwanted(check, record->name, answer))
		report(check, FINDING_RECORD_DIFFERS,
		       say(check, "%s has SRV %s", record->name, srv_text(check, answer)),
		       line_of(check, record),
		       say(check, "change in DNS: %s", line_of(check, record)));
	else if (other)
		report_reversed(check, record, answer, other);
	else
		report(check, FINDING_RECORD, line_of(check, record), NULL, NULL);
}

static bool has_text(const struct dns_answer *answer, const char *text)
{
	for (size_t i = 0; i < answer->count; i++)
		if (text_equals(answer->records[i].text, text))
			return true;
	return false;
}

static const char *txt_text(struct check *check, const struct dns_answer *answer)
{
	struct bytes text = BYTES_IN(&check->memory);

	for (size_t i = 0; i < answer->count; i++)
		bytes_add_format(&text, "%s\"%s\"", i ? "; " : "", answer->records[i].text);
	return answer->count ? bytes_text(&text) : "nothing";
}

/* "v=UAAC1; a=sha256; d=..." with the tags in any order, of which d is what must be right. */
static bool has_digest(struct check *check, const struct dns_answer *answer)
{
	const char *tag = say(check, "d=%s", check->examined->subject.pacc_digest);

	for (size_t i = 0; i < answer->count; i++)
		if (strstr(answer->records[i].text, tag))
			return true;
	return false;
}

static void check_txt(struct check *check, const struct record *record,
		      const struct dns_answer *answer)
{
	bool is_digest = strncmp(record->text, "v=UAAC1", strlen("v=UAAC1")) == 0;

	if (answer->outcome == DNS_FAILED)
		report_failure(check, record->name, "TXT", answer->failure);
	else if (is_digest ? has_digest(check, answer) : has_text(answer, record->text))
		report(check, FINDING_RECORD, line_of(check, record), NULL, NULL);
	else if (is_digest)
		report(check, FINDING_DIGEST_MISSING,
		       say(check, "%s has TXT %s", record->name, txt_text(check, answer)),
		       line_of(check, record), add_line(check, record));
	else if (answer->count == 0)
		report(check, FINDING_RECORD_MISSING,
		       say(check, "%s has no TXT record", record->name), line_of(check, record),
		       add_line(check, record));
	else
		report(check, FINDING_RECORD_DIFFERS,
		       say(check, "%s has TXT %s", record->name, txt_text(check, answer)),
		       line_of(check, record),
		       say(check, "change in DNS: %s", line_of(check, record)));
}

/* SRV targets must have addresses of their own (RFC 2782). */
static void check_target(struct check *check, struct resolver *resolver, const char *owner,
			 const char *target)
{
	struct host host;

	if (text_equals(target, "."))
		return;
	host_find(resolver, &check->memory, target, &host);
	if (host.outcome == DNS_FAILED)
		report_failure(check, target, "the addresses", host.failure);
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

static void check_targets(struct check *check, struct resolver *resolver,
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
static bool is_within(const char *name, const char *domain)
{
	size_t length = strlen(name), domain_length = strlen(domain);

	return length >= domain_length && text_equals(name + length - domain_length, domain) &&
	       (length == domain_length || name[length - domain_length - 1] == '.');
}

static void check_autodiscover(struct check *check, const struct dns_answer *answer)
{
	const char *domain = check->examined->subject.domain;

	if (answer->outcome == DNS_FAILED)
		report_failure(check, say(check, "_autodiscover._tcp.%s", domain), "SRV",
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
		if (!text_equals(record->text, ".") && !is_within(record->text, domain))
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

static bool is_there(const struct dns_answer *answer)
{
	return answer->count > 0 || answer->alias;
}

static void check_wildcard(struct check *check, const struct dns_answer *ipv4,
			   const struct dns_answer *ipv6)
{
	const char *domain = check->examined->subject.domain;

	if (!is_there(ipv4) && !is_there(ipv6))
		return;
	report(check, FINDING_WILDCARD,
	       say(check, "any name below %s exists, such as %s.%s", domain, NEVER, domain),
	       "no wildcard: each name that a client tries leads to its server",
	       say(check, "remove *.%s from DNS, or see that what it leads to answers 404",
		   domain));
}

/* Clients that look for services are led wherever it says, also to what is not offered. */
static void check_service_wildcard(struct check *check, const struct dns_answer *answer)
{
	const char *domain = check->examined->subject.domain;

	if (answer->count == 0)
		return;
	report(check, FINDING_WILDCARD,
	       say(check, "any service of %s has an SRV record, such as _" NEVER "._tcp.%s", domain,
		   domain),
	       "no wildcard: each service has a record of its own",
	       say(check, "remove the SRV records of *._tcp.%s and *.%s from DNS", domain, domain));
}

static void check_mx_parent(struct check *check, struct resolver *resolver, const char *mx,
			    const char *parent)
{
	const char *domain = check->examined->subject.domain;
	const char *base = say(check, "autoconfig.%s", parent);
	struct host host;

	if (is_own_name(check->examined, base))
		return;
	host_find(resolver, &check->memory, base, &host);
	if (host.outcome == DNS_FOUND)
		report(check, FINDING_MX_ELSEWHERE,
		       say(check, "the MX of %s is %s, and %s exists", domain, mx, base),
		       say(check, "nobody but autoconfig.%s tells Thunderbird the settings",
			   domain),
		       say(check, "see that autoconfig.%s answers in time, or %s is asked instead",
			   domain, base));
}

/* Thunderbird asks at the MX host without its first label, and at its base domain: the parent that
 * somebody registered, which only a list of suffixes could tell. */
static void check_mx(struct check *check, struct resolver *resolver,
		     const struct dns_answer *answer)
{
	const char *domain = check->examined->subject.domain, *mx = NULL, *dot;
	unsigned lowest = UINT16_MAX + 1;

	for (size_t i = 0; i < answer->count; i++)
		if (answer->records[i].priority < lowest) {
			lowest = answer->records[i].priority;
			mx = answer->records[i].text;
		}
	if (!mx || text_equals(mx, ".") || is_within(mx, domain))
		return;
	for (dot = strchr(mx, '.'); dot && strchr(dot + 1, '.'); dot = strchr(dot + 1, '.'))
		check_mx_parent(check, resolver, mx, dot + 1);
}

static size_t count_questions(const struct wanted *wanted)
{
	return wanted->count + 5;
}

/* Of each name and type one question. */
static size_t gather(struct check *check, struct dns_question *questions)
{
	const struct wanted *wanted = &check->examined->wanted;
	const char *domain = check->examined->subject.domain;
	size_t count = 0;

	questions[count++] = (struct dns_question){ say(check, "_autodiscover._tcp.%s", domain),
						    DNS_SRV };
	questions[count++] = (struct dns_question){ say(check, NEVER ".%s", domain), DNS_A };
	questions[count++] = (struct dns_question){ say(check, NEVER ".%s", domain), DNS_AAAA };
	questions[count++] = (struct dns_question){ say(check, "_" NEVER "._tcp.%s", domain),
						    DNS_SRV };
	questions[count++] = (struct dns_question){ domain, DNS_MX };
	for (size_t i = 0; i < wanted->count; i++) {
		const struct record *record = &wanted->records[i];
		enum dns_type type = record->type == RECORD_SRV ? DNS_SRV : DNS_TXT;

		if (record->presence != RECORD_WANTED ||
		    (record->type != RECORD_SRV && record->type != RECORD_TXT))
			continue;
		questions[count++] = (struct dns_question){ record->name, type };
	}
	return count;
}

void check_dns(struct check *check, struct resolver *resolver)
{
	const struct wanted *wanted = &check->examined->wanted;
	struct dns_question *questions = arena_array(&check->memory, struct dns_question,
						     count_questions(wanted));
	size_t count = gather(check, questions);

	resolver_ask(resolver, &check->memory, questions, count);
	check_own_names(check, resolver, &questions[0].answer);
	for (size_t i = 0; i < wanted->count; i++) {
		const struct record *record = &wanted->records[i];
		const struct dns_answer *answer = answer_to(questions, count, record);

		if (record->presence != RECORD_WANTED || !answer)
			continue;
		if (record->type == RECORD_SRV)
			check_srv(check, questions, count, record, answer);
		else if (record->type == RECORD_TXT)
			check_txt(check, record, answer);
	}
	check_autodiscover(check, &questions[0].answer);
	check_wildcard(check, &questions[1].answer, &questions[2].answer);
	check_service_wildcard(check, &questions[3].answer);
	check_mx(check, resolver, &questions[4].answer);
	check_targets(check, resolver, questions, count);
}
