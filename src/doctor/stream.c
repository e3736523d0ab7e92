#include "doctor/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <time.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "util/clock.h"

#define BUFFER_SIZE 4096
#define NAMES_SHOWN 4
#define DAY (24 * 60 * 60)

DEFINE_CLEANUP(gnutls_x509_crt_t, gnutls_x509_crt_deinit);

struct trust {
	gnutls_certificate_credentials_t credentials;
};

struct stream {
	int fd;
	int64_t deadline;
	gnutls_session_t session; /* NULL without TLS */
	char buffer[BUFFER_SIZE]; /* read, but not yet asked for: from start to end */
	size_t start, end;
	size_t lines; /* read so far */
};

int trust_load(const char *file, struct trust **ret_trust, struct error *err)
{
	struct trust *trust = xnew(struct trust);
	int result = gnutls_certificate_allocate_credentials(&trust->credentials);

	if (result >= 0)
		result = file ? gnutls_certificate_set_x509_trust_file(trust->credentials, file,
								       GNUTLS_X509_FMT_PEM)
			      : gnutls_certificate_set_x509_system_trust(trust->credentials);
	if (result < 0 || (file && result == 0)) {
		trust_free(trust);
		return error_set(err, ERROR_INPUT, "cannot read trusted CAs from %s: %s",
				 file ? file : "the system",
				 result < 0 ? gnutls_strerror(result) : "no certificates");
	}
	*ret_trust = trust;
	return 0;
}

void trust_free(struct trust *trust)
{
	if (!trust)
		return;
	if (trust->credentials)
		gnutls_certificate_free_credentials(trust->credentials);
	free(trust);
}

/* Waits until the descriptor is ready. Returns 0, or -1 with err set. */
static int wait_for(struct stream *stream, short events, struct error *err)
{
	for (;;) {
		struct pollfd socket = { .fd = stream->fd, .events = events };
		int64_t left = stream->deadline - clock_now();
		int ready = left > 0 ? poll(&socket, 1, (int)left) : 0;

		if (ready > 0)
			return 0;
		if (ready == 0)
			return error_set(err, ERROR_SYSTEM, "no answer in time");
		if (errno != EINTR)
			return error_set(err, ERROR_SYSTEM, "%s", strerror(errno));
	}
}

static int connect_outcome(int number, struct error *err)
{
	error_set(err, ERROR_SYSTEM, "%s", strerror(number));
	switch (number) {
	case ETIMEDOUT:
	case EHOSTUNREACH:
		return STREAM_SILENT;
	case ENETUNREACH:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
	case EACCES:
	case EPERM:
	case EINVAL: /* a link-local address without its interface */
		return STREAM_NO_ROUTE;
	default:
		return -1;
	}
}

struct stream *stream_new(int fd, int64_t deadline)
{
	struct stream *stream = xnew(struct stream);

	stream->fd = fd;
	stream->deadline = deadline;
	return stream;
}

int stream_open(const struct sockaddr *address, socklen_t length, int64_t deadline,
		struct stream **ret_stream, struct error *err)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	_cleanup_(stream_closep) struct stream *stream = NULL;
	const int on = 1;
	int number = 0;
	socklen_t size = sizeof(number);

	if (fd < 0)
		return connect_outcome(errno, err);
	stream = stream_new(fd, deadline);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, address, length) < 0) {
		if (errno != EINPROGRESS)
			return connect_outcome(errno, err);
		if (wait_for(stream, POLLOUT, err) < 0)
			return STREAM_SILENT;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) < 0)
			number = errno;
		if (number)
			return connect_outcome(number, err);
	}
	*ret_stream = TAKE(stream);
	return 0;
}

void stream_close(struct stream *stream)
{
	if (!stream)
		return;
	if (stream->session) {
		(void)gnutls_bye(stream->session, GNUTLS_SHUT_WR);
		gnutls_deinit(stream->session);
	}
	closep(&stream->fd);
	free(stream);
}

void stream_set_patience(struct stream *stream, int64_t patience)
{
	stream->deadline = clock_now() + patience;
}

bool peer_is_good(const struct peer *peer)
{
	return peer->covers_name && !peer->is_expired && !peer->is_future && !peer->is_untrusted;
}

static int session_new(struct stream *stream, const struct trust *trust, const char *name,
		       const char *offer)
{
	int result = gnutls_init(&stream->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK |
							   GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS);

	if (result >= 0)
		result = gnutls_priority_set_direct(stream->session, offer, NULL);
	if (result >= 0)
		result = gnutls_credentials_set(stream->session, GNUTLS_CRD_CERTIFICATE,
						trust->credentials);
	if (result >= 0)
		result = gnutls_server_name_set(stream->session, GNUTLS_NAME_DNS, name,
						strlen(name));
	if (result >= 0)
		gnutls_transport_set_int(stream->session, stream->fd);
	return result;
}

static int run_handshake(struct stream *stream, struct error *err)
{
	int result;

	while ((result = gnutls_handshake(stream->session)) < 0 && !gnutls_error_is_fatal(result))
		if (result == GNUTLS_E_AGAIN &&
		    wait_for(stream,
			     gnutls_record_get_direction(stream->session) ? POLLOUT : POLLIN,
			     err) < 0)
			return -1;
	switch (result) {
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
		return error_set(err, ERROR_TLS, "the server sent the alert: %s",
				 gnutls_alert_get_name(gnutls_alert_get(stream->session)));
	case GNUTLS_E_UNEXPECTED_PACKET:
	case GNUTLS_E_UNEXPECTED_PACKET_LENGTH:
	case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
		return error_set(err, ERROR_TLS, "the server does not use TLS");
	default:
		return result < 0 ? error_set(err, ERROR_TLS, "%s", gnutls_strerror(result)) : 0;
	}
}

static const char *names_of(struct arena *memory, gnutls_x509_crt_t leaf)
{
	struct bytes names = BYTES_IN(memory);

	for (unsigned i = 0; i < NAMES_SHOWN + 1; i++) {
		char name[256];
		size_t size = sizeof(name);
		int kind = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &size, NULL);

		if (kind < 0)
			break;
		if (i == NAMES_SHOWN)
			bytes_add_text(&names, ", ...");
		else if (kind == GNUTLS_SAN_DNSNAME)
			bytes_add_format(&names, "%s%.*s", names.size ? ", " : "", (int)size, name);
	}
	return names.size ? bytes_text(&names) : "none";
}

static int import_certificate(const gnutls_datum_t *data, gnutls_x509_crt_t *ret_certificate)
{
	int result = gnutls_x509_crt_init(ret_certificate);

	return result < 0 ? result
			  : gnutls_x509_crt_import(*ret_certificate, data, GNUTLS_X509_FMT_DER);
}

static int read_peer(struct stream *stream, const char *name, struct arena *memory,
		     struct peer *peer)
{
	_cleanup_(gnutls_x509_crt_deinitp) gnutls_x509_crt_t leaf = NULL, last = NULL;
	unsigned count = 0, status = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(stream->session, &count);
	size_t size = sizeof(peer->key.bytes);
	gnutls_datum_t issuer = { 0 };
	time_t left;
	int result;

	if (!chain || count == 0)
		return GNUTLS_E_NO_CERTIFICATE_FOUND;
	result = gnutls_certificate_verify_peers2(stream->session, &status);
	if (result >= 0)
		result = import_certificate(&chain[0], &leaf);
	if (result >= 0)
		result = import_certificate(&chain[count - 1], &last);
	if (result >= 0)
		result = gnutls_x509_crt_get_key_id(leaf, GNUTLS_KEYID_USE_SHA256, peer->key.bytes,
						    &size);
	if (result >= 0)
		result = gnutls_x509_crt_get_issuer_dn2(last, &issuer);
	if (result < 0)
		return result;
	peer->issuer = arena_strndup(memory, (const char *)issuer.data, issuer.size);
	gnutls_free(issuer.data);
	peer->leaf = digest_of(chain[0].data, chain[0].size);
	peer->covers_name = gnutls_x509_crt_check_hostname(leaf, name) != 0;
	peer->names = names_of(memory, leaf);
	/* Whole days, negative once it has expired. */
	left = gnutls_x509_crt_get_expiration_time(leaf) - time(NULL);
	peer->days_left = (int)(left >= 0 ? left / DAY : -((-left + DAY - 1) / DAY));
	peer->is_expired = peer->days_left < 0 || (status & GNUTLS_CERT_EXPIRED);
	peer->is_future = (status & GNUTLS_CERT_NOT_ACTIVATED) != 0;
	/* A chain ends with a self-signed certificate; otherwise the rest of it is missing. */
	peer->is_incomplete = (status & GNUTLS_CERT_SIGNER_NOT_FOUND) &&
			      !gnutls_x509_crt_check_issuer(last, last);
	status &= ~(unsigned)(GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED);
	peer->is_untrusted = (status & ~(unsigned)GNUTLS_CERT_INVALID) != 0 ||
			     (status && !peer->is_expired && !peer->is_future);
	return 0;
}

int stream_start_tls(struct stream *stream, const struct trust *trust, const char *name,
		     const char *offer, struct arena *memory, struct peer *ret_peer,
		     struct error *err)
{
	struct peer peer = { 0 };
	int result = session_new(stream, trust, name, offer);

	/* Discards what was sent before TLS (CVE-2011-0411). */
	stream->start = stream->end = 0;
	if (result < 0)
		return error_set(err, ERROR_TLS, "%s", gnutls_strerror(result));
	if (run_handshake(stream, err) < 0)
		return -1;
	result = read_peer(stream, name, memory, &peer);
	if (result < 0)
		return error_set(err, ERROR_TLS, "cannot read the certificate: %s",
				 gnutls_strerror(result));
	*ret_peer = peer;
	return 0;
}

/* After a system call or GnuTLS returned an error: waits if that helps. Returns 0 to try again, or
 * -1 with err set. */
static int wait_or_fail(struct stream *stream, ssize_t result, short events, struct error *err)
{
	if (stream->session) {
		if (gnutls_error_is_fatal((int)result))
			return error_set(err, ERROR_TLS, "%s", gnutls_strerror((int)result));
		return result == GNUTLS_E_AGAIN ? wait_for(stream, events, err) : 0;
	}
	if (errno == EAGAIN)
		return wait_for(stream, events, err);
	return errno == EINTR ? 0 : error_set(err, ERROR_SYSTEM, "%s", strerror(errno));
}

int stream_send(struct stream *stream, const char *data, size_t size, struct error *err)
{
	while (size > 0) {
		ssize_t sent = stream->session ? gnutls_record_send(stream->session, data, size)
					       : send(stream->fd, data, size, MSG_NOSIGNAL);

		if (sent < 0 && wait_or_fail(stream, sent, POLLOUT, err) < 0)
			return -1;
		if (sent > 0) {
			data += sent;
			size -= (size_t)sent;
		}
	}
	return 0;
}

/* Some servers close without an alert of TLS, which is accepted as the end. */
ssize_t stream_read(struct stream *stream, char *data, size_t size, struct error *err)
{
	size_t count;

	while (stream->start == stream->end) {
		ssize_t got = stream->session ? gnutls_record_recv(stream->session, stream->buffer,
								   BUFFER_SIZE)
					      : recv(stream->fd, stream->buffer, BUFFER_SIZE, 0);

		if (got > 0) {
			stream->start = 0;
			stream->end = (size_t)got;
		} else if (got == 0 || (stream->session && got == GNUTLS_E_PREMATURE_TERMINATION)) {
			break;
		} else if (wait_or_fail(stream, got, POLLIN, err) < 0) {
			return -1;
		}
	}
	count = stream->end - stream->start;
	if (count > size)
		count = size;
	memcpy(data, stream->buffer + stream->start, count);
	stream->start += count;
	return (ssize_t)count;
}

int stream_read_line(struct stream *stream, struct arena *memory, const char **ret_line,
		     struct error *err)
{
	struct bytes line = BYTES_IN(memory);
	ssize_t count;
	char c;

	if (++stream->lines > STREAM_LINES_MAX)
		return error_set(err, ERROR_INPUT, "the server sends too many lines");
	while ((count = stream_read(stream, &c, 1, err)) > 0 && c != '\n') {
		if (line.size == STREAM_LINE_MAX)
			return error_set(err, ERROR_INPUT,
					 "the server sends a line that is too long");
		bytes_add_char(&line, c ?: ' ');
	}
	if (count < 0)
		return -1;
	if (count == 0)
		return error_set(err, ERROR_SYSTEM, "the server closed the connection");
	if (line.size && line.data[line.size - 1] == '\r')
		line.data[--line.size] = '\0';
	*ret_line = bytes_text(&line);
	return 0;
}
