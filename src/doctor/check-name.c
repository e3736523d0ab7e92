/* A host that clients try for HTTPS: all of its addresses are tried, and what is wrong with several
 * of them is reported once. */

#include "dns/resolver.h"
#include "doctor/check.h"
#include "doctor/stream.h"

/* Whether each TLS version works by itself, unless it cannot be tried. */
static void check_versions(struct check *check, const struct host_address *address,
			   const char *name, const char *place)
{
	static const struct {
		enum finding_kind kind;
		const char *offer, *version, *reason;
	} offers[] = {
		{ FINDING_TLS12_MISSING, TLS_OFFER_12, "1.2",
		  ", because older versions of Outlook and phones do not support 1.3" },
		{ FINDING_TLS13_MISSING, TLS_OFFER_13, "1.3", "" },
	};

	for (size_t i = 0; i < 2; i++) {
		_cleanup_(stream_closep) struct stream *stream = NULL;
		struct error err;
		struct peer peer;

		if (host_connect_address(check->world, address, check->port, &stream, &err) != 0)
			continue;
		stream_set_patience(stream, HOST_PATIENCE);
		if (stream_start_tls(stream, check->world->trust, name, offers[i].offer,
				     &check->memory, &peer, &err) < 0)
			check_report(check, offers[i].kind,
				     "%s: no TLS %s\n"
				     "TLS 1.2 and 1.3%s\n"
				     "enable TLS %s at %s",
				     place, offers[i].version, offers[i].reason, offers[i].version,
				     place);
	}
}

/* Without a matching record, clients with DANE reject the server. Records of other kinds than
 * "3 1 1" are not judged. */
static void check_tlsa(struct check *check, const char *name, const struct digest *key)
{
	struct dns_question question = { check_format(check, "_%u._tcp.%s", check->port, name),
					 DNS_TLSA };
	const struct wanted_record wanted = { RECORD_TLSA, .digest = *key };
	const char *value = record_value(&check->memory, &wanted);

	resolver_ask(check->resolver, &check->memory, &question, 1);
	for (size_t i = 0; i < question.answer.count; i++) {
		const struct dns_record *record = &question.answer.records[i];

		if (record->size != 3 + DIGEST_SIZE || memcmp(record->data, "\3\1\1", 3) != 0 ||
		    memcmp(record->data + 3, key->bytes, DIGEST_SIZE) == 0)
			return;
	}
	if (question.answer.count > 0)
		check_report(check, FINDING_TLSA_DIFFERS,
			     "%s has TLSA records, but none for the key in use\n"
			     "%s\n"
			     "add to DNS: %s. IN TLSA %s",
			     question.name, value, question.name, value);
}

/* Returns whether there was a TLS handshake. */
static bool check_handshake(struct check *check, struct stream *stream, const char *name,
			    const char *place, struct peer *ret_peer)
{
	const char *fix = check_format(check,
				       "get a certificate for %s, and make sure that the server "
				       "there supports TLS 1.2 or 1.3",
				       name);

	stream_set_patience(stream, HOST_PATIENCE);
	if (check_tls(check, stream, name, place, fix, ret_peer) < 0)
		return false;
	if (peer_is_good(ret_peer) && !check_has(check, FINDING_CERTIFICATE))
		check_report(check, FINDING_CERTIFICATE, "%s: the certificate is valid for %d days",
			     place, ret_peer->days_left);
	return true;
}

static void check_addresses(struct check *check, const struct host *host, bool is_needed)
{
	size_t tried[2] = { 0 }, connected[2] = { 0 }; /* of IPv4 and IPv6 */
	const char *failure = NULL, *port = "", *fix;
	bool has_handshake = false;

	if (check->port != HTTPS_PORT)
		port = check_format(check, ":%u", check->port);
	for (size_t i = 0; i < host->n_addresses; i++) {
		const struct host_address *address = &host->addresses[i];
		const char *place = check_format(check, "https://%s%s (%s)", host->name, port,
						 address->text);
		const char *route = address->is_ipv6 ? "IPv6" : "route there";
		_cleanup_(stream_closep) struct stream *stream = NULL;
		struct error err;
		struct peer peer;
		int r = host_connect_address(check->world, address, check->port, &stream, &err);

		if (r == STREAM_NO_ROUTE) {
			if (!check_has(check, FINDING_UNTESTED))
				check_report(check, FINDING_UNTESTED,
					     "%s: not tested because this machine has no %s\n"
					     "a machine that reaches what clients reach\n"
					     "run the doctor on a machine with %s%s",
					     place, route, address->is_ipv6 ? "" : "a ", route);
			continue;
		}
		tried[address->is_ipv6]++;
		if (r != 0) {
			failure = check_format(check, "%s: %s", place, err.text);
			continue;
		}
		connected[address->is_ipv6]++;
		if (check_handshake(check, stream, host->name, place, &peer) && !has_handshake) {
			has_handshake = true;
			check_tlsa(check, host->name, &peer.key);
			check_versions(check, address, host->name, place);
		}
	}
	if (!failure)
		return;
	fix = check_format(check,
			   "make sure that the server listens there on port %u and that no "
			   "firewall blocks it, or remove the address of %s from DNS",
			   check->port, host->name);
	/* A dead web site delays clients, but does not keep them from their settings. */
	if (!connected[false] && !connected[true] && is_needed)
		check_report(check, FINDING_UNREACHABLE,
			     "%s\n"
			     "%s accepts connections\n"
			     "%s",
			     failure, host->name, fix);
	for (int is_ipv6 = 0; is_ipv6 <= 1; is_ipv6++)
		if (connected[is_ipv6] < tried[is_ipv6] && (connected[false] || connected[true]))
			check_report(check,
				     is_ipv6 ? FINDING_UNREACHABLE_IPV6 : FINDING_UNREACHABLE_IPV4,
				     "%s\n"
				     "all IPv%d addresses accept connections\n"
				     "%s",
				     failure, is_ipv6 ? 6 : 4, fix);
}

void check_host(struct check *check, const char *name, bool is_needed)
{
	const struct host host = host_find(check->resolver, &check->memory, name);

	check_addresses(check, &host, is_needed);
}

void check_name(struct check *check)
{
	const struct host host = { .name = check->name,
				   .addresses = { check->world->connect },
				   .n_addresses = 1 };
	bool is_own = check_owns_name(check, check->name);

	if (is_own && check->world->connect.text)
		check_addresses(check, &host, true);
	else
		check_host(check, check->name, is_own);
}
