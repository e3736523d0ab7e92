/*
 * Each client is played twice: over the network, and against the database. The settings must be the
 * same, whatever the client's rules are. A response that several clients request is fetched once.
 */

#include "dns/resolver.h"
#include "doctor/check.h"
#include "doctor/http.h"
#include "doctor/memo.h"
#include "protocol/protocol.h"

/* More than any client follows. */
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
	const char *key = check_format(check, "%s %s %s", request->method,
				       http_url(memory, request),
				       request->body ? request->body : "");
	struct http_answer *answer = memo_get(network->answers, key);

	if (!answer) {
		answer = arena_new(&check->memory, struct http_answer);
		*answer = browser_ask(network->browser, request,
				      examination_owns_name(check->examination, request->host));
		memo_put(network->answers, key, answer);
	}
	*ret_answer = *answer;
}

/* Is about the last request before the client gave up. */
static const char *refusal_fix(struct check *check, const struct client_result *seen)
{
	const struct examination *examination = check->examination;
	struct http_request root = seen->refused;
	const char *otherwise = examination_owns_name(examination, root.host) ||
						text_equals(root.host, examination->domain)
					? ""
					: ", or that no client is redirected there";

	root.target = "";
	return seen->was_answered
		       ? check_format(check,
				      "make sure that this daemon, with this database, answers at "
				      "%s%s",
				      http_url(&check->memory, &root), otherwise)
		       : check_format(check,
				      "make sure that %s points to this server, and that its "
				      "certificate is valid%s",
				      root.host, otherwise);
}

static void compare_results(struct check *check, const struct client_model *model,
			    const struct client_result *seen, const struct client_result *expected,
			    const struct client_result *elsewhere)
{
	const char *wanted = settings_text(&check->memory, &expected->settings);
	const char *found = settings_text(&check->memory, &seen->settings);
	const char *provider = check->examination->expected.provider.name;
	bool is_right = settings_equal(&seen->settings, &expected->settings);

	if (seen->slow_url)
		check_report(check, FINDING_SLOW,
			     "%s responds to %s after %lld ms\n"
			     "a response within %d ms, the client's timeout\n"
			     "find out why %s is slow",
			     seen->slow_url, model->name, (long long)seen->slow_milliseconds,
			     model->timeout, seen->slow_url);
	if (settings_are_there(&seen->settings) &&
	    (is_right || settings_equal(&seen->settings, &elsewhere->settings)))
		check_report(check, FINDING_SETTINGS, "%s gets %s from %s", model->name, found,
			     seen->url);
	else if (is_right)
		check_report(
			check, FINDING_CLIENT_LIMIT,
			"%s cannot use the settings: %s\n"
			"a service that %s supports\n"
			"give provider '%s' a service that %s supports, if users have this client",
			model->name, expected->refusal ? expected->refusal : "it finds no server",
			model->name, provider, model->name);
	else if (!settings_are_there(&seen->settings))
		check_report(check, FINDING_NO_SETTINGS,
			     "%s gets no settings: %s\n"
			     "%s\n"
			     "%s",
			     model->name, seen->refusal, wanted, refusal_fix(check, seen));
	else
		check_report(check, FINDING_OTHER_SETTINGS,
			     "%s gets %s from %s\n"
			     "%s\n"
			     "remove the settings from %s, or make it point to this server",
			     model->name, found, seen->url, wanted, seen->url);
}

/* The response to a request; for a POST, Outlook's. Redirects to HTTPS are followed where ret_url
 * is not NULL, which becomes the URL of the last one. */
static struct http_answer fetch(struct network_source *network, const char *method, bool is_tls,
				const char *host, const char *path, const char **ret_url)
{
	struct check *check = network->check;
	struct http_request request = {
		.method = method,
		.is_tls = is_tls,
		.host = host,
		.port = is_tls ? 443 : 80,
		.target = path,
	};
	struct http_answer answer;

	if (text_equals(method, "POST"))
		request.body = autodiscover_request_body(&check->memory, &protocol_outlook,
							 check->examination->sample.text);

	for (int hop = 0;; hop++) {
		struct http_request next;

		fetch_from_network(&network->source, &check->memory, &request, &answer);
		if (!ret_url)
			return answer;
		*ret_url = http_url(&check->memory, &request);
		if (hop == APEX_REDIRECTS_MAX || !http_is_redirect(&answer) ||
		    !http_url_parse(&check->memory, answer.location, &request, &next) ||
		    !next.is_tls)
			return answer;
		request.host = next.host;
		request.port = next.port;
		request.target = next.target;
	}
}

/* Outlook asks the web site before autodiscover.DOMAIN. A page with status 200 delays some clients
 * and confuses others, even if the models continue to the settings. */
static void check_apex(struct network_source *network)
{
	struct check *check = network->check;
	const char *domain = check->examination->domain, *url;
	const char *first_url = check_format(check, "https://%s" PATH_AUTODISCOVER, domain);
	const struct http_answer answer = fetch(network, "POST", true, domain, PATH_AUTODISCOVER,
						&url);
	bool is_redirected = !text_equals(url, first_url);

	if (answer.status == 200 &&
	    !strstr(answer.body, "schemas.microsoft.com/exchange/autodiscover"))
		check_report(check, FINDING_APEX_POST,
			     "%s responds to a POST with status 200 and %s%s%s\n"
			     "status 404, because a page delays Outlook and may confuse it\n"
			     "make the web server of %s return 404 for " PATH_AUTODISCOVER,
			     first_url, *answer.media_type ? answer.media_type : "no media type",
			     is_redirected ? ", after a redirect to " : "",
			     is_redirected ? url : "", domain);
}

/* Whether a client would take servers from the response, or the URL to ask next. */
static bool has_settings(const struct http_answer *answer)
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
		if (strstr(answer->body, marks[i]))
			return true;
	return *answer->body == '{' && strstr(answer->body, "\"Url\"");
}

/* Returns whether there are settings without TLS. query: what follows the path, or "". */
static bool check_plain_answer(struct network_source *network, const char *method, const char *host,
			       const char *path, const char *query)
{
	struct check *check = network->check;
	const struct http_answer answer = fetch(network, method, false, host,
						check_format(check, "%s%s", path, query), NULL);

	if (!has_settings(&answer))
		return false;
	check_report(check, FINDING_PLAIN_SETTINGS,
		     "http://%s%s returns settings, which anyone on the network path can change\n"
		     "a redirect to HTTPS, or no settings\n"
		     "make port 80 of %s redirect to HTTPS",
		     host, path, host);
	return true;
}

/* Old clients may be allowed to get the document without logins, which is the same for all. */
static void check_plain_autoconfig(struct network_source *network, const char *host,
				   const char *path, const char *address)
{
	struct check *check = network->check;
	const char *query = check_format(check, "?emailaddress=%s", address);
	struct http_answer answer, anonymous;

	if (!check->examination->plain_autoconfig) {
		check_plain_answer(network, "GET", host, path, query);
		return;
	}
	answer = fetch(network, "GET", false, host, check_format(check, "%s%s", path, query), NULL);
	anonymous = fetch(network, "GET", false, host, path, NULL);
	if (has_settings(&answer) && !text_equals(answer.body, anonymous.body))
		check_report(check, FINDING_PLAIN_SETTINGS,
			     "http://%s%s returns settings for the requested address\n"
			     "the document without an address, or a redirect to HTTPS\n"
			     "make port 80 of %s point to this server, or redirect to HTTPS",
			     host, path, host);
}

static void check_plain(struct network_source *network)
{
	struct check *check = network->check;
	const char *domain = check->examination->domain;
	const char *autodiscover = check_format(check, "autodiscover.%s", domain);
	const char *address = percent_encode(&check->memory, check->examination->sample.text);

	check_plain_autoconfig(network, check_format(check, "autoconfig.%s", domain),
			       PATH_AUTOCONFIG, address);
	check_plain_autoconfig(network, domain, PATH_WELL_KNOWN, address);
	/* Outlook sends a GET there; one finding is enough. */
	if (!check_plain_answer(network, "GET", autodiscover, PATH_AUTODISCOVER, ""))
		check_plain_answer(network, "POST", autodiscover, PATH_AUTODISCOVER, "");
	check_plain_answer(network, "GET", autodiscover, PATH_AUTODISCOVER_V2,
			   check_format(check, "?Email=%s&Protocol=AutodiscoverV1", address));
	check_plain_answer(network, "POST", domain, PATH_AUTODISCOVER, "");
}

void check_clients(struct check *check)
{
	_cleanup_(browser_freep) struct browser *browser = browser_new(
		check->world, check->resolver, &check->memory);
	_cleanup_(memo_freep) struct memo *answers = memo_new();
	const struct examination *examination = check->examination;
	struct dns_question srv = {
		check_format(check, "_autodiscover._tcp.%s", examination->domain), DNS_SRV
	};
	struct network_source network = {
		.source = { .fetch = fetch_from_network,
			    .pacc_digest = examination->expected.pacc_digest },
		.check = check,
		.browser = browser,
		.answers = answers,
	};
	const char *srv_target = NULL;

	resolver_ask(check->resolver, &check->memory, &srv, 1);
	if (srv.answer.count > 0 && !text_equals(srv.answer.records[0].text, "."))
		srv_target = network.source.srv_target = srv.answer.records[0].text;
	if (examination->no_sample)
		check_report(check, FINDING_UNTESTED,
			     "%s\n"
			     "an address to test with\n"
			     "%s",
			     examination->no_sample, examination->sample_fix);
	for (size_t i = 0; i < CLIENT_MODELS; i++) {
		const struct client_model *model = &client_models[i];
		const struct client_result *wanted = &examination->results[i],
					   *elsewhere = &examination->results_elsewhere[i];
		struct client_result seen;

		/* Rare clients are played only if the database has something for them. */
		if ((examination->no_sample && !model->asks_for_domain) ||
		    (model->is_optional && !settings_are_there(&wanted->settings) &&
		     !settings_are_there(&elsewhere->settings)))
			continue;
		client_play(model, &network.source, &check->memory, &examination->sample, &seen);
		compare_results(check, model, &seen, wanted, elsewhere);
	}
	check_apex(&network);
	check_plain(&network);
	/* Outlook and Thunderbird ask the target too, which may be outside the domain. */
	if (srv_target && !examination_owns_name(examination, srv_target))
		check_host(check, srv_target, true);
}
