/*
 * The models of all clients. Those that begin at the same host stand together because the
 * connection is kept for the next request.
 */

#include "doctor/client-document.h"
#include "mail/pattern.h"
#include "util/base.h"

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

/* Geary takes the address, whatever the document has. */
static const char *check_geary_provider(struct client_reading *reading,
					const struct xml_element *provider)
{
	reading->username = reading->address->text;
	return NULL;
}

static bool accepts_success(int status, const char *media_type)
{
	return status >= 200 && status < 300;
}

static bool accepts_xml(int status, const char *media_type)
{
	return accepts_success(status, media_type) &&
	       (text_starts_with_ignoring_case(media_type, "text/xml") ||
		text_starts_with_ignoring_case(media_type, "application/xml") ||
		text_starts_with_ignoring_case(media_type, "text/rdf"));
}

/* Safari installs only this type, and displays any other. */
static bool accepts_profile(int status, const char *media_type)
{
	return status == 200 &&
	       text_starts_with_ignoring_case(media_type, "application/x-apple-aspen-config");
}

static bool accepts_json(int status, const char *media_type)
{
	return status == 200 && text_starts_with_ignoring_case(media_type, "application/json");
}

static const struct client_step outlook_steps[] = {
	{ "POST", true, "", URL_OUTLOOK, read_outlook },
	{ "POST", true, "autodiscover.", URL_OUTLOOK, read_outlook },
	{ "GET", false, "autodiscover.", URL_OUTLOOK, read_outlook, .only_redirects = true },
	{ "POST", true, NULL, URL_OUTLOOK, read_outlook },
	{ 0 },
};

static const struct client_step activesync_steps[] = {
	{ "POST", true, "", URL_MOBILESYNC, read_mobilesync },
	{ "POST", true, "autodiscover.", URL_MOBILESYNC, read_mobilesync },
	{ "GET", false, "autodiscover.", URL_MOBILESYNC, read_mobilesync, .only_redirects = true },
	{ "POST", true, NULL, URL_MOBILESYNC, read_mobilesync },
	{ 0 },
};

/* Microsoft's cloud asks in the place of the client. */
static const struct client_step new_outlook_steps[] = {
	{ "GET", true, "autodiscover.", URL_AUTODISCOVER_V2, read_v2_activesync, QUERY_ACTIVESYNC },
	{ "GET", true, "autodiscover.", URL_AUTODISCOVER_V2, read_outlook, QUERY_VERSION_1,
	  .next_url_of = read_v2_outlook_url },
	{ 0 },
};

static const struct client_step thunderbird_steps[] = {
	{ "GET", true, "autoconfig.", URL_AUTOCONFIG, read_autoconfig, QUERY_ENCODED },
	{ "GET", true, "", URL_WELL_KNOWN, read_autoconfig, QUERY_ENCODED },
	{ "GET", false, "autoconfig.", URL_AUTOCONFIG, read_autoconfig, QUERY_ENCODED },
	{ "GET", false, "", URL_WELL_KNOWN, read_autoconfig, QUERY_ENCODED },
	{ "POST", true, "autodiscover.", URL_OUTLOOK, read_outlook_as_thunderbird },
	{ "POST", true, "", URL_OUTLOOK, read_outlook_as_thunderbird },
	{ "POST", false, "autodiscover.", URL_OUTLOOK, read_outlook_as_thunderbird,
	  .only_redirects = true },
	{ "POST", true, NULL, URL_OUTLOOK, read_outlook_as_thunderbird },
	{ 0 },
};

static const struct client_step android_steps[] = {
	{ "GET", true, "autoconfig.", URL_AUTOCONFIG, read_autoconfig },
	{ "GET", true, "", URL_WELL_KNOWN, read_autoconfig },
	{ "GET", false, "autoconfig.", URL_AUTOCONFIG, read_autoconfig },
	{ "GET", false, "", URL_WELL_KNOWN, read_autoconfig },
	{ 0 },
};

static const struct client_step fairemail_steps[] = {
	{ "GET", true, "autoconfig.", URL_AUTOCONFIG, read_autoconfig, QUERY_RAW },
	{ "GET", true, "", URL_WELL_KNOWN, read_autoconfig, QUERY_RAW },
	{ "POST", true, "", URL_OUTLOOK, read_outlook_as_fairemail },
	{ "POST", true, "autodiscover.", URL_OUTLOOK, read_outlook_as_fairemail },
	{ 0 },
};

static const struct client_step deltachat_steps[] = {
	{ "GET", true, "autoconfig.", URL_AUTOCONFIG, read_autoconfig, QUERY_ENCODED },
	{ "GET", true, "", URL_WELL_KNOWN, read_autoconfig, QUERY_ENCODED },
	{ "GET", true, "", URL_OUTLOOK, read_outlook_as_deltachat },
	{ "GET", true, "autodiscover.", URL_OUTLOOK, read_outlook_as_deltachat },
	{ 0 },
};

static const struct client_step nextcloud_steps[] = {
	{ "GET", true, "autoconfig.", URL_AUTOCONFIG, read_autoconfig, QUERY_RAW },
	{ "GET", true, "", URL_WELL_KNOWN, read_autoconfig, QUERY_RAW },
	{ "GET", false, "autoconfig.", URL_AUTOCONFIG, read_autoconfig, QUERY_RAW },
	{ "GET", false, "", URL_WELL_KNOWN, read_autoconfig, QUERY_RAW },
	{ 0 },
};

static const struct client_step kmail_steps[] = {
	{ "GET", true, "autoconfig.", URL_AUTOCONFIG, read_autoconfig },
	{ "GET", false, "autoconfig.", URL_AUTOCONFIG, read_autoconfig },
	{ "GET", true, "", URL_WELL_KNOWN, read_autoconfig },
	{ 0 },
};

static const struct client_step evolution_steps[] = {
	{ "GET", true, "autoconfig.", URL_AUTOCONFIG, read_autoconfig, QUERY_EVOLUTION },
	{ "GET", false, "autoconfig.", URL_AUTOCONFIG, read_autoconfig, QUERY_EVOLUTION },
	{ "GET", true, "", URL_WELL_KNOWN, read_autoconfig, QUERY_EVOLUTION },
	{ "GET", false, "", URL_WELL_KNOWN, read_autoconfig, QUERY_EVOLUTION },
	{ 0 },
};

static const struct client_step geary_steps[] = {
	{ "GET", true, "autoconfig.", URL_AUTOCONFIG, read_autoconfig },
	{ 0 },
};

static const struct client_step apple_steps[] = {
	{ "GET", true, "autoconfig.", URL_MOBILECONFIG, read_mobileconfig, QUERY_ENCODED },
	{ 0 },
};

static const struct client_step pacc_steps[] = {
	{ "GET", true, "ua-auto-config.", URL_PACC, read_pacc, .has_digest = true },
	{ 0 },
};

const struct client_model client_models[] = {
	{
		.word = "outlook",
		.name = "Outlook",
		.only_to_tls = true,
		.steps = outlook_steps,
	},
	{
		.word = "activesync",
		.name = "ActiveSync phone",
		.is_optional = true,
		.only_to_tls = true,
		.steps = activesync_steps,
	},
	{
		.word = "new-outlook",
		.name = "New Outlook",
		.is_optional = true,
		.only_to_tls = true,
		.steps = new_outlook_steps,
	},
	{
		.word = "thunderbird",
		.name = "Thunderbird",
		.timeout = 5000,
		.accepts = accepts_xml,
		.autoconfig = { .check_provider = check_thunderbird_provider,
				.read_server = read_thunderbird_server,
				.takes_pop3 = true,
				.needs_smtp = true,
				.matches_element = true },
		.steps = thunderbird_steps,
	},
	{
		.word = "thunderbird-android",
		.name = "Thunderbird for Android",
		.accepts = accepts_success,
		.autoconfig = { .check_provider = check_android_provider,
				.read_server = read_android_server,
				.needs_smtp = true,
				.is_strict = true,
				.matches_element = true,
				.last_provider_wins = true },
		.steps = android_steps,
	},
	{
		.word = "fairemail",
		.name = "FairEmail",
		.timeout = 10000,
		.takes_any_name = true,
		.autoconfig = { .check_provider = check_fairemail_provider,
				.needs_smtp = true,
				.matches_element = true,
				.only_first = true },
		.steps = fairemail_steps,
	},
	{
		.word = "deltachat",
		.name = "Delta Chat",
		.autoconfig = { .needs_smtp = true },
		.steps = deltachat_steps,
	},
	{
		.word = "nextcloud",
		.name = "Nextcloud Mail",
		.timeout = 7000,
		.autoconfig = { .tls_is_starttls = true },
		.steps = nextcloud_steps,
	},
	{
		.word = "kmail",
		.name = "KMail",
		.autoconfig = { .takes_pop3 = true },
		.steps = kmail_steps,
	},
	{
		.word = "evolution",
		.name = "Evolution",
		.autoconfig = { .read_server = read_evolution_server,
				.takes_pop3 = true,
				.last_server_wins = true },
		.steps = evolution_steps,
	},
	{
		.word = "geary",
		.name = "Geary",
		.autoconfig = { .check_provider = check_geary_provider },
		.steps = geary_steps,
	},
	{
		.word = "apple",
		.name = "Apple device",
		.is_optional = true,
		.accepts = accepts_profile,
		.steps = apple_steps,
	},
	{
		.word = "pacc",
		.name = "PACC client",
		.is_optional = true,
		.asks_for_domain = true,
		.only_to_tls = true,
		.accepts = accepts_json,
		.steps = pacc_steps,
	},
	{ 0 },
};
