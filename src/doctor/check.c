#include "doctor/check.h"

#include <stdarg.h>

#include "doctor/stream.h"

/* ACME clients renew a certificate a month before it expires. */
#define DAYS_LEFT_MIN 14

const char *check_format(struct check *check, const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	text = arena_vprintf(&check->memory, format, args);
	va_end(args);
	return text;
}

void check_report(struct check *check, enum finding_kind kind, const char *format, ...)
{
	struct finding finding = { .kind = kind };
	char *text, *end;
	va_list args;

	va_start(args, format);
	text = arena_vprintf(&check->memory, format, args);
	va_end(args);
	if (strchr(format, '\n')) {
		end = strrchr(text, '\n');
		finding.fix = end + 1;
		*end = '\0';
		end = strrchr(text, '\n');
		finding.expected = end + 1;
		*end = '\0';
	}
	finding.seen = text;
	findings_add(&check->findings, &finding);
}

bool check_has(const struct check *check, enum finding_kind kind)
{
	for (size_t i = 0; i < check->findings.count; i++)
		if (check->findings.items[i].kind == kind)
			return true;
	return false;
}

bool examination_has_name(const struct examination *examination, const char *name)
{
	for (size_t i = 0; i < examination->n_names; i++)
		if (text_equals(examination->names[i], name))
			return true;
	return false;
}

bool examination_owns_name(const struct examination *examination, const char *name)
{
	return examination_has_name(examination, name) ||
	       text_same(examination->expected.target, name);
}

bool check_owns_name(const struct check *check, const char *name)
{
	return check->examination ? examination_owns_name(check->examination, name)
				  : text_same(check->name, name);
}

void check_report_failed_lookup(struct check *check, const char *name, const char *types,
				const char *failure)
{
	check_report(check, FINDING_RESOLVER_FAILED,
		     "DNS lookup of %s (%s) failed: %s\n"
		     "an answer from DNS\n"
		     "check the name servers of %s; --resolver asks another resolver",
		     name, types, failure ? failure : "no answer",
		     check->examination ? check->examination->domain : name);
}

/* The command for a certificate, where this server obtains it. */
static const char *certificate_command(struct check *check, const char *name, const char *verb)
{
	return check_owns_name(check, name)
		       ? check_format(check, ", for example with 'mailconfctl certificate %s'",
				      verb)
		       : "";
}

void check_peer(struct check *check, const char *name, const char *place, const struct peer *peer)
{
	const char *request = certificate_command(check, name, "request");
	const char *renew = check_format(check, "renew the certificate at %s%s", place,
					 certificate_command(check, name, "renew"));

	if (!peer->covers_name)
		check_report(check, FINDING_CERTIFICATE_NAME,
			     "%s: the certificate has the names %s\n"
			     "a certificate for %s\n"
			     "get a certificate for %s and serve it there%s",
			     place, peer->names, name, name, request);
	if (peer->is_expired)
		check_report(check, FINDING_CERTIFICATE_EXPIRED,
			     "%s: the certificate expired %d days ago\n"
			     "a valid certificate\n"
			     "%s",
			     place, -peer->days_left, renew);
	else if (peer->is_future)
		check_report(check, FINDING_CERTIFICATE_EXPIRED,
			     "%s: the certificate is not valid yet\n"
			     "a valid certificate\n"
			     "correct the clocks of both machines, or serve another certificate",
			     place);
	else if (peer->days_left < DAYS_LEFT_MIN)
		check_report(check, FINDING_CERTIFICATE_EXPIRING,
			     "%s: the certificate expires in %d days\n"
			     "at least %d days\n"
			     "%s, and find out why it was not renewed automatically",
			     place, peer->days_left, DAYS_LEFT_MIN, renew);
	if (peer->is_incomplete)
		check_report(check, FINDING_CHAIN_INCOMPLETE,
			     "%s: the intermediate certificate '%s' is missing in the chain\n"
			     "the complete certificate chain\n"
			     "serve all intermediate certificates (fullchain.pem) at %s",
			     place, peer->issuer, place);
	else if (peer->is_untrusted)
		check_report(check, FINDING_CERTIFICATE_UNTRUSTED,
			     "%s: the certificate is issued by the untrusted CA '%s'\n"
			     "a certificate issued by a trusted CA\n"
			     "get a certificate for %s from a trusted CA%s",
			     place, peer->issuer, name, request);
}

int check_tls(struct check *check, struct stream *stream, const char *name, const char *place,
	      const char *fix, struct peer *ret_peer)
{
	struct error err;

	if (stream_start_tls(stream, check->world->trust, name, TLS_OFFER_ALL, &check->memory,
			     ret_peer, &err) == 0) {
		check_peer(check, name, place, ret_peer);
		return 0;
	}
	if (!check_has(check, FINDING_HANDSHAKE_FAILED))
		check_report(check, FINDING_HANDSHAKE_FAILED,
			     "%s: the TLS handshake failed: %s\n"
			     "TLS with a certificate for %s\n"
			     "%s",
			     place, err.text, name, fix);
	return -1;
}
