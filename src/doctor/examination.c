#include "doctor/examination.h"

#include <string.h>

#include "doctor/client.h"
#include "store/store.h"
#include "tls/certificate-list.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/network.h"
#include "util/shell-words.h"

void patient_note(struct patient *patient, enum finding_kind kind, const char *seen,
		  const char *expected, const char *fix)
{
	const struct finding finding = { kind, seen, expected, fix };

	findings_add(&patient->findings, &finding);
}

/* What the daemon would answer from this database, under the names that are its own. */
struct database_source {
	struct response_source source;
	const struct context *context;
	const struct patient *patient;
	const struct sockaddr *client; /* as in struct request */
};

static void fetch_from_database(struct response_source *source, struct arena *memory,
				const struct http_request *request, struct http_answer *ret_answer)
{
	const struct database_source *database = (struct database_source *)source;
	const struct request local = {
		.method = request->method,
		.target = request->target,
		.host = request->host,
		.body = request->body,
		.body_size = request->body ? strlen(request->body) : 0,
		.client = database->client,
	};
	struct response response;
	struct error err;

	if (!request->is_tls || !is_own_name(&database->patient->examined, request->host) ||
	    client_answer(database->context, memory, &local, ret_answer, &response, &err) != 0)
		*ret_answer = HTTP_NO_ANSWER;
}

static struct client_result *play_clients(const struct context *context, struct patient *patient,
					  const struct sockaddr *client)
{
	struct database_source database = {
		.source = { .fetch = fetch_from_database },
		.context = context,
		.patient = patient,
		.client = client,
	};
	struct client_result *results;
	size_t count = 0;

	while (client_models[count].word)
		count++;
	results = arena_array(&patient->memory, struct client_result, count);
	for (size_t i = 0; i < count; i++)
		client_play(&client_models[i], &database.source, &patient->memory,
			    &patient->examined.sample, &results[i]);
	return results;
}

/* The doctor cannot know its address as the server sees it. Where logins are sent to some networks
 * only, the settings that other networks get are right too. */
static void expect_results(const struct context *context, struct patient *patient)
{
	patient->examined.expected = play_clients(context, patient, NULL);
	patient->examined.for_strangers = play_clients(context, patient,
						       ip_address_parse(&patient->memory, "::"));
}

/* Users of the domain: how many have a login that the pattern would not give, and the first. */
struct tally {
	struct arena *memory;
	const struct provider *provider;
	size_t own_logins;
	const char *first;
};

static bool pattern_gives(const struct tally *tally, const struct user *user)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const struct match match = { .provider = *tally->provider };
	struct address address;
	struct error err;

	if (user->provider || address_parse(&memory, user->address, &address, &err) < 0)
		return false;
	return text_equals(login_of(&memory, &address, &match), user->login);
}

static int tally_user(const struct user *user, void *context, struct error *err)
{
	struct tally *tally = context;

	if (user->address[0] != '@' && !tally->first)
		tally->first = arena_strdup(tally->memory, user->address);
	if (!pattern_gives(tally, user))
		tally->own_logins++;
	return 0;
}

/* What becomes of those who are not told their own logins: "clients outside of 192.0.2.0/24 get no
 * settings, and those that send no address are told the pattern's". */
static const char *who_lacks_logins(struct arena *memory, const struct provider *provider)
{
	static const char *const fates[] = {
		[UNANSWERED_PATTERN] = "are told the pattern's",
		[UNANSWERED_REFUSE] = "get no settings",
	};
	const char *stranger = fates[provider->unknown_users];
	const char *nameless = fates[provider->without_address];
	bool is_nobody = text_equals(provider->send_logins_to, "nobody");
	const char *strangers = is_nobody ? "clients that send their address"
					  : arena_printf(memory, "clients outside of %s",
							 provider->send_logins_to);

	if (text_equals(provider->send_logins_to, "everyone"))
		return arena_printf(memory, "clients that send no address %s", nameless);
	if (provider->unknown_users != provider->without_address)
		return arena_printf(memory, "%s %s, and those that send no address %s", strangers,
				    stranger, nameless);
	return is_nobody ? arena_printf(memory, "all clients %s", stranger)
			 : arena_printf(memory, "%s, and those that send no address, %s", strangers,
					stranger);
}

static int tally_users(const struct context *context, struct patient *patient, struct tally *tally,
		       struct error *err)
{
	const struct user_filter filter = { .domain = patient->domain };

	*tally = (struct tally){
		.memory = &patient->memory,
		.provider = &patient->examined.subject.provider,
	};
	if (store_visit_users(context->store, &filter, tally_user, tally, err) != 0)
		return -1;
	if (tally->own_logins)
		patient_note(
			patient, FINDING_OWN_LOGINS,
			arena_printf(
				&patient->memory,
				"%zu user%s of %s ha%s a login that the pattern '%s' would not "
				"give: %s",
				tally->own_logins, tally->own_logins == 1 ? "" : "s",
				patient->domain, tally->own_logins == 1 ? "s" : "ve",
				patient->examined.subject.provider.login,
				who_lacks_logins(&patient->memory,
						 &patient->examined.subject.provider)),
			"a pattern that gives the logins of all users",
			arena_printf(
				&patient->memory,
				"let the pattern give them if it can: 'provider set %s --login "
				"...'; else people with such a client enter theirs by hand",
				word_in_sentence(&patient->memory,
						 patient->examined.subject.provider.name)));
	return 0;
}

/* Nobody in particular, unless the provider answers only for those that it knows. Whom it answers
 * only in some networks cannot be asked about from just anywhere. */
static int choose_sample(struct patient *patient, const struct tally *tally, struct error *err)
{
	struct examined *examined = &patient->examined;
	const struct provider *provider = &examined->subject.provider;
	const char *sample = arena_printf(&patient->memory, "postmaster@%s", patient->domain);

	if (provider->unknown_users == UNANSWERED_REFUSE) {
		if (!tally->first) {
			examined->no_sample = arena_printf(
				&patient->memory,
				"clients: %s has no user of its own, and provider '%s' refuses "
				"others",
				patient->domain, provider->name);
			examined->sample_fix = arena_printf(
				&patient->memory,
				"add its users: 'user add ADDRESS@%s LOGIN', or 'user import'",
				patient->domain);
		} else if (!text_equals(provider->send_logins_to, "everyone")) {
			examined->no_sample = arena_printf(
				&patient->memory,
				"clients: provider '%s' answers for its users alone, and sends "
				"their logins to %s only",
				provider->name, provider->send_logins_to);
			examined->sample_fix = "look with a client in one of these networks";
		} else
			sample = tally->first;
	}
	return address_parse(&patient->memory, sample, &examined->sample, err);
}

static void note_starttls_only(struct patient *patient)
{
	static const enum service_kind kinds[] = { SERVICE_IMAP, SERVICE_POP3, SERVICE_SUBMISSION };
	const struct profile *profile = &patient->examined.subject.profile;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const struct endpoint *first = profile_first(profile, kinds[i]);

		if (first && first->security == SECURITY_STARTTLS)
			patient_note(
				patient, FINDING_STARTTLS_ONLY,
				arena_printf(&patient->memory,
					     "%s is announced to Outlook with STARTTLS, of which "
					     "Outlook 2007 knows nothing: it tries implicit TLS",
					     service_kind_name(kinds[i])),
				"implicit TLS first",
				arena_printf(
					&patient->memory,
					"offer implicit TLS too, and announce it: 'service add "
					"%s ...'",
					word_in_sentence(&patient->memory,
							 patient->examined.subject.provider.name)));
	}
}

/* subject: whom 'certificate request' gets it for. */
static void note_name_uncertified(const struct coverage *coverage, struct patient *patient,
				  const char *name, const char *subject)
{
	struct arena *memory = &patient->memory;

	if (coverage_has(memory, coverage, name))
		return;
	patient_note(
		patient, FINDING_NAME_UNCERTIFIED,
		arena_printf(memory, "no valid certificate of the settings covers %s", name),
		arena_printf(memory, "a certificate with the name %s", name),
		arena_printf(memory,
			     "get a certificate for %s with 'mailconfctl certificate request %s', "
			     "or put another where 'certificates' in the settings looks",
			     name, subject));
}

static void note_uncertified(const struct coverage *coverage, struct patient *patient)
{
	const struct examined *examined = &patient->examined;
	const char *target = examined->subject.target;

	if (!coverage)
		return;
	for (size_t i = 0; i < examined->n_names; i++)
		note_name_uncertified(coverage, patient, examined->names[i], patient->domain);
	if (target && !is_wanted_name(examined, target))
		note_name_uncertified(coverage, patient, target, target);
}

static void note_any_domain(struct patient *patient)
{
	if (text_equals(patient->examined.subject.row, "*"))
		patient_note(
			patient, FINDING_ANY_DOMAIN,
			arena_printf(
				&patient->memory,
				"%s is served by the row '*', as is any domain that points here, "
				"whoever owns it",
				patient->domain),
			"a row for each domain that is served on purpose",
			arena_printf(&patient->memory,
				     "give it a row of its own: 'domain add %s ...'",
				     patient->domain));
}

int patient_examine(struct patient *patient, const struct context *context,
		    const struct doctor_options *options, struct error *err)
{
	struct examined *examined = &patient->examined;
	struct tally tally;

	if (expected_load(context, &patient->memory, patient->domain, &examined->subject, err) <
		    0 ||
	    expected_records(&patient->memory, &examined->subject, NULL, NULL, 0, &examined->wanted,
			     err) < 0 ||
	    tally_users(context, patient, &tally, err) < 0 ||
	    choose_sample(patient, &tally, err) < 0)
		return -1;
	examined->names = wanted_names(&patient->memory, patient->domain,
				       examined->subject.profile.pacc, &examined->n_names);
	examined->plain_autoconfig = options->plain_autoconfig;
	note_starttls_only(patient);
	note_uncertified(options->coverage, patient);
	note_any_domain(patient);
	expect_results(context, patient);
	return 0;
}

void patient_note_pattern(struct patient *patient)
{
	bool is_any = text_equals(patient->domain, "*");

	patient_note(patient, is_any ? FINDING_ANY_DOMAIN : FINDING_PATTERN,
		     is_any ? "'*' answers for every domain that points here, whoever owns it"
			    : arena_printf(&patient->memory,
					   "'%s' stands for domains of which there is no list",
					   patient->domain),
		     "a domain that has a name", "name one that it serves: 'doctor DOMAIN'");
}

/* An error says what is wrong, then what would change that. */
void patient_note_broken(struct patient *patient, const char *why)
{
	const char *way_out = strstr(why, "; ");

	patient_note(patient, FINDING_DOMAIN_BROKEN,
		     way_out ? arena_strndup(&patient->memory, why, (size_t)(way_out - why))
			     : arena_strdup(&patient->memory, why),
		     "a domain that is enabled, with a provider that has services",
		     way_out ? arena_strdup(&patient->memory, way_out + strlen("; "))
			     : "give it what it lacks, such as by 'service add', and look again");
}
