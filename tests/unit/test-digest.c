#include <string.h>

#include "unit/fixture.h"
#include "util/arena.h"
#include "util/digest.h"

static const char *hex(struct arena *memory, const struct digest *digest)
{
	char *text = arena_alloc(memory, 2 * DIGEST_SIZE + 1);

	for (size_t i = 0; i < DIGEST_SIZE; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", digest->bytes[i]);
	return text;
}

/* The examples of FIPS 180-2, appendix B. */
static void test_digest(void **state)
{
	static const struct {
		const char *in, *wanted;
	} rows[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct digest digest = digest_of(rows[i].in, strlen(rows[i].in));

		check_text(rows[i].in, hex(&memory, &digest), rows[i].wanted);
	}
}

/* RFC 4231 4.2 and 4.3: HMAC fills a shorter key up with zeros. */
static void test_digest_with_key(void **state)
{
	static const struct {
		struct digest_key key;
		const char *in, *wanted;
	} rows[] = {
		{ { "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
		    "\x0b" },
		  "Hi There",
		  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ { "Jefe" },
		  "what do ya want for nothing?",
		  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct digest digest = digest_with_key(&rows[i].key, rows[i].in,
						       strlen(rows[i].in));

		check_text(rows[i].in, hex(&memory, &digest), rows[i].wanted);
	}
}

static void test_base64(void **state)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct digest digest = digest_of("abc", 3);

	check_text("abc", digest_base64(&memory, &digest),
		   "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

/* RFC 1321 A.5. */
static void test_md5(void **state)
{
	static const struct {
		const char *in, *wanted;
	} rows[] = {
		{ "", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "abc", "900150983cd24fb0d6963f7d28e17f72" },
		{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct md5 md5;

		assert_true(md5_of(rows[i].in, strlen(rows[i].in), &md5));
		check_text(rows[i].in, md5_text(&memory, &md5), rows[i].wanted);
	}
}

#define D30 "0123456789abcdefABCDEF98765432"

static void test_md5_parse(void **state)
{
	static const struct {
		const char *text, *wanted; /* NULL: refused */
	} rows[] = {
		{ D30 "10", "0123456789abcdefabcdef9876543210" },
		{ "00000000000000000000000000000000", "00000000000000000000000000000000" },
		{ "", NULL },
		{ D30 "1", NULL },
		{ D30 "101", NULL },
		{ D30 "1g", NULL },
		{ D30 "1G", NULL },
		{ D30 "1 ", NULL },
		{ " " D30 "1", NULL },
		{ "0x" D30, NULL },
		{ D30 "-1", NULL },
		{ D30 "\303\251", NULL },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct md5 md5;
		bool is_md5 = md5_parse(rows[i].text, &md5);

		check_text(rows[i].text, is_md5 ? md5_text(&memory, &md5) : NULL, rows[i].wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest), cmocka_unit_test(test_digest_with_key),
		cmocka_unit_test(test_md5),    cmocka_unit_test(test_md5_parse),
		cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
