/*
 * Each client goes its way twice: over the network, and through the answers that the database
 * gives. What it comes to must be the same, whatever its rules are. An answer that several clients
 * ask for is fetched once.
 */

#include <string.h>

#include "dns/resolver.h"
#include "doctor/check.h"
#include "doctor/http.h"
#include "doctor/memo.h"
#include "protocol/autodiscover.h"
#include "util/bytes.h"

/* More hops than any client follows. */
#define APEX_REDIRECTS_MAX 10

struct network_source {
	struct response_source source;
	struct check *check;
	struct browser *browser;
	struct memo *answers;
};

static void fetch_from_network(struct response_source *source, struct arena *memory,
			       const struct http_request *request, struct http_answer *ret_answer)
{
	struct network_source *network = (struct network_source *)source;
	struct check *check = network->check;
	const char *key = say(check, "%s %s %s", request->method, http_url(memory, request),
			      request->body ? request->body : "");
	struct http_answer *answer = memo_get(network->answers, key);

	if (!answer) {
		answer = arena_new(&check->memory, struct http_answer);
		browser_ask(network->browser, &check->memory, request,
			    is_own_name(check->examined, request->host), answer);
		(void)memo_put(network->answers, key, answer);
	}
	*ret_answer = *answer;
}

static const char *find_srv_target(struct check *check, struct resolver *resolver)
{
	struct dns_question question = {
		say(check, "_autodiscover._tcp.%s", check->examined->subject.domain), DNS_SRV
	};

	resolver_ask(resolver, &check->memory, &question, 1);
	if (question.answer.count == 0 || text_equals(question.answer.records[0].text, "."))
		return NULL;
	return question.answer.records[0].text;
}

static void report_slow(struct check *check, const struct client_model *client,
			const struct client_result *seen)
{
	if (!seen->slow_url)
		return;
	report(check, FINDING_SLOW,
	       say(check, "%s answers %s after %lld ms", seen->slow_url, client->name,
		   (long long)seen->slow_milliseconds),
	       say(check, "an answer within %d ms, for it waits no longer", client->timeout),
	       say(check, "see what keeps %s busy", seen->slow_url));
}

/* Says it of what the client asked last before it was left without. */
static const char *fix_for_refusal(struct check *check, const struct client_result *seen)
{
	const struct examined *examined = check->examined;
	struct http_request root = seen->refused;
	bool is_ours = is_own_name(examined, root.host) ||
		       text_equals(root.host, examined->subject.domain);
	const char *otherwise = is_ours ? "" : ", or that nothing leads clients there";

	root.target = "";
	return seen->was_answered
		       ? say(check,
			     "see that what answers at %s is this server, with this database%s",
			     http_url(&check->memory, &root), otherwise)
		       : say(check,
			     "see that %s reaches this server, and that its name has a good "
			     "certificate%s",
			     root.host, otherwise);
}

static void compare(struct check *check, const struct client_model *client,
		    const struct client_result *seen, const struct client_result *expected,
		    const struct client_result *for_strangers)
{
	const char *wanted = settings_text(&check->memory, &expected->settings);

	report_slow(check, client, seen);
	if (settings_are_there(&seen->settings) &&
	    (settings_equal(&seen->settings, &expected->settings) ||
	     settings_equal(&seen->settings, &for_strangers->settings)))
		report(check, FINDING_SETTINGS,
		       say(check, "%s gets %s from %s", client->name,
			   settings_text(&check->memory, &seen->settings), seen->url),
		       NULL, NULL);
	else if (settings_equal(&seen->settings, &expected->settings))
		report(check, FINDING_CLIENT_LIMIT,
		       say(check, "%s would get nothing: %s", client->name,
			   expected->refusal ? expected->refusal : "it finds no server"),
		       say(check, "a service that %s can use", client->name),
		       say(check,
			   "give provider '%s' a service that it can use, if its people matter",
			   check->examined->subject.provider.name));
	else if (!settings_are_there(&seen->settings))
		report(check, FINDING_NO_SETTINGS,
		       say(check, "%s gets nothing: %s", client->name, seen->refusal), wanted,
		       fix_for_refusal(check, seen));
	else
		report(check, FINDING_OTHER_SETTINGS,
		       say(check, "%s gets %s from %s", client->name,
			   settings_text(&check->memory, &seen->settings), seen->url),
		       wanted,
		       say(check, "take the settings away from %s, or make it lead here",
			   seen->url));
}

static struct http_request request_for(struct check *check, const char *method, bool is_tls,
				       const char *host, const char *path)
{
	return (struct http_request){
		.method = method,
		.is_tls = is_tls,
		.host = host,
		.port = is_tls ? 443 : 80,
		.target = path,
		.media_type = "text/xml; charset=utf-8",
		.body = text_equals(method, "POST")
				? autodiscover_request_body(&check->memory, &protocol_outlook,
							    check->examined->sample.text)
				: NULL,
	};
}

static const struct http_answer *ask_once(struct network_source *network, const char *method,
					  bool is_tls, const char *host, const char *path)
{
	struct check *check = network->check;
	struct http_answer *answer = arena_new(&check->memory, struct http_answer);
	const struct http_request request = request_for(check, method, is_tls, host, path);

	fetch_from_network(&network->source, &check->memory, &request, answer);
	return answer;
}

static bool has_words(const struct http_answer *answer, const char *words)
{
	return strstr(answer->body, words) != NULL;
}

/* What the domain's web site answers to Outlook's first question in the end: redirects to HTTPS
 * lead on. *request becomes the last that was asked. */
static const struct http_answer *ask_apex(struct network_source *network,
					  struct http_request *request)
{
	struct check *check = network->check;
	struct http_answer *answer = arena_new(&check->memory, struct http_answer);

	for (int hop = 0; hop <= APEX_REDIRECTS_MAX; hop++) {
		struct http_request next;

		fetch_from_network(&network->source, &check->memory, request, answer);
		if (answer->status < 301 || answer->status > 308 || !*answer->location ||
		    !http_url_parse(&check->memory, answer->location, request, &next) ||
		    !next.is_tls)
			break;
		next.method = request->method;
		next.media_type = request->media_type;
		next.body = request->body;
		*request = next;
	}
	return answer;
}

/* The web site is asked before autodiscover. is: a page that it gives for anything makes clients
 * wait for nothing, and confuses some, even where those of clients/ go on to the settings. */
static void check_apex(struct network_source *network)
{
	struct check *check = network->check;
	const char *domain = check->examined->subject.domain, *url;
	struct http_request request = request_for(check, "POST", true, domain, PATH_AUTODISCOVER);
	const char *asked = http_url(&check->memory, &request);
	const struct http_answer *answer = ask_apex(network, &request);

	if (answer->status != 200 ||
	    has_words(answer, "schemas.microsoft.com/exchange/autodiscover"))
		return;
	url = http_url(&check->memory, &request);
	report(check, FINDING_APEX_POST,
	       say(check, "%s answers a POST with status 200 and %s%s%s", asked,
		   *answer->media_type ? answer->media_type : "no media type",
		   text_equals(url, asked) ? "" : ", by way of ",
		   text_equals(url, asked) ? "" : url),
	       "status 404: a page keeps Outlook from going on to autodiscover. at once, and may "
	       "confuse it",
	       say(check, "let the web server of %s answer 404 to " PATH_AUTODISCOVER, domain));
}

/* What a client would take servers from, or where to ask next. */
static bool is_settings(const struct http_answer *answer)
{
	static const char *const marks[] = {
		"<clientConfig",
		"<Protocol>",
		"<Redirect",
		"<Type>MobileSync</Type>",
	};

	if (answer->status < 200 || answer->status > 299)
		return false;
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (has_words(answer, marks[i]))
			return true;
	return *answer->body == '{' && has_words(answer, "\"Url\"");
}

static void report_plain(struct check *check, const char *host, const char *path)
{
	report(check, FINDING_PLAIN_SETTINGS,
	       say(check, "http://%s%s answers with settings, which anybody on the way can change",
		   host, path),
	       "a redirect to HTTPS, or nothing",
	       say(check, "let port 80 of %s redirect to HTTPS", host));
}

/* Returns whether there are settings. query: what follows the path, if anything. */
static bool check_plain_answer(struct network_source *network, const char *method, const char *host,
			       const char *path, const char *query)
{
	const char *target = say(network->check, "%s%s", path, query);

	if (!is_settings(ask_once(network, method, false, host, target)))
		return false;
	report_plain(network->check, host, path);
	return true;
}

/* An admin may want old clients to have the document there that is without logins: then it is the
 * same for whoever asks. */
static void check_plain_autoconfig(struct network_source *network, const char *host,
				   const char *path)
{
	struct check *check = network->check;
	const char *query = say(check, "?emailaddress=%s",
				percent_encode(&check->memory, check->examined->sample.text));
	const struct http_answer *answer, *anonymous;

	if (!check->examined->plain_autoconfig) {
		(void)check_plain_answer(network, "GET", host, path, query);
		return;
	}
	answer = ask_once(network, "GET", false, host, say(check, "%s%s", path, query));
	anonymous = ask_once(network, "GET", false, host, path);
	if (is_settings(answer) && !text_equals(answer->body, anonymous->body))
		report(check, FINDING_PLAIN_SETTINGS,
		       say(check,
			   "http://%s%s answers with settings of the address that is asked for",
			   host, path),
		       "the document without an address, or a redirect to HTTPS",
		       say(check, "let port 80 of %s lead here, or redirect to HTTPS", host));
}

static void check_plain(struct network_source *network)
{
	struct check *check = network->check;
	const char *domain = check->examined->subject.domain;
	const char *autodiscover = say(check, "autodiscover.%s", domain);
	const char *query = say(check, "?Email=%s&Protocol=AutodiscoverV1",
				percent_encode(&check->memory, check->examined->sample.text));

	check_plain_autoconfig(network, say(check, "autoconfig.%s", domain), PATH_AUTOCONFIG);
	check_plain_autoconfig(network, domain, PATH_WELL_KNOWN);
	/* Outlook's own question there is a GET; the first that has settings will do. */
	if (!check_plain_answer(network, "GET", autodiscover, PATH_AUTODISCOVER, ""))
		(void)check_plain_answer(network, "POST", autodiscover, PATH_AUTODISCOVER, "");
	(void)check_plain_answer(network, "GET", autodiscover, "/autodiscover/autodiscover.json",
				 query);
	(void)check_plain_answer(network, "POST", domain, PATH_AUTODISCOVER, "");
}

/* Outlook and Thunderbird ask where the SRV record leads, which is no name of the domain's. */
static void check_srv_target(struct check *check, struct resolver *resolver, const char *target)
{
	if (target && !is_own_name(check->examined, target))
		look_at_name(check, resolver, target, true);
}

static bool is_played(const struct examined *examined, size_t i)
{
	const struct client_model *model = &client_models[i];

	if (examined->no_sample && !model->asks_for_domain)
		return false;
	return !model->is_optional || settings_are_there(&examined->expected[i].settings) ||
	       settings_are_there(&examined->for_strangers[i].settings);
}

void check_clients(struct check *check, struct resolver *resolver)
{
	_cleanup_(browser_freep) struct browser *browser = browser_new(check->world, resolver);
	_cleanup_(memo_freep) struct memo *answers = memo_new();
	const struct examined *examined = check->examined;
	struct network_source network = {
		.source = {
			.fetch = fetch_from_network,
			.srv_target = find_srv_target(check, resolver),
			.pacc_digest = examined->subject.pacc_digest,
		},
		.check = check,
		.browser = browser,
		.answers = answers,
	};

	if (examined->no_sample)
		report(check, FINDING_UNTESTED, examined->no_sample, "an address to ask about",
		       examined->sample_fix);
	for (size_t i = 0; client_models[i].word; i++) {
		struct client_result seen;

		if (!is_played(examined, i))
			continue;
		client_play(&client_models[i], &network.source, &check->memory, &examined->sample,
			    &seen);
		compare(check, &client_models[i], &seen, &examined->expected[i],
			&examined->for_strangers[i]);
	}
	check_apex(&network);
	check_plain(&network);
	check_srv_target(check, resolver, network.source.srv_target);
}
