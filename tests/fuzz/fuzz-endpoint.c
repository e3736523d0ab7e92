#include "fuzz.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/served.h"
#include "http/plain-http.h"
#include "http/serving.h"
#include "protocol/protocol.h"
#include "protocol/xml.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

static void check_json(const struct response *response)
{
	json_t *json = json_loadb(response->body, response->size, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(json))
		abort();
	json_decref(json);
}

/* A line for people: nothing of the request is in it. */
static void check_text(const struct response *response)
{
	for (size_t i = 0; i < response->size; i++)
		if (!char_is_alphanumeric(response->body[i]) &&
		    !strchr(" .,=-\n", response->body[i]))
			abort();
}

/* Everything that goes into a header. */
static void check_header(const char *value)
{
	for (; value && *value; value++)
		if (!char_is_alphanumeric(*value) && !strchr("._~%:/?=@;\" -", *value))
			abort();
}

static void check(const struct response *response)
{
	const char *type = response->media_type;
	struct error err;

	if (response->status < 200 || response->status > 503 || !type || !response->outcome)
		abort();
	check_header(response->location);
	check_header(response->disposition);
	if (strstr(type, "json"))
		check_json(response);
	else if (strstr(type, "xml") || strstr(type, "apple")) {
		if (xml_check(response->body, response->size, &mobileconfig_doctype, &err) < 0)
			abort();
	} else {
		check_text(response);
	}
}

static char *next_line(char **rest)
{
	return *rest ? strsep(rest, "\n") : NULL;
}

/* The lines are the method, the target and the Host; what follows is the body. Whatever is asked,
 * on the port for HTTPS and the plain one, there is an answer that can go out. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct serving serving = { 0 };
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	char *rest = arena_strndup(&memory, (const char *)data, size);
	struct context context = *served_context();
	struct response response;
	struct request request;
	struct error err;

	request = (struct request){ .method = next_line(&rest) };
	request.target = next_line(&rest);
	request.host = next_line(&rest);
	request.body = rest;
	request.body_size = rest ? strlen(rest) : 0;
	if (!request.target || request.body_size > REQUEST_BODY_MAX)
		return 0;
	context.site.public_name = "auto.example.net";
	if (answer(&context, &memory, &request, &response, &err) != 0 && err.kind != ERROR_DATA)
		abort();
	check(&response);
	if (!plain_http_refuses(&memory, &request, &response) &&
	    plain_http_answer(&context, &serving, &memory, &request, &response, &err) != 0)
		abort();
	check(&response);
	store_release(context.store);
	return 0;
}
