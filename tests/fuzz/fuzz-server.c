#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "doctor/stream.h"
#include "doctor/http.h"
#include "doctor/mail-dialogue.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/clock.h"
#include "util/error.h"

/* More would not fit into a socket that nobody reads from. */
#define INPUT_MAX 65536

/* A stream to a server that says all of it at once, and nothing more; its end is to be closed. */
static struct stream *stream_to(const uint8_t *data, size_t size, int *ret_server)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0 ||
	    send(ends[1], data, size, 0) != (ssize_t)size || shutdown(ends[1], SHUT_WR) < 0)
		abort();
	*ret_server = ends[1];
	return stream_new(ends[0], clock_now() + 1000);
}

static void run_dialogue(const uint8_t *data, size_t size, enum service_kind kind)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(closep) int server = -1;
	_cleanup_(stream_closep) struct stream *stream = stream_to(data, size, &server);
	struct dialogue dialogue = { .stream = stream, .memory = &memory, .kind = kind };
	struct error err;

	if (dialogue_greet(&dialogue, &err) == 0 && dialogue_capabilities(&dialogue, &err) == 0 &&
	    (*bytes_text(&dialogue.extensions) != ' ' || *bytes_text(&dialogue.mechanisms) != ' '))
		abort();
}

static void browse(const uint8_t *data, size_t size)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	_cleanup_(closep) int server = -1;
	_cleanup_(stream_closep) struct stream *stream = stream_to(data, size, &server);
	struct http_answer answer;
	struct error err;

	if (http_read(stream, &memory, &answer, &err) == 0 &&
	    (answer.status < 200 || strlen(answer.media_type) > size || answer.size > size))
		abort();
}

/* Whatever a server says, it is read to an end that is bounded. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum service_kind kinds[] = { SERVICE_IMAP, SERVICE_POP3, SERVICE_SUBMISSION,
						   SERVICE_MANAGESIEVE };

	if (size == 0 || size > INPUT_MAX)
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		run_dialogue(data, size, kinds[i]);
	browse(data, size);
	return 0;
}
