#include "doctor/mail-dialogue.h"

#include "doctor/stream.h"

#define OWN_NAME "mailconfctl.invalid"
#define LINES_MAX 100 /* of one response */

enum line_role { LINE_GOES_ON, LINE_ENDS, LINE_IS_WRONG };

/* The role of a line in a response, of which it is number 0, 1, ... */
typedef enum line_role (*line_reader)(struct dialogue *dialogue, const char *line, int number);

/* Adds the words of the line, in capitals and without quotes. */
static void add_words(struct bytes *words, const char *line)
{
	for (; *line; line++)
		if (*line != '"')
			bytes_add_char(words, char_upper(*line));
	bytes_add_char(words, ' ');
}

/* "* CAPABILITY IMAP4rev1 AUTH=PLAIN", "c OK" (RFC 9051). The mechanisms are among the
 * capabilities, and LOGIN is one unless it is disabled. */
static enum line_role read_imap_line(struct dialogue *dialogue, const char *line, int number)
{
	static const char start[] = "* CAPABILITY ", mechanism[] = " AUTH=";
	const char *extensions, *found;

	if (text_starts_with_ignoring_case(line, start))
		add_words(&dialogue->extensions, line + strlen(start));
	if (strncmp(line, "c ", 2) != 0)
		return LINE_GOES_ON;
	if (!text_starts_with_ignoring_case(line + 2, "OK"))
		return LINE_IS_WRONG;
	extensions = bytes_text(&dialogue->extensions);
	for (found = extensions; (found = strstr(found, mechanism));) {
		found += strlen(mechanism);
		bytes_add(&dialogue->mechanisms, found, strcspn(found, " ") + 1);
	}
	if (!strstr(extensions, " LOGINDISABLED "))
		add_words(&dialogue->mechanisms, "LOGIN");
	return LINE_ENDS;
}

/* "+OK", "SASL PLAIN LOGIN", "STLS", "USER", "." (RFC 2449). */
static enum line_role read_pop3_line(struct dialogue *dialogue, const char *line, int number)
{
	if (number == 0)
		return text_starts_with_ignoring_case(line, "+OK") ? LINE_GOES_ON : LINE_IS_WRONG;
	if (text_equals(line, "."))
		return LINE_ENDS;
	add_words(&dialogue->extensions, line);
	if (text_starts_with_ignoring_case(line, "SASL "))
		add_words(&dialogue->mechanisms, line + strlen("SASL "));
	else if (text_equals_ignoring_case(line, "USER"))
		add_words(&dialogue->mechanisms, "LOGIN");
	return LINE_GOES_ON;
}

/* "250-name", "250-STARTTLS", "250 AUTH PLAIN LOGIN" (RFC 5321 4.1.1.1). */
static enum line_role read_smtp_line(struct dialogue *dialogue, const char *line, int number)
{
	if (strncmp(line, "250", 3) != 0 || (line[3] != '-' && line[3] != ' '))
		return LINE_IS_WRONG;
	if (number == 0)
		dialogue->name = text_lower(
			dialogue->memory,
			arena_strndup(dialogue->memory, line + 4, strcspn(line + 4, " ")));
	else
		add_words(&dialogue->extensions, line + 4);
	if (text_starts_with_ignoring_case(line + 4, "AUTH "))
		add_words(&dialogue->mechanisms, line + 4 + strlen("AUTH "));
	return line[3] == ' ' ? LINE_ENDS : LINE_GOES_ON;
}

/* "\"SASL\" \"PLAIN LOGIN\"", "\"STARTTLS\"", "OK" (RFC 5804 1.7). */
static enum line_role read_sieve_line(struct dialogue *dialogue, const char *line, int number)
{
	static const char sasl[] = "\"SASL\" ";

	if (text_starts_with_ignoring_case(line, "OK"))
		return LINE_ENDS;
	if (line[0] != '"')
		return LINE_IS_WRONG;
	add_words(&dialogue->extensions, line);
	if (text_starts_with_ignoring_case(line, sasl))
		add_words(&dialogue->mechanisms, line + strlen(sasl));
	return LINE_GOES_ON;
}

static const struct mail_protocol {
	const char *greeting; /* how a valid one begins */
	const char *ask_capabilities;
	line_reader read_line;
	const char *ask_tls, *tls_granted;
} protocols[SERVICE_KINDS] = {
	[SERVICE_IMAP] = { "* OK", "c CAPABILITY", read_imap_line, "c STARTTLS" },
	[SERVICE_POP3] = { "+OK", "CAPA", read_pop3_line, "STLS", "+OK" },
	[SERVICE_SUBMISSION] = { "220", "EHLO", read_smtp_line, "STARTTLS", "220" },
	[SERVICE_MANAGESIEVE] = { NULL, NULL, read_sieve_line, "STARTTLS", "OK" },
};

static int send_line(struct dialogue *dialogue, const char *command, const char *argument,
		     struct error *err)
{
	const char *text = arena_printf(dialogue->memory, "%s%s\r\n", command, argument);

	return stream_send(dialogue->stream, text, strlen(text), err);
}

/* Returns -1. */
static int reject_line(const char *line, const char *command, struct error *err)
{
	return error_set(err, ERROR_INPUT, "the response to %s is '%.100s'", command, line);
}

static int read_response(struct dialogue *dialogue, const char *command, struct error *err)
{
	enum line_role role = LINE_GOES_ON;
	const char *line = "";

	dialogue->extensions = dialogue->mechanisms = BYTES_IN(dialogue->memory);
	bytes_add_char(&dialogue->extensions, ' ');
	bytes_add_char(&dialogue->mechanisms, ' ');
	for (int number = 0; number < LINES_MAX && role == LINE_GOES_ON; number++) {
		if (stream_read_line(dialogue->stream, dialogue->memory, &line, err) < 0)
			return -1;
		role = protocols[dialogue->kind].read_line(dialogue, line, number);
	}
	return role == LINE_ENDS ? 0 : reject_line(line, command, err);
}

int dialogue_greet(struct dialogue *dialogue, struct error *err)
{
	const char *greeting = protocols[dialogue->kind].greeting, *line;

	if (!greeting)
		return read_response(dialogue, "the connection", err);
	/* SMTP's greeting may have several lines. */
	for (int i = 0; i < LINES_MAX; i++) {
		if (stream_read_line(dialogue->stream, dialogue->memory, &line, err) < 0)
			return -1;
		if (strncmp(line, "220-", 4) != 0)
			break;
	}
	return text_starts_with_ignoring_case(line, greeting)
		       ? 0
		       : error_set(err, ERROR_INPUT, "its greeting is '%.100s'", line);
}

int dialogue_capabilities(struct dialogue *dialogue, struct error *err)
{
	const char *command = protocols[dialogue->kind].ask_capabilities;
	bool is_smtp = dialogue->kind == SERVICE_SUBMISSION;

	if (!command)
		return 0; /* they came with the greeting */
	return send_line(dialogue, command, is_smtp ? " " OWN_NAME : "", err) < 0
		       ? -1
		       : read_response(dialogue, command, err);
}

int dialogue_starttls(struct dialogue *dialogue, struct error *err)
{
	const struct mail_protocol *protocol = &protocols[dialogue->kind];
	const char *line;

	if (send_line(dialogue, protocol->ask_tls, "", err) < 0)
		return -1;
	if (dialogue->kind == SERVICE_IMAP)
		return read_response(dialogue, protocol->ask_tls, err);
	if (stream_read_line(dialogue->stream, dialogue->memory, &line, err) < 0)
		return -1;
	return text_starts_with_ignoring_case(line, protocol->tls_granted)
		       ? 0
		       : reject_line(line, protocol->ask_tls, err);
}

int dialogue_resume(struct dialogue *dialogue, struct error *err)
{
	return dialogue->kind == SERVICE_MANAGESIEVE ? read_response(dialogue, "TLS", err) : 0;
}
