#include "dns/caa.h"

#include "dns/resolver.h"
#include "mail/address.h"
#include "util/idna.h"

#define CRITICAL 0x80

/* One property (RFC 8659 4.1): FLAGS(1) LENGTH(1) TAG VALUE. */
struct property {
	bool is_critical;
	const char *tag, *value;
};

/* The value of an issue property (RFC 8659 4.2): [CA] [; TAG=VALUE]... */
struct issue {
	const char *ca;	     /* "" for none */
	const char *methods; /* of the parameter validationmethods, or NULL */
};

/* The tags that CAs know (IANA, "Certification Authority Restriction Properties"). */
static const char *const known_tags[] = {
	"issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone",
};

static bool read_property(struct arena *memory, const struct dns_record *record,
			  struct property *ret_property)
{
	size_t length = record->size >= 2 ? record->data[1] : 0;
	const char *text = (const char *)record->data + 2;

	if (length == 0 || length > record->size - 2)
		return false;
	*ret_property = (struct property){
		.is_critical = record->data[0] & CRITICAL,
		.tag = text_lower(memory, arena_strndup(memory, text, length)),
		.value = arena_strndup(memory, text + length, record->size - 2 - length),
	};
	return true;
}

/* Without spaces and tabs around it, in lower case. */
static const char *trim_lower(struct arena *memory, const char *text)
{
	size_t length;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length > 0 && strchr(" \t", text[length - 1]))
		length--;
	return text_lower(memory, arena_strndup(memory, text, length));
}

static struct issue read_issue(struct arena *memory, const char *value)
{
	char *rest = arena_strdup(memory, value);
	struct issue issue = { .ca = trim_lower(memory, strsep(&rest, ";")) };
	char *parameter;

	while ((parameter = strsep(&rest, ";"))) {
		char *text = parameter;
		const char *tag = trim_lower(memory, strsep(&text, "="));

		if (text && text_equals(tag, "validationmethods"))
			issue.methods = trim_lower(memory, text);
	}
	return issue;
}

static bool list_has(struct arena *memory, const char *list, const char *word)
{
	char *rest = arena_strdup(memory, list), *item;

	while ((item = strsep(&rest, ",")))
		if (text_equals(trim_lower(memory, item), word))
			return true;
	return false;
}

static bool has_tag(struct arena *memory, const struct caa_set *set, const char *tag)
{
	struct property property;

	for (size_t i = 0; i < set->count; i++)
		if (read_property(memory, &set->records[i], &property) &&
		    text_equals(property.tag, tag))
			return true;
	return false;
}

/* For a wildcard, issuewild replaces issue (RFC 8659 4.3). */
static const char *relevant_tag(struct arena *memory, const struct caa_set *set)
{
	return domain_is_pattern(set->name) && has_tag(memory, set, "issuewild") ? "issuewild"
										 : "issue";
}

bool caa_names_issuers(struct arena *memory, const struct caa_set *set)
{
	return has_tag(memory, set, relevant_tag(memory, set));
}

static bool is_known(const char *tag)
{
	for (size_t i = 0; i < sizeof(known_tags) / sizeof(*known_tags); i++)
		if (text_equals(tag, known_tags[i]))
			return true;
	return false;
}

static bool is_issuer(const struct caa_issuer *issuer, const char *ca)
{
	for (size_t i = 0; i < issuer->n_identities; i++)
		if (text_equals_ignoring_case(issuer->identities[i], ca))
			return true;
	return issuer->n_identities == 0 && *ca;
}

const char *caa_find_objection(struct arena *memory, const struct caa_set *set,
			       const struct caa_issuer *issuer)
{
	struct bytes allowed = BYTES_IN(memory); /* each CA once, if it can be shown */
	const char *tag = relevant_tag(memory, set);
	bool has_other_methods = false;

	for (size_t i = 0; i < set->count; i++) {
		struct property property;
		struct issue issue;

		if (!read_property(memory, &set->records[i], &property))
			return arena_printf(memory, "a CAA record of %s is malformed", set->owner);
		if (property.is_critical && !is_known(property.tag))
			return arena_printf(memory,
					    "a CAA record of %s has a critical property that CAs "
					    "do not know",
					    set->owner);
		if (!text_equals(property.tag, tag))
			continue;
		issue = read_issue(memory, property.value);
		if (is_issuer(issuer, issue.ca)) {
			if (!issue.methods || list_has(memory, issue.methods, issuer->method))
				return NULL;
			has_other_methods = true;
		} else if (host_name_is_valid(issue.ca) &&
			   !list_has(memory, bytes_text(&allowed), issue.ca)) {
			bytes_add_format(&allowed, "%s%s", allowed.size ? ", " : "", issue.ca);
		}
	}
	if (!caa_names_issuers(memory, set))
		return NULL;
	if (has_other_methods)
		return arena_printf(memory, "the CAA records of %s do not allow validation by %s",
				    set->owner, issuer->method);
	return arena_printf(memory, "the CAA records of %s allow %s%s", set->owner,
			    allowed.size ? "only " : "no CA",
			    allowed.size ? bytes_text(&allowed) : "");
}

static const char *domain_above(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? dot + 1 : NULL;
}

static const char *without_wildcard(const char *name)
{
	return domain_is_pattern(name) ? domain_above(name) : name;
}

static const struct dns_question *find_question(const struct dns_question *questions, size_t count,
						const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (text_equals(questions[i].name, name))
			return &questions[i];
	return NULL;
}

/* The tree is climbed from each name to its top-level domain; the resolver follows CNAMEs, whose
 * targets' parents do not count (RFC 8659 3). */
void caa_find(struct arena *memory, struct resolver *resolver, struct caa_set *sets, size_t count)
{
	struct dns_question *questions;
	size_t n_max = 0, n_questions = 0;

	for (size_t i = 0; i < count; i++)
		for (const char *at = without_wildcard(sets[i].name); at; at = domain_above(at))
			n_max++;
	questions = arena_array(memory, struct dns_question, n_max);
	for (size_t i = 0; i < count; i++)
		for (const char *at = without_wildcard(sets[i].name); at; at = domain_above(at))
			if (!find_question(questions, n_questions, at))
				questions[n_questions++] = (struct dns_question){ .name = at,
										  .type = DNS_CAA };
	resolver_ask(resolver, memory, questions, n_questions);
	for (size_t i = 0; i < count; i++) {
		struct caa_set *set = &sets[i];
		const char *at = without_wildcard(set->name);

		for (; at && !set->owner && !set->failure; at = domain_above(at)) {
			const struct dns_answer *answer =
				&find_question(questions, n_questions, at)->answer;

			if (answer->outcome == DNS_FAILED)
				set->failure = arena_printf(
					memory, "the CAA records of %s cannot be looked up: %s", at,
					answer->failure);
			if (answer->outcome != DNS_FOUND)
				continue;
			set->owner = at;
			set->records = answer->records;
			set->count = answer->count;
		}
	}
}
