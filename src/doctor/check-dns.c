/*
 * All queries of a domain are sent at once: for the records that it should have, for what only a
 * wildcard would answer, for its MX. Those that follow from the answers come after.
 */

#include "dns/resolver.h"
#include "doctor/check.h"
#include "util/idna.h"
#include "util/string-list.h"

/* No client asks for this name, so only a wildcard answers. */
#define UNUSED_NAME "mailconf-no-such-name"

/* An SRV or TXT record that DNS should have, and what DNS has. */
struct asked_record {
	const struct wanted_record *wanted;
	const struct dns_answer *answer;
};

/* The record as a line of a zone file. */
static const char *record_line(struct check *check, const struct wanted_record *record)
{
	return check_format(check, "%s. IN %s %s", record->name, record_type_name(record->type),
			    record_value(&check->memory, record));
}

static bool share_address(const struct host *a, const struct host *b)
{
	for (size_t i = 0; i < a->n_addresses; i++)
		for (size_t j = 0; j < b->n_addresses; j++)
			if (text_equals(a->addresses[i].text, b->addresses[j].text))
				return true;
	return false;
}

/* The first record of the name, or NULL. */
static const struct wanted_record *find_record(const struct check *check, const char *name)
{
	const struct wanted *wanted = &check->examination->wanted;

	for (size_t i = 0; i < wanted->count; i++)
		if (text_equals(wanted->records[i].name, name))
			return &wanted->records[i];
	return NULL;
}

static const char *name_addition(struct check *check, const char *name)
{
	const struct wanted_record *record = find_record(check, name);

	return record && record->text
		       ? check_format(check, "add to DNS: %s", record_line(check, record))
		       : check_format(check,
				      "add A and AAAA records for %s that point to this server",
				      name);
}

/* autodiscover: the SRV record, which can replace the name. */
static void check_own_name(struct check *check, const char *name, const struct host *target,
			   const struct dns_answer *autodiscover)
{
	const struct wanted_record *record = find_record(check, name);
	const struct host host = host_find(check->resolver, &check->memory, name);
	const char *addresses = host_addresses(&check->memory, &host);

	if (host.failure)
		check_report_failed_lookup(check, name, ADDRESS_TYPES, host.failure);
	else if (host.outcome == DNS_NOTHING && autodiscover->count > 0 &&
		 strncmp(name, "autodiscover.", 13) == 0)
		check_report(check, FINDING_RECORD,
			     "%s has no address; the SRV record _autodiscover._tcp replaces it",
			     name);
	else if (host.outcome == DNS_NOTHING)
		check_report(check, FINDING_NAME_MISSING,
			     "%s has no address\n"
			     "%s points to this server\n"
			     "%s",
			     name, name, name_addition(check, name));
	else if (target->n_addresses && !target->failure && !share_address(&host, target))
		check_report(check, FINDING_NAME_ELSEWHERE,
			     "%s resolves to %s\n"
			     "an address of %s: %s\n"
			     "change in DNS: %s",
			     name, addresses, target->name, host_addresses(&check->memory, target),
			     record ? record_line(check, record) : name);
	else
		check_report(check, FINDING_RECORD, "%s resolves to %s", name, addresses);
}

/* The names of the domain, and the public name unless it is one of them. */
static void check_own_names(struct check *check, const struct dns_answer *autodiscover)
{
	const struct examination *examination = check->examination;
	const char *name = examination->expected.target;
	bool is_other = name && !examination_has_name(examination, name);
	struct host target = { 0 };

	if (name)
		target = host_find(check->resolver, &check->memory, name);
	if (is_other && target.failure)
		check_report_failed_lookup(check, name, ADDRESS_TYPES, target.failure);
	else if (is_other && target.outcome == DNS_NOTHING)
		check_report(check, FINDING_NAME_MISSING,
			     "the public name %s has no address\n"
			     "%s points to this server, because clients are redirected to it\n"
			     "%s, or set another public-name",
			     name, name, name_addition(check, name));
	for (size_t i = 0; i < examination->n_names; i++)
		check_own_name(check, examination->names[i], &target, autodiscover);
}

/* "0 1 993 mail.example.org; ..." or "\"v=UAAC1; ...\"; ..." */
static const char *answer_text(struct check *check, const struct dns_answer *answer)
{
	struct bytes text = BYTES_IN(&check->memory);

	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		bytes_add_text(&text, i ? "; " : "");
		if (record->type == DNS_SRV)
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
static bool srv_matches(const struct check *check, const struct asked_record *asked)
{
	bool is_found = false;

	for (size_t i = 0; i < asked->answer->count; i++) {
		const struct dns_record *seen = &asked->answer->records[i];

		if (!is_wanted(&check->examination->wanted, asked->wanted->name, seen))
			return false;
		is_found |= srv_equals(seen, asked->wanted);
	}
	return is_found;
}

#define NO_PRIORITY (UINT16_MAX + 1)

/* The lowest priority that the wanted record has in DNS. */
static unsigned find_priority(const struct asked_record *asked)
{
	unsigned lowest = NO_PRIORITY;

	for (size_t i = 0; i < asked->answer->count; i++) {
		const struct dns_record *seen = &asked->answer->records[i];

		if (srv_equals(seen, asked->wanted) && seen->priority < lowest)
			lowest = seen->priority;
	}
	return lowest;
}

/*
 * Reports that clients would try the record and another one of its purpose in the wrong order.
 * Records of one name with the same priority are used in turn (RFC 2782), which is the wrong order
 * too; between names the same priority expresses no preference (RFC 6186 3.4). Returns whether
 * there is such a record.
 */
static bool check_order(struct check *check, const struct asked_record *asked,
			const struct asked_record *all, size_t count)
{
	const struct wanted_record *record = asked->wanted;

	for (size_t i = 0; i < count; i++) {
		bool is_first = record->priority < all[i].wanted->priority;
		const struct asked_record *first = is_first ? asked : &all[i];
		const struct asked_record *second = is_first ? &all[i] : asked;
		unsigned one = find_priority(first), other = find_priority(second);
		bool have_same_name = text_equals(first->wanted->name, second->wanted->name);

		if (all[i].wanted->type != RECORD_SRV ||
		    !text_equals(all[i].wanted->purpose, record->purpose) ||
		    all[i].wanted->priority == record->priority || one == NO_PRIORITY ||
		    other == NO_PRIORITY || one < other || (one == other && !have_same_name))
			continue;
		check_report(check, FINDING_RECORD_DIFFERS,
			     "%s has SRV %s, not in the order of its services\n"
			     "%s:%u of %s is preferred over %s:%u of %s\n"
			     "change in DNS: %s",
			     record->name, answer_text(check, asked->answer), first->wanted->text,
			     first->wanted->port, first->wanted->name, second->wanted->text,
			     second->wanted->port, second->wanted->name,
			     record_line(check, record));
		return true;
	}
	return false;
}

/* "v=UAAC1; a=sha256; d=...": the tags may be in any order, and only d must match. */
static bool is_digest(const struct wanted_record *record)
{
	return record->type == RECORD_TXT && strncmp(record->text, "v=UAAC1", 7) == 0;
}

static bool txt_matches(struct check *check, const struct asked_record *asked)
{
	const char *tag = check_format(check, "d=%s", check->examination->expected.pacc_digest);

	for (size_t i = 0; i < asked->answer->count; i++) {
		const char *seen = asked->answer->records[i].text;

		if (is_digest(asked->wanted) ? strstr(seen, tag) != NULL
					     : text_equals(seen, asked->wanted->text))
			return true;
	}
	return false;
}

static void check_record(struct check *check, const struct asked_record *asked,
			 const struct asked_record *all, size_t count)
{
	const struct wanted_record *record = asked->wanted;
	const struct dns_answer *answer = asked->answer;
	const char *type = record_type_name(record->type), *line = record_line(check, record);
	bool is_srv = record->type == RECORD_SRV;
	bool is_denial = is_srv && text_equals(record->text, ".");

	if (answer->outcome == DNS_FAILED)
		check_report_failed_lookup(check, record->name, type, answer->failure);
	else if (is_srv ? srv_matches(check, asked) : txt_matches(check, asked)) {
		if (!is_srv || !check_order(check, asked, all, count))
			check_report(check, FINDING_RECORD, "%s", line);
	} else if (answer->count == 0)
		check_report(check,
			     is_denial		 ? FINDING_DENIAL_MISSING
			     : is_digest(record) ? FINDING_DIGEST_MISSING
						 : FINDING_RECORD_MISSING,
			     "%s has no %s record\n"
			     "%s\n"
			     "add to DNS: %s",
			     record->name, type,
			     is_denial ? "a record that marks the service as not offered" : line,
			     line);
	else
		check_report(check,
			     is_digest(record) ? FINDING_DIGEST_MISSING : FINDING_RECORD_DIFFERS,
			     "%s has %s %s\n"
			     "%s\n"
			     "%s DNS: %s",
			     record->name, type, answer_text(check, answer), line,
			     is_digest(record) ? "add to" : "change in", line);
}

/* Its targets must have addresses of their own (RFC 2782). seen: targets of other records. */
static void check_targets(struct check *check, const struct dns_question *question,
			  struct texts *seen)
{
	const char *owner = question->name;

	for (size_t i = 0; i < question->answer.count; i++) {
		const char *target = question->answer.records[i].text;
		struct host host;

		if (text_equals(target, ".") || texts_has(seen, target))
			continue;
		texts_add(seen, target);
		host = host_find(check->resolver, &check->memory, target);
		if (host.failure)
			check_report_failed_lookup(check, target, ADDRESS_TYPES, host.failure);
		else if (host.alias)
			check_report(check, FINDING_TARGET_ALIAS,
				     "%s points to %s, which is a CNAME for %s\n"
				     "a target with A or AAAA records\n"
				     "point %s to %s, or give %s A and AAAA records of its own",
				     owner, target, host.alias, owner, host.alias, target);
		else if (host.outcome == DNS_NOTHING)
			check_report(check, FINDING_TARGET_MISSING,
				     "%s points to %s, which has no address\n"
				     "a target with A or AAAA records\n"
				     "add an A or AAAA record for %s",
				     owner, target, target);
	}
}

/* There should be one record at most. Outlook warns of a target outside the mail domain,
 * Thunderbird asks the user. */
static void check_autodiscover(struct check *check, const struct dns_question *question)
{
	const char *domain = check->examination->domain, *name = question->name;
	const struct dns_answer *answer = &question->answer;

	if (answer->outcome == DNS_FAILED)
		check_report_failed_lookup(check, name, "SRV", answer->failure);
	if (answer->count > 1)
		check_report(check, FINDING_AUTODISCOVER_SEVERAL,
			     "%s has %zu records: %s\n"
			     "at most one, because clients differ in which one they use\n"
			     "remove all but one from DNS",
			     name, answer->count, answer_text(check, answer));
	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		if (text_equals(record->text, "."))
			continue;
		if (record->port != HTTPS_PORT)
			check_report(check, FINDING_AUTODISCOVER_PORT,
				     "%s has the port %u\n"
				     "443, because Outlook and Thunderbird ignore the port\n"
				     "change in DNS: %s. IN SRV 0 0 443 %s.",
				     name, record->port, name, record->text);
		if (!host_name_is_within(record->text, domain))
			check_report(check, FINDING_AUTODISCOVER_CONSENT,
				     "%s points to %s\n"
				     "a name within the domain; for others clients ask the user\n"
				     "point autodiscover.%s to this server, get a certificate for "
				     "it, and remove the SRV record from DNS",
				     name, record->text, domain);
	}
}

static void check_wildcards(struct check *check, const struct dns_answer *ipv4,
			    const struct dns_answer *ipv6, const struct dns_answer *service)
{
	const char *domain = check->examination->domain;

	if (ipv4->count || ipv4->alias || ipv6->count || ipv6->alias)
		check_report(check, FINDING_WILDCARD,
			     "%s has a wildcard record: %s.%s exists\n"
			     "no wildcard: the names that clients try exist only where a server "
			     "answers them\n"
			     "remove *.%s from DNS, or make sure that its server returns 404",
			     domain, UNUSED_NAME, domain, domain);
	if (service->count > 0)
		check_report(check, FINDING_WILDCARD,
			     "%s has a wildcard SRV record: _" UNUSED_NAME "._tcp.%s exists\n"
			     "no wildcard: each service has an SRV record of its own\n"
			     "remove the SRV records of *._tcp.%s and *.%s from DNS",
			     domain, domain, domain, domain);
}

/* Thunderbird asks the MX host without its first label, and its registered domain. Which of its
 * parents that is only the public suffix list knows, so all of them are checked. */
static void check_mx(struct check *check, const struct dns_answer *answer)
{
	const char *domain = check->examination->domain, *mx = NULL, *dot;
	unsigned lowest = UINT16_MAX + 1;

	for (size_t i = 0; i < answer->count; i++)
		if (answer->records[i].priority < lowest) {
			lowest = answer->records[i].priority;
			mx = answer->records[i].text;
		}
	if (!mx || text_equals(mx, ".") || host_name_is_within(mx, domain))
		return;
	for (dot = strchr(mx, '.'); dot && strchr(dot + 1, '.'); dot = strchr(dot + 1, '.')) {
		const char *name = check_format(check, "autoconfig.%s", dot + 1);

		if (!examination_owns_name(check->examination, name) &&
		    host_find(check->resolver, &check->memory, name).outcome == DNS_FOUND)
			check_report(check, FINDING_MX_ELSEWHERE,
				     "the MX of %s is %s, and %s exists\n"
				     "Thunderbird gets settings only from autoconfig.%s\n"
				     "make sure that autoconfig.%s answers in time; otherwise "
				     "Thunderbird asks %s",
				     domain, mx, name, domain, domain, name);
	}
}

/* The first questions; one for each SRV and TXT record follows. */
enum { ASKED_AUTODISCOVER, ASKED_IPV4, ASKED_IPV6, ASKED_SERVICE, ASKED_MX, ASKED_RECORDS };

void check_dns(struct check *check)
{
	const struct wanted *wanted = &check->examination->wanted;
	const char *domain = check->examination->domain;
	const char *unused = check_format(check, UNUSED_NAME ".%s", domain);
	struct dns_question *questions = arena_array(&check->memory, struct dns_question,
						     ASKED_RECORDS + wanted->count);
	struct asked_record *asked = arena_array(&check->memory, struct asked_record,
						 wanted->count);
	struct texts targets = TEXTS_IN(&check->memory);
	size_t count = 0;

	questions[ASKED_AUTODISCOVER] = (struct dns_question){
		check_format(check, "_autodiscover._tcp.%s", domain), DNS_SRV
	};
	questions[ASKED_IPV4] = (struct dns_question){ unused, DNS_A };
	questions[ASKED_IPV6] = (struct dns_question){ unused, DNS_AAAA };
	questions[ASKED_SERVICE] = (struct dns_question){
		check_format(check, "_" UNUSED_NAME "._tcp.%s", domain), DNS_SRV
	};
	questions[ASKED_MX] = (struct dns_question){ domain, DNS_MX };
	for (size_t i = 0; i < wanted->count; i++) {
		const struct wanted_record *record = &wanted->records[i];
		struct dns_question *question = &questions[ASKED_RECORDS + count];

		if (record->presence != RECORD_WANTED ||
		    (record->type != RECORD_SRV && record->type != RECORD_TXT))
			continue;
		*question = (struct dns_question){ record->name,
						   record->type == RECORD_SRV ? DNS_SRV : DNS_TXT };
		asked[count++] = (struct asked_record){ record, &question->answer };
	}
	resolver_ask(check->resolver, &check->memory, questions, ASKED_RECORDS + count);
	check_own_names(check, &questions[ASKED_AUTODISCOVER].answer);
	for (size_t i = 0; i < count; i++)
		check_record(check, &asked[i], asked, count);
	check_autodiscover(check, &questions[ASKED_AUTODISCOVER]);
	check_wildcards(check, &questions[ASKED_IPV4].answer, &questions[ASKED_IPV6].answer,
			&questions[ASKED_SERVICE].answer);
	check_mx(check, &questions[ASKED_MX].answer);
	for (size_t i = 0; i < ASKED_RECORDS + count; i++)
		if (questions[i].type == DNS_SRV)
			check_targets(check, &questions[i], &targets);
}
