/*
 * All questions of a domain go out at once: the records that it ought to have, what a wildcard
 * would give, its MX; then those that follow from the answers.
 */

#include <string.h>

#include "dns/resolver.h"
#include "doctor/check-dns.h"
#include "util/bytes.h"
#include "util/idna.h"

/* No client asks for it; so only a wildcard answers. */
#define NEVER "mailconf-no-such-name"

const char *record_line(struct check *check, const struct wanted_record *record)
{
	return say(check, "%s. IN %s %s", record->name, record_type_name(record->type),
		   record_value(&check->memory, record));
}

const char *record_addition(struct check *check, const struct wanted_record *record)
{
	return say(check, "add to DNS: %s", record_line(check, record));
}

void report_no_answer(struct check *check, const char *name, const char *type, const char *failure)
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

static const struct wanted_record *own_record(const struct check *check, const char *name)
{
	for (size_t i = 0; i < check->examined->wanted.count; i++)
		if (text_equals(check->examined->wanted.records[i].name, name))
			return &check->examined->wanted.records[i];
	return NULL;
}

static const char *add_name(struct check *check, const char *name)
{
	const struct wanted_record *record = own_record(check, name);

	return record && record->text
		       ? record_addition(check, record)
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
	if (host->failure) {
		report_no_answer(check, name, "the addresses", host->failure);
	} else if (host->outcome == DNS_NOTHING && is_replaced(check, name, autodiscover)) {
		report(check, FINDING_RECORD,
		       say(check, "%s has no address, and _autodiscover._tcp stands for it", name),
		       NULL, NULL);
	} else if (host->outcome == DNS_NOTHING) {
		report(check, FINDING_NAME_MISSING, say(check, "%s has no address", name),
		       say(check, "%s leads to this server", name), add_name(check, name));
	} else if (target->n_addresses && !target->failure && !share_address(host, target)) {
		report(check, FINDING_NAME_ELSEWHERE,
		       say(check, "%s has the address %s", name,
			   host_addresses(&check->memory, host)),
		       say(check, "an address of %s: %s", target->name,
			   host_addresses(&check->memory, target)),
		       say(check, "change in DNS: %s",
			   own_record(check, name) ? record_line(check, own_record(check, name))
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
	if (target->failure)
		report_no_answer(check, target->name, "the addresses", target->failure);
	else if (target->outcome == DNS_NOTHING)
		report(check, FINDING_NAME_MISSING,
		       say(check, "%s, the public name, has no address", target->name),
		       say(check, "%s leads to this server, for clients are sent there",
			   target->name),
		       say(check, "%s, or set a public-name that has them",
			   add_name(check, target->name)));
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

const struct dns_answer *answer_for(const struct dns_question *questions, size_t count,
				    const struct wanted_record *record)
{
	enum dns_type type = record->type == RECORD_SRV ? DNS_SRV : DNS_TXT;

	for (size_t i = 0; i < count; i++)
		if (questions[i].type == type && text_equals(questions[i].name, record->name))
			return &questions[i].answer;
	return NULL;
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

static void check_txt(struct check *check, const struct wanted_record *record,
		      const struct dns_answer *answer)
{
	bool is_digest = strncmp(record->text, "v=UAAC1", strlen("v=UAAC1")) == 0;

	if (answer->outcome == DNS_FAILED)
		report_no_answer(check, record->name, "TXT", answer->failure);
	else if (is_digest ? has_digest(check, answer) : has_text(answer, record->text))
		report(check, FINDING_RECORD, record_line(check, record), NULL, NULL);
	else if (is_digest)
		report(check, FINDING_DIGEST_MISSING,
		       say(check, "%s has TXT %s", record->name, txt_text(check, answer)),
		       record_line(check, record), record_addition(check, record));
	else if (answer->count == 0)
		report(check, FINDING_RECORD_MISSING,
		       say(check, "%s has no TXT record", record->name), record_line(check, record),
		       record_addition(check, record));
	else
		report(check, FINDING_RECORD_DIFFERS,
		       say(check, "%s has TXT %s", record->name, txt_text(check, answer)),
		       record_line(check, record),
		       say(check, "change in DNS: %s", record_line(check, record)));
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
	if (!mx || text_equals(mx, ".") || host_name_is_within(mx, domain))
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
		const struct wanted_record *record = &wanted->records[i];
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
		const struct wanted_record *record = &wanted->records[i];
		const struct dns_answer *answer = answer_for(questions, count, record);

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
