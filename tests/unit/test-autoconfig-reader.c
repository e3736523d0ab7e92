#include <string.h>

#include "import/autoconfig-reader.h"
#include "import/provider-draft.h"
#include "unit/fixture.h"
#include "util/arena.h"
#include "util/bytes.h"

#define HEAD "<clientConfig version='1.1'><emailProvider id='example.org'>"
#define TAIL "</emailProvider></clientConfig>"

#define SERVER(element, type, host, port, socket, rest)                                      \
	"<" element " type='" type "'><hostname>" host "</hostname><port>" port              \
	"</port><socketType>" socket "</socketType><username>%EMAILADDRESS%</username>" rest \
	"</" element ">"
#define IMAP SERVER("incomingServer", "imap", "imap.example.org", "993", "SSL", "")
#define SMTP SERVER("outgoingServer", "smtp", "smtp.example.org", "465", "SSL", "")
#define POP3(rest) SERVER("incomingServer", "pop3", "pop.example.org", "995", "SSL", rest)

#define IMAP_READ "imaps://imap.example.org"
#define SMTP_READ "submissions://smtp.example.org"

static void write_service(struct arena *memory, const struct service *service, struct bytes *out)
{
	bytes_add_format(out, "%s\n", service_url(memory, service));
	if (service->login)
		bytes_add_format(out, "  login %s\n", service->login);
	if (!text_equals(service_authentications(memory, service), "password-cleartext"))
		bytes_add_format(out, "  auth %s\n", service_authentications(memory, service));
	if (service->is_first)
		bytes_add_text(out, "  first\n");
	if (pop3_wishes_any(&service->pop3))
		bytes_add_format(out, "  pop3 %d %u %u %d\n", service->pop3.leave_on_server,
				 service->pop3.leave_days, service->pop3.check_interval,
				 service->pop3.download_at_check);
}

static void write_text(struct bytes *out, const char *name, const char *text)
{
	if (text)
		bytes_add_format(out, "%s %s\n", name, text);
}

/* Each writes what is not as it is anyway, so that a table can hold it. */
static void write_services(struct arena *memory, const struct draft *draft, struct bytes *out)
{
	if (!text_equals(draft->provider.login, "%EMAILADDRESS%"))
		write_text(out, "login", draft->provider.login);
	for (size_t i = 0; i < draft->provider.n_services; i++)
		write_service(memory, &draft->provider.services[i], out);
}

static void write_rest(const struct draft *draft, struct bytes *out)
{
	const struct provider *provider = &draft->provider;

	if (!provider->name || !text_equals(provider->name, "example.org"))
		write_text(out, "name", provider->name ? provider->name : "-");
	write_text(out, "display", provider->display_name);
	write_text(out, "short", provider->short_name);
	write_text(out, "webmail", provider->webmail);
	if (provider->oauth2.issuer)
		bytes_add_format(out, "oauth2 %s %s %s %s\n", provider->oauth2.issuer,
				 provider->oauth2.scope, provider->oauth2.auth_url,
				 provider->oauth2.token_url);
	for (size_t i = 0; i < provider->n_links; i++) {
		bytes_add_format(out, "%s %s\n", link_kind_name(provider->links[i].kind),
				 provider->links[i].url);
		for (size_t j = 0; j < provider->links[i].n_texts; j++)
			bytes_add_format(out, "  %s=%s\n", provider->links[i].texts[j].language,
					 provider->links[i].texts[j].text);
	}
	for (size_t i = 0; i < draft->domains.count; i++)
		write_text(out, "domain", draft->domains.items[i]);
}

static void write_notes(const struct draft *draft, struct bytes *out)
{
	for (size_t i = 0; i < draft->notes.count; i++)
		write_text(out, "note:", draft->notes.items[i]);
}

static struct draft read_document(struct arena *memory, const char *document)
{
	struct error err = { 0 };
	struct draft draft;

	if (autoconfig_read(memory, document, strlen(document), &draft, &err) < 0)
		fail_msg("%s: %s", document, err.text);
	return draft;
}

/* Within the provider, after one IMAP service. */
static void test_provider(void **state)
{
	static const struct {
		const char *in, *draft;
	} rows[] = {
		{ "", "" },
		{ "<domain>example.org</domain><domain> Example.NET </domain><domain>"
		  "b\303\274cher.example</domain><domain>example.org</domain>",
		  "domain example.org\ndomain example.net\ndomain xn--bcher-kva.example\n" },
		{ "<domain purpose='mx'>mx.example.org</domain>",
		  "domain mx.example.org\nnote: the purpose 'mx' of domain 'mx.example.org' is "
		  "left "
		  "out: it becomes a domain like the others\n" },
		{ "<domain>%EMAILDOMAIN%</domain>",
		  "note: a domain is left out: '%EMAILDOMAIN%' is not a domain name\n" },

		{ "<displayName>Example &amp; Sons</displayName>"
		  "<displayShortName>Example</displayShortName>",
		  "display Example & Sons\nshort Example\n" },
		{ "<displayName/><displayShortName></displayShortName>", "" },
		{ "<displayName>%EMAILDOMAIN%</displayName>", "" },
		{ "<displayShortName>%EMAILDOMAIN%</displayShortName>",
		  "note: the short name '%EMAILDOMAIN%' has a placeholder, and is left out\n" },
		{ "<displayShortName>Rather long for a short one</displayShortName>",
		  "note: the short name has 27 characters, and more than 20 are too many; it is "
		  "left out\n" },
		{ "<displayName lang='de'>Beispiel</displayName>",
		  "display Beispiel\nnote: the attribute 'lang' of <displayName> is left out\n" },

		{ "<identity/><inputField key='USERNAME'/><inputField key='OTHER'/>",
		  "note: <inputField> is left out: mailconfd has no equivalent\n" },

		{ "<enable visiturl='http://help.example.org/b'>"
		  "<instruction>Turn it on</instruction></enable>"
		  "<documentation url='https://help.example.org/a'>"
		  "<descr lang='en'>Help</descr><descr lang='pt-BR'>Ajuda</descr></documentation>"
		  "<documentation url='https://help.example.org/a'/>",
		  "documentation https://help.example.org/a\n  en=Help\n  pt-br=Ajuda\n"
		  "enable http://help.example.org/b\n  en=Turn it on\n"
		  "note: <documentation> https://help.example.org/a occurs twice; the second one "
		  "is left out\n" },
		{ "<documentation url='ftp://help.example.org/'/><documentation>x</documentation>",
		  "note: <documentation> is left out: the link 'ftp://help.example.org/' is not "
		  "a URL\n"
		  "note: <documentation> is left out: mailconfd has no equivalent\n" },
		{ "<documentation url='https://a.example/'><descr lang='x'>A</descr>"
		  "<descr lang='de'>B</descr><descr lang='DE'>C</descr><p>D</p></documentation>",
		  "documentation https://a.example/\n  de=B\n"
		  "note: a <descr> of https://a.example/ is left out: 'x' is not a language\n"
		  "note: a <descr> of https://a.example/ is left out: there is already one in "
		  "'de'\n"
		  "note: <p> of https://a.example/ is left out: mailconfd has no equivalent\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct bytes out = BYTES_IN(&memory);
		struct draft draft = read_document(
			&memory, arena_printf(&memory, "%s%s%s", HEAD IMAP, rows[i].in, TAIL));

		write_rest(&draft, &out);
		write_notes(&draft, &out);
		check_text(rows[i].in, bytes_text(&out), rows[i].draft);
	}
}

/* Servers, wherever they stand. */
static void test_services(void **state)
{
	static const struct {
		const char *in, *draft;
	} rows[] = {
		{ IMAP SMTP, IMAP_READ "\n" SMTP_READ "\n" },
		{ SMTP IMAP, IMAP_READ "\n" SMTP_READ "\n" },
		{ POP3("") IMAP,
		  IMAP_READ "\npop3s://pop.example.org\n"
			    "note: POP3 is listed before IMAP; clients get IMAP first\n" },

		/* socket types, ports, hosts */
		{ SERVER("incomingServer", "IMAP", "Mail.%EMAILDOMAIN%", "1143", "starttls", ""),
		  "imap+starttls://mail.%EMAILDOMAIN%:1143\n" },
		{ SERVER("incomingserver", "imap", "h.example", "143", "plain", ""),
		  "imap://h.example\n" },
		{ IMAP SERVER("outgoingServer", "smtp", "h.example", "25", "TLS", ""),
		  IMAP_READ "\nnote: the smtp server 'h.example' is left out: its <socketType> "
			    "'TLS' is not SSL, STARTTLS or plain\n" },
		{ IMAP SERVER("outgoingServer", "smtp", "192.0.2.1:x", "25", "SSL", ""),
		  IMAP_READ "\nnote: the smtp server '192.0.2.1:x' is left out: '192.0.2.1:x' "
			    "is not a host name\n" },
		{ IMAP SERVER("outgoingServer", "smtp", "h.example", "65536", "SSL", ""),
		  IMAP_READ "\nnote: the smtp server 'h.example' is left out: '65536' is not a "
			    "port from 1 to 65535\n" },
		{ IMAP
		  "<outgoingServer type='smtp'><hostname>h.example</hostname></outgoingServer>",
		  IMAP_READ "\nnote: the smtp server 'h.example' is left out: it has no <port>\n" },
		{ IMAP "<outgoingServer><hostname>h.example</hostname></outgoingServer>",
		  IMAP_READ "\nnote: the server 'h.example' is left out: mailconfd does not "
			    "support this type of service\n" },

		/* kinds that are not held */
		{ IMAP "<incomingServer type='ews'><url>https://h.example/ews</url>"
		       "</incomingServer><incomingServer type='exchange'><owaURL>https://h.example/"
		       "</owaURL></incomingServer>" SERVER("incomingServer", "nntp", "n.example",
							   "563", "SSL", ""),
		  IMAP_READ "\nnote: the ews server 'https://h.example/ews' is left out: mailconfd "
			    "does not support this type of service\n"
			    "note: the exchange server 'https://h.example/' is left out: mailconfd "
			    "does not support this type of service\n"
			    "note: the nntp server 'n.example' is left out: mailconfd does not "
			    "support this type of service\n" },

		/* ways to authenticate */
		{ SERVER("incomingServer", "imap", "h.example", "993", "SSL",
			 "<authentication>OAuth2</authentication><authentication>"
			 "password-cleartext</authentication>"),
		  "imaps://h.example\n  auth OAuth2,password-cleartext\n" },
		{ SERVER("incomingServer", "imap", "h.example", "993", "SSL",
			 "<authentication>secure</authentication>"
			 "<authentication>plain</authentication>"
			 "<authentication>client-IP-based</authentication>"),
		  "imaps://h.example\n  auth "
		  "password-encrypted,password-cleartext,client-IP-address\n" },
		{ SERVER("incomingServer", "imap", "h.example", "993", "SSL",
			 "<authentication>a,b</authentication><authentication>GSSAPI</"
			 "authentication>"
			 "<authentication system='sasl'>SCRAM-SHA-256</authentication>"),
		  "imaps://h.example\n  auth GSSAPI\n"
		  "note: the imap server 'h.example': the authentication 'a,b' is left out\n"
		  "note: the imap server 'h.example': the authentication 'SCRAM-SHA-256' is "
		  "left out\n" },
		{ IMAP SERVER("outgoingServer", "smtp", "h.example", "465", "SSL",
			      "<authentication>smtp-after-pop</authentication>"),
		  IMAP_READ "\nnote: the smtp server 'h.example': the authentication "
			    "'smtp-after-pop' is left out\n"
			    "note: the smtp server 'h.example' is left out: it has no known "
			    "<authentication>\n" },

		/* the same service twice */
		{ IMAP IMAP,
		  IMAP_READ "\nnote: " IMAP_READ " occurs twice; the second one is left out\n" },

		/* order: who is first is kept, of the others it is ours */
		{ SERVER("incomingServer", "imap", "a.example", "143", "STARTTLS", "")
			  SERVER("incomingServer", "imap", "b.example", "993", "SSL", ""),
		  "imap+starttls://a.example\n  first\nimaps://b.example\n" },
		{ SERVER("outgoingServer", "smtp", "a.example", "465", "SSL", "")
			  SERVER("outgoingServer", "smtp", "b.example", "587", "STARTTLS", "")
				  SERVER("outgoingServer", "smtp", "c.example", "465", "SSL", ""),
		  "submissions://a.example\nsubmissions://c.example\n"
		  "submission+starttls://b.example\n"
		  "note: the order of the submission services is not kept: after the first one, "
		  "clients get implicit TLS before STARTTLS\n" },

		/* wishes for POP3 */
		{ POP3("<pop3><leaveMessagesOnServer>true</leaveMessagesOnServer>"
		       "<daysToLeaveMessagesOnServer>14</daysToLeaveMessagesOnServer>"
		       "<checkInterval "
		       "minutes='15'/><downloadOnBiff>false</downloadOnBiff></pop3>"),
		  "pop3s://pop.example.org\n  pop3 2 14 15 1\n" },
		{ POP3("<pop3><leaveMessagesOnServer>perhaps</leaveMessagesOnServer>"
		       "<daysToLeaveMessagesOnServer>7</daysToLeaveMessagesOnServer>"
		       "<checkInterval>0</checkInterval></pop3>"),
		  "pop3s://pop.example.org\n"
		  "note: <leaveMessagesOnServer> of pop3s://pop.example.org is left out: mailconfd "
		  "has no equivalent\n"
		  "note: <checkInterval> of pop3s://pop.example.org is left out: mailconfd has "
		  "no equivalent\n"
		  "note: <daysToLeaveMessagesOnServer> of pop3s://pop.example.org is left out: "
		  "no messages are left on the server\n" },
		{ SERVER("incomingServer", "imap", "h.example", "993", "SSL",
			 "<pop3><downloadOnBiff>true</downloadOnBiff></pop3>"
			 "<restriction>clientIPAddress</restriction><useGlobalPreferredServer/>"),
		  "imaps://h.example\n"
		  "note: <pop3> of imaps://h.example is left out: mailconfd has no equivalent\n"
		  "note: <restriction> of imaps://h.example is left out: mailconfd has no "
		  "equivalent\n" },

		/* what version 1.2 adds, in the spellings that are about */
		{ IMAP "<incomingServer type='jmap'><url>https://J.example:8443/jmap</url>"
		       "</incomingServer><incomingServer type='activeSync'>"
		       "<url>https://e.example/eas</url></incomingServer>"
		       "<calendar type='caldav'><serverURL>https://d.example</serverURL>"
		       "<authentication system='http'>Basic</authentication></calendar>"
		       "<addressBook type='carddav'><url>https://d.example/c/</url>"
		       "<authentication system='http'>Digest</authentication></addressBook>"
		       "<fileShare type='webdav'><url>http://d.example/f</url></fileShare>" SERVER(
			       "setupServer", "managesieve", "s.example", "4190", "STARTTLS", ""),
		  IMAP_READ "\njmap+https://j.example:8443/jmap\n"
			    "managesieve+starttls://s.example\ncaldav+https://d.example/\n"
			    "carddav+https://d.example/c/\n  auth password-encrypted\n"
			    "activesync+https://e.example/eas\n"
			    "note: the webdav server 'http://d.example/f' is left out: "
			    "'http://d.example/f' does not begin with https://\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct bytes out = BYTES_IN(&memory);
		struct draft draft = read_document(
			&memory, arena_printf(&memory, "%s%s%s", HEAD, rows[i].in, TAIL));

		write_services(&memory, &draft, &out);
		write_notes(&draft, &out);
		check_text(rows[i].in, bytes_text(&out), rows[i].draft);
	}
}

static void test_logins(void **state)
{
	static const struct {
		const char *imap, *pop3, *smtp; /* NULL: no <username> */
		const char *draft;
	} rows[] = {
		{ "%EMAILADDRESS%", "%EMAILADDRESS%", "%EMAILADDRESS%", "imap\npop3\nsmtp\n" },
		{ NULL, NULL, NULL, "imap\npop3\nsmtp\n" },
		{ "%EMAILLOCALPART%", "%EMAILLOCALPART%", NULL,
		  "login %EMAILLOCALPART%\nimap\npop3\nsmtp\n" },
		{ "%EMAILADDRESS%", "%EMAILLOCALPART%", "%EMAILLOCALPART%",
		  "login %EMAILLOCALPART%\nimap\n  login %EMAILADDRESS%\npop3\nsmtp\n" },
		{ "%EMAILLOCALPART%.%EMAILDOMAIN%", NULL, "%EMAILADDRESS%",
		  "login %EMAILLOCALPART%.%EMAILDOMAIN%\nimap\npop3\nsmtp\n"
		  "  login %EMAILADDRESS%\n" },
		{ "%REALNAME%", "%EMAILADDRESS%", "%LOGIN%",
		  "imap\npop3\nsmtp\n"
		  "note: the login of imaps://imap.example is left out: login pattern "
		  "'%REALNAME%': "
		  "%REALNAME% is none of %EMAILADDRESS% %EMAILLOCALPART% %EMAILDOMAIN%\n"
		  "note: the login of submissions://smtp.example is left out: %LOGIN% is what a "
		  "provider's pattern makes; only a service's own pattern may use it\n" },
		{ "a4711", "%EMAILADDRESS", NULL,
		  "login a4711\nimap\npop3\n  login %EMAILADDRESS\nsmtp\n"
		  "note: the login 'a4711' of imaps://imap.example has no placeholder, so all "
		  "users have it\n"
		  "note: the login '%EMAILADDRESS' of pop3s://pop3.example has no placeholder, so "
		  "all users have it\n" },
	};
	static const struct {
		const char *element, *type, *port;
	} servers[] = {
		{ "incomingServer", "imap", "993" },
		{ "incomingServer", "pop3", "995" },
		{ "outgoingServer", "smtp", "465" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *const logins[] = { rows[i].imap, rows[i].pop3, rows[i].smtp };
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct bytes document = BYTES_IN(&memory), out = BYTES_IN(&memory);
		struct draft draft;

		bytes_add_text(&document, HEAD);
		for (size_t j = 0; j < 3; j++)
			bytes_add_format(
				&document,
				"<%s type='%s'><hostname>%s.example</hostname><port>%s</port>"
				"<socketType>SSL</socketType>%s%s%s</%s>",
				servers[j].element, servers[j].type, servers[j].type,
				servers[j].port, logins[j] ? "<username>" : "",
				logins[j] ? logins[j] : "", logins[j] ? "</username>" : "",
				servers[j].element);
		bytes_add_text(&document, TAIL);
		draft = read_document(&memory, bytes_text(&document));

		if (!text_equals(draft.provider.login, "%EMAILADDRESS%"))
			write_text(&out, "login", draft.provider.login);
		for (size_t j = 0; j < 3; j++) {
			bytes_add_format(&out, "%s\n", servers[j].type);
			if (draft.provider.services[j].login)
				bytes_add_format(&out, "  login %s\n",
						 draft.provider.services[j].login);
		}
		write_notes(&draft, &out);
		check_text(rows[i].draft, bytes_text(&out), rows[i].draft);
	}
}

/* Around the provider; what stands in it is IMAP. */
static void test_documents(void **state)
{
	static const struct {
		const char *in, *draft;
	} rows[] = {
		{ "<?xml version='1.0'?>\n<clientConfig version='1.2'><emailProvider "
		  "id='a.example'>" IMAP "</emailProvider></clientConfig>\n",
		  "name a.example\n" },
		{ "<clientConfig><emailProvider>" IMAP "</emailProvider></clientConfig>",
		  "name -\n" },
		{ "<clientConfig><emailProvider id=''>" IMAP "</emailProvider></clientConfig>",
		  "name -\n" },
		{ "<clientConfig version='3'><emailProvider id='example.org'>" IMAP
		  "</emailProvider>"
		  "<emailProvider id='b'>" SMTP "</emailProvider><clientConfigUpdate url='x'/>"
		  "</clientConfig>",
		  "note: version '3' of the document is read as if it were 1.2\n"
		  "note: <emailProvider> is left out: mailconfd has no equivalent\n"
		  "note: <clientConfigUpdate> is left out: mailconfd has no equivalent\n" },
		{ "<clientConfig><emailProvider id='example.org'>" IMAP "</emailProvider>"
		  "<oAuth2><issuer>Accounts.example.org</issuer><scope>mail offline</scope>"
		  "<authURL>https://a.example/auth</authURL><tokenURL>https://a.example/token"
		  "</tokenURL><clientID>x</clientID></oAuth2><oAuth2/><oAuth2>"
		  "<issuer>b</issuer></oAuth2>"
		  "<webMail><loginPage url='https://mail.example.org/'/><loginPageInfo "
		  "url='https://mail.example.org/login'/></webMail></clientConfig>",
		  "webmail https://mail.example.org/\n"
		  "oauth2 accounts.example.org mail offline https://a.example/auth "
		  "https://a.example/token\n"
		  "note: <clientID> of <oAuth2> is left out: mailconfd has no equivalent\n"
		  "note: a second <oAuth2> is left out\n"
		  "note: <loginPageInfo> of <webMail> is left out: mailconfd has no "
		  "equivalent\n" },
		{ "<clientConfig><emailProvider id='example.org'>" IMAP "</emailProvider>"
		  "<oAuth2><issuer>a.example</issuer><scope>x</scope><authURL>http://a.example/"
		  "</authURL></oAuth2><webMail><loginPage "
		  "url='http://mail.example.org/'/></webMail>"
		  "</clientConfig>",
		  "note: <oAuth2> is left out: the auth URL 'http://a.example/' is not "
		  "encrypted\n"
		  "note: <webMail> is left out: the web mail 'http://mail.example.org/' is not "
		  "encrypted\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct draft draft = read_document(&memory, rows[i].in);
		struct bytes out = BYTES_IN(&memory);

		write_rest(&draft, &out);
		write_notes(&draft, &out);
		check_text(rows[i].in, bytes_text(&out), rows[i].draft);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *in, *words;
	} rows[] = {
		{ "", "empty" },
		{ "imaps://imap.example.org", "line 1: " },
		{ "<clientConfig>\n<emailProvider></clientConfig>", "line 2: " },
		{ "<clientConfig>\n\374</clientConfig>", "line 2: " },
		{ "<clientConfig>&nbsp;</clientConfig>", "line 1: Entity 'nbsp' not defined" },
		{ "<!DOCTYPE html><html/>", "line 1: a DOCTYPE is not accepted" },
		{ "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><clientConfig>&x;"
		  "</clientConfig>",
		  "line 1: a DOCTYPE is not accepted" },
		{ "<html><body>404</body></html>",
		  "not an autoconfig document: it begins with <html> instead of <clientConfig>" },
		{ "<Autodiscover/>", "it begins with <Autodiscover>" },
		{ "<clientConfig/>", "it has no <emailProvider>" },
		{ "<clientConfig><emailProvider id='a'/></clientConfig>",
		  "it has no service that mailconfd supports" },
		{ HEAD
		  "<incomingServer type='ews'><url>https://h.example/</url></incomingServer>" TAIL,
		  "it has no service that mailconfd supports; the ews server 'https://h.example/' "
		  "is "
		  "left out: mailconfd does not support this type of service" },
		{ "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a>"
		  "</a></a></a></a></a></a></a></a></a>",
		  "too many elements" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		struct error err = { 0 };
		struct draft draft;

		if (autoconfig_read(&memory, rows[i].in, strlen(rows[i].in), &draft, &err) == 0)
			fail_msg("%s: accepted", rows[i].in);
		check_error(rows[i].in, &err, ERROR_INPUT, rows[i].words);
	}
}

/* A document of many servers and links fills a provider, and no more. */
static void test_bounds(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct bytes document = BYTES_IN(&memory);
	struct draft draft;

	bytes_add_text(&document, HEAD);
	for (int i = 1; i <= SERVICES_MAX + 1; i++)
		bytes_add_format(&document,
				 "<incomingServer type='imap'><hostname>h.example</hostname>"
				 "<port>%d</port><socketType>SSL</socketType></incomingServer>"
				 "<documentation url='https://h.example/%d'/>",
				 i, i);
	bytes_add_text(&document, TAIL);
	draft = read_document(&memory, bytes_text(&document));
	assert_int_equal(draft.provider.n_services, SERVICES_MAX);
	assert_int_equal(draft.provider.n_links, LINKS_MAX);
	assert_int_equal(draft.notes.count, SERVICES_MAX + 1 - LINKS_MAX + 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_provider), cmocka_unit_test(test_services),
		cmocka_unit_test(test_logins),	 cmocka_unit_test(test_documents),
		cmocka_unit_test(test_refused),	 cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("autoconfig-reader", tests, NULL, NULL);
}
