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

#include "protocol/mobileconfig.h"

#include "protocol/protocol.h"
#include "protocol/sample.h"
#include "protocol/templates.h"
#include "template/value.h"
#include "tls/cms.h"
#include "util/base.h"
#include "util/digest.h"

const struct xml_doctype mobileconfig_doctype = {
	.name = "plist",
	.public_id = "-//Apple//DTD PLIST 1.0//EN",
	.system_id = "http://www.apple.com/DTDs/PropertyList-1.0.dtd",
};

static struct question mobileconfig_parse(struct arena *memory, const struct request *request)
{
	static const char *const names[] = { "emailaddress", "email" };
	struct question question = { .protocol = &protocol_mobileconfig };
	struct address *address = arena_new(memory, struct address);
	const char *text = request_argument(memory, request, names, 2);
	struct error err;

	if (!text || address_parse(memory, text, address, &err) < 0 ||
	    request_has_argument(memory, request, "password")) {
		question.failure = FAILURE_BAD_REQUEST;
		return question;
	}
	question.query = (struct query){
		.address = address,
		.domain = address->domain,
		.host = request_host(memory, request),
	};
	return question;
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

/* The servers of an account; without both there is none. */
struct mail {
	const struct endpoint *incoming, *outgoing;
};

static bool choose_mail(const struct profile *profile, struct mail *ret_mail)
{
	const struct endpoint *imap = choose(profile, SERVICE_IMAP);

	ret_mail->incoming = imap ? imap : choose(profile, SERVICE_POP3);
	ret_mail->outgoing = choose(profile, SERVICE_SUBMISSION);
	return ret_mail->incoming && ret_mail->outgoing;
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
	const struct field fields[] = {
		{ "host", value_text(endpoint->host) },
		{ "port", value_text(arena_printf(memory, "%u", endpoint->port)) },
		{ "ssl", value_text(endpoint->security == SECURITY_PLAIN ? "false" : "true") },
		{ "authentication", value_text(authentication_of(endpoint)) },
		{ "login", value_text(endpoint->login) },
	};

	return value_map_in(memory, fields, sizeof(fields) / sizeof(*fields));
}

static struct value mail_view(struct arena *memory, const struct profile *profile,
			      const struct identity *identity)
{
	struct mail mail;

	if (!choose_mail(profile, &mail))
		return value_bool(false);

	const struct field fields[] = {
		{ "type", value_text(mail.incoming->kind == SERVICE_IMAP ? "EmailTypeIMAP"
									 : "EmailTypePOP") },
		{ "incoming", server_view(memory, mail.incoming) },
		{ "outgoing", server_view(memory, mail.outgoing) },
		{ "identifier", value_text(arena_printf(memory, "%s.mail", identity->identifier)) },
		{ "uuid", value_text(make_uuid(memory, identity, "mail")) },
	};

	return value_map_in(memory, fields, sizeof(fields) / sizeof(*fields));
}

/* Without a path the device looks for the principal itself (RFC 6764). */
static bool has_path(const struct endpoint *endpoint)
{
	return !text_equals(strchr(endpoint->url + strlen("https://"), '/'), "/");
}

static struct value dav_view(struct arena *memory, const struct profile *profile,
			     const struct identity *identity, enum service_kind kind,
			     const char *part)
{
	const struct endpoint *endpoint = choose(profile, kind);

	if (!endpoint)
		return value_bool(false);

	const struct field fields[] = {
		{ "host", value_text(endpoint->host) },
		{ "port", value_text(arena_printf(memory, "%u", endpoint->port)) },
		{ "url", value_text(has_path(endpoint) ? endpoint->url : NULL) },
		{ "login", value_text(endpoint->login) },
		{ "identifier",
		  value_text(arena_printf(memory, "%s.%s", identity->identifier, part)) },
		{ "uuid", value_text(make_uuid(memory, identity, part)) },
	};

	return value_map_in(memory, fields, sizeof(fields) / sizeof(*fields));
}

static struct value view_of(struct arena *memory, const struct profile *profile,
			    const struct digest_key *secret)
{
	struct identity identity = { .secret = secret, .address = profile->address };
	const char *uuid = make_uuid(memory, &identity, "profile");

	identity.identifier = arena_printf(memory, "%s.mail.%s",
					   reverse_domain(memory, profile->domain), uuid);

	const struct field fields[] = {
		{ "address", value_text(profile->address->text) },
		{ "person", value_text(profile->person) },
		{ "display_name", value_text(profile->display_name) },
		{ "organization",
		  value_text(profile->short_name ? profile->short_name : profile->display_name) },
		{ "identifier", value_text(identity.identifier) },
		{ "uuid", value_text(uuid) },
		{ "mail", mail_view(memory, profile, &identity) },
		{ "caldav", dav_view(memory, profile, &identity, SERVICE_CALDAV, "caldav") },
		{ "carddav", dav_view(memory, profile, &identity, SERVICE_CARDDAV, "carddav") },
	};

	return value_map_in(memory, fields, sizeof(fields) / sizeof(*fields));
}

/* With identifiers that are made up. */
static struct value mobileconfig_sample_view(struct arena *memory, const struct profile *profile)
{
	static const struct digest_key secret;
	struct profile sample = *profile;

	if (!sample.address)
		sample.address = sample_full.address;
	return view_of(memory, &sample, &secret);
}

static const struct document_template mobileconfig_template = {
	"mobileconfig.plist",
	mobileconfig_sample_view,
	&mobileconfig_doctype,
};

static bool has_any(const struct profile *profile)
{
	struct mail mail;

	return choose_mail(profile, &mail) || choose(profile, SERVICE_CALDAV) ||
	       choose(profile, SERVICE_CARDDAV);
}

static enum failure render(const struct site *site, struct arena *memory,
			   const struct profile *profile, struct response *response)
{
	struct value view;
	struct error err;

	if (!has_any(profile))
		return FAILURE_NOT_OFFERED;
	view = view_of(memory, profile, site->secret);
	templates_render(site->templates, &mobileconfig_template, memory, &view, response);
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
