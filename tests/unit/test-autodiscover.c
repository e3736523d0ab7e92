#include <string.h>

#include "protocol/protocol.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define SCHEMAS "http://schemas.microsoft.com/exchange/autodiscover/"
#define OUTLOOK SCHEMAS "outlook/responseschema/2006a"
#define MOBILESYNC SCHEMAS "mobilesync/responseschema/2006"

#define ASK(inner) "<Autodiscover><Request>" inner "</Request></Autodiscover>"
#define ADDRESS(text) "<EMailAddress>" text "</EMailAddress>"
#define SCHEMA(text) "<AcceptableResponseSchema>" text "</AcceptableResponseSchema>"
#define LEGACY(text) "<LegacyDN>" text "</LegacyDN>"
#define FRED ADDRESS("fred@example.org")

static const struct protocol *const outlook = &protocol_outlook;
static const struct protocol *const mobilesync = &protocol_mobilesync;

static struct question parse(struct arena *memory, const char *body)
{
	const struct request request = {
		.method = "POST",
		.target = "/autodiscover/autodiscover.xml",
		.host = "Autodiscover.Example.NET:443",
		.body = body,
		.body_size = body ? strlen(body) : 0,
	};

	return autodiscover_parse(memory, &request);
}

static void test_understood(void **state)
{
	static const struct {
		const char *body;
		const struct protocol *const *protocol;
		const char *address; /* NULL: fred's */
	} rows[] = {
		{ ASK(FRED SCHEMA(OUTLOOK)), &outlook },
		{ ASK(FRED SCHEMA(MOBILESYNC)), &mobilesync },
		{ ASK(SCHEMA(MOBILESYNC) FRED), &mobilesync },

		/* Without a schema it is Outlook; and the case of letters is not worth a refusal.
		 */
		{ ASK(FRED), &outlook },
		{ ASK(FRED SCHEMA("")), &outlook },
		{ ASK(FRED SCHEMA(" \n ")), &outlook },
		{ ASK(FRED SCHEMA("\n\t" MOBILESYNC "\r\n")), &mobilesync },
		{ ASK(FRED SCHEMA("HTTP://Schemas.Microsoft.com/Exchange/Autodiscover/"
				  "MobileSync/ResponseSchema/2006")),
		  &mobilesync },
		{ ASK(FRED SCHEMA("<![CDATA[" MOBILESYNC "]]>")), &mobilesync },
		{ "<autodiscover><REQUEST><emailaddress>fred@example.org</emailaddress></REQUEST>"
		  "</autodiscover>",
		  &outlook },

		/* Namespaces and prefixes count for nothing, nor does what we do not know. */
		{ "<x:Autodiscover xmlns:x='urn:x'><x:Request><x:EMailAddress>fred@example.org"
		  "</x:EMailAddress></x:Request></x:Autodiscover>",
		  &outlook },
		{ "<Autodiscover xmlns='" SCHEMAS
		  "mobilesync/requestschema/2006'><Request>" FRED SCHEMA(
			  OUTLOOK) "</Request></Autodiscover>",
		  &outlook },
		{ "<Autodiscover><Culture>en:us</Culture><Request>" FRED "<Extra><EMailAddress>"
		  "x@y.example</EMailAddress></Extra></Request></Autodiscover>",
		  &outlook },
		{ "<Autodiscover>text<Request a='b'>text" FRED "text</Request></Autodiscover>",
		  &outlook },

		{ ASK(ADDRESS("\r\n  fred@example.org\t\n")), &outlook },
		{ ASK(ADDRESS("<!-- who -->fred@example.org")), &outlook },
		{ ASK(ADDRESS("fred&#64;example.org")), &outlook },
		{ ASK(ADDRESS("Fred@EXAMPLE.org")), &outlook, "Fred@example.org" },
		{ ASK(ADDRESS("a&amp;b@example.org")), &outlook, "a&b@example.org" },
		{ ASK(ADDRESS("<![CDATA[a&b@example.org]]>")), &outlook, "a&b@example.org" },
		{ ASK(ADDRESS("fred@b\303\274cher.example")), &outlook,
		  "fred@xn--bcher-kva.example" },
		{ ASK(ADDRESS("fred+news@example.org.")), &outlook, "fred+news@example.org" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const char *body = rows[i].body;
		struct question question = parse(&memory, body);

		check_number(body, question.failure, FAILURE_NONE);
		check_text(body, question.protocol->name, (*rows[i].protocol)->name);
		check_text(body, question.query.address->text,
			   rows[i].address ? rows[i].address : "fred@example.org");
		check_text(body, question.query.domain, question.query.address->domain);

		/* The Host is told, but never answers in the place of an address. */
		check_text(body, question.query.host, "autodiscover.example.net");
		check_number(body, question.query.host_may_answer, false);
	}
}

static void test_not_understood(void **state)
{
	static const struct {
		const char *body;
		enum failure failure;
	} rows[] = {
		{ NULL, FAILURE_BAD_REQUEST },
		{ "", FAILURE_BAD_REQUEST },
		{ "EMailAddress=fred@example.org", FAILURE_BAD_REQUEST },
		{ "{\"EMailAddress\": \"fred@example.org\"}", FAILURE_BAD_REQUEST },
		{ "<Request>" FRED "</Request>", FAILURE_BAD_REQUEST },
		{ "<Autodiscover2><Request>" FRED "</Request></Autodiscover2>",
		  FAILURE_BAD_REQUEST },
		{ "<Autodiscover/>", FAILURE_BAD_REQUEST },
		{ "<Autodiscover>" FRED "</Autodiscover>", FAILURE_BAD_REQUEST },
		{ "<Autodiscover><x><Request>" FRED "</Request></x></Autodiscover>",
		  FAILURE_BAD_REQUEST },
		{ "<Autodiscover><Request>" FRED "</Request><request/></Autodiscover>",
		  FAILURE_BAD_REQUEST },
		{ ASK(""), FAILURE_BAD_REQUEST },
		{ ASK("fred@example.org"), FAILURE_BAD_REQUEST },
		{ ASK(SCHEMA(OUTLOOK)), FAILURE_BAD_REQUEST },
		{ ASK(FRED FRED), FAILURE_BAD_REQUEST },
		{ ASK(FRED "<emailaddress>x@example.org</emailaddress>"), FAILURE_BAD_REQUEST },
		{ ASK(FRED SCHEMA(OUTLOOK) SCHEMA(MOBILESYNC)), FAILURE_BAD_REQUEST },
		{ ASK(LEGACY("/o=x") LEGACY("/o=y")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("<b>fred@example.org</b>")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("fred@exa<b/>mple.org")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("fred")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("@example.org")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("fred@")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("fred@192.0.2.1")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("fred@ex_ample.org")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("fred@example.org, x@example.org")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("Fred &lt;fred@example.org&gt;")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("fr ed@example.org")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("fred&#10;@example.org")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("a&b@example.org")), FAILURE_BAD_REQUEST },
		{ ASK(ADDRESS("&fred;@example.org")), FAILURE_BAD_REQUEST },
		{ "<!DOCTYPE Autodiscover>" ASK(FRED), FAILURE_BAD_REQUEST },

		/* The schema is looked at last: what is malformed is so for every schema. */
		{ ASK(FRED SCHEMA("urn:x")), FAILURE_NOT_OFFERED },
		{ ASK(FRED SCHEMA(OUTLOOK "x")), FAILURE_NOT_OFFERED },
		{ ASK(FRED SCHEMA(OUTLOOK " " MOBILESYNC)), FAILURE_NOT_OFFERED },
		{ ASK(FRED SCHEMA(SCHEMAS "responseschema/2006")), FAILURE_NOT_OFFERED },
		{ ASK(FRED SCHEMA(SCHEMAS "outlook/requestschema/2006")), FAILURE_NOT_OFFERED },
		{ ASK(ADDRESS("fred") SCHEMA("urn:x")), FAILURE_BAD_REQUEST },

		/* LegacyDN wins over an address, whatever that is. */
		{ ASK(LEGACY("/o=x/cn=fred")), FAILURE_UNKNOWN_DOMAIN },
		{ ASK(LEGACY("")), FAILURE_UNKNOWN_DOMAIN },
		{ ASK(FRED LEGACY("/o=x")), FAILURE_UNKNOWN_DOMAIN },
		{ ASK(ADDRESS("fred") LEGACY("/o=x")), FAILURE_UNKNOWN_DOMAIN },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		const char *body = rows[i].body ? rows[i].body : "no body";
		struct question question = parse(&memory, rows[i].body);

		check_number(body, question.failure, rows[i].failure);
		check_text(body, question.protocol->name, "outlook");
		check_text(body, question.query.domain, NULL);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_understood),
		cmocka_unit_test(test_not_understood),
	};

	return cmocka_run_group_tests_name("autodiscover", tests, NULL, NULL);
}
