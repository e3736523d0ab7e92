#include <string.h>

#include "http/intake.h"
#include "unit/fixture.h"

#define RECORD_MAX 16384
#define SEAL 17

static void test_handshake(void **state)
{
	struct intake intake = { 0 };
	char data[1024] = { 0 };

	for (size_t size = 0; size < INTAKE_HANDSHAKE_MAX; size += sizeof(data))
		assert_true(intake_count(&intake, data, sizeof(data)));
	assert_false(intake_count(&intake, data, 1));
}

/* A record with so many bytes, which arrives in pieces of that size. Returns whether it is within
 * the limit. */
static bool receive(struct intake *intake, size_t content, size_t piece)
{
	unsigned char record[INTAKE_HEADER + RECORD_MAX + SEAL] = { 23, 3, 3 };
	size_t body = content + SEAL, size = INTAKE_HEADER + body;

	record[3] = (unsigned char)(body >> 8);
	record[4] = (unsigned char)body;
	for (size_t at = 0; at < size; at += piece)
		if (!intake_count(intake, record + at, size - at < piece ? size - at : piece))
			return false;
	return true;
}

static void test_records(void **state)
{
	static const struct {
		const char *row;
		size_t content, piece;
		size_t allowed; /* records with nothing passed on */
	} rows[] = {
		{ "one of the largest", RECORD_MAX, RECORD_MAX, 1 },
		{ "the same byte by byte", RECORD_MAX, 1, 1 },
		{ "what the parser can take, and the record that is held", 4096, 7, 3 },
		{ "small ones, several at once", 1, 100, INTAKE_UNPARSED_MAX + 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct intake intake = { 0 };

		intake_establish(&intake);
		for (int turn = 0; turn < 3; turn++) {
			for (size_t count = 0; count < rows[i].allowed; count++)
				check_number(rows[i].row,
					     receive(&intake, rows[i].content, rows[i].piece), 1);
			intake_pass_on(&intake);
		}
		for (size_t count = 0; count < rows[i].allowed; count++)
			check_number(rows[i].row, receive(&intake, rows[i].content, rows[i].piece),
				     1);
		check_number(rows[i].row, receive(&intake, rows[i].content, rows[i].piece), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "handshake", test_handshake },
		{ "records", test_records },
	};

	return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
