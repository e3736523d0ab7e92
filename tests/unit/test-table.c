#include <stdlib.h>
#include <string.h>

#include "import/user-table.h"
#include "unit/fixture.h"
#include "unit/tables.h"
#include "util/arena.h"

#define CSV "csv"
#define LDIF "ldif"
#define VIRTUAL "postfix-virtual-alias"
#define SENDER "postfix-sender-login"
#define ALIASES "aliases"
#define DOVECOT "dovecot-passwd"

struct row_case {
	struct table_case in;
	const char *out;
};

static void check(const struct row_case *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

		check_text(rows[i].in.text, table_tell(&memory, &rows[i].in), rows[i].out);
	}
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof(*(rows)))

static void test_csv(void **state)
{
	static const struct row_case rows[] = {
		{ { CSV, "address,login\na@b,c\n" }, "2 a@b=c\n" },
		{ { CSV, "\xef\xbb\xbf"
			 "address,login\r\na@b,c\r\n\r\nd@b,e" },
		  "2 a@b=c\n4 d@b=e\n" },
		{ { CSV, "login,Name,ADDRESS\nc,First Last,a@b\n" }, "2 a@b=c name=First Last\n" },
		{ { CSV, "address,login,name,provider,moved_to\na@b,c,,uni,d@e\n" },
		  "2 a@b=c name= provider=uni moved_to=d@e\n" },
		{ { CSV, "\"address\",\"login\"\n\"a@b\",\"c,d\"\n" }, "2 a@b=c,d\n" },
		{ { CSV, "address,login\na@b,\"say \"\"c\"\"\"\n" }, "2 a@b=say \"c\"\n" },
		{ { CSV, "address,login,name\na@b,\"c\nd\",\"e\r\nf\"\ng@b,h,\n" },
		  "2 a@b=c\nd name=e\nf\n5 g@b=h name=\n" },
		{ { CSV, "address,login\na@b,\n" }, "2 a@b=\n" },
		{ { CSV, "address,login\n" }, "" },
	};

	CHECK(rows);
}

static void test_csv_refused(void **state)
{
	static const struct row_case rows[] = {
		{ { CSV, "" }, "1 bad: the header is missing, such as 'address,login'\n" },
		{ { CSV, "a@b,c\n" },
		  "1 bad: unknown column 'a@b': this line must be the header of a CSV, with "
		  "the columns "
		  "address, login, name, provider and moved_to\n" },
		{ { CSV, "address,login,phone\na@b,c,d\n" },
		  "1 bad: unknown column 'phone': this line must be the header of a CSV, with "
		  "the "
		  "columns "
		  "address, login, name, provider and moved_to\n" },
		{ { CSV, "address,login,address\n" }, "1 bad: duplicate column 'address'\n" },
		{ { CSV, "address,name\n" }, "1 bad: the header lacks the column 'login'\n" },
		{ { CSV, "address,login\na@b\nc@b,d\ne@b,f,g\n" },
		  "2 bad: the line has 1 field, but the header 2\n3 c@b=d\n"
		  "4 bad: the line has 3 fields, but the header 2\n" },
		{ { CSV, "address,login\na@b,c\"d\ne@b,f\n" },
		  "2 bad: a field with a quote must be in quotes, and the quote doubled\n3 "
		  "e@b=f\n" },
		{ { CSV, "address,login\na@b,\"c\"d\ne@b,f\n" },
		  "2 bad: a field in quotes must be followed by a comma\n3 e@b=f\n" },
		{ { CSV, "address,login\na@b,\"c\ne@b,f\n" },
		  "2 bad: a quote that is opened here is not closed before the end of the file\n" },
		{ { CSV, "address,login\na@b,c\0d\ne@b,f\n", 28 },
		  "2 bad: the line contains a NUL byte\n3 e@b=f\n" },
	};

	CHECK(rows);
}

/* Around the longest line, and around the size of the buffer. */
static void test_long_lines(void **state)
{
	static const size_t sizes[] = { SOURCE_LINE_MAX - 1, SOURCE_LINE_MAX, SOURCE_LINE_MAX + 1,
					SOURCE_LINE_MAX * 4, SOURCE_LINE_MAX * 9 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
		char *line = memset(arena_alloc(&memory, sizes[i] + 1), 'x', sizes[i]);
		const char *row = arena_printf(&memory, "a@b,%s", line + strlen("a@b,"));
		const struct table_case in = {
			CSV,
			arena_printf(&memory, "address,login\n%s\nc@b,d\n", row),
		};
		const char *wanted =
			sizes[i] > SOURCE_LINE_MAX
				? "2 bad: the line has more than 65536 bytes\n3 c@b=d\n"
				: arena_printf(&memory, "2 a@b=%s\n3 c@b=d\n",
					       row + strlen("a@b,"));

		check_text("a long line", table_tell(&memory, &in), wanted);
	}
}

static void test_a_long_quote(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	size_t size = SOURCE_LINE_MAX - 10;
	char *rest = memset(arena_alloc(&memory, size + 1), 'x', size);
	const struct table_case in = {
		CSV,
		arena_printf(&memory, "address,login\na@b,\"c\n%.*s\nd\ne@b,f\n", (int)size, rest),
	};

	check_text("a long quote", strtok(arena_strdup(&memory, table_tell(&memory, &in)), "\n"),
		   "2 bad: a quote that is opened here is not closed within 65536 bytes");
}

static void test_ldif(void **state)
{
	static const struct row_case rows[] = {
		{ { LDIF, "version: 1\n\ndn: uid=a,dc=example\nmail: a@b\nuid: c\n" },
		  "4 a@b=c\n" },
		{ { LDIF, "dn: x\r\nMail: a@b\r\nuid: c\r\n\r\n\r\ndn: y\r\nuid: d\r\nmail: e@b" },
		  "2 a@b=c\n8 e@b=d\n" },
		{ { LDIF, "# one\n#  folded\n  comment\ndn:: w7xi\nmail: a@\n b\nuid: \n c\n" },
		  "5 a@b=c\n" },
		{ { LDIF, "dn: x\nmail:: YUBi\nuid::Yzw=\nmail:d@b\n" }, "2 a@b=c<\n4 d@b=c<\n" },
		{ { LDIF, "dn: x\nmail;lang-de: a@b\nuid: c\ncn;lang-de: N\ncn: M\n",
		    .name_attribute = "cn" },
		  "2 a@b=c name=N\n" },
		{ { LDIF, "dn: x\nmail: a@b\nuid: c\n", .name_attribute = "cn" },
		  "2 a@b=c name=\n" },
		{ { LDIF,
		    "dn: x\nmail: a@b\nmailAlternateAddress: d@b\nmailAlternateAddress: e@b\n"
		    "uid: no\nlogin: c\n",
		    .address_attributes = "mail,mailAlternateAddress", .login_attribute = "login" },
		  "2 a@b=c\n3 d@b=c\n4 e@b=c\n" },
		{ { LDIF, "dn: ou=people\nou: people\n\ndn: x\njpegPhoto:< file:///x\nmail: a@b\n"
			  "uid: c\n" },
		  "6 a@b=c\n" },
		{ { LDIF, "dn: x\nmail: a@b\n\ndn: y\nmail: d@b\nuid: e\nuid: f\n" },
		  "1 skipped: the entry has no 'uid'\n"
		  "4 skipped: the entry has several values of 'uid'\n" },
		{ { LDIF, "" }, "" },
	};

	CHECK(rows);
}

static void test_ldif_refused(void **state)
{
	static const struct row_case rows[] = {
		{ { LDIF,
		    "dn: x\nmail:< file:///etc/passwd\nuid: c\n\ndn: y\nmail: a@b\nuid: d\n" },
		  "2 bad: the value is a URL, which is not fetched\n"
		  "6 a@b=d\n" },
		{ { LDIF, "dn: x\nmail:: YUB\nuid: c\n" },
		  "2 bad: the value after '::' is not base64 of a text\n" },
		{ { LDIF, "dn: x\nmail:: Y=Bi\nuid: c\n" },
		  "2 bad: the value after '::' is not base64 of a text\n" },
		{ { LDIF, "dn: x\nmail:: YQBi\nuid: c\n" },
		  "2 bad: the value after '::' is not base64 of a text\n" },
		{ { LDIF, "dn: x\nmail\nuid: c\n" },
		  "2 bad: no colon follows the attribute's name\n" },
		{ { LDIF, "mail: a@b\nuid: c\n" },
		  "1 bad: an entry must begin with 'dn:' (ldapsearch writes clean LDIF with "
		  "-LLL)\n" },
		{ { LDIF, "dn: x\nchangetype: delete\n" },
		  "2 bad: change records are not supported\n" },
	};

	CHECK(rows);
}

static void test_virtual_aliases(void **state)
{
	static const struct row_case rows[] = {
		{ { VIRTUAL, "# comment\n\na@served.example  c\n" }, "3 a@served.example=c\n" },
		{ { VIRTUAL, "a@b\n # between\n\n  c\nd@b\te\n" }, "1 a@b=c\n5 d@b=e\n" },
	};

	CHECK(rows);
}

static void test_chains(void **state)
{
	static const struct row_case rows[] = {
		{ { VIRTUAL, "a@b d@b\nd@b e@b\ne@b Login\n" },
		  "1 a@b=Login\n2 d@b=Login\n3 e@b=Login\n" },
		{ { VIRTUAL, "a@x.served.example Box@mail.served.example\n" },
		  "1 a@x.served.example=made of Box@mail.served.example\n" },
		{ { VIRTUAL, "a@served.example a@served.example\n@served.example rest\n" },
		  "1 a@served.example=made of a@served.example\n2 @served.example=rest\n" },
		{ { VIRTUAL, "self@served.example self@served.example\n"
			     "a@served.example Self@served.example\n" },
		  "1 self@served.example=b4711\n2 a@served.example=b4711\n" },
		{ { VIRTUAL, "a@served.example Boss@Served.example\n"
			     "d@served.example boss+x@alias.served.example\n"
			     "e@served.example e@alias.served.example\n"
			     "f@served.example c@alias.served.example\n"
			     "c@served.example g\n" },
		  "1 a@served.example=b4711\n2 d@served.example=b4711\n"
		  "3 e@served.example=made of e@alias.served.example\n"
		  "4 f@served.example=g\n5 c@served.example=g\n" },
		{ { VIRTUAL, "a@served.example b+x@served.example\nb@served.example c\n"
			     "@served.example rest\nd@served.example +x@served.example\n" },
		  "1 a@served.example=c\n2 b@served.example=c\n3 @served.example=rest\n"
		  "4 d@served.example=rest\n" },
		{ { VIRTUAL, "a@served.example b+x\n" }, "1 a@served.example=b\n" },
		{ { VIRTUAL, "a@served.example c@B\xc3\xbc"
			     "cher.example\n"
			     "c@xn--bcher-kva.example d\n" },
		  "1 a@served.example=d\n2 c@xn--bcher-kva.example=d\n" },
		{ { VIRTUAL, "a@served.example x\"y@served.example\n" },
		  "1 skipped: 'a@served.example' leads to something that is not an address\n" },
		{ { VIRTUAL, "a@b nobody@b\n@b rest\n" }, "1 a@b=rest\n2 @b=rest\n" },
		{ { VIRTUAL, "@served.example collect@served.example\n" },
		  "1 @served.example=made of collect@served.example\n" },
		{ { VIRTUAL, "A@B c\na@b c\n" }, "1 A@B=c\n" },
		{ { VIRTUAL, "a d\nd e\n", .domain = "b" }, "1 a=e\n2 d=e\n" },
		{ { VIRTUAL, "a a\n", .domain = "b" }, "1 a=a\n" },
		{ { VIRTUAL, "b.example anything\nA@b.example c\n" },
		  "1 skipped: 'b.example' has no '@' and is read as a domain; with --domain it is "
		  "an address of that domain\n2 A@b.example=c\n" },
		{ { VIRTUAL, "a@b c, d e\nf@b a@b\n" },
		  "1 skipped: 'a@b' has 3 targets\n"
		  "2 skipped: 'f@b' has 3 targets, by line 1\n" },
		{ { VIRTUAL, "a@b c@elsewhere.example\n" },
		  "1 skipped: 'a@b' leads to 'c@elsewhere.example', which is not served here\n" },
		{ { VIRTUAL, "@b @c\n" },
		  "1 skipped: '@b' leads to a whole domain (use --alias-of of 'domain add' "
		  "or 'domain set')\n" },
		{ { VIRTUAL, "a@b d@b\nd@b e@b\ne@b d@b\n" },
		  "1 bad: 'a@b' is in a loop, by line 3\n"
		  "2 bad: 'd@b' is in a loop, by line 3\n"
		  "3 bad: 'e@b' is in a loop, by line 2\n" },
		{ { VIRTUAL, "a@b c\nA@b d\n" },
		  "2 bad: 'A@b' has other targets than in line 1\n1 a@b=c\n" },
		{ { VIRTUAL, "a@b\nc@b ,\n" },
		  "1 bad: nothing follows 'a@b'\n2 bad: nothing follows 'c@b'\n" },
		{ { VIRTUAL, "  a@b c\n" },
		  "1 bad: a line that begins with whitespace continues the previous one, "
		  "and there is none\n" },
	};

	CHECK(rows);
}

static void test_sender_logins(void **state)
{
	static const struct row_case rows[] = {
		{ { SENDER, "a@b c\n@b d@b\ne@b a@b\n" }, "1 a@b=c\n2 @b=d@b\n3 e@b=a@b\n" },
		{ { SENDER, "a@b c, d\n" }, "1 skipped: 'a@b' has 2 logins\n" },
		{ { SENDER, "a@b\n" }, "1 bad: nothing follows 'a@b'\n" },
	};

	CHECK(rows);
}

static void test_aliases(void **state)
{
	static const struct row_case rows[] = {
		{ { ALIASES, "# who reads what\npostmaster: root\nroot:\n\talice\n",
		    .domain = "b" },
		  "2 postmaster=alice\n3 root=alice\n" },
		{ { ALIASES, "Root: Alice\nalice: alice\nx:root\n", .domain = "b" },
		  "1 Root=alice\n2 alice=alice\n3 x=alice\n" },
		{ { ALIASES, "\"a\": \"c\"\n\"x:y\" : d\n", .domain = "b" }, "1 a=c\n2 x:y=d\n" },
		{ { ALIASES, "sales: b+x\nb: Carol\nship: d+y\n", .domain = "served.example" },
		  "1 sales=Carol\n2 b=Carol\n3 ship=d\n" },
		{ { ALIASES, "a: boss@served.example\nd: boss\nf: g@h\n",
		    .domain = "served.example" },
		  "1 a=b4711\n2 d=boss\n"
		  "3 skipped: 'f' leads to 'g@h', which is not served here\n" },
		{ { ALIASES,
		    "a: |/bin/x\nb: \"|/bin/x -y, z\"\nc: /dev/null\nd: :include:/etc/l\n"
		    "e: f, g\nh: e\n",
		    .domain = "b" },
		  "1 skipped: 'a' leads to a command\n2 skipped: 'b' leads to a command\n"
		  "3 skipped: 'c' leads to a file\n"
		  "4 skipped: 'd' leads to a list or an instruction\n"
		  "5 skipped: 'e' has 2 targets\n6 skipped: 'h' has 2 targets, by line 5\n" },
		{ { ALIASES, "a: b\nb: a\n", .domain = "b" },
		  "1 bad: 'a' is in a loop, by line 2\n"
		  "2 bad: 'b' is in a loop, by line 1\n" },
		{ { ALIASES, "a\nb:\nc: \"d\n\"e: f\n", .domain = "b" },
		  "1 bad: no colon follows the name: a line is NAME: TARGET\n"
		  "2 bad: nothing follows the name\n3 bad: a quote is not closed\n"
		  "4 bad: a quote is not closed\n" },
	};

	CHECK(rows);
}

static void test_dovecot(void **state)
{
	static const struct row_case rows[] = {
		{ { DOVECOT, "# users\na@b:{PLAIN}x\nc:x:1:1:First Last,Room 1:/home/c:/bin/sh\n" },
		  "2 a@b=a@b\n3 c=c name=First Last\n" },
		{ { DOVECOT, "a@b::::::\nc@b:x:1:1::/h::userdb_quota=x:y user=z\n" },
		  "1 a@b=a@b\n2 c@b=c@b\n" },
		{ { DOVECOT, "a:x::::::nologin\nb:x::::::foo nologin=yes\nc:x::::::nologin=n\n" },
		  "1 skipped: 'a' may not log in\n2 skipped: 'b' may not log in\n3 c=c\n" },
		{ { DOVECOT, "a@b\n" },
		  "1 bad: no colon follows the user: a line is USER:PASSWORD:...\n" },
	};

	CHECK(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_csv_refused),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_a_long_quote),
		cmocka_unit_test(test_ldif),
		cmocka_unit_test(test_ldif_refused),
		cmocka_unit_test(test_virtual_aliases),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_sender_logins),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_dovecot),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
