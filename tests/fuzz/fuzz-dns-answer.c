#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "dns/caa.h"
#include "dns/resolver.h"
#include "util/arena.h"
#include "util/bytes.h"

static void read_as_caa(struct arena *memory, const struct dns_answer *answer)
{
	static const char *const identities[] = { "ca.example" };
	const struct caa_issuer issuer = { identities, 1, "http-01" };
	const struct caa_set set = {
		.name = "*.example.org",
		.owner = "example.org",
		.records = answer->records,
		.count = answer->count,
	};

	(void)caa_find_objection(memory, &set, &issuer);
}

/* Of a message, only records of the type that was asked for are kept, and they are whole. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A,	 DNS_CNAME, DNS_PTR,  DNS_MX, DNS_TXT,
					       DNS_AAAA, DNS_SRV,   DNS_TLSA, DNS_CAA };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct dns_question question = { "example.org", types[i] };

		if (resolver_read(&memory, data, size, &question) < 0)
			continue;
		for (size_t j = 0; j < question.answer.count; j++) {
			const struct dns_record *record = &question.answer.records[j];

			if (record->type != types[i] || !record->text || !*record->name ||
			    record->size > size)
				abort();
		}
		read_as_caa(&memory, &question.answer);
		if ((question.answer.outcome == DNS_FOUND) != (question.answer.count > 0))
			abort();
	}
	return 0;
}
