#include "protocol/request.h"

#include <string.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/idna.h"

/* A target may be a whole URL, as a proxy is asked (RFC 9112 3.2.2). */
static const char *origin_form(const char *target)
{
	const char *path;

	if (!text_starts_with_ignoring_case(target, "http://") &&
	    !text_starts_with_ignoring_case(target, "https://"))
		return target;
	path = strchr(strstr(target, "://") + strlen("://"), '/');
	return path ? path : "/";
}

const char *request_path(struct arena *memory, const struct request *request)
{
	const char *target = origin_form(request->target);

	return percent_decode(memory, target, strcspn(target, "?#"));
}

static bool name_is_among(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text_equals_ignoring_case(name, names[i]))
			return true;
	return false;
}

/*
 * /mail/config-v1.1.xml?emailaddress=first.last%40example.org&emailmd5=...
 *                       ^name        ^value                  ^next argument
 */
const char *request_argument(struct arena *memory, const struct request *request,
			     const char *const *names, size_t count)
{
	const char *argument = request->target + strcspn(request->target, "?#");

	if (*argument != '?')
		return NULL;
	for (;;) {
		size_t length = strcspn(++argument, "&#"), name = strcspn(argument, "=&#");
		const char *decoded = percent_decode(memory, argument, name);

		if (name < length && decoded && name_is_among(decoded, names, count))
			return percent_decode(memory, argument + name + 1, length - name - 1);
		argument += length;
		if (*argument != '&')
			return NULL;
	}
}

const char *request_host(struct arena *memory, const struct request *request)
{
	if (!request->host)
		return NULL;
	return idna_to_ascii(memory,
			     arena_strndup(memory, request->host, strcspn(request->host, ":")));
}
