#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/protocol.h"
#include "protocol/templates.h"
#include "protocol/xml.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/digest.h"
#include "util/error.h"

static const struct templates *built_in(void)
{
	static struct templates *templates;

	if (!templates)
		templates = templates_load(NULL, NULL, NULL);
	return templates;
}

static bool is_header_safe(const char *text)
{
	for (; *text; text++)
		if (!char_is_alphanumeric(*text) && !strchr("._- ;=\"", *text))
			return false;
	return true;
}

/* Where it is written plainly. */
static bool names_password(struct arena *memory, const char *target)
{
	const char *query = target + strcspn(target, "?#");

	query = arena_strndup(memory, query, strcspn(query, "#"));
	return strstr(query, "&password=") || strncmp(query, "?password=", 10) == 0;
}

/* The input is a target. What is accepted gives a well-formed profile, with nothing in its header
 * that could end it; an argument "password" is never accepted. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct digest_key secret;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct request request = {
		.method = "GET",
		.target = arena_strndup(&memory, (const char *)data, size),
	};
	const struct question question = protocol_mobileconfig.routes->parse(&memory, &request);
	const struct site site = { .templates = built_in(), .public_name = "", .secret = &secret };
	struct profile profile = sample_full;
	struct response response = { 0 };
	struct error err;

	if (question.failure != FAILURE_NONE) {
		question.protocol->fail(&site, &memory, question.failure, &response);
		if (response.status != 400 || response.disposition)
			abort();
		return 0;
	}
	if (names_password(&memory, request.target))
		abort();
	profile.address = question.query.address;
	profile.domain = question.query.domain;
	if (question.protocol->render(&site, &memory, &profile, &response) != FAILURE_NONE ||
	    response.status != 200 || !is_header_safe(response.disposition) ||
	    xml_check(response.body, response.size, &mobileconfig_doctype, &err) < 0)
		abort();
	return 0;
}
