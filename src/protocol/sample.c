#include "protocol/sample.h"

static const struct address sample_address = {
	.typed = "First.Last&Co@example.org",
	.text = "First.Last&Co@example.org",
	.local = "First.Last&Co",
	.domain = "example.org",
	.key = "first.last&co",
};

static const enum authentication ways[] = { AUTHENTICATION_PASSWORD_CLEARTEXT,
					    AUTHENTICATION_OAUTH2 };

#define FULL_ENDPOINT(kind_, url_)                                                                \
	{                                                                                         \
		.kind = (kind_), .security = SECURITY_TLS, .host = "mail.example.org", .port = 1, \
		.url = (url_), .login = "<first&last>", .login_template = "<first&last>",         \
		.authentications = ways, .n_authentications = 2,                                  \
		.pop3 = { WISH_YES, 1, 1, WISH_YES },                                             \
	}

static const struct endpoint full_endpoints[] = {
	FULL_ENDPOINT(SERVICE_IMAP, NULL),
	FULL_ENDPOINT(SERVICE_POP3, NULL),
	FULL_ENDPOINT(SERVICE_JMAP, "https://jmap.example.org/session?a&b"),
	FULL_ENDPOINT(SERVICE_SUBMISSION, NULL),
	FULL_ENDPOINT(SERVICE_CALDAV, "https://dav.example.org/?a&b"),
	FULL_ENDPOINT(SERVICE_CARDDAV, "https://dav.example.org/?a&b"),
	FULL_ENDPOINT(SERVICE_WEBDAV, "https://dav.example.org/?a&b"),
	FULL_ENDPOINT(SERVICE_MANAGESIEVE, NULL),
	FULL_ENDPOINT(SERVICE_ACTIVESYNC,
		      "https://sync.example.org/Microsoft-Server-ActiveSync?a&b"),
};

static const struct link_text full_texts[] = { { "en", "Help & <more>" } };

static const struct link full_links[] = {
	{ LINK_DOCUMENTATION, "https://help.example.org/?a&b", full_texts, 1 },
	{ LINK_ENABLE, "https://help.example.org/?a&b", full_texts, 1 },
};

const struct profile sample_full = {
	.domain = "example.org",
	.display_name = "Mail & More <Example>",
	.short_name = "Mail & More",
	.address = &sample_address,
	.ttl = 1,
	.moved_url = "https://autodiscover.example.net/autodiscover/autodiscover.xml?a&b",
	.moved_address = "first&last@example.net",
	.pox_dav = true,
	.person = "First \"&\" Last",
	.endpoints = full_endpoints,
	.n_endpoints = sizeof(full_endpoints) / sizeof(*full_endpoints),
	.oauth2 = { "https://login.example.org", "mail&<offline>",
		    "https://login.example.org/auth?a&b", "https://login.example.org/token?a&b" },
	.webmail = "https://mail.example.org/?a&b",
	.links = full_links,
	.n_links = sizeof(full_links) / sizeof(*full_links),
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
