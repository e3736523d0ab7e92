#include "http/plain-http.h"

#include "http/serving.h"
#include "protocol/protocol.h"
#include "store/store.h"
#include "tls/certificates.h"
#include "util/base.h"
#include "util/file.h"

#define CHALLENGE_PATH "/.well-known/acme-challenge/"

/* The longest token of an authority in use has 43 characters, and its file twice as many. */
#define TOKEN_MAX_LENGTH 128
#define CHALLENGE_MAX_SIZE ((size_t)1024)

static const struct route *route_of(const char *path)
{
	const struct route *route = route_find(path);

	return route && route->redirect ? route : NULL;
}

bool plain_http_refuses(struct arena *memory, const struct request *request,
			struct response *ret_response)
{
	if (text_equals(request->method, "GET") || text_equals(request->method, "HEAD"))
		return false;
	*ret_response = (struct response){ .outcome = "not-found" };
	response_set_text(ret_response, 404, "Not found.\n");
	if (route_of(request_path(memory, request))) {
		response_set_text(ret_response, 405, "Ask over HTTPS.\n");
		ret_response->allow = "GET, HEAD";
		ret_response->outcome = "method-not-allowed";
	}
	return true;
}

bool plain_http_is_token(const char *text)
{
	size_t length = strlen(text);

	for (const char *at = text; *at; at++)
		if (!char_is_alphanumeric(*at) && *at != '-' && *at != '_')
			return false;
	return length > 0 && length <= TOKEN_MAX_LENGTH;
}

static void show_challenge(const struct serving *serving, struct arena *memory, const char *token,
			   struct response *response)
{
	struct error err;
	size_t size;
	char *data;

	if (!*serving->acme_directory || !plain_http_is_token(token))
		return;
	data = file_read(memory, arena_printf(memory, "%s/%s", serving->acme_directory, token),
			 CHALLENGE_MAX_SIZE, &size, &err);
	if (!data)
		return;
	*response = (struct response){
		.status = 200,
		.media_type = "application/octet-stream",
		.cache_control = "no-store",
		.body = data,
		.size = size,
		.protocol = "acme",
		.outcome = "challenge",
	};
}

/*
 * The host to send the client on to: the one that was asked, if that is wanted, a domain that we
 * serve has it, and TLS will have a certificate for it; else our own, which may be "".
 * Returns as store_match(), but for STORE_NOT_FOUND.
 */
static int choose_host(const struct context *context, const struct serving *serving,
		       struct arena *memory, const struct query *query, const struct match *match,
		       const char **ret_host, struct error *err)
{
	const char *port = strchr(context->site.public_name, ':'); /* of our HTTPS */
	const struct query about_host = { .host = query->host };
	int r = STORE_NOT_FOUND;

	if (serving->redirect_to_same_host && serving->certificates && query->host &&
	    certificates_match(serving->certificates, query->host, NULL, 0))
		r = context_match(context, memory, &about_host, arena_new(memory, struct match),
				  err);
	if (r != 0 && r != STORE_NOT_FOUND)
		return r;
	/* Not a name of the user's own provider, which would tell that there is such a user. */
	*ret_host = r == 0 ? arena_printf(memory, "%s%s", query->host, port ?: "")
		    : match->domain_provider.public_name ? match->domain_provider.public_name
							 : context->site.public_name;
	return 0;
}

static int redirect(const struct context *context, const struct serving *serving,
		    struct arena *memory, const struct route *route,
		    const struct question *question, struct response *response, struct error *err)
{
	struct match *match = arena_new(memory, struct match);
	const char *host;
	int r;

	response->protocol = question->protocol->name;
	if (question->failure != FAILURE_NONE)
		return 0;
	response->query = &question->query;
	r = context_match(context, memory, &question->query, match, err);
	if (r == STORE_NOT_FOUND)
		return 0;
	if (r == 0)
		response->match = match;
	if (r == 0)
		r = choose_host(context, serving, memory, &question->query, match, &host, err);
	if (r != 0) {
		response_set_text(response, 503, "Try again later.\n");
		response->outcome = failure_name(FAILURE_INTERNAL);
		return r == STORE_BUSY ? ANSWER_BUSY : -1;
	}
	if (!*host)
		return 0;
	response_set_text(response, 302, "Ask over HTTPS.\n");
	response->is_refusal = false;
	/* The address, or at least the domain, goes along, found in our table: the host that is
	 * asked next may be another customer's. */
	response->location = arena_printf(
		memory, "https://%s%s", host,
		route->redirect == ROUTE_REDIRECT_SAME
			? route->path
			: autoconfig_target(memory, &question->query, match));
	response->outcome = "redirect";
	return 0;
}

int plain_http_answer(const struct context *context, const struct serving *serving,
		      struct arena *memory, const struct request *request,
		      struct response *ret_response, struct error *err)
{
	const char *path = request_path(memory, request);
	const struct route *route = route_of(path);
	struct question *question;

	*ret_response = (struct response){ .outcome = "not-found" };
	response_set_text(ret_response, 404, "Not found.\n");
	if (path && text_starts_with_ignoring_case(path, CHALLENGE_PATH))
		show_challenge(serving, memory, path + strlen(CHALLENGE_PATH), ret_response);
	if (!route)
		return 0;
	question = arena_new(memory, struct question);
	*question = route->parse(memory, request);
	if (!serving->http_autoconfig || route->redirect != ROUTE_REDIRECT_AUTOCONFIG)
		return redirect(context, serving, memory, route, question, ret_response, err);
	/* The document for the domain alone, because no login is sent over this listener. */
	question->query.address = NULL;
	question->query.md5 = NULL;
	return answer_question(context, memory, request, question, ret_response, err);
}
