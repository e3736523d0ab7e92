/*
 * All queries of a domain are sent at once: for the records that it should have, for what only a
 * wildcard would answer, for its MX. Those that follow from the answers come after.
 */

#include "dns/resolver.h"
#include "doctor/check-records.h"
#include "util/base.h"
#include "util/idna.h"

/* No client asks for this name, so only a wildcard answers. */
#define UNUSED_NAME "mailconf-no-such-name"

static bool share_address(const struct host *a, const struct host *b)
{
	for (size_t i = 0; i < a->n_addresses; i++)
		for (size_t j = 0; j < b->n_addresses; j++)
			if (text_equals(a->addresses[i].text, b->addresses[j].text))
				return true;
	return false;
}

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
		       ? record_addition(check, record)
		       : check_format(check,
				      "add A and AAAA records for %s that point to this server",
				      name);
}

/* The SRV record can replace the autodiscover name. */
static bool is_replaced(const char *name, const struct dns_answer *autodiscover)
{
	return autodiscover->count > 0 && strncmp(name, "autodiscover.", 13) == 0;
}

static void check_own_name(struct check *check, const char *name, const struct host *host,
			   const struct host *target, const struct dns_answer *autodiscover)
{
	const struct wanted_record *record = find_record(check, name);

	if (host->failure)
		check_report_failed_lookup(check, name, ADDRESS_TYPES, host->failure);
	else if (host->outcome == DNS_NOTHING && is_replaced(name, autodiscover))
		check_report(check, FINDING_RECORD, NULL, NULL,
			     "%s has no address; the SRV record _autodiscover._tcp replaces it",
			     name);
	else if (host->outcome == DNS_NOTHING)
		check_report(check, FINDING_NAME_MISSING,
			     check_format(check, "%s points to this server", name),
			     name_addition(check, name), "%s has no address", name);
	else if (target->n_addresses && !target->failure && !share_address(host, target))
		check_report(check, FINDING_NAME_ELSEWHERE,
			     check_format(check, "an address of %s: %s", target->name,
					  host_addresses(&check->memory, target)),
			     record ? record_change(check, record)
				    : check_format(check, "change in DNS: %s", name),
			     "%s resolves to %s", name, host_addresses(&check->memory, host));
	else
		check_report(check, FINDING_RECORD, NULL, NULL, "%s resolves to %s", name,
			     host_addresses(&check->memory, host));
}

/* Unless clients look for this server under it anyway. */
static void check_public_name(struct check *check, const struct host *target)
{
	if (!target->name || examination_has_name(check->examination, target->name))
		return;
	if (target->failure)
		check_report_failed_lookup(check, target->name, ADDRESS_TYPES, target->failure);
	else if (target->outcome == DNS_NOTHING)
		check_report(check, FINDING_NAME_MISSING,
			     check_format(check,
					  "%s points to this server, because clients are "
					  "redirected to it",
					  target->name),
			     check_format(check, "%s, or set another public-name",
					  name_addition(check, target->name)),
			     "the public name %s has no address", target->name);
}

static void check_own_names(struct check *check, struct resolver *resolver,
			    const struct dns_answer *autodiscover)
{
	const struct examination *examination = check->examination;
	struct host target = { 0 };

	if (examination->expected.target)
		host_find(resolver, &check->memory, examination->expected.target, &target);
	check_public_name(check, &target);
	for (size_t i = 0; i < examination->n_names; i++) {
		struct host host;

		host_find(resolver, &check->memory, examination->names[i], &host);
		check_own_name(check, examination->names[i], &host, &target, autodiscover);
	}
}

static bool is_there(const struct dns_answer *answer)
{
	return answer->count > 0 || answer->alias;
}

static void check_wildcards(struct check *check, const struct dns_answer *ipv4,
			    const struct dns_answer *ipv6, const struct dns_answer *service)
{
	const char *domain = check->examination->domain;

	if (is_there(ipv4) || is_there(ipv6))
		check_report(check, FINDING_WILDCARD,
			     "no wildcard: the names that clients try exist only where a server "
			     "answers them",
			     check_format(check,
					  "remove *.%s from DNS, or make sure that its server "
					  "returns 404",
					  domain),
			     "%s has a wildcard record: %s.%s exists", domain, UNUSED_NAME, domain);
	if (service->count > 0)
		check_report(check, FINDING_WILDCARD,
			     "no wildcard: each service has an SRV record of its own",
			     check_format(check,
					  "remove the SRV records of *._tcp.%s and *.%s from DNS",
					  domain, domain),
			     "%s has a wildcard SRV record: _" UNUSED_NAME "._tcp.%s exists",
			     domain, domain);
}

/* Thunderbird asks the MX host without its first label, and its registered domain. Which of its
 * parents that is only the public suffix list knows, so all of them are checked. */
static void check_mx(struct check *check, struct resolver *resolver,
		     const struct dns_answer *answer)
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
		struct host host;

		if (examination_owns_name(check->examination, name))
			continue;
		host_find(resolver, &check->memory, name, &host);
		if (host.outcome == DNS_FOUND)
			check_report(check, FINDING_MX_ELSEWHERE,
				     check_format(check,
						  "Thunderbird gets settings only from "
						  "autoconfig.%s",
						  domain),
				     check_format(check,
						  "make sure that autoconfig.%s answers in time; "
						  "otherwise Thunderbird asks %s",
						  domain, name),
				     "the MX of %s is %s, and %s exists", domain, mx, name);
	}
}

/* The first questions; one for each SRV and TXT record follows. */
enum { ASKED_AUTODISCOVER, ASKED_IPV4, ASKED_IPV6, ASKED_SERVICE, ASKED_MX, ASKED_RECORDS };

void check_dns(struct check *check, struct resolver *resolver)
{
	const struct wanted *wanted = &check->examination->wanted;
	const char *domain = check->examination->domain;
	const char *unused = check_format(check, UNUSED_NAME ".%s", domain);
	struct dns_question *questions = arena_array(&check->memory, struct dns_question,
						     ASKED_RECORDS + wanted->count);
	size_t count = ASKED_RECORDS;

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

		if (record->presence == RECORD_WANTED &&
		    (record->type == RECORD_SRV || record->type == RECORD_TXT))
			questions[count++] = (struct dns_question){
				record->name, record->type == RECORD_SRV ? DNS_SRV : DNS_TXT
			};
	}
	resolver_ask(resolver, &check->memory, questions, count);
	check_own_names(check, resolver, &questions[ASKED_AUTODISCOVER].answer);
	check_records(check, questions, count);
	check_autodiscover(check, &questions[ASKED_AUTODISCOVER].answer);
	check_wildcards(check, &questions[ASKED_IPV4].answer, &questions[ASKED_IPV6].answer,
			&questions[ASKED_SERVICE].answer);
	check_mx(check, resolver, &questions[ASKED_MX].answer);
	check_targets(check, resolver, questions, count);
}
