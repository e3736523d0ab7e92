/* Prepares the examination of a domain from the database. */

#include "doctor/check.h"

#include "answer/answer.h"
#include "store/store.h"
#include "tls/certificate-list.h"
#include "util/network.h"
#include "util/shell-words.h"

/* What the daemon would answer from this database, under the names that are its own. */
struct database_source {
	struct response_source source;
	const struct context *context;
	const struct examination *examination;
	const struct sockaddr *client; /* as in struct request */
};

static void fetch_from_database(struct response_source *source, struct arena *memory,
				const struct http_request *request, struct http_answer *ret_answer)
{
	const struct database_source *database = (struct database_source *)source;
	struct response response;
	struct error err;

	if (!request->is_tls || !examination_owns_name(database->examination, request->host) ||
	    client_answer(database->context, memory, request, database->client, ret_answer,
			  &response, &err) != 0)
		*ret_answer = HTTP_NO_ANSWER;
}

static struct client_result *play_clients(const struct context *context,
					  struct examination *examination,
					  const struct sockaddr *client)
{
	struct arena *memory = &examination->database.memory;
	struct database_source database = {
		.source = { .fetch = fetch_from_database },
		.context = context,
		.examination = examination,
		.client = client,
	};
	struct client_result *results = arena_array(memory, struct client_result, CLIENT_MODELS);

	for (size_t i = 0; i < CLIENT_MODELS; i++)
		client_play(&client_models[i], &database.source, memory, &examination->sample,
			    &results[i]);
	return results;
}

/* The users of the domain. */
struct user_survey {
	struct arena *memory;
	const struct provider *provider;
	size_t own_logins; /* those with a login that differs from the pattern */
	const char *first; /* the address of the first */
};

static int survey_user(const struct user *user, void *context, struct error *err)
{
	struct user_survey *survey = context;
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct match match = { .provider = *survey->provider };
	struct address address;
	struct error ignored;

	if (user->address[0] != '@' && !survey->first)
		survey->first = arena_strdup(survey->memory, user->address);
	if (user->provider || address_parse(&memory, user->address, &address, &ignored) < 0 ||
	    !text_equals(login_of(&memory, &address, &match), user->login))
		survey->own_logins++;
	return 0;
}

/* What clients get in place of the users' own logins: "clients outside of 192.0.2.0/24 get no
 * settings, and those that send no address get the pattern's". */
static const char *replacement_text(struct arena *memory, const struct provider *provider)
{
	static const char *const replacements[] = {
		[UNANSWERED_PATTERN] = "get the pattern's",
		[UNANSWERED_REFUSE] = "get no settings",
	};
	const char *outside = replacements[provider->unknown_users];
	const char *nameless = replacements[provider->without_address];
	bool is_nobody = text_equals(provider->send_logins_to, "nobody");
	const char *clients = is_nobody ? "clients that send their address"
					: arena_printf(memory, "clients outside of %s",
						       provider->send_logins_to);

	if (text_equals(provider->send_logins_to, "everyone"))
		return arena_printf(memory, "clients that send no address %s", nameless);
	if (provider->unknown_users != provider->without_address)
		return arena_printf(memory, "%s %s, and those that send no address %s", clients,
				    outside, nameless);
	return is_nobody ? arena_printf(memory, "all clients %s", outside)
			 : arena_printf(memory, "%s, and those that send no address, %s", clients,
					outside);
}

/* Any address will do, unless the provider answers only for its users. If it sends their logins to
 * some networks only, the result depends on where the doctor runs. */
static int choose_sample(struct examination *examination, const char *first_user, struct error *err)
{
	struct check *check = &examination->database;
	const struct provider *provider = &examination->expected.provider;
	const char *domain = examination->domain;
	const char *sample = check_format(check, "postmaster@%s", domain);

	if (provider->unknown_users != UNANSWERED_REFUSE) {
		/* postmaster */
	} else if (!first_user) {
		examination->no_sample = check_format(
			check,
			"clients are not tested: %s has no users, and provider '%s' refuses "
			"unknown users",
			domain, provider->name);
		examination->sample_fix = check_format(
			check, "add its users: 'user add ADDRESS@%s LOGIN', or 'user import'",
			domain);
	} else if (!text_equals(provider->send_logins_to, "everyone")) {
		examination->no_sample = check_format(
			check,
			"clients are not tested: provider '%s' answers only for its users, and "
			"sends their logins only to %s",
			provider->name, provider->send_logins_to);
		examination->sample_fix = "test with a client in one of these networks";
	} else {
		sample = first_user;
	}
	return address_parse(&check->memory, sample, &examination->sample, err);
}

static int read_database(struct examination *examination, const struct context *context,
			 struct error *err)
{
	struct check *check = &examination->database;
	struct expected *expected = &examination->expected;
	const struct provider *provider = &expected->provider;
	const struct user_filter filter = { .domain = examination->domain };
	struct user_survey survey = { .memory = &check->memory, .provider = provider };
	size_t count;

	if (expected_load(context, &check->memory, examination->domain, expected, err) < 0 ||
	    expected_records(&check->memory, expected, NULL, NULL, 0, &examination->wanted, err) <
		    0 ||
	    store_visit_users(context->store, &filter, survey_user, &survey, err) != 0)
		return -1;
	count = survey.own_logins;
	if (count > 0)
		check_report(
			check, FINDING_OWN_LOGINS,
			"%zu user%s of %s ha%s a login that differs from the pattern '%s': %s\n"
			"a pattern that gives the logins of all users\n"
			"change the pattern if possible: 'provider set %s --login ...'; otherwise "
			"users of these clients enter their login by hand",
			count, count == 1 ? "" : "s", examination->domain, count == 1 ? "s" : "ve",
			provider->login, replacement_text(&check->memory, provider),
			word_in_sentence(&check->memory, provider->name));
	return choose_sample(examination, survey.first, err);
}

static void report_starttls_only(struct examination *examination)
{
	static const enum service_kind kinds[] = { SERVICE_IMAP, SERVICE_POP3, SERVICE_SUBMISSION };
	struct check *check = &examination->database;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const struct endpoint *first = profile_first(&examination->expected.profile,
							     kinds[i]);

		if (first && first->security == SECURITY_STARTTLS)
			check_report(
				check, FINDING_STARTTLS_ONLY,
				"%s is announced to Outlook with STARTTLS, which Outlook 2007 does "
				"not support: it tries implicit TLS\n"
				"implicit TLS first\n"
				"offer implicit TLS too, and announce it: 'service add %s ...'",
				service_kind_name(kinds[i]),
				word_in_sentence(&check->memory,
						 examination->expected.provider.name));
	}
}

/* owner: the argument of 'certificate request'. */
static void check_coverage(struct check *check, const struct coverage *coverage, const char *name,
			   const char *owner)
{
	if (!coverage_has(&check->memory, coverage, name))
		check_report(check, FINDING_NAME_UNCERTIFIED,
			     "no valid certificate in the settings covers %s\n"
			     "a certificate for %s\n"
			     "get a certificate for %s with 'mailconfctl certificate request %s', "
			     "or put another one where 'certificates' in the settings finds it",
			     name, name, name, owner);
}

int examination_prepare(struct examination *examination, const struct context *context,
			const struct coverage *coverage)
{
	struct check *check = &examination->database;
	const char *domain = examination->domain, *target;
	struct error err;

	if (domain_is_pattern(domain)) {
		bool is_any = text_equals(domain, "*");

		check_report(check, is_any ? FINDING_ANY_DOMAIN : FINDING_PATTERN,
			     "'%s' %s\n"
			     "a single domain\n"
			     "name one of its domains: 'doctor DOMAIN'",
			     domain,
			     is_any ? "matches any domain that points to this server, also those "
				      "of other owners"
				    : "stands for domains that are not listed anywhere");
		return -1;
	}
	if (read_database(examination, context, &err) < 0) {
		check_report(check, FINDING_DOMAIN_BROKEN,
			     "%s\n"
			     "an enabled domain whose provider has services\n"
			     "%s",
			     err.text,
			     *err.hint ? err.hint
				       : "add what is missing, for example with 'service add'");
		return -1;
	}
	examination->names = wanted_names(
		&check->memory, domain, examination->expected.profile.pacc, &examination->n_names);
	report_starttls_only(examination);
	for (size_t i = 0; coverage && i < examination->n_names; i++)
		check_coverage(check, coverage, examination->names[i], domain);
	target = examination->expected.target;
	if (coverage && target && !examination_has_name(examination, target))
		check_coverage(check, coverage, target, target);
	if (text_equals(examination->expected.row, "*"))
		check_report(check, FINDING_ANY_DOMAIN,
			     "%s is served by the row '*', like any domain that points to this "
			     "server, also those of other owners\n"
			     "a row of its own for each domain that is served on purpose\n"
			     "add the domain: 'domain add %s ...'",
			     domain, domain);
	/* The doctor cannot know its address as the server sees it. If logins are sent to some
	 * networks only, the settings that other networks get are right too. */
	examination->results = play_clients(context, examination, NULL);
	examination->results_elsewhere = play_clients(context, examination,
						      ip_address_parse(&check->memory, "::"));
	return 0;
}
