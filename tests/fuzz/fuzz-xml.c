#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/xml.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

static size_t check_tree(const struct xml_element *element, int depth)
{
	size_t count = 0;

	for (; element; element = element->next) {
		size_t length = strlen(element->text);

		if (depth > XML_DEPTH_MAX || !*element->name ||
		    !utf8_is_valid(element->name, strlen(element->name)) ||
		    !utf8_is_valid(element->text, length) ||
		    (length > 0 &&
		     (char_is_blank(element->text[0]) || char_is_blank(element->text[length - 1]))))
			abort();
		count += 1 + check_tree(element->first_child, depth + 1);
	}
	return count;
}

/* Whatever is accepted keeps the bounds; whatever is refused says why. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct xml_element *root;
	struct error err = { 0 };

	root = xml_parse(&memory, (const char *)data, size, &err);
	if (root ? root->next || check_tree(root, 1) > XML_ELEMENTS_MAX : !err.text[0])
		abort();
	if (xml_check((const char *)data, size, NULL, &err) < 0 &&
	    strncmp(err.text, "line ", 5) != 0)
		abort();
	return 0;
}
