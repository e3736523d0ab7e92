#include <string.h>

#include "http/intake.h"
#include "unit/fixture.h"

#define RECORD_MAX 16384
#define SEAL 17

static void test_handshake(void **state)
{
	struct intake intake = { 0 };
	unsigned char data[1024] = { 0 };

	for (size_t size = 0; size < INTAKE_HANDSHAKE_MAX; size += sizeof(data))
		assert_true(intake_count(&intake, data, sizeof(data)));
	assert_false(intake_count(&intake, data, 1));
}

/* Receives a record with that much content, in pieces. Returns whether it is within the limit. */
static bool receive(struct intake *intake, size_t content, size_t piece)
{
	unsigned char record[INTAKE_HEADER + INTAKE_RECORD_MAX + 1] = { 23, 3, 3 };
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
		size_t piece;	       /* bytes that are received at once */
		size_t count, content; /* records, of which nothing is passed on */
		size_t last;	       /* content of the record after them */
		int is_allowed;
	} rows[] = {
		{ "one of the largest", RECORD_MAX, 0, 0, RECORD_MAX, 1 },
		{ "the same byte by byte", 1, 0, 0, RECORD_MAX, 1 },
		{ "the largest of TLS 1.2", 100, 0, 0, INTAKE_RECORD_MAX - SEAL, 1 },
		{ "one larger than any", 100, 0, 0, INTAKE_RECORD_MAX - SEAL + 1, 0 },
		{ "a second of the largest", RECORD_MAX, 1, RECORD_MAX, RECORD_MAX, 0 },
		{ "the same byte by byte", 1, 1, RECORD_MAX, RECORD_MAX, 0 },
		{ "the largest and a small one", 7, 1, RECORD_MAX, 2048 - SEAL, 1 },
		{ "the largest and one too much", 7, 1, RECORD_MAX, 2048 - SEAL + 1, 0 },
		{ "8 KiB in small ones and the largest", 7, 8, 1024, RECORD_MAX, 0 },
		{ "8 KiB in the smallest and the largest", 100, 8192, 1, RECORD_MAX, 0 },
		{ "8 KiB in the smallest and 8 KiB in one", 100, 8192, 1, 8192, 1 },
		{ "three of 4 KiB and the record that is held", 7, 3, 4096, 4096, 1 },
		{ "four of 4 KiB and the record that is held", 7, 4, 4096, 4096, 0 },
		{ "small ones, several at once", 100, INTAKE_RECORD_MAX - SEAL - 1, 1, 1, 1 },
		{ "small ones, several at once", 100, INTAKE_RECORD_MAX - SEAL, 1, 1, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct intake intake = { .is_established = true };

		for (int turn = 0; turn < 3; turn++) {
			check_number(rows[i].row, receive(&intake, RECORD_MAX, rows[i].piece), 1);
			intake.unparsed = 0;
		}
		for (size_t count = 0; count < rows[i].count; count++)
			check_number(rows[i].row, receive(&intake, rows[i].content, rows[i].piece),
				     1);
		check_number(rows[i].row, receive(&intake, rows[i].last, rows[i].piece),
			     rows[i].is_allowed);
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
