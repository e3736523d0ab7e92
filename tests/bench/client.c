/*
 * A load client: asks a server over TLS 1.3 on several connections at a time, checks every answer,
 * and prints as one line of JSON how long that took and how much processor time the server used
 * meanwhile. Threads that block are all it needs: it shares no processor with the server.
 *
 * full      a new connection and a full handshake for each request
 * resume    a new connection for each request, its session resumed from a ticket
 * keep      all requests of a thread on one connection
 *
 * The server's certificate is verified on the first connection of each thread; the handshake's
 * signature always is. Of the groups only X25519 gets a key share, as in browsers of today.
 */

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <gnutls/gnutls.h>

#include "util/arena.h"
#include "util/cleanup.h"
#include "util/error.h"
#include "util/file.h"

#define PRIORITIES \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"

#define THREADS_MAX 512
#define SERVERS_MAX 16
#define ANSWER_MAX 65536
#define REQUESTS_FILE_MAX ((size_t)64 * 1024 * 1024)
#define PATIENCE_SECONDS 20

/* How long the server may go on tidying up after the last answer, in nanoseconds. */
#define AFTERMATH 20000000L

enum mode { FULL, RESUME, KEEP };

struct text {
	const char *data;
	size_t size;
};

struct load {
	enum mode mode;
	const char *host;
	unsigned port;
	unsigned threads;
	size_t count; /* of requests, all threads together */
	struct text *requests;
	size_t n_requests;
	bool may_refuse; /* 429 is an answer too */
	long pause;	 /* before each request, in milliseconds */
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
	pthread_barrier_t barrier;
	double *micros;	    /* of each request */
	atomic_size_t next; /* request, which the next free thread sends */
};

struct asker {
	struct load *load;
	pthread_t thread;
	int fd;
	gnutls_session_t session;
	gnutls_datum_t ticket;
	size_t resumed, refused, bytes;
	char answer[ANSWER_MAX];
};

static int64_t nanoseconds(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		err(1, "reading a clock");
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void must(int result, const char *doing)
{
	if (result < 0)
		errx(1, "%s: %s", doing, gnutls_strerror(result));
}

static int connect_to(unsigned port)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int yes = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "connecting to port %u", port);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static void open_session(struct asker *asker, bool must_verify, bool must_resume)
{
	const struct load *load = asker->load;
	int result;

	asker->fd = connect_to(load->port);
	must(gnutls_init(&asker->session, GNUTLS_CLIENT), "starting a session");
	must(gnutls_priority_set(asker->session, load->priorities), "starting a session");
	must(gnutls_credentials_set(asker->session, GNUTLS_CRD_CERTIFICATE, load->credentials),
	     "starting a session");
	must(gnutls_server_name_set(asker->session, GNUTLS_NAME_DNS, load->host,
				    strlen(load->host)),
	     "naming the host");
	if (must_verify)
		gnutls_session_set_verify_cert(asker->session, load->host, 0);
	if (must_resume)
		must(gnutls_session_set_data(asker->session, asker->ticket.data,
					     asker->ticket.size),
		     "taking the ticket");
	gnutls_transport_set_int(asker->session, asker->fd);
	do
		result = gnutls_handshake(asker->session);
	while (result == GNUTLS_E_INTERRUPTED || result == GNUTLS_E_AGAIN);
	must(result, "handshake");
	if (gnutls_session_is_resumed(asker->session))
		asker->resumed++;
	else if (must_resume)
		errx(1, "the server did not resume the session");
}

static void close_session(struct asker *asker)
{
	(void)gnutls_bye(asker->session, GNUTLS_SHUT_WR);
	gnutls_deinit(asker->session);
	(void)close(asker->fd);
}

/* How long the answer is that begins in these bytes; 0 while they do not tell. */
static size_t answer_size(struct asker *asker, size_t size)
{
	static const char field[] = "content-length:";
	const char *answer = asker->answer, *line;
	const char *head_end = memmem(answer, size, "\r\n\r\n", 4);

	if (!head_end)
		return 0;
	if (asker->load->may_refuse && strncmp(answer, "HTTP/1.1 429 ", 13) == 0)
		asker->refused++;
	else if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0)
		errx(1, "not the answer expected: %.40s", answer);
	for (line = answer; line < head_end; line = strstr(line, "\r\n") + 2)
		if (strncasecmp(line, field, sizeof(field) - 1) == 0)
			return (size_t)(head_end + 4 - answer) +
			       strtoul(line + sizeof(field) - 1, NULL, 10);
	errx(1, "the answer does not tell its length");
}

static void receive(struct asker *asker)
{
	size_t got = 0, wanted = 0;

	while (wanted == 0 || got < wanted) {
		ssize_t size = gnutls_record_recv(asker->session, asker->answer + got,
						  sizeof(asker->answer) - 1 - got);

		if (size == GNUTLS_E_INTERRUPTED || size == GNUTLS_E_AGAIN)
			continue;
		must((int)size, "reading an answer");
		if (size == 0)
			errx(1, "the server closed the connection, or answers too much");
		got += (size_t)size;
		asker->answer[got] = '\0';
		if (wanted == 0)
			wanted = answer_size(asker, got);
	}
	asker->bytes = got;
}

static void ask(struct asker *asker, size_t number)
{
	const struct text *request = &asker->load->requests[number % asker->load->n_requests];

	must((int)gnutls_record_send(asker->session, request->data, request->size),
	     "sending a request");
	receive(asker);
}

/* What comes before the clock starts: the connection that is kept, or the ticket. */
static void prepare(struct asker *asker)
{
	open_session(asker, true, false);
	if (asker->load->mode == KEEP)
		return;
	if (asker->load->mode == RESUME) {
		ask(asker, 0);
		must(gnutls_session_get_data2(asker->session, &asker->ticket), "getting a ticket");
	}
	close_session(asker);
}

static void *run(void *context)
{
	struct asker *asker = context;
	struct load *load = asker->load;
	const struct timespec pause = { load->pause / 1000, load->pause % 1000 * 1000000 };

	prepare(asker);
	(void)pthread_barrier_wait(&load->barrier);
	(void)pthread_barrier_wait(&load->barrier);
	for (size_t i; (i = atomic_fetch_add(&load->next, 1)) < load->count;) {
		int64_t begun;

		(void)nanosleep(&pause, NULL);
		begun = nanoseconds(CLOCK_MONOTONIC);
		if (load->mode != KEEP)
			open_session(asker, false, load->mode == RESUME);
		ask(asker, i);
		load->micros[i] = (double)(nanoseconds(CLOCK_MONOTONIC) - begun) / 1000;
		if (load->mode != KEEP)
			close_session(asker);
	}
	(void)pthread_barrier_wait(&load->barrier);
	if (load->mode == KEEP)
		close_session(asker);
	gnutls_free(asker->ticket.data);
	return NULL;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The requests of a file, with a NUL after each. */
static void read_requests(struct load *load, struct arena *memory, const char *path)
{
	struct error err;
	size_t size;
	const char *data = file_read(memory, path, REQUESTS_FILE_MAX, &size, &err), *next;

	if (!data)
		errx(1, "%s", err.text);
	for (next = data; (next = memchr(next, '\0', size - (size_t)(next - data))); next++)
		load->n_requests++;
	if (!load->n_requests)
		errx(1, "'%s' has no request", path);
	load->requests = arena_array(memory, struct text, load->n_requests);
	next = data;
	for (size_t i = 0; i < load->n_requests; i++) {
		load->requests[i] = (struct text){ next, strlen(next) };
		next += load->requests[i].size + 1;
	}
}

static int64_t processor_time(const clockid_t *servers, size_t count)
{
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += nanoseconds(servers[i]);
	return sum;
}

static void start_threads(struct load *load, struct asker *askers)
{
	for (unsigned i = 0; i < load->threads; i++) {
		askers[i].load = load;
		if (pthread_create(&askers[i].thread, NULL, run, &askers[i]) != 0)
			errx(1, "cannot start a thread");
	}
}

static void print_result(const struct load *load, const struct asker *askers, int64_t wall,
			 int64_t server, int64_t own)
{
	double count = (double)load->count;
	size_t resumed = 0, refused = 0;

	for (unsigned i = 0; i < load->threads; i++) {
		resumed += askers[i].resumed;
		refused += askers[i].refused;
	}
	qsort(load->micros, load->count, sizeof(*load->micros), compare);
	(void)printf("{\"requests\": %zu, \"resumed\": %zu, \"refused\": %zu, \"bytes\": %zu, "
		     "\"per_second\": %.0f, \"server_micros\": %.3f, \"client_micros\": %.3f, "
		     "\"p50\": %.1f, \"p99\": %.1f}\n",
		     load->count, resumed, refused, askers[0].bytes, count * 1e9 / (double)wall,
		     (double)server / 1000 / count, (double)own / 1000 / count,
		     load->micros[load->count / 2], load->micros[load->count * 99 / 100]);
}

static void put_load(struct load *load, const clockid_t *servers, size_t n_servers)
{
	struct asker *askers = xcalloc(load->threads, sizeof(*askers));
	int64_t begun, wall, own, server;

	load->micros = xcalloc(load->count, sizeof(*load->micros));
	(void)pthread_barrier_init(&load->barrier, NULL, load->threads + 1);
	start_threads(load, askers);
	(void)pthread_barrier_wait(&load->barrier);
	(void)nanosleep(&(struct timespec){ .tv_nsec = AFTERMATH }, NULL);
	server = processor_time(servers, n_servers);
	own = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
	begun = nanoseconds(CLOCK_MONOTONIC);
	(void)pthread_barrier_wait(&load->barrier);
	(void)pthread_barrier_wait(&load->barrier);
	wall = nanoseconds(CLOCK_MONOTONIC) - begun;
	own = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - own;
	(void)nanosleep(&(struct timespec){ .tv_nsec = AFTERMATH }, NULL);
	server = processor_time(servers, n_servers) - server;
	for (unsigned i = 0; i < load->threads; i++)
		(void)pthread_join(askers[i].thread, NULL);
	print_result(load, askers, wall, server, own);
	free(load->micros);
	free(askers);
}

static enum mode mode_of(const char *name)
{
	static const char *const names[] = {
		[FULL] = "full", [RESUME] = "resume", [KEEP] = "keep"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum mode)i;
	errx(2, "no such mode: %s", name);
}

static void set_up_tls(struct load *load, const char *authority)
{
	must(gnutls_certificate_allocate_credentials(&load->credentials), "starting");
	must(gnutls_certificate_set_x509_trust_file(load->credentials, authority,
						    GNUTLS_X509_FMT_PEM),
	     authority);
	must(gnutls_priority_init(&load->priorities, PRIORITIES, NULL), "starting");
}

static const char usage[] =
	"Usage: client [--threads N] [--server PID]... [--refused] [--pause MS] MODE COUNT "
	"PORT HOST CA-FILE REQUESTS-FILE\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "threads", required_argument, NULL, 't' },
		{ "server", required_argument, NULL, 's' },
		{ "refused", no_argument, NULL, 'r' },
		{ "pause", required_argument, NULL, 'p' },
		{ 0 },
	};
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct load load = { .threads = 4 };
	clockid_t servers[SERVERS_MAX];
	size_t n_servers = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 't')
			load.threads = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'r')
			load.may_refuse = true;
		else if (option == 'p')
			load.pause = strtol(optarg, NULL, 10);
		else if (option != 's' || n_servers == SERVERS_MAX ||
			 clock_getcpuclockid((pid_t)strtol(optarg, NULL, 10),
					     &servers[n_servers++]) != 0)
			errx(2, "%s", usage);
	}
	if (argc - optind != 6 || load.threads == 0 || load.threads > THREADS_MAX)
		errx(2, "%s", usage);
	argv += optind;
	load.mode = mode_of(argv[0]);
	load.count = strtoul(argv[1], NULL, 10);
	load.port = (unsigned)strtoul(argv[2], NULL, 10);
	load.host = argv[3];
	set_up_tls(&load, argv[4]);
	read_requests(&load, &memory, argv[5]);
	put_load(&load, servers, n_servers);
	gnutls_certificate_free_credentials(load.credentials);
	gnutls_priority_deinit(load.priorities);
	return 0;
}
