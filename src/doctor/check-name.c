/* A host that clients try for HTTPS: all of its addresses are tried, and what is wrong with several
 * of them is reported once. */

#include "dns/resolver.h"
#include "doctor/check.h"
#include "doctor/stream.h"
#include "util/base.h"
#include "util/clock.h"

/* What became of the addresses. */
struct reached {
	size_t tried[2], connected[2]; /* of IPv4 and IPv6 */
	const char *failure;	       /* the last one */
	bool has_handshake;
};

static const char *place_of(struct check *check, const char *name, const char *address)
{
	if (check->port != HTTPS_PORT)
		return check_format(check, "https://%s:%u (%s)", name, check->port, address);
	return check_format(check, "https://%s (%s)", name, address);
}

/* Whether a TLS version works by itself, or cannot be tried. */
static bool try_version(struct check *check, const struct host_address *address, const char *name,
			enum tls_offer offer)
{
	_cleanup_(stream_closep) struct stream *stream = NULL;
	struct error err;
	struct peer peer;

	if (host_connect_address(check->world, address, check->port, &stream, &err) != 0)
		return true;
	stream_set_deadline(stream, clock_now() + HOST_PATIENCE);
	return stream_start_tls(stream, check->world->trust, name, offer, &check->memory, &peer,
				&err) == 0;
}

static void check_versions(struct check *check, const struct host_address *address,
			   const char *name, const char *place)
{
	if (!try_version(check, address, name, TLS_OFFER_12))
		check_report(check, FINDING_TLS12_MISSING,
			     "TLS 1.2 and 1.3, because older versions of Outlook and phones do not "
			     "support 1.3",
			     check_format(check, "enable TLS 1.2 at %s", place), "%s: no TLS 1.2",
			     place);
	if (!try_version(check, address, name, TLS_OFFER_13))
		check_report(check, FINDING_TLS13_MISSING, "TLS 1.2 and 1.3",
			     check_format(check, "enable TLS 1.3 at %s", place), "%s: no TLS 1.3",
			     place);
}

/* Whether the record is "3 1 1" with another digest. Other kinds of records are not judged. */
static bool is_other_digest(const struct dns_record *record, const struct digest *key)
{
	return record->size == 3 + DIGEST_SIZE && memcmp(record->data, "\3\1\1", 3) == 0 &&
	       memcmp(record->data + 3, key->bytes, sizeof(key->bytes)) != 0;
}

/* Without a matching record, clients with DANE reject the server. */
static void check_tlsa(struct check *check, struct resolver *resolver, const char *name,
		       const struct digest *key)
{
	struct dns_question question = { check_format(check, "_%u._tcp.%s", check->port, name),
					 DNS_TLSA };
	const struct wanted_record wanted = {
		.type = RECORD_TLSA,
		.name = question.name,
		.digest = *key,
	};
	const char *value = record_value(&check->memory, &wanted);
	size_t i = 0;

	resolver_ask(resolver, &check->memory, &question, 1);
	while (i < question.answer.count && is_other_digest(&question.answer.records[i], key))
		i++;
	if (question.answer.count > 0 && i == question.answer.count)
		check_report(
			check, FINDING_TLSA_DIFFERS, value,
			check_format(check, "add to DNS: %s. IN TLSA %s", question.name, value),
			"%s has TLSA records, but none for the key in use", question.name);
}

static void check_handshake(struct check *check, struct resolver *resolver, struct stream *stream,
			    const char *name, const struct host_address *address, const char *place,
			    struct reached *reached)
{
	const char *fix = check_format(check,
				       "get a certificate for %s, and make sure that the server "
				       "there supports TLS 1.2 or 1.3",
				       name);
	struct peer peer;

	stream_set_deadline(stream, clock_now() + HOST_PATIENCE);
	if (check_tls(check, stream, name, place, fix, &peer) < 0)
		return;
	if (peer_is_good(&peer) && !check_has(check, FINDING_CERTIFICATE))
		check_report(check, FINDING_CERTIFICATE, NULL, NULL,
			     "%s: the certificate is valid for %d days", place, peer.days_left);
	if (reached->has_handshake)
		return;
	reached->has_handshake = true;
	check_tlsa(check, resolver, name, &peer.key);
	check_versions(check, address, name, place);
}

static void try_address(struct check *check, struct resolver *resolver, const char *name,
			const struct host_address *address, struct reached *reached)
{
	_cleanup_(stream_closep) struct stream *stream = NULL;
	const char *place = place_of(check, name, address->text);
	struct error err;
	int r = host_connect_address(check->world, address, check->port, &stream, &err);

	if (r == STREAM_NO_ROUTE) {
		const char *route = address->is_ipv6 ? "IPv6" : "route there";

		if (!check_has(check, FINDING_UNTESTED))
			check_report(check, FINDING_UNTESTED,
				     "a machine that reaches what clients reach",
				     check_format(check, "run the doctor on a machine with %s%s",
						  address->is_ipv6 ? "" : "a ", route),
				     "%s: not tested because this machine has no %s", place, route);
		return;
	}
	reached->tried[address->is_ipv6]++;
	if (r != 0) {
		reached->failure = check_format(check, "%s: %s", place, err.text);
		return;
	}
	reached->connected[address->is_ipv6]++;
	check_handshake(check, resolver, stream, name, address, place, reached);
}

static void check_addresses(struct check *check, struct resolver *resolver, const struct host *host,
			    bool is_needed)
{
	struct reached reached = { 0 };
	const char *fix = check_format(
		check,
		"make sure that the server listens there on port %u and that "
		"no firewall blocks it, or remove the address of %s from "
		"DNS",
		check->port, host->name);

	for (size_t i = 0; i < host->n_addresses; i++)
		try_address(check, resolver, host->name, &host->addresses[i], &reached);
	if (!reached.failure)
		return;
	if (!reached.connected[false] && !reached.connected[true]) {
		/* A dead web site delays clients, but does not keep them from their settings. */
		if (is_needed)
			check_report(check, FINDING_UNREACHABLE,
				     check_format(check, "%s accepts connections", host->name), fix,
				     "%s", reached.failure);
		return;
	}
	for (int is_ipv6 = 0; is_ipv6 <= 1; is_ipv6++)
		if (reached.connected[is_ipv6] < reached.tried[is_ipv6])
			check_report(check,
				     is_ipv6 ? FINDING_UNREACHABLE_IPV6 : FINDING_UNREACHABLE_IPV4,
				     check_format(check, "all IPv%d addresses accept connections",
						  is_ipv6 ? 6 : 4),
				     fix, "%s", reached.failure);
}

void check_host(struct check *check, struct resolver *resolver, const char *name, bool is_needed)
{
	struct host host;

	host_find(resolver, &check->memory, name, &host);
	check_addresses(check, resolver, &host, is_needed);
}

void check_name(struct check *check, struct resolver *resolver)
{
	bool is_own = check_owns_name(check, check->name);

	if (is_own && check->world->connect.text) {
		const struct host host = { .name = check->name,
					   .addresses = { check->world->connect },
					   .n_addresses = 1 };

		check_addresses(check, resolver, &host, true);
	} else {
		check_host(check, resolver, check->name, is_own);
	}
}
