#include "http/intake.h"

/* The tag and the content type of each record of TLS 1.3. Those of TLS 1.2 have 8 bytes more with
 * AES-GCM, which count as content. */
#define SEAL 17

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* GnuTLS reads the next record only after it has passed on or stored the one before. */
static bool begin_record(struct intake *intake)
{
	bool is_allowed;

	intake->body = (size_t)intake->header[3] << 8 | intake->header[4];
	intake->header_length = 0;
	is_allowed = intake->unparsed + intake->body <= INTAKE_RECORD_MAX;
	if (intake->body > SEAL)
		intake->unparsed += intake->body - SEAL;
	return is_allowed;
}

static bool count_records(struct intake *intake, const unsigned char *data, size_t size)
{
	bool is_allowed = true;

	while (size > 0) {
		size_t taken = smaller(intake->body, size);

		intake->body -= taken;
		if (taken == 0) {
			taken = smaller(INTAKE_HEADER - intake->header_length, size);
			memcpy(intake->header + intake->header_length, data, taken);
			intake->header_length += taken;
			if (intake->header_length == INTAKE_HEADER && !begin_record(intake))
				is_allowed = false;
		}
		data += taken;
		size -= taken;
	}
	return is_allowed;
}

bool intake_count(struct intake *intake, const void *data, size_t size)
{
	if (intake->is_established)
		return count_records(intake, data, size);
	intake->handshake += size;
	return intake->handshake <= INTAKE_HANDSHAKE_MAX;
}

void intake_establish(struct intake *intake)
{
	intake->is_established = true;
}

void intake_pass_on(struct intake *intake)
{
	intake->unparsed = 0;
}
