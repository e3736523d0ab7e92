#include "doctor/check.h"

#include <stdarg.h>

#include "util/bytes.h"

/* From when on a certificate should have been renewed: ACME clients do it a month before the end.
 */
#define DAYS_LEFT_MIN 14

const char *say(struct check *check, const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	text = arena_vprintf(&check->memory, format, args);
	va_end(args);
	return text;
}

void report(struct check *check, enum finding_kind kind, const char *seen, const char *expected,
	    const char *fix)
{
	const struct finding finding = { kind, seen, expected, fix };

	findings_add(&check->findings, &finding);
}

bool is_wanted_name(const struct examined *examined, const char *name)
{
	for (size_t i = 0; i < examined->n_names; i++)
		if (text_equals(examined->names[i], name))
			return true;
	return false;
}

bool is_own_name(const struct examined *examined, const char *name)
{
	if (is_wanted_name(examined, name))
		return true;
	return examined->subject.target && text_equals(examined->subject.target, name);
}

bool is_ours(const struct check *check, const char *name)
{
	return check->examined ? is_own_name(check->examined, name)
			       : check->name && text_equals(check->name, name);
}

/* The command that gets a certificate, behind what is to be done, where that is for us to do. */
static const char *as_with(struct check *check, const char *name, const char *command)
{
	if (!is_ours(check, name))
		return "";
	return say(check, ", as with 'mailconfctl certificate %s'", command);
}

static void report_untrusted(struct check *check, const char *name, const char *place,
			     const struct peer *peer)
{
	if (peer->is_incomplete)
		report(check, FINDING_CHAIN_INCOMPLETE,
		       say(check,
			   "%s: the certificate of the issuer '%s' is not sent, nor known here",
			   place, peer->issuer),
		       "the whole chain up to a root that clients know",
		       say(check, "serve the chain with the certificate (fullchain.pem) at %s",
			   place));
	else
		report(check, FINDING_CERTIFICATE_UNTRUSTED,
		       say(check, "%s: the certificate is signed by '%s', whom clients do not know",
			   place, peer->issuer),
		       "a certificate of an authority that clients know",
		       say(check, "get a certificate for %s by ACME%s", place,
			   as_with(check, name, "request")));
}

void report_peer(struct check *check, const char *name, const char *place, const struct peer *peer)
{
	if (!peer->covers_name)
		report(check, FINDING_CERTIFICATE_NAME,
		       say(check, "%s: the certificate has the names %s", place, peer->names),
		       say(check, "a certificate that has the name %s", name),
		       say(check, "get a certificate with the name %s and serve it there%s", name,
			   as_with(check, name, "request")));
	if (peer->is_expired)
		report(check, FINDING_CERTIFICATE_EXPIRED,
		       say(check, "%s: the certificate expired %d days ago", place,
			   -peer->days_left),
		       "a certificate that is valid",
		       say(check, "renew the certificate at %s%s", place,
			   as_with(check, name, "renew")));
	else if (peer->is_future)
		report(check, FINDING_CERTIFICATE_EXPIRED,
		       say(check, "%s: the certificate is not valid yet", place),
		       "a certificate that is valid",
		       "set the clocks of both machines right, or serve another certificate");
	else if (peer->days_left < DAYS_LEFT_MIN)
		report(check, FINDING_CERTIFICATE_EXPIRING,
		       say(check, "%s: the certificate expires in %d days", place, peer->days_left),
		       say(check, "at least %d days", DAYS_LEFT_MIN),
		       say(check, "renew the certificate at %s%s, and see why nobody did", place,
			   as_with(check, name, "renew")));
	if (peer->is_untrusted)
		report_untrusted(check, name, place, peer);
}
