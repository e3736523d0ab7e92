#include "doctor/expected.h"

#include "answer/answer.h"
#include "doctor/host.h"
#include "mail/address.h"
#include "store/store.h"
#include "tls/certificates.h"
#include "util/idna.h"
#include "util/network.h"

int expected_find_disabled(struct store *store, struct arena *memory, const char *domain,
			   struct error *ret_reason, struct error *err)
{
	struct domain row, target = { .is_enabled = true };
	int r = store_serving_domain(store, memory, domain, &row, err);

	*ret_reason = (struct error){ 0 };
	if (r == 0 && row.is_enabled && row.alias_of)
		r = store_find_domain(store, memory, row.alias_of, &target, err);
	if (r != 0)
		return r == STORE_NOT_FOUND ? 0 : -1;
	if (!row.is_enabled) {
		error_set(ret_reason, ERROR_INPUT, "'%s' is disabled", row.name);
		error_hint(ret_reason, "use 'domain enable %s'", row.name);
	} else if (!target.is_enabled) {
		error_set(ret_reason, ERROR_INPUT, "'%s' is an alias of '%s', which is disabled",
			  row.name, row.alias_of);
		error_hint(ret_reason, "use 'domain enable %s'", row.alias_of);
	}
	return 0;
}

/* Matches the domain as a client at autoconfig.DOMAIN would; what the match borrows from the store
 * is read again, into memory. Returns 0, or -1 with the reason. */
static int match_domain(const struct context *context, struct arena *memory, const char *domain,
			struct match *ret_match, struct error *err)
{
	const struct query query = {
		.domain = domain,
		.host = arena_printf(memory, "autoconfig.%s", domain),
	};
	const char *provider;
	struct error reason;
	int r = store_match(context->store, memory, &query, ret_match, err);

	if (r == 0) {
		provider = arena_strdup(memory, ret_match->provider.name);
		r = store_find_provider(context->store, memory, provider, &ret_match->provider,
					err);
		return r == 0 ? 0 : -1;
	}
	if (r != STORE_NOT_FOUND ||
	    expected_find_disabled(context->store, memory, domain, &reason, err) < 0)
		return -1;
	if (*reason.text) {
		error_set(err, ERROR_INPUT, "domain %s", reason.text);
		return error_hint(err, "%s", reason.hint);
	}
	error_set(err, ERROR_INPUT, "domain '%s' is not served", domain);
	return error_hint(err, "use 'domain add' first");
}

/* The digest of the document as it would be served; NULL where it would not be. */
static const char *find_pacc_digest(const struct context *context, struct arena *memory,
				    const char *domain)
{
	const struct request request = {
		.method = "GET",
		.target = "/.well-known/user-agent-configuration.json",
		.host = arena_printf(memory, "ua-auto-config.%s", domain),
	};
	struct response response;
	struct digest digest;
	struct error err;

	if (answer(context, memory, &request, &response, &err) != 0 || response.is_refusal)
		return NULL;
	digest = digest_of(response.body, response.size);
	return digest_base64(memory, &digest);
}

int expected_load(const struct context *context, struct arena *memory, const char *domain,
		  struct expected *ret_expected, struct error *err)
{
	const struct query query = { .domain = domain };
	struct expected expected = { .domain = domain };
	struct match *match = arena_new(memory, struct match);
	const char *public_name; /* HOST[:PORT] */
	size_t length;

	if (domain_is_pattern(domain)) {
		error_set(err, ERROR_INPUT,
			  "'%s' stands for many domains, each with records of its own", domain);
		return error_hint(err, "name one of its domains");
	}
	if (strlen(domain) > EXPECTED_DOMAIN_MAX_LENGTH)
		return error_set(err, ERROR_INPUT,
				 "'%s' is too long: names below it would have more than %d "
				 "characters",
				 domain, HOST_NAME_MAX_LENGTH);
	if (match_domain(context, memory, domain, match, err) < 0 ||
	    profile_build(memory, &query, match, &expected.profile, err) < 0)
		return -1;
	expected.row = match->row;
	expected.provider = match->provider;
	public_name = expected.provider.public_name;
	if (!public_name || !*public_name)
		public_name = context->site.public_name ?: "";
	length = strcspn(public_name, ":");
	if (length)
		expected.target = arena_strndup(memory, public_name, length);
	expected.target_port = 443;
	if (public_name[length])
		port_parse(public_name + length + 1, &expected.target_port);
	if (expected.profile.pacc)
		expected.pacc_digest = find_pacc_digest(context, memory, domain);
	*ret_expected = expected;
	return 0;
}

int expected_keys(struct arena *memory, const struct expected *expected,
		  const struct certificates *certificates, const struct name_key **ret_keys,
		  size_t *ret_count, struct error *err)
{
	/* One of each kind of key that is served for the name. */
	static const gnutls_pk_algorithm_t algorithms[] = {
		GNUTLS_PK_ECDSA,
		GNUTLS_PK_EDDSA_ED25519,
		GNUTLS_PK_RSA,
		GNUTLS_PK_RSA_PSS,
	};
	size_t n_names, n_kinds = sizeof(algorithms) / sizeof(*algorithms), count = 0;
	const char *const *names = wanted_names(memory, expected->domain, expected->profile.pacc,
						&n_names);
	struct name_key *keys = arena_array(memory, struct name_key, n_names * n_kinds);

	for (size_t i = 0; i < n_names * n_kinds; i++) {
		const char *name = names[i / n_kinds];
		const struct certificate *found = certificates_match(certificates, name,
								     &algorithms[i % n_kinds], 1);

		if (!found)
			continue;
		keys[count].name = name;
		if (certificate_key_digest(found, &keys[count++].digest, err) < 0)
			return -1;
	}
	*ret_keys = keys;
	*ret_count = count;
	return 0;
}

/* A host name, or addresses. */
static int parse_target(struct arena *memory, const char *text, struct wanted_for *wish,
			struct error *err)
{
	const char **addresses = arena_array(memory, const char *, strlen(text));
	char *rest = arena_strdup(memory, text), *address;

	if (!strchr(text, ',') && !ip_address_parse(memory, text)) {
		wish->target = idna_to_ascii(memory, text);
		return wish->target ? 0
				    : error_set(err, ERROR_INPUT,
						"'%s' is neither a host name nor an address, "
						"without a port",
						text);
	}
	while ((address = strsep(&rest, ","))) {
		if (!ip_address_parse(memory, address)) {
			error_set(err, ERROR_INPUT, "'%s' is not an address", address);
			return error_hint(err, "give a host name, or addresses with commas "
					       "between them");
		}
		addresses[wish->n_addresses++] = address;
	}
	wish->addresses = addresses;
	wish->target = NULL;
	return 0;
}

int expected_records(struct arena *memory, const struct expected *expected, const char *target,
		     const struct name_key *keys, size_t n_keys, struct wanted *ret_wanted,
		     struct error *err)
{
	/* This host's own name may lack its domain: clients find it as little as records do. */
	bool is_known = expected->target && strchr(expected->target, '.');
	struct wanted_for wish = {
		.profile = &expected->profile,
		.target = is_known ? expected->target : NULL,
		.pacc_digest = expected->pacc_digest,
		.keys = keys,
		.n_keys = n_keys,
	};

	if (target && parse_target(memory, target, &wish, err) < 0)
		return -1;
	*ret_wanted = wanted_records(memory, &wish);
	return 0;
}
