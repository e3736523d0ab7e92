#include "protocol/sample.h"

static const struct address sample_address = {
	.typed = "First.Last&Co@example.org",
	.text = "First.Last&Co@example.org",
	.local = "First.Last&Co",
	.domain = "example.org",
	.key = "first.last&co",
};

static const enum authentication ways[] = { AUTHENTICATION_OAUTH2,
					    AUTHENTICATION_PASSWORD_CLEARTEXT };

#define FULL_ENDPOINT(kind_, port_)                                                         \
	{                                                                                   \
		.kind = (kind_), .security = SECURITY_TLS, .host = "mail.example.org",      \
		.port = (port_), .login = "<first&last>", .login_template = "<first&last>", \
		.authentications = ways, .n_authentications = 2,                            \
	}

static const struct endpoint full_endpoints[] = {
	FULL_ENDPOINT(SERVICE_IMAP, 993),
	FULL_ENDPOINT(SERVICE_POP3, 995),
	FULL_ENDPOINT(SERVICE_SUBMISSION, 465),
	{
		.kind = SERVICE_ACTIVESYNC,
		.host = "sync.example.org",
		.port = 443,
		.url = "https://sync.example.org/Microsoft-Server-ActiveSync?a&b",
		.login = "<first&last>",
		.login_template = "<first&last>",
		.authentications = ways,
		.n_authentications = 2,
	},
};

const struct profile sample_full = {
	.domain = "example.org",
	.display_name = "Mail & More <Example>",
	.short_name = "Mail & More",
	.address = &sample_address,
	.person = "First \"&\" Last",
	.endpoints = full_endpoints,
	.n_endpoints = sizeof(full_endpoints) / sizeof(*full_endpoints),
};

#define BARE_ENDPOINT(kind_, url_)                                                          \
	{                                                                                   \
		.kind = (kind_), .security = SECURITY_STARTTLS, .host = "mail.example.org", \
		.port = 1, .url = (url_), .login_template = "%EMAILADDRESS%",               \
		.authentications = ways, .n_authentications = 1,                            \
	}

static const struct endpoint bare_endpoints[] = {
	BARE_ENDPOINT(SERVICE_IMAP, NULL),
	BARE_ENDPOINT(SERVICE_SUBMISSION, NULL),
	BARE_ENDPOINT(SERVICE_ACTIVESYNC, "https://sync.example.org/"),
};

const struct profile sample_bare = {
	.domain = "example.org",
	.display_name = "example.org",
	.endpoints = bare_endpoints,
	.n_endpoints = sizeof(bare_endpoints) / sizeof(*bare_endpoints),
};
