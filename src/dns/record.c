#include "dns/record.h"

#include <string.h>

#include "util/arena.h"
#include "util/bytes.h"

/* The longest character-string (RFC 1035 3.3). */
#define STRING_MAX_LENGTH 255

const char *record_type_name(enum record_type type)
{
	static const char *const names[] = {
		[RECORD_A] = "A",     [RECORD_AAAA] = "AAAA", [RECORD_CNAME] = "CNAME",
		[RECORD_SRV] = "SRV", [RECORD_TXT] = "TXT",   [RECORD_TLSA] = "TLSA",
	};

	return names[type];
}

const char *record_presence_name(enum record_presence presence)
{
	static const char *const names[] = {
		[RECORD_WANTED] = "wanted",
		[RECORD_INSTEAD] = "instead",
		[RECORD_OPTIONAL] = "optional",
	};

	return names[presence];
}

static void add_string(struct bytes *value, const char *text, size_t length)
{
	bytes_add_char(value, '"');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			bytes_add_char(value, '\\');
		if (c < ' ' || c >= 0x7f)
			bytes_add_format(value, "\\%03u", c);
		else
			bytes_add_char(value, (char)c);
	}
	bytes_add_char(value, '"');
}

const char *record_quote(struct arena *memory, const char *text)
{
	struct bytes value = BYTES_IN(memory);
	size_t left = strlen(text);

	do {
		size_t length = left < STRING_MAX_LENGTH ? left : STRING_MAX_LENGTH;

		if (value.size)
			bytes_add_char(&value, ' ');
		add_string(&value, text, length);
		text += length;
		left -= length;
	} while (left);
	return bytes_text(&value);
}

static const char *absolute(struct arena *memory, const char *name)
{
	return text_equals(name, ".") ? name : arena_printf(memory, "%s.", name);
}

/* DANE-EE, the public key, SHA-256 (RFC 7671 5.1): holds through renewals that keep the key. */
static const char *tlsa_value(struct arena *memory, const struct digest *digest)
{
	struct bytes value = BYTES_IN(memory);

	bytes_add_text(&value, "3 1 1 ");
	for (size_t i = 0; i < sizeof(digest->bytes); i++)
		bytes_add_format(&value, "%02x", digest->bytes[i]);
	return bytes_text(&value);
}

const char *record_value(struct arena *memory, const struct record *record)
{
	switch (record->type) {
	case RECORD_CNAME:
		return record->text ? absolute(memory, record->text) : "";
	case RECORD_SRV:
		return arena_printf(memory, "%u %u %u %s", record->priority, record->weight,
				    record->port, absolute(memory, record->text));
	case RECORD_TXT:
		return record_quote(memory, record->text);
	case RECORD_TLSA:
		return tlsa_value(memory, &record->digest);
	default:
		return record->text;
	}
}
