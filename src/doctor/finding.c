#include "doctor/finding.h"

struct kind {
	const char *name;
	enum finding_level level;
};

static const struct kind kinds[FINDING_KINDS] = {
	[FINDING_RECORD] = { "record", LEVEL_OK },
	[FINDING_RESOLVER_FAILED] = { "resolver-failed", LEVEL_PROBLEM },
	[FINDING_NAME_MISSING] = { "name-missing", LEVEL_PROBLEM },
	[FINDING_NAME_ELSEWHERE] = { "name-elsewhere", LEVEL_WARNING },
	[FINDING_RECORD_MISSING] = { "record-missing", LEVEL_WARNING },
	[FINDING_RECORD_DIFFERS] = { "record-differs", LEVEL_PROBLEM },
	[FINDING_DENIAL_MISSING] = { "denial-missing", LEVEL_NOTE },
	[FINDING_DIGEST_MISSING] = { "digest-missing", LEVEL_PROBLEM },
	[FINDING_TLSA_DIFFERS] = { "tlsa-differs", LEVEL_PROBLEM },
	[FINDING_WILDCARD] = { "wildcard", LEVEL_WARNING },
	[FINDING_AUTODISCOVER_SEVERAL] = { "autodiscover-several", LEVEL_PROBLEM },
	[FINDING_AUTODISCOVER_PORT] = { "autodiscover-port", LEVEL_PROBLEM },
	[FINDING_AUTODISCOVER_CONSENT] = { "autodiscover-consent", LEVEL_NOTE },
	[FINDING_TARGET_ALIAS] = { "target-alias", LEVEL_PROBLEM },
	[FINDING_TARGET_MISSING] = { "target-missing", LEVEL_PROBLEM },
	[FINDING_MX_ELSEWHERE] = { "mx-elsewhere", LEVEL_WARNING },

	[FINDING_CERTIFICATE] = { "certificate", LEVEL_OK },
	[FINDING_UNREACHABLE] = { "unreachable", LEVEL_PROBLEM },
	[FINDING_UNREACHABLE_IPV4] = { "unreachable-ipv4", LEVEL_WARNING },
	[FINDING_UNREACHABLE_IPV6] = { "unreachable-ipv6", LEVEL_WARNING },
	[FINDING_UNTESTED] = { "untested", LEVEL_NOTE },
	[FINDING_HANDSHAKE_FAILED] = { "handshake-failed", LEVEL_PROBLEM },
	[FINDING_CERTIFICATE_NAME] = { "certificate-name", LEVEL_PROBLEM },
	[FINDING_CERTIFICATE_EXPIRED] = { "certificate-expired", LEVEL_PROBLEM },
	[FINDING_CERTIFICATE_EXPIRING] = { "certificate-expiring", LEVEL_WARNING },
	[FINDING_CERTIFICATE_UNTRUSTED] = { "certificate-untrusted", LEVEL_PROBLEM },
	[FINDING_CHAIN_INCOMPLETE] = { "chain-incomplete", LEVEL_PROBLEM },
	[FINDING_TLS12_MISSING] = { "tls12-missing", LEVEL_WARNING },
	[FINDING_TLS13_MISSING] = { "tls13-missing", LEVEL_NOTE },
	[FINDING_NAME_UNCERTIFIED] = { "name-uncertified", LEVEL_WARNING },

	[FINDING_SETTINGS] = { "settings", LEVEL_OK },
	[FINDING_NO_SETTINGS] = { "no-settings", LEVEL_PROBLEM },
	[FINDING_OTHER_SETTINGS] = { "other-settings", LEVEL_PROBLEM },
	[FINDING_CLIENT_LIMIT] = { "client-limit", LEVEL_NOTE },
	[FINDING_SLOW] = { "slow", LEVEL_PROBLEM },
	[FINDING_APEX_POST] = { "apex-post", LEVEL_WARNING },
	[FINDING_PLAIN_SETTINGS] = { "plain-settings", LEVEL_PROBLEM },

	[FINDING_SERVICE] = { "service", LEVEL_OK },
	[FINDING_SERVICE_UNREACHABLE] = { "service-unreachable", LEVEL_PROBLEM },
	[FINDING_SERVICE_PROTOCOL] = { "service-protocol", LEVEL_PROBLEM },
	[FINDING_STARTTLS_MISSING] = { "starttls-missing", LEVEL_PROBLEM },
	[FINDING_AUTHENTICATION_MISSING] = { "authentication-missing", LEVEL_PROBLEM },
	[FINDING_SUBMISSION_NAMES] = { "submission-names", LEVEL_WARNING },

	[FINDING_OWN_LOGINS] = { "own-logins", LEVEL_NOTE },
	[FINDING_ANY_DOMAIN] = { "any-domain", LEVEL_NOTE },
	[FINDING_PATTERN] = { "pattern", LEVEL_NOTE },
	[FINDING_STARTTLS_ONLY] = { "starttls-only", LEVEL_NOTE },
	[FINDING_DOMAIN_BROKEN] = { "domain-broken", LEVEL_PROBLEM },
};

void findings_add(struct findings *findings, const struct finding *finding)
{
	if (findings->count == findings->room) {
		size_t room = findings->room ? findings->room * 2 : 16;
		struct finding *items = arena_array(findings->memory, struct finding, room);

		if (findings->count)
			memcpy(items, findings->items, findings->count * sizeof(*items));
		findings->items = items;
		findings->room = room;
	}
	findings->items[findings->count] = *finding;
	findings->items[findings->count].number = findings->count;
	findings->count++;
}

const char *finding_kind_name(enum finding_kind kind)
{
	return kinds[kind].name;
}

enum finding_level finding_level(enum finding_kind kind)
{
	return kinds[kind].level;
}

const char *finding_level_name(enum finding_level level)
{
	static const char *const names[] = {
		[LEVEL_OK] = "ok",
		[LEVEL_NOTE] = "note",
		[LEVEL_WARNING] = "warning",
		[LEVEL_PROBLEM] = "problem",
	};

	return names[level];
}
