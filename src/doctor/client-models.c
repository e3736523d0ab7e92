/*
 * The models of all clients. Those that begin at the same host stand together because the
 * connection is kept for the next request.
 */

#include "doctor/client-document.h"
#include "mail/pattern.h"

#define EVOLUTION_LOCAL_PART "EVOLUTIONUSER"

/* Evolution hides the local part in its request and restores it in the user name; %EMAILDOMAIN% in
 * a host name becomes nothing. */
static const char *read_evolution_server(struct client_reading *reading,
					 const struct xml_element *element, struct setting *setting)
{
	const struct address *address = reading->address;
	const struct pattern_values values = { address->text, address->local, .domain = "" };
	const char *why = read_autoconfig_server(reading, element, setting), *text, *found;
	struct bytes username = BYTES_IN(reading->memory);

	if (why)
		return why;
	for (text = setting->username; (found = strstr(text, EVOLUTION_LOCAL_PART));
	     text = found + strlen(EVOLUTION_LOCAL_PART)) {
		bytes_add(&username, text, (size_t)(found - text));
		bytes_add_text(&username, address->local);
	}
	bytes_add_text(&username, text);
	setting->username = bytes_text(&username);
	setting->host = pattern_expand(reading->memory, setting->host, &values);
	return NULL;
}

static void find_last_username(const struct xml_element *element, const char **last)
{
	for (; element; element = element->next) {
		if (text_equals(element->name, "username"))
			*last = element->text;
		find_last_username(element->first_child, last);
	}
}

/* FairEmail takes the last user name of the provider for all servers, and replaces a placeholder
 * only if it is all of the name. */
static const char *check_fairemail_provider(struct client_reading *reading,
					    const struct xml_element *provider)
{
	const struct address *address = reading->address;
	const char *username = "";

	find_last_username(provider, &username);
	reading->username = text_equals(username, "%EMAILADDRESS%")	? address->text
			    : text_equals(username, "%EMAILLOCALPART%") ? address->local
									: username;
	return NULL;
}

const struct client_step client_steps[CLIENT_STEPS] = {
	[STEP_OUTLOOK_APEX] = { "outlook", "POST", true, "", PATH_AUTODISCOVER },
	[STEP_OUTLOOK] = { "outlook", "POST", true, "autodiscover.", PATH_AUTODISCOVER },
	[STEP_OUTLOOK_REDIRECT] = { "outlook", "GET", false, "autodiscover.", PATH_AUTODISCOVER,
				    .only_redirects = true },
	[STEP_OUTLOOK_SRV] = { "outlook", "POST", true, NULL, PATH_AUTODISCOVER },
	[STEP_OUTLOOK_POST_REDIRECT] = { "outlook", "POST", false, "autodiscover.",
					 PATH_AUTODISCOVER, .only_redirects = true },
	[STEP_OUTLOOK_GET_APEX] = { "outlook", "GET", true, "", PATH_AUTODISCOVER },
	[STEP_OUTLOOK_GET] = { "outlook", "GET", true, "autodiscover.", PATH_AUTODISCOVER },
	[STEP_MOBILESYNC_APEX] = { "mobilesync", "POST", true, "", PATH_AUTODISCOVER,
				   .read = read_mobilesync },
	[STEP_MOBILESYNC] = { "mobilesync", "POST", true, "autodiscover.", PATH_AUTODISCOVER,
			      .read = read_mobilesync },
	[STEP_MOBILESYNC_REDIRECT] = { "mobilesync", "GET", false, "autodiscover.",
				       PATH_AUTODISCOVER, .read = read_mobilesync,
				       .only_redirects = true },
	[STEP_MOBILESYNC_SRV] = { "mobilesync", "POST", true, NULL, PATH_AUTODISCOVER,
				  .read = read_mobilesync },
	[STEP_AUTOCONFIG] = { "autoconfig", "GET", true, "autoconfig.", PATH_AUTOCONFIG,
			      QUERY_OF_MODEL, read_autoconfig },
	[STEP_WELL_KNOWN] = { "autoconfig", "GET", true, "", PATH_WELL_KNOWN, QUERY_OF_MODEL,
			      read_autoconfig },
	[STEP_PLAIN_AUTOCONFIG] = { "autoconfig", "GET", false, "autoconfig.", PATH_AUTOCONFIG,
				    QUERY_OF_MODEL, read_autoconfig },
	[STEP_PLAIN_WELL_KNOWN] = { "autoconfig", "GET", false, "", PATH_WELL_KNOWN, QUERY_OF_MODEL,
				    read_autoconfig },
	[STEP_MOBILECONFIG] = { "mobileconfig", "GET", true, "autoconfig.", "/mobileconfig",
				QUERY_OF_MODEL, read_mobileconfig },
	[STEP_V2_ACTIVESYNC] = { "autodiscover-v2", "GET", true, "autodiscover.",
				 PATH_AUTODISCOVER_V2, QUERY_ACTIVESYNC, read_v2_activesync },
	[STEP_V2_OUTLOOK] = { "autodiscover-v2", "GET", true, "autodiscover.", PATH_AUTODISCOVER_V2,
			      QUERY_VERSION_1, .next_url_of = read_v2_outlook_url },
	[STEP_PACC] = { "pacc", "GET", true, "ua-auto-config.",
			"/.well-known/user-agent-configuration.json", .read = read_pacc,
			.has_digest = true },
};

const struct client_model client_models[CLIENT_MODELS] = {
	{ "outlook", "Outlook", .only_to_tls = true, .read_outlook = read_outlook,
	  .steps = { STEP_OUTLOOK_APEX, STEP_OUTLOOK, STEP_OUTLOOK_REDIRECT, STEP_OUTLOOK_SRV } },
	{ "activesync", "ActiveSync phone", .is_optional = true, .only_to_tls = true,
	  .steps = { STEP_MOBILESYNC_APEX, STEP_MOBILESYNC, STEP_MOBILESYNC_REDIRECT,
		     STEP_MOBILESYNC_SRV } },
	/* Microsoft's cloud asks in the place of the client. */
	{ "new-outlook", "New Outlook", .is_optional = true, .only_to_tls = true,
	  .read_outlook = read_outlook, .steps = { STEP_V2_ACTIVESYNC, STEP_V2_OUTLOOK } },
	{ "thunderbird", "Thunderbird", .timeout = 5000, .takes_any_success = true,
	  .media_types = { "text/xml", "application/xml", "text/rdf" },
	  .autoconfig = { .check_provider = check_thunderbird_provider,
			  .read_server = read_thunderbird_server,
			  .takes_pop3 = true,
			  .needs_smtp = true,
			  .matches_element = true },
	  .query = QUERY_ENCODED, .read_outlook = read_outlook_as_thunderbird,
	  .steps = { STEP_AUTOCONFIG, STEP_WELL_KNOWN, STEP_PLAIN_AUTOCONFIG, STEP_PLAIN_WELL_KNOWN,
		     STEP_OUTLOOK, STEP_OUTLOOK_APEX, STEP_OUTLOOK_POST_REDIRECT,
		     STEP_OUTLOOK_SRV } },
	{ "thunderbird-android", "Thunderbird for Android", .takes_any_success = true,
	  .autoconfig = { .check_provider = check_android_provider,
			  .read_server = read_android_server,
			  .needs_smtp = true,
			  .is_strict = true,
			  .matches_element = true,
			  .last_provider_wins = true },
	  .steps = { STEP_AUTOCONFIG, STEP_WELL_KNOWN, STEP_PLAIN_AUTOCONFIG,
		     STEP_PLAIN_WELL_KNOWN } },
	{ "fairemail", "FairEmail", .timeout = 10000, .takes_any_name = true,
	  .autoconfig = { .check_provider = check_fairemail_provider,
			  .needs_smtp = true,
			  .matches_element = true,
			  .only_first = true },
	  .query = QUERY_RAW, .read_outlook = read_outlook_as_fairemail,
	  .steps = { STEP_AUTOCONFIG, STEP_WELL_KNOWN, STEP_OUTLOOK_APEX, STEP_OUTLOOK } },
	{ "deltachat", "Delta Chat", .autoconfig = { .needs_smtp = true }, .query = QUERY_ENCODED,
	  .read_outlook = read_outlook_as_deltachat,
	  .steps = { STEP_AUTOCONFIG, STEP_WELL_KNOWN, STEP_OUTLOOK_GET_APEX, STEP_OUTLOOK_GET } },
	{ "nextcloud", "Nextcloud Mail", .timeout = 7000, .autoconfig = { .tls_is_starttls = true },
	  .query = QUERY_RAW,
	  .steps = { STEP_AUTOCONFIG, STEP_WELL_KNOWN, STEP_PLAIN_AUTOCONFIG,
		     STEP_PLAIN_WELL_KNOWN } },
	{ "kmail", "KMail", .autoconfig = { .takes_pop3 = true },
	  .steps = { STEP_AUTOCONFIG, STEP_PLAIN_AUTOCONFIG, STEP_WELL_KNOWN } },
	{ "evolution", "Evolution",
	  .autoconfig = { .read_server = read_evolution_server,
			  .takes_pop3 = true,
			  .last_server_wins = true },
	  .query = QUERY_EVOLUTION,
	  .steps = { STEP_AUTOCONFIG, STEP_PLAIN_AUTOCONFIG, STEP_WELL_KNOWN,
		     STEP_PLAIN_WELL_KNOWN } },
	{ "geary", "Geary", .autoconfig = { .login_is_address = true },
	  .steps = { STEP_AUTOCONFIG } },
	{ "apple", "Apple device", .is_optional = true,
	  .media_types = { "application/x-apple-aspen-config" }, .query = QUERY_ENCODED,
	  .steps = { STEP_MOBILECONFIG } },
	{ "pacc", "PACC client", .is_optional = true, .asks_for_domain = true, .only_to_tls = true,
	  .media_types = { "application/json" }, .steps = { STEP_PACC } },
};
