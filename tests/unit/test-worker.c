/* What the system tests cannot arrange: a worker whose certificates do not come. */

#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/listener.h"
#include "http/worker.h"
#include "protocol/templates.h"
#include "store/store.h"
#include "tls/certificate-file.h"
#include "tls/certificates.h"
#include "tls/client-hello.h"
#include "tls/priorities.h"
#include "tls/ticket-key.h"
#include "unit/fixture.h"
#include "util/arena.h"

#define PATIENCE_MS 60000

struct served {
	char *directory;
	struct ticket_key *ticket_key;
	struct client_suites suites;
	struct worker *worker;
	struct serving serving;
	struct sockaddr_in address;
};

static int listen_somewhere(struct sockaddr_in *ret_address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socklen_t length = sizeof(*ret_address);

	*ret_address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	assert_int_equal(bind(fd, (struct sockaddr *)ret_address, length), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret_address, &length), 0);
	return fd;
}

static void start(struct served *served, unsigned handshake_timeout)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	struct templates *templates;
	struct worker_options options = {
		.priorities = PRIORITIES_DEFAULT,
		.suites = &served->suites,
		.connections_max = 8,
		.idle_timeout = 30,
	};
	struct store *store;
	const char *path;
	struct error err;

	served->directory = directory_new();
	assert_int_equal(ticket_key_new(0, &served->ticket_key, &err), 0);
	options.ticket_key = served->ticket_key;
	path = directory_path(&memory, served->directory, "test.db");
	assert_int_equal(store_open(path, STORE_WRITE, &store, &err), 0);
	store_close(store);
	assert_int_equal(store_open(path, STORE_READ, &store, &err), 0);
	assert_int_equal(client_suites_init(PRIORITIES_DEFAULT, &served->suites, &err), 0);
	templates = templates_load(NULL, NULL, NULL);
	assert_int_equal(worker_new(&options, store, &served->worker, &err), 0);
	assert_int_equal(worker_add_socket(served->worker, listen_somewhere(&served->address),
					   SOCKET_TLS, &err),
			 0);
	served->serving = (struct serving){ .templates = templates,
					    .handshake_timeout = handshake_timeout,
					    .connections_per_network = 100 };
	worker_set_serving(served->worker, &served->serving);
	assert_int_equal(worker_start(served->worker, &err), 0);
}

static void stop(struct served *served)
{
	worker_stop(served->worker);
	worker_free(served->worker);
	certificates_unref(served->serving.certificates);
	templates_unref(served->serving.templates);
	ticket_key_free(served->ticket_key);
	directory_free(served->directory);
}

static size_t open_descriptors(void)
{
	DIR *entries = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(entries);
	while (readdir(entries))
		count++;
	(void)closedir(entries);
	return count;
}

/* A handshake that waits for the first certificates has a deadline like any other. */
static void test_deadline_without_certificates(void **state)
{
	struct served served = { 0 };
	struct pollfd client;
	size_t before;
	char byte;

	start(&served, 1);
	client = (struct pollfd){ .fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN };
	before = open_descriptors();
	assert_int_equal(
		connect(client.fd, (struct sockaddr *)&served.address, sizeof(served.address)), 0);
	assert_int_equal(write(client.fd, "\x16\x03\x01\x02\x00", 5), 5);
	assert_int_equal(poll(&client, 1, PATIENCE_MS), 1);
	assert_true(read(client.fd, &byte, 1) <= 0);
	for (int waited = 0; open_descriptors() > before; waited += 10) {
		assert_true(waited < PATIENCE_MS);
		(void)usleep(10000);
	}
	(void)close(client.fd);
	stop(&served);
}

static void ignore(const char *sentence, void *context)
{
}

static void serve_certificate(struct served *served)
{
	_cleanup_(arena_clear) struct arena memory = ARENA_NULL;
	const char *path = directory_path(&memory, served->directory, "self-signed.pem");
	const struct certificates_options options = { .globs = &path, .n_globs = 1 };
	struct error err;

	assert_int_equal(certificate_file_self_sign(path, "autoconfig.example.org", &err), 0);
	assert_int_equal(
		certificates_load(&options, ignore, NULL, &served->serving.certificates, &err), 0);
	worker_set_serving(served->worker, &served->serving);
}

/* Makes a handshake, with the session of an earlier one, which it replaces. Returns whether that
 * was resumed. */
static bool connect_with(const struct served *served, const char *priorities,
			 gnutls_datum_t *earlier)
{
	gnutls_certificate_credentials_t credentials;
	int fd = socket(AF_INET, SOCK_STREAM, 0), r;
	gnutls_session_t session;
	bool is_resumed;

	assert_int_equal(connect(fd, (struct sockaddr *)&served->address, sizeof(served->address)),
			 0);
	assert_int_equal(gnutls_certificate_allocate_credentials(&credentials), 0);
	assert_int_equal(gnutls_init(&session, GNUTLS_CLIENT), 0);
	assert_int_equal(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials), 0);
	assert_int_equal(gnutls_priority_set_direct(session, priorities, NULL), 0);
	gnutls_transport_set_int(session, fd);
	if (earlier->data)
		assert_int_equal(gnutls_session_set_data(session, earlier->data, earlier->size), 0);
	do
		r = gnutls_handshake(session);
	while (r < 0 && !gnutls_error_is_fatal(r));
	assert_int_equal(r, 0);
	is_resumed = gnutls_session_is_resumed(session);
	gnutls_free(earlier->data);
	assert_int_equal(gnutls_session_get_data2(session, earlier), 0);
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(credentials);
	(void)close(fd);
	return is_resumed;
}

/* After a week a ticket leads to a full handshake, and the next one is good again. */
static void test_ticket_key_is_replaced(void **state)
{
	static const char *const versions[] = { "NORMAL:-VERS-ALL:+VERS-TLS1.2",
						"NORMAL:-VERS-ALL:+VERS-TLS1.3" };
	struct served served = { 0 };

	start(&served, 300);
	serve_certificate(&served);
	for (int i = 0; i < 2; i++) {
		int64_t week = (i + 1) * TICKET_KEY_LIFE_MS;
		gnutls_datum_t session = { 0 };

		assert_false(connect_with(&served, versions[i], &session));
		assert_true(connect_with(&served, versions[i], &session));
		assert_false(ticket_key_renew(served.ticket_key, week - 1));
		assert_true(connect_with(&served, versions[i], &session));
		assert_true(ticket_key_renew(served.ticket_key, week));
		assert_false(ticket_key_renew(served.ticket_key, week));
		assert_false(connect_with(&served, versions[i], &session));
		assert_true(connect_with(&served, versions[i], &session));
		gnutls_free(session.data);
	}
	stop(&served);
}

/* A worker that the scheduler has not let run yet hangs only once it had the time to. */
static void test_pulse(void **state)
{
	static const struct {
		const char *row;
		unsigned turns;
		int64_t at;
		bool has_stopped;
	} rows[] = {
		{ "the first look, before the first turn", 0, 1000, false },
		{ "not for long enough", 0, 5999, false },
		{ "for long enough", 0, 6000, true },
		{ "it begins", 1, 7000, false },
		{ "it stops", 1, 12000, true },
		{ "it stays so", 1, 17000, true },
		{ "it goes on", 2, 22000, false },
		{ "and again, after nobody looked for a long time", 3, 99000, false },
	};
	struct pulse pulse = { 0 }, late = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_number(rows[i].row,
			     pulse_has_stopped(&pulse, rows[i].turns, rows[i].at, 5000),
			     rows[i].has_stopped);
	assert_false(pulse_has_stopped(&late, 7, 1000000, 5000));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadline_without_certificates),
		cmocka_unit_test(test_pulse),
		cmocka_unit_test(test_ticket_key_is_replaced),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
