#include <string.h>

#include "cli/import.h"

/* domain NUL local NUL line provider has login NUL name NUL moved_to NUL; numbers have their
 * highest byte first, so that lines are in order. */
#define NUMBER_SIZE 8

static char *put_text(char *at, const char *text)
{
	size_t size = strlen(text) + 1;

	memcpy(at, text, size);
	return at + size;
}

static char *put_number(char *at, uint64_t number)
{
	for (int i = NUMBER_SIZE - 1; i >= 0; i--, number >>= 8)
		at[i] = (char)(number & 0xff);
	return at + NUMBER_SIZE;
}

int record_add(struct sorter *sorter, const struct record *record, struct error *err)
{
	char bytes[SORTER_RECORD_MAX], *at = bytes;

	at = put_text(at, record->domain);
	at = put_text(at, record->local);
	at = put_number(at, record->line);
	at = put_number(at, (uint64_t)record->provider);
	*at++ = (char)record->has;
	at = put_text(at, record->login);
	at = put_text(at, record->name);
	at = put_text(at, record->moved_to);
	return sorter_add(sorter, bytes, (size_t)(at - bytes), err);
}

static const char *take_text(const char **at)
{
	const char *text = *at;

	*at += strlen(text) + 1;
	return text;
}

static uint64_t take_number(const char **at)
{
	uint64_t number = 0;

	for (int i = 0; i < NUMBER_SIZE; i++)
		number = number << 8 | (unsigned char)*(*at)++;
	return number;
}

struct record record_read(const char *bytes)
{
	const char *at = bytes;
	struct record record;

	record.domain = take_text(&at);
	record.local = take_text(&at);
	record.line = take_number(&at);
	record.provider = (int64_t)take_number(&at);
	record.has = (unsigned char)*at++;
	record.login = take_text(&at);
	record.name = take_text(&at);
	record.moved_to = take_text(&at);
	return record;
}
