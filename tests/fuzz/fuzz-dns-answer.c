#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "dns/resolver.h"
#include "util/arena.h"
#include "util/bytes.h"

/* Of a message, only records of the type that was asked for are kept, and they are whole. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A,	DNS_CNAME, DNS_PTR, DNS_MX,
					       DNS_TXT, DNS_AAAA,  DNS_SRV, DNS_TLSA };

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
		if ((question.answer.outcome == DNS_FOUND) != (question.answer.count > 0))
			abort();
	}
	return 0;
}
