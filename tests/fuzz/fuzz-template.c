#include "fuzz.h"

#include "template/template.h"
#include "template/value.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* The items hide their list behind a text, so that an input which opens it again and again stays
 * linear. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct field item[] = {
		{ "items", value_text("1") },
		{ "host", value_text("\x01<b\u00fccher.example>\xff") },
	};
	const struct value items[] = { value_map(item, 2), value_map(item, 2) };
	const struct field fields[] = {
		{ "domain", value_text("example.org") },
		{ "items", value_list(items, 2) },
		{ "yes", value_bool(true) },
		{ "no", value_text(NULL) },
	};
	const struct value sample = value_map(fields, 4);
	struct template *template = NULL;
	struct arena memory = ARENA_NULL;
	struct bytes out = BYTES_IN(&memory);
	struct error err;

	if (template_parse("fuzz", (const char *)data, size, &template, &err) == 0) {
		(void)template_check_names(template, &sample, &err);
		template_expand(template, &sample, &out);
		if (!utf8_is_valid(bytes_text(&out), out.size))
			__builtin_trap();
	}
	template_free(template);
	arena_clear(&memory);
	return 0;
}
