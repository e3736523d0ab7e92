#include <stdio.h>
#include <string.h>

#include "dns/resolver.h"
#include "doctor/check.h"
#include "doctor/stream.h"
#include "util/bytes.h"
#include "util/clock.h"
#include "util/error.h"

/* Of a host's addresses, all are tried, and what is wrong with several is said once. */
struct reached {
	const char *name;
	bool is_needed; /* the name is ours: that nobody is there is a problem */
	size_t ipv4, ipv6, good_ipv4, good_ipv6;
	const char *failure; /* the last */
	bool has_handshake;
	struct digest key; /* then the one that was served */
};

static const char *place_of(struct check *check, const char *name, const char *address)
{
	if (check->port != HTTPS)
		return say(check, "https://%s:%u (%s)", name, check->port, address);
	return say(check, "https://%s (%s)", name, address);
}

/* One finding of a kind will do for all the addresses. */
static bool is_reported(const struct check *check, enum finding_kind kind)
{
	for (size_t i = 0; i < check->findings.count; i++)
		if (check->findings.items[i].kind == kind)
			return true;
	return false;
}

static void report_handshake(struct check *check, const char *place, const char *name,
			     const char *failure)
{
	if (is_reported(check, FINDING_HANDSHAKE_FAILED))
		return;
	report(check, FINDING_HANDSHAKE_FAILED, say(check, "%s: %s", place, failure),
	       say(check, "TLS with a certificate for %s", name),
	       say(check,
		   "get a certificate with the name %s, and see that the server there speaks TLS "
		   "1.2 or 1.3",
		   name));
}

/* How a version fares alone. Returns 0 where it does, -1 where it does not. */
static int try_version(struct check *check,
		       int (*connect)(struct check *, const char *, struct stream **),
		       const char *address, const char *name, enum tls_offer offer)
{
	_cleanup_(stream_closep) struct stream *stream = NULL;
	struct error err;
	struct peer peer;

	if (connect(check, address, &stream) != 0)
		return 0;
	stream_set_deadline(stream, clock_now() + HOST_PATIENCE);
	return stream_start_tls(stream, check->world->trust, name, offer, &check->memory, &peer,
				&err);
}

static int connect_override(struct check *check, const char *address, struct stream **ret_stream)
{
	const struct world *world = check->world;
	struct error err;

	return stream_open((const struct sockaddr *)&world->connect, world->connect_length,
			   clock_now() + HOST_PATIENCE, ret_stream, &err);
}

static int connect_address(struct check *check, const char *address, struct stream **ret_stream)
{
	const struct host_address to = { address, strchr(address, ':') != NULL };
	struct error err;

	return host_connect_address(check->world, &to, check->port, ret_stream, &err);
}

static void check_versions(struct check *check,
			   int (*connect)(struct check *, const char *, struct stream **),
			   const char *address, const char *place, const char *name)
{
	if (try_version(check, connect, address, name, TLS_OFFER_12) < 0)
		report(check, FINDING_TLS12_MISSING, say(check, "%s: no TLS 1.2", place),
		       "TLS 1.2 and 1.3, for older Outlook and phones know no 1.3",
		       say(check, "turn TLS 1.2 on at %s", place));
	if (try_version(check, connect, address, name, TLS_OFFER_13) < 0)
		report(check, FINDING_TLS13_MISSING, say(check, "%s: no TLS 1.3", place),
		       "TLS 1.2 and 1.3", say(check, "turn TLS 1.3 on at %s", place));
}

/* "3 1 1" and the digest; of others nothing is said here. */
static bool is_own_kind(const struct dns_record *record)
{
	return record->size == 3 + DIGEST_SIZE && memcmp(record->data, "\3\1\1", 3) == 0;
}

/* Without a record that fits, whoever goes by DANE refuses the server. */
static void check_tlsa(struct check *check, struct resolver *resolver, const char *name,
		       const struct digest *key)
{
	struct dns_question question = { say(check, "_%u._tcp.%s", check->port, name), DNS_TLSA };
	const struct wanted_record wanted = {
		.type = RECORD_TLSA,
		.name = question.name,
		.digest = *key,
	};

	resolver_ask(resolver, &check->memory, &question, 1);
	if (question.answer.count == 0)
		return;
	for (size_t i = 0; i < question.answer.count; i++) {
		const struct dns_record *record = &question.answer.records[i];

		if (!is_own_kind(record) ||
		    memcmp(record->data + 3, key->bytes, sizeof(key->bytes)) == 0)
			return;
	}
	report(check, FINDING_TLSA_DIFFERS,
	       say(check, "%s has TLSA records, none of them for the key that is served",
		   question.name),
	       record_value(&check->memory, &wanted),
	       say(check, "add to DNS: %s. IN TLSA %s", question.name,
		   record_value(&check->memory, &wanted)));
}

/* Speaks TLS on a connection. Returns whether it came about. */
static bool look_at(struct check *check, struct stream *stream, const char *name, const char *place,
		    struct digest *ret_key)
{
	struct error err;
	struct peer peer;

	stream_set_deadline(stream, clock_now() + HOST_PATIENCE);
	if (stream_start_tls(stream, check->world->trust, name, TLS_OFFER_ALL, &check->memory,
			     &peer, &err) < 0) {
		report_handshake(check, place, name, say(check, "%s", err.text));
		return false;
	}
	if (peer_is_good(&peer) && !is_reported(check, FINDING_CERTIFICATE))
		report(check, FINDING_CERTIFICATE,
		       say(check, "%s: the certificate is good for %d days", place, peer.days_left),
		       NULL, NULL);
	report_peer(check, name, place, &peer);
	*ret_key = peer.key;
	return true;
}

static void try_address(struct check *check, struct resolver *resolver,
			const struct host_address *address, struct reached *reached)
{
	_cleanup_(stream_closep) struct stream *stream = NULL;
	const char *place = place_of(check, reached->name, address->text);
	struct error err;
	int r = host_connect_address(check->world, address, check->port, &stream, &err);

	if (r == STREAM_NO_ROUTE) {
		if (!is_reported(check, FINDING_UNTESTED))
			report(check, FINDING_UNTESTED,
			       say(check, "%s: this machine has no way to %s", place,
				   address->is_ipv6 ? "IPv6" : "there"),
			       "a machine that sees what clients see",
			       say(check, "look from a machine that has %s too",
				   address->is_ipv6 ? "IPv6" : "a way there"));
		return;
	}
	*(address->is_ipv6 ? &reached->ipv6 : &reached->ipv4) += 1;
	if (r != 0) {
		reached->failure = say(check, "%s: %s", place, err.text);
		return;
	}
	*(address->is_ipv6 ? &reached->good_ipv6 : &reached->good_ipv4) += 1;
	if (look_at(check, stream, reached->name, place, &reached->key) &&
	    !reached->has_handshake) {
		reached->has_handshake = true;
		check_tlsa(check, resolver, reached->name, &reached->key);
		check_versions(check, connect_address, address->text, place, reached->name);
	}
}

static void report_unreachable(struct check *check, const struct reached *reached)
{
	const char *fix = say(check,
			      "see that the server listens there on port %u and no firewall "
			      "stands in the way, or take the address of %s out of DNS",
			      check->port, reached->name);

	if (!reached->failure)
		return;
	if (reached->good_ipv4 + reached->good_ipv6 == 0) {
		/* A web site that nobody runs keeps clients waiting, but not from their settings.
		 */
		if (reached->is_needed)
			report(check, FINDING_UNREACHABLE, reached->failure,
			       say(check, "%s takes connections", reached->name), fix);
		return;
	}
	if (reached->good_ipv4 < reached->ipv4)
		report(check, FINDING_UNREACHABLE_IPV4, reached->failure,
		       "all IPv4 addresses take connections", fix);
	if (reached->good_ipv6 < reached->ipv6)
		report(check, FINDING_UNREACHABLE_IPV6, reached->failure,
		       "all IPv6 addresses take connections", fix);
}

static void look_at_override(struct check *check, struct resolver *resolver)
{
	struct digest key;
	const struct world *world = check->world;
	const char *place = place_of(check, check->name, world->connect_text);
	_cleanup_(stream_closep) struct stream *stream = NULL;
	struct error err;

	if (stream_open((const struct sockaddr *)&world->connect, world->connect_length,
			clock_now() + HOST_PATIENCE, &stream, &err) != 0) {
		report(check, FINDING_UNREACHABLE, say(check, "%s: %s", place, err.text),
		       say(check, "%s takes connections", world->connect_text),
		       "start mailconfd, and see that it listens there");
		return;
	}
	if (!look_at(check, stream, check->name, place, &key))
		return;
	check_tlsa(check, resolver, check->name, &key);
	check_versions(check, connect_override, NULL, place, check->name);
}

void look_at_name(struct check *check, struct resolver *resolver, const char *name, bool is_needed)
{
	struct reached reached = { .name = name, .is_needed = is_needed };
	struct host host;

	host_find(resolver, &check->memory, name, &host);
	for (size_t i = 0; i < host.n_addresses; i++)
		try_address(check, resolver, &host.addresses[i], &reached);
	report_unreachable(check, &reached);
}

void check_name(struct check *check, struct resolver *resolver)
{
	bool is_own = is_ours(check, check->name);

	if (is_own && check->world->connect_length)
		look_at_override(check, resolver);
	else
		look_at_name(check, resolver, check->name, is_own);
}
