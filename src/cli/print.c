#include "cli/print.h"

#include <unistd.h>

#include "cli/terminal.h"
#include "util/clock.h"

#define PROGRESS_PAUSE_MS 100
#define PROGRESS_BAR "########################################"

static bool is_quiet;

/* What moves the cursor, colours the screen, ends the line or turns the direction of the text. */
static bool is_obeyed_by_terminals(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0x200e ||
	       character == 0x200f || (character >= 0x2028 && character <= 0x202e) ||
	       (character >= 0x2066 && character <= 0x2069);
}

static const char *escape_text(struct arena *memory, const char *text, bool keep_lines)
{
	struct bytes escaped = BYTES_IN(memory);
	size_t plain = 0;

	/* Most texts are printable ASCII. */
	while (text[plain] >= ' ' && text[plain] < 0x7f)
		plain++;
	if (!text[plain])
		return arena_strndup(memory, text, plain);
	bytes_add(&escaped, text, plain);
	text += plain;
	while (*text) {
		uint32_t character;
		size_t length = utf8_decode(text, SIZE_MAX, &character);

		if (length == 0)
			bytes_add_format(&escaped, "\\x%02x", (unsigned char)*text);
		else if (is_obeyed_by_terminals(character) && !(keep_lines && character == '\n'))
			bytes_add_format(&escaped, "\\u%04x", character);
		else
			bytes_add(&escaped, text, length);
		text += length ? length : 1;
	}
	return bytes_text(&escaped);
}

const char *text_escape(struct arena *memory, const char *text)
{
	return escape_text(memory, text, false);
}

const char *text_escape_within_lines(struct arena *memory, const char *text)
{
	return escape_text(memory, text, true);
}

void print_quietly(void)
{
	is_quiet = true;
}

bool print_is_quiet(void)
{
	return is_quiet;
}

bool print_is_watched(void)
{
	return isatty(STDERR_FILENO) && !is_quiet;
}

/* What the line begins with is coloured: the program's name, or "warning:". */
static void print_message(enum colour colour, const char *plain, const char *coloured,
			  const char *text, const char *hint)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;

	fflush(stdout);
	fprintf(stderr, "%s%s%s%s %s\n", plain, terminal_colour(stderr, colour), coloured,
		terminal_colour(stderr, COLOUR_NONE), text_escape(&memory, text));
	if (hint && *hint)
		print_message(COLOUR_NOTE, "", "hint:", hint, NULL);
}

void error_print(const char *text, const char *hint)
{
	print_message(COLOUR_ERROR, "", "mailconfctl:", text, hint);
}

void warning_print(const char *text, const char *hint)
{
	if (!is_quiet)
		print_message(COLOUR_WARNING, "mailconfctl: ", "warning:", text, hint);
}

void progress_begin(struct progress *progress, const char *doing, long long whole)
{
	progress_end(progress);
	*progress = (struct progress){
		.doing = doing,
		.whole = whole,
		.next = clock_now() + PROGRESS_PAUSE_MS,
		.is_shown = print_is_watched(),
	};
}

void progress_at(struct progress *progress, long long done)
{
	const int bar_width = (int)strlen(PROGRESS_BAR);
	long long whole = progress->whole;
	int filled;

	if (!progress->is_shown || clock_now() < progress->next)
		return;
	if (done > whole && whole > 0)
		done = whole;
	if (whole > 0) {
		filled = (int)(done * bar_width / whole);
		fprintf(stderr, "\r%-8s [%.*s%*s] %3d %%", progress->doing, filled, PROGRESS_BAR,
			bar_width - filled, "", (int)(done * 100 / whole));
	} else {
		fprintf(stderr, "\r%s %lld", progress->doing, done);
	}
	fflush(stderr);
	progress->is_drawn = true;
	progress->next = clock_now() + PROGRESS_PAUSE_MS;
}

void progress_end(struct progress *progress)
{
	if (progress->is_drawn)
		fputs("\r\033[K", stderr);
	progress->is_drawn = false;
}
