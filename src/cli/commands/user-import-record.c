#include <string.h>

#include "cli/commands/user-import.h"

/*
 *     domain NUL local NUL line has [provider] login NUL name NUL moved_to NUL
 *
 * Numbers have their highest byte first, so that lines are in order.
 */
#define LINE_SIZE 5
#define PROVIDER_SIZE 8

/* Beside what a row has: that there is a provider. */
#define HAS_PROVIDER_ID 0x80U

static char *put_text(char *at, const char *text)
{
	size_t size = strlen(text) + 1;

	memcpy(at, text, size);
	return at + size;
}

static char *put_number(char *at, uint64_t number, int size)
{
	for (int i = size - 1; i >= 0; i--, number >>= 8)
		at[i] = (char)(number & 0xff);
	return at + size;
}

int record_add(struct sorter *sorter, const struct record *record, struct error *err)
{
	char bytes[SORTER_RECORD_MAX], *at = bytes;

	at = put_text(at, record->domain);
	at = put_text(at, record->local);
	at = put_number(at, record->line, LINE_SIZE);
	*at++ = (char)(record->has | (record->provider ? HAS_PROVIDER_ID : 0U));
	if (record->provider)
		at = put_number(at, (uint64_t)record->provider, PROVIDER_SIZE);
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

static uint64_t take_number(const char **at, int size)
{
	uint64_t number = 0;

	for (int i = 0; i < size; i++)
		number = number << 8 | (unsigned char)*(*at)++;
	return number;
}

struct record record_read(const char *bytes)
{
	const char *at = bytes;
	struct record record;

	record.domain = take_text(&at);
	record.local = take_text(&at);
	record.line = take_number(&at, LINE_SIZE);
	record.has = (unsigned char)*at++;
	record.provider = record.has & HAS_PROVIDER_ID ? (int64_t)take_number(&at, PROVIDER_SIZE)
						       : 0;
	record.has &= ~HAS_PROVIDER_ID;
	record.login = take_text(&at);
	record.name = take_text(&at);
	record.moved_to = take_text(&at);
	return record;
}
