#include "protocol/request.h"

#include "util/idna.h"

/* A target may be a whole URL, as a proxy is asked (RFC 9112 3.2.2). */
const char *request_path(struct arena *memory, const struct request *request)
{
	const char *path = request->target;

	if (text_starts_with_ignoring_case(path, "http://") ||
	    text_starts_with_ignoring_case(path, "https://"))
		path = strchr(strstr(path, "://") + strlen("://"), '/') ?: "/";
	return percent_decode(memory, path, strcspn(path, "?#"));
}

struct argument {
	const char *name;  /* decoded, or NULL where that fails */
	const char *value; /* as it came, or NULL where there is no '=' */
	size_t size;
};

/*
 * Takes the next argument; at first, *at is where the query begins.
 *
 * /mail/config-v1.1.xml?emailaddress=first.last%40example.org&emailmd5=...#fragment
 *                      ^at           ^value                  ^at, afterwards
 */
static bool next_argument(struct arena *memory, const char **at, struct argument *ret_argument)
{
	const char *name = *at + 1;
	size_t length, name_length;

	if (**at != '?' && **at != '&')
		return false;
	length = strcspn(name, "&#");
	name_length = strcspn(name, "=&#");
	*at = name + length;
	*ret_argument = (struct argument){ .name = percent_decode(memory, name, name_length) };
	if (name_length < length) {
		ret_argument->value = name + name_length + 1;
		ret_argument->size = length - name_length - 1;
	}
	return true;
}

const char *request_argument(struct arena *memory, const struct request *request, const char *name,
			     const char *other)
{
	const char *at = request->target + strcspn(request->target, "?#");
	struct argument argument;

	while (next_argument(memory, &at, &argument))
		if (argument.value && argument.name &&
		    (text_equals_ignoring_case(argument.name, name) ||
		     (other && text_equals_ignoring_case(argument.name, other))))
			return percent_decode(memory, argument.value, argument.size);
	return NULL;
}

const char *request_only_argument(struct arena *memory, const struct request *request,
				  const char *name)
{
	const char *at = request->target + strcspn(request->target, "?#"), *value = NULL;
	struct argument argument;
	bool is_found = false;

	while (next_argument(memory, &at, &argument)) {
		if (!argument.name || !text_equals_ignoring_case(argument.name, name))
			continue;
		if (is_found)
			return NULL;
		is_found = true;
		if (argument.value)
			value = percent_decode(memory, argument.value, argument.size);
	}
	return value;
}

bool request_has_argument(struct arena *memory, const struct request *request, const char *name)
{
	const char *at = request->target + strcspn(request->target, "?#");
	struct argument argument;

	while (next_argument(memory, &at, &argument))
		if (argument.name && text_equals_ignoring_case(argument.name, name))
			return true;
	return false;
}

const char *request_host(struct arena *memory, const struct request *request)
{
	if (!request->host)
		return NULL;
	return idna_to_ascii(memory,
			     arena_strndup(memory, request->host, strcspn(request->host, ":")));
}

void response_set_text(struct response *response, unsigned status, const char *text)
{
	response->status = status;
	response->is_refusal = true;
	response->media_type = "text/plain; charset=utf-8";
	response->cache_control = "no-store";
	response->body = text;
	response->size = strlen(text);
}
