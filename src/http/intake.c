#include "http/intake.h"

#include <sys/param.h>

/* The tag and the content type of each record of TLS 1.3. Those of TLS 1.2 have 8 bytes more with
 * AES-GCM, which count as content. */
#define SEAL 17

bool intake_count(struct intake *intake, const unsigned char *data, size_t size)
{
	bool is_allowed = true;
	size_t taken;

	if (!intake->is_established) {
		intake->handshake += size;
		return intake->handshake <= INTAKE_HANDSHAKE_MAX;
	}
	for (; size > 0; data += taken, size -= taken) {
		if (intake->body > 0) {
			taken = MIN(intake->body, size);
			intake->body -= taken;
			continue;
		}
		taken = MIN(INTAKE_HEADER - intake->header_length, size);
		memcpy(intake->header + intake->header_length, data, taken);
		intake->header_length += taken;
		if (intake->header_length < INTAKE_HEADER)
			continue;
		/* GnuTLS reads the next record only after it has passed on or stored this one. */
		intake->header_length = 0;
		intake->body = (size_t)intake->header[3] << 8 | intake->header[4];
		if (intake->unparsed + intake->body > INTAKE_RECORD_MAX)
			is_allowed = false;
		if (intake->body > SEAL)
			intake->unparsed += intake->body - SEAL;
	}
	return is_allowed;
}
