#include "answer/answer.h"

#include "answer/client-limits.h"
#include "observe/counters.h"
#include "protocol/protocol.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/digest.h"
#include "util/network.h"

int context_match(const struct context *context, struct arena *memory, const struct query *query,
		  struct match *ret_match, struct error *err)
{
	int r = STORE_BUSY;

	if (context->store)
		r = store_match(context->store, memory, query, ret_match, err);
	else
		error_set(err, ERROR_STORE, "the database is being reopened");
	if (context->counters) {
		enum lookup lookup = r == 0		    ? LOOKUP_FOUND
				     : r == STORE_NOT_FOUND ? LOOKUP_NOT_FOUND
				     : r == STORE_BUSY	    ? LOOKUP_BUSY
							    : LOOKUP_FAILED;

		counter_add(&context->counters->lookups[lookup], 1);
	}
	return r;
}

static void fail_with(const struct question *question, const struct context *context,
		      struct arena *memory, enum failure failure, struct response *response)
{
	question->protocol->fail(&context->site, memory, failure, response);
	response->outcome = failure_name(failure);
	response->is_refusal = true;
}

/* Whether the client's network asks for no more people than it may. All are counted, with or
 * without a row. */
static bool is_within_limit(const struct context *context, struct arena *memory,
			    const struct request *request, const struct query *query,
			    const struct match *match)
{
	const char *who;

	if (!context->limits || !request->client || match->is_host || !names_person(query, match))
		return true;
	who = query->address ? query->address->key : md5_text(memory, query->md5);
	return client_limits_allow_address(context->limits, request->client,
					   arena_printf(memory, "%s@%s", who, query->domain),
					   clock_now());
}

static bool sends_logins_to(struct arena *memory, const struct provider *provider,
			    const struct sockaddr *client)
{
	const char *whom = provider->send_logins_to;

	return text_equals(whom, "everyone") ||
	       (!text_equals(whom, "nobody") && networks_contain(memory, whom, client));
}

/* A client that may not have the login of a row gets what people without a row do. */
static void withhold_login(const struct context *context, struct arena *memory,
			   const struct request *request, const struct query *query,
			   struct match *match)
{
	const struct sockaddr *client = request->client;

	if (!is_within_limit(context, memory, request, query, match))
		match->withheld = WITHHELD_ADDRESS_LIMIT;
	/* Logins from rows may be for some networks only. A provider of the user's own can keep
	 * them from more, never give them to more: the domain's is what its admin set for all. */
	else if (match->has_user && client &&
		 (!sends_logins_to(memory, &match->provider, client) ||
		  !sends_logins_to(memory, &match->domain_provider, client)))
		match->withheld = WITHHELD_NETWORK;
	else if (match->has_user && query->replaced && strstr(match->user.login, query->replaced))
		match->withheld = WITHHELD_REPLACED;
	else
		match->withheld = WITHHELD_NOT;
	if (!match->withheld || !match->has_user)
		return;
	if (match->withheld == WITHHELD_ADDRESS_LIMIT && context->counters)
		counter_add(&context->counters->withheld_logins, 1);
	match->has_user = false;
	match->has_own_provider = false;
	match->provider = match->domain_provider;
}

/* If the pattern never gives a valid login, a provider can refuse instead. A client that is
 * redirected needs no login. */
static bool is_unanswered(struct arena *memory, const struct question *question,
			  const struct match *match)
{
	const struct provider *provider = &match->provider;

	if (!question->protocol->tells_logins || match->has_user)
		return false;
	if (question->protocol->tells_moves && move_target(memory, &question->query, match))
		return false;
	return (names_person(&question->query, match)
			? provider->unknown_users
			: provider->without_address) == UNANSWERED_REFUSE;
}

int answer_question(const struct context *context, struct arena *memory,
		    const struct request *request, const struct question *question,
		    struct response *ret_response, struct error *err)
{
	const struct protocol *protocol = question->protocol;
	enum failure failure = question->failure;
	struct query query = question->query;
	struct site site = context->site;
	struct digest_key secret;
	struct profile profile;
	struct match *match;
	int r;

	*ret_response = (struct response){ .protocol = protocol->name };
	if (failure != FAILURE_NONE) {
		fail_with(question, context, memory, failure, ret_response);
		return 0;
	}
	ret_response->query = &question->query;
	ret_response->outcome = failure_name(FAILURE_NONE);
	match = arena_new(memory, struct match);
	r = context_match(context, memory, &question->query, match, err);
	if (r == 0) {
		withhold_login(context, memory, request, &question->query, match);
		ret_response->match = match;
	}
	if (r == 0 && protocol->needs_secret) {
		r = store_secret(context->store, &secret, err);
		site.secret = &secret;
	}
	if (r == STORE_NOT_FOUND || (r == 0 && is_unanswered(memory, question, match))) {
		fail_with(question, context, memory, FAILURE_UNKNOWN_DOMAIN, ret_response);
		return 0;
	}
	if (r == STORE_BUSY) {
		fail_with(question, context, memory, FAILURE_INTERNAL, ret_response);
		return ANSWER_BUSY;
	}
	if (match->has_user && match->address)
		query.address = match->address;
	if (r == 0)
		r = profile_build(memory, &query, match, &profile, err);
	if (r < 0)
		failure = err->kind == ERROR_DATA ? FAILURE_BROKEN : FAILURE_INTERNAL;
	else
		failure = protocol->render(&site, memory, &profile, ret_response);
	if (failure != FAILURE_NONE)
		fail_with(question, context, memory, failure, ret_response);
	return r;
}

int answer(const struct context *context, struct arena *memory, const struct request *request,
	   struct response *ret_response, struct error *err)
{
	const struct route *route = route_find(request_path(memory, request));
	struct question *question;

	*ret_response = (struct response){ .outcome = "not-found" };
	if (!route) {
		response_set_text(ret_response, 404, "Not found.\n");
		return 0;
	}
	if (!route_allows(route, request->method)) {
		response_set_text(ret_response, 405, "This is answered to other methods only.\n");
		ret_response->allow = route->methods;
		ret_response->outcome = "method-not-allowed";
		return 0;
	}
	question = arena_new(memory, struct question);
	*question = route->parse(memory, request);
	return answer_question(context, memory, request, question, ret_response, err);
}
