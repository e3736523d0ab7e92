/*
 * Apple's configuration profile, with an account each for mail, CalDAV and CardDAV.
 *
 * A device replaces a profile that it has by one with the same PayloadIdentifier, and updates in it
 * what has the same PayloadUUID: so these are made from the address and a secret of the
 * installation, the same each time and different for everyone else.
 *
 * A profile cannot say OAuth2, Kerberos or client certificate. A service that takes nothing else is
 * passed over, for the next one of its kind or, as mail goes, for POP3: a device would ask for a
 * password that can never be right.
 *
 * Passwords do not belong here: the file is kept where it was downloaded, and mailed on. The person
 * is asked for the password when the profile is installed.
 */

#include "protocol/protocol.h"

#include "protocol/templates.h"
#include "protocol/xml.h"
#include "tls/cms.h"
#include "util/digest.h"

const struct xml_doctype mobileconfig_doctype = {
	.name = "plist",
	.public_id = "-//Apple//DTD PLIST 1.0//EN",
	.system_id = "http://www.apple.com/DTDs/PropertyList-1.0.dtd",
};

static struct question mobileconfig_parse(struct arena *memory, const struct request *request)
{
	const char *text = request_argument(memory, request, "emailaddress", "email");

	return question_of_address(memory, request, &protocol_mobileconfig,
				   request_has_argument(memory, request, "password") ? NULL : text);
}

static const char *const authentications[AUTHENTICATIONS] = {
	[AUTHENTICATION_PASSWORD_CLEARTEXT] = "EmailAuthPassword",
	[AUTHENTICATION_PASSWORD_ENCRYPTED] = "EmailAuthCRAMMD5",
	[AUTHENTICATION_NTLM] = "EmailAuthNTLM",
	[AUTHENTICATION_CLIENT_IP_ADDRESS] = "EmailAuthNone",
	[AUTHENTICATION_NONE] = "EmailAuthNone",
};

/* The best way to log in that a device knows, NULL for none. */
static const char *authentication_of(const struct endpoint *endpoint)
{
	for (size_t i = 0; i < endpoint->n_authentications; i++)
		if (authentications[endpoint->authentications[i]])
			return authentications[endpoint->authentications[i]];
	return NULL;
}

/* Implicit TLS before all, whatever the admin's order: a device reads UseSSL and a port, and has
 * to guess STARTTLS from them. */
static const struct endpoint *choose(const struct profile *profile, enum service_kind kind)
{
	const struct endpoint *chosen = NULL;

	for (size_t i = 0; i < profile->n_endpoints; i++) {
		const struct endpoint *endpoint = &profile->endpoints[i];

		if (endpoint->kind == kind && authentication_of(endpoint) &&
		    (!chosen || endpoint->security < chosen->security))
			chosen = endpoint;
	}
	return chosen;
}

/* The servers of a profile, NULL for none; mail has both, or none. */
struct accounts {
	const struct endpoint *incoming, *outgoing, *caldav, *carddav;
};

/* Returns whether there is any. */
static bool choose_accounts(const struct profile *profile, struct accounts *ret_accounts)
{
	struct accounts accounts = {
		.incoming = choose(profile, SERVICE_IMAP) ?: choose(profile, SERVICE_POP3),
		.outgoing = choose(profile, SERVICE_SUBMISSION),
		.caldav = choose(profile, SERVICE_CALDAV),
		.carddav = choose(profile, SERVICE_CARDDAV),
	};

	if (!accounts.incoming || !accounts.outgoing)
		accounts.incoming = accounts.outgoing = NULL;
	*ret_accounts = accounts;
	return accounts.incoming || accounts.caldav || accounts.carddav;
}

/* Whose profile it is, and what its identifiers are made with. */
struct identity {
	const struct digest_key *secret;
	const struct address *address;
	const char *identifier; /* of the whole profile */
};

/* A UUID of version 8 (RFC 9562 5.8) for one part of somebody's profile. */
static const char *make_uuid(struct arena *memory, const struct identity *identity,
			     const char *part)
{
	const char *name = arena_printf(memory, "%s:%s@%s", part, identity->address->key,
					identity->address->domain);
	struct digest digest = digest_with_key(identity->secret, name, strlen(name));
	unsigned char *bytes = digest.bytes;
	struct bytes uuid = BYTES_IN(memory);

	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x80);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < 16; i++)
		bytes_add_format(&uuid, "%s%02X", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
				 bytes[i]);
	return bytes_text(&uuid);
}

/* "org.example" for "example.org" */
static const char *reverse_domain(struct arena *memory, const char *domain)
{
	struct bytes reversed = BYTES_IN(memory);
	size_t end = strlen(domain);

	for (size_t start = end; start > 0; end = start - 1) {
		start = end;
		while (start > 0 && domain[start - 1] != '.')
			start--;
		bytes_add_format(&reversed, "%s%.*s", reversed.size ? "." : "", (int)(end - start),
				 domain + start);
	}
	return bytes_text(&reversed);
}

static struct value server_view(struct arena *memory, const struct endpoint *endpoint)
{
	return VALUE_MAP(
		memory, { "host", value_text(endpoint->host) },
		{ "port", value_text(arena_printf(memory, "%u", endpoint->port)) },
		{ "ssl", value_text(endpoint->security == SECURITY_PLAIN ? "false" : "true") },
		{ "authentication", value_text(authentication_of(endpoint)) },
		{ "login", value_text(endpoint->login) });
}

static struct value dav_view(struct arena *memory, const struct endpoint *endpoint,
			     const struct identity *identity, const char *part)
{
	if (!endpoint)
		return value_bool(false);
	/* Without a path the device looks for the principal itself (RFC 6764). */
	return VALUE_MAP(
		memory, { "host", value_text(endpoint->host) },
		{ "port", value_text(arena_printf(memory, "%u", endpoint->port)) },
		{ "url", value_text(text_equals(endpoint->path, "/") ? NULL : endpoint->url) },
		{ "login", value_text(endpoint->login) },
		{ "identifier",
		  value_text(arena_printf(memory, "%s.%s", identity->identifier, part)) },
		{ "uuid", value_text(make_uuid(memory, identity, part)) });
}

static struct value view_of(struct arena *memory, const struct profile *profile,
			    const struct accounts *accounts, const struct digest_key *secret)
{
	struct identity identity = { .secret = secret, .address = profile->address };
	const char *uuid = make_uuid(memory, &identity, "profile");
	const struct endpoint *incoming = accounts->incoming;
	struct value mail = value_bool(false);

	identity.identifier = arena_printf(memory, "%s.mail.%s",
					   reverse_domain(memory, profile->domain), uuid);
	if (incoming)
		mail = VALUE_MAP(
			memory,
			{ "type", value_text(incoming->kind == SERVICE_IMAP ? "EmailTypeIMAP"
									    : "EmailTypePOP") },
			{ "incoming", server_view(memory, incoming) },
			{ "outgoing", server_view(memory, accounts->outgoing) },
			{ "identifier",
			  value_text(arena_printf(memory, "%s.mail", identity.identifier)) },
			{ "uuid", value_text(make_uuid(memory, &identity, "mail")) });
	return VALUE_MAP(
		memory, { "address", value_text(profile->address->text) },
		{ "person", value_text(profile->person) },
		{ "display_name", value_text(profile->display_name) },
		{ "organization", value_text(profile->short_name ?: profile->display_name) },
		{ "identifier", value_text(identity.identifier) }, { "uuid", value_text(uuid) },
		{ "mail", mail },
		{ "caldav", dav_view(memory, accounts->caldav, &identity, "caldav") },
		{ "carddav", dav_view(memory, accounts->carddav, &identity, "carddav") });
}

/* With identifiers that are made up. */
static struct value mobileconfig_sample_view(struct arena *memory, const struct profile *profile)
{
	static const struct digest_key secret;
	struct profile sample = *profile;
	struct accounts accounts;

	choose_accounts(profile, &accounts);
	sample.address = profile->address ?: sample_full.address;
	return view_of(memory, &sample, &accounts, &secret);
}

static const struct document_template mobileconfig_template = {
	"mobileconfig.plist",
	mobileconfig_sample_view,
	&mobileconfig_doctype,
};

static enum failure render(const struct site *site, struct arena *memory,
			   const struct profile *profile, struct response *response)
{
	struct accounts accounts;
	struct error err;

	if (!choose_accounts(profile, &accounts))
		return FAILURE_NOT_OFFERED;
	templates_render(site->templates, &mobileconfig_template, memory,
			 view_of(memory, profile, &accounts, site->secret), response);
	if (site->signer && signer_sign(site->signer, memory, response->body, response->size,
					&response->body, &response->size, &err) < 0)
		return FAILURE_SIGNATURE;
	response->media_type = "application/x-apple-aspen-config";
	response->cache_control = "private, no-store";
	/* A domain that was parsed has letters, digits, hyphens and dots. */
	response->disposition = arena_printf(memory, "attachment; filename=\"%s.mobileconfig\"",
					     profile->domain);
	return FAILURE_NONE;
}

static void answer_failure(const struct site *site, struct arena *memory, enum failure failure,
			   struct response *response)
{
	if (failure == FAILURE_BAD_REQUEST)
		response_set_text(response, 400,
				  "Ask with emailaddress=ADDRESS, and never send a password.\n");
	else
		fail_with_status(site, memory, failure, response);
}

static const struct route mobileconfig_routes[] = {
	{ "/mobileconfig", "GET, HEAD", mobileconfig_parse },
	{ "/.well-known/mobileconfig", "GET, HEAD", mobileconfig_parse },
	{ "/email.mobileconfig", "GET, HEAD", mobileconfig_parse },
	{ 0 },
};

static const struct document_template *const mobileconfig_templates[] = { &mobileconfig_template,
									  NULL };

const struct protocol protocol_mobileconfig = {
	.name = "mobileconfig",
	.routes = mobileconfig_routes,
	.templates = mobileconfig_templates,
	.preview = { "autoconfig", .argument = "?emailaddress=", .takes_address = true },
	.tells_logins = true,
	.needs_secret = true,
	.render = render,
	.fail = answer_failure,
};
