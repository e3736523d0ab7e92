#include "doctor/mail-dialogue.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "doctor/stream.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/error.h"

/* More lines of one answer are no capabilities. */
#define LINES_MAX 100

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Adds the words of a line, in capitals. */
static void add_words(struct bytes *words, const char *line)
{
	for (; *line; line++)
		if (*line != '"')
			bytes_add_char(words, upper(*line));
	bytes_add_char(words, ' ');
}

static int send_line(struct dialogue *dialogue, const char *line, struct error *err)
{
	const char *text = arena_printf(dialogue->memory, "%s\r\n", line);

	return stream_send(dialogue->stream, text, strlen(text), err);
}

static int unexpected(struct dialogue *dialogue, const char *line, const char *after,
		      struct error *err)
{
	return error_set(err, ERROR_INPUT, "to %s it says '%.100s'", after, line);
}

static int hear(struct dialogue *dialogue, const char **ret_line, struct error *err)
{
	return stream_read_line(dialogue->stream, dialogue->memory, ret_line, err);
}

/* IMAP (RFC 9051): "* CAPABILITY IMAP4rev1 AUTH=PLAIN", then "a OK". */
static int hear_imap(struct dialogue *dialogue, const char *tag, const char *after,
		     struct bytes *words, struct error *err)
{
	const char *line;

	for (int i = 0; i < LINES_MAX; i++) {
		if (hear(dialogue, &line, err) < 0)
			return -1;
		if (text_starts_with_ignoring_case(line, "* CAPABILITY "))
			add_words(words, line + strlen("* CAPABILITY "));
		if (strncmp(line, tag, strlen(tag)) != 0)
			continue;
		return text_starts_with_ignoring_case(line + strlen(tag), "OK")
			       ? 0
			       : unexpected(dialogue, line, after, err);
	}
	return unexpected(dialogue, line, after, err);
}

/* The mechanisms among words such as AUTH=PLAIN. */
static const char *imap_mechanisms(struct arena *memory, const char *words)
{
	struct bytes mechanisms = BYTES_IN(memory);
	char *rest = arena_strdup(memory, words), *word;

	bytes_add_char(&mechanisms, ' ');
	while ((word = strsep(&rest, " ")))
		if (strncmp(word, "AUTH=", 5) == 0)
			add_words(&mechanisms, word + 5);
	if (!strstr(words, " LOGINDISABLED "))
		bytes_add_text(&mechanisms, "LOGIN ");
	return bytes_text(&mechanisms);
}

static int imap_capabilities(struct dialogue *dialogue, struct error *err)
{
	struct bytes words = BYTES_IN(dialogue->memory);

	bytes_add_char(&words, ' ');
	if (send_line(dialogue, "c CAPABILITY", err) < 0 ||
	    hear_imap(dialogue, "c ", "CAPABILITY", &words, err) < 0)
		return -1;
	dialogue->extensions = bytes_text(&words);
	dialogue->mechanisms = imap_mechanisms(dialogue->memory, dialogue->extensions);
	return 0;
}

static int imap_starttls(struct dialogue *dialogue, struct error *err)
{
	struct bytes words = BYTES_IN(dialogue->memory);

	return send_line(dialogue, "s STARTTLS", err) < 0
		       ? -1
		       : hear_imap(dialogue, "s ", "STARTTLS", &words, err);
}

/* One line that begins so. */
static int expect(struct dialogue *dialogue, const char *start, const char *after,
		  struct error *err)
{
	const char *line;

	if (hear(dialogue, &line, err) < 0)
		return -1;
	return text_starts_with_ignoring_case(line, start) ? 0
							   : unexpected(dialogue, line, after, err);
}

/* POP3 (RFC 2449): "+OK", "SASL PLAIN LOGIN", "STLS", "USER", "." */
static int pop3_capabilities(struct dialogue *dialogue, struct error *err)
{
	struct bytes words = BYTES_IN(dialogue->memory), mechanisms = BYTES_IN(dialogue->memory);
	const char *line = "";

	bytes_add_char(&words, ' ');
	bytes_add_char(&mechanisms, ' ');
	if (send_line(dialogue, "CAPA", err) < 0 || expect(dialogue, "+OK", "CAPA", err) < 0)
		return -1;
	for (int i = 0; i < LINES_MAX; i++) {
		if (hear(dialogue, &line, err) < 0)
			return -1;
		if (text_equals(line, "."))
			break;
		add_words(&words, line);
		if (text_starts_with_ignoring_case(line, "SASL "))
			add_words(&mechanisms, line + strlen("SASL "));
		else if (text_equals_ignoring_case(line, "USER"))
			bytes_add_text(&mechanisms, "LOGIN ");
	}
	dialogue->extensions = bytes_text(&words);
	dialogue->mechanisms = bytes_text(&mechanisms);
	return 0;
}

/* SMTP (RFC 5321 4.1.1.1): "250-name", "250-STARTTLS", "250 AUTH PLAIN LOGIN" */
static int smtp_capabilities(struct dialogue *dialogue, struct error *err)
{
	struct bytes words = BYTES_IN(dialogue->memory), mechanisms = BYTES_IN(dialogue->memory);
	const char *line;

	bytes_add_char(&words, ' ');
	bytes_add_char(&mechanisms, ' ');
	if (send_line(dialogue, arena_printf(dialogue->memory, "EHLO %s", dialogue->own_name),
		      err) < 0)
		return -1;
	for (int i = 0; i < LINES_MAX; i++) {
		if (hear(dialogue, &line, err) < 0)
			return -1;
		if (strncmp(line, "250", 3) != 0 || (line[3] != '-' && line[3] != ' '))
			return unexpected(dialogue, line, "EHLO", err);
		if (i == 0)
			dialogue->name = text_lower(
				dialogue->memory,
				arena_strndup(dialogue->memory, line + 4, strcspn(line + 4, " ")));
		else
			add_words(&words, line + 4);
		if (text_starts_with_ignoring_case(line + 4, "AUTH "))
			add_words(&mechanisms, line + 4 + strlen("AUTH "));
		if (line[3] == ' ')
			break;
	}
	dialogue->extensions = bytes_text(&words);
	dialogue->mechanisms = bytes_text(&mechanisms);
	return 0;
}

/* ManageSieve (RFC 5804 1.7): "\"SASL\" \"PLAIN LOGIN\"", "\"STARTTLS\"", "OK" */
static int hear_sieve(struct dialogue *dialogue, struct error *err)
{
	struct bytes words = BYTES_IN(dialogue->memory), mechanisms = BYTES_IN(dialogue->memory);
	const char *line = "";

	bytes_add_char(&words, ' ');
	bytes_add_char(&mechanisms, ' ');
	for (int i = 0; i < LINES_MAX; i++) {
		if (hear(dialogue, &line, err) < 0)
			return -1;
		if (text_starts_with_ignoring_case(line, "OK"))
			break;
		if (line[0] != '"')
			return unexpected(dialogue, line, "the question what it offers", err);
		add_words(&words, line);
		if (text_starts_with_ignoring_case(line, "\"SASL\" "))
			add_words(&mechanisms, line + strlen("\"SASL\" "));
	}
	dialogue->greeting = line;
	dialogue->extensions = bytes_text(&words);
	dialogue->mechanisms = bytes_text(&mechanisms);
	return 0;
}

/* What a good greeting begins with; SMTP's may have several lines. */
static int hear_greeting(struct dialogue *dialogue, const char *start, struct error *err)
{
	for (int i = 0; i < LINES_MAX; i++) {
		if (hear(dialogue, &dialogue->greeting, err) < 0)
			return -1;
		if (strncmp(dialogue->greeting, "220-", 4) != 0)
			break;
	}
	return text_starts_with_ignoring_case(dialogue->greeting, start)
		       ? 0
		       : error_set(err, ERROR_INPUT, "it greets with '%.100s'", dialogue->greeting);
}

int dialogue_greet(struct dialogue *dialogue, enum service_kind kind, struct error *err)
{
	dialogue->extensions = dialogue->mechanisms = " ";
	switch (kind) {
	case SERVICE_IMAP:
		return hear_greeting(dialogue, "* OK", err);
	case SERVICE_POP3:
		return hear_greeting(dialogue, "+OK", err);
	case SERVICE_SUBMISSION:
		return hear_greeting(dialogue, "220", err);
	default:
		return hear_sieve(dialogue, err);
	}
}

int dialogue_capabilities(struct dialogue *dialogue, enum service_kind kind, struct error *err)
{
	switch (kind) {
	case SERVICE_IMAP:
		return imap_capabilities(dialogue, err);
	case SERVICE_POP3:
		return pop3_capabilities(dialogue, err);
	case SERVICE_SUBMISSION:
		return smtp_capabilities(dialogue, err);
	default:
		return 0; /* told with the greeting */
	}
}

int dialogue_starttls(struct dialogue *dialogue, enum service_kind kind, struct error *err)
{
	static const char *const commands[] = {
		[SERVICE_POP3] = "STLS",
		[SERVICE_SUBMISSION] = "STARTTLS",
		[SERVICE_MANAGESIEVE] = "STARTTLS",
	};
	static const char *const answers[] = {
		[SERVICE_POP3] = "+OK",
		[SERVICE_SUBMISSION] = "220",
		[SERVICE_MANAGESIEVE] = "OK",
	};

	if (kind == SERVICE_IMAP)
		return imap_starttls(dialogue, err);
	return send_line(dialogue, commands[kind], err) < 0
		       ? -1
		       : expect(dialogue, answers[kind], commands[kind], err);
}

int dialogue_resume(struct dialogue *dialogue, enum service_kind kind, struct error *err)
{
	return kind == SERVICE_MANAGESIEVE ? hear_sieve(dialogue, err) : 0;
}
