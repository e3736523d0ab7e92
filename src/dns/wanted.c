/*
 * Mail services have SRV records by kind and by security (RFC 6186, RFC 8314); the order of the
 * documents becomes priorities, counted over IMAP and POP3 together (RFC 6186 3.4). A service that
 * is not offered has the target ".", or clients would keep guessing.
 *
 * One _autodiscover record at most, with port 443: Outlook ignores the port and warns of a target
 * outside the domain, Thunderbird takes the first by ascending weight. So it stands only in place
 * of an autodiscover name, for domains that can have no certificate, and its target is the owner of
 * address records.
 */

#include "dns/wanted.h"

#include "mail/profile.h"

#define PRIORITY_STEP 10

/* The longest character-string (RFC 1035 3.3). */
#define STRING_MAX_LENGTH 255

struct builder {
	struct arena *memory;
	const struct wanted_for *wish;
	const char *domain;
	struct wanted_record *records;
	size_t count, room;
	struct texts gaps;
};

static struct wanted_record *add_wanted_record(struct builder *builder, enum record_type type,
					       const char *name, const char *purpose)
{
	struct wanted_record *record;

	if (builder->count == builder->room) {
		size_t room = builder->room ? builder->room * 2 : 32;
		struct wanted_record *records = arena_array(builder->memory, struct wanted_record,
							    room);

		if (builder->count)
			memcpy(records, builder->records, builder->count * sizeof(*records));
		builder->records = records;
		builder->room = room;
	}
	record = &builder->records[builder->count++];
	*record = (struct wanted_record){ .type = type, .name = name, .purpose = purpose };
	return record;
}

static const char *name_below(struct builder *builder, const char *label)
{
	return arena_printf(builder->memory, "%s.%s", label, builder->domain);
}

static void add_gap(struct builder *builder, const char *sentence)
{
	if (!texts_has(&builder->gaps, sentence))
		texts_add(&builder->gaps, sentence);
}

/* A name that resolves to this server. */
static void add_own_name(struct builder *builder, const char *name, const char *purpose)
{
	const struct wanted_for *wish = builder->wish;
	struct wanted_record *record;

	for (size_t i = 0; i < wish->n_addresses; i++) {
		enum record_type type = strchr(wish->addresses[i], ':') ? RECORD_AAAA : RECORD_A;

		add_wanted_record(builder, type, name, purpose)->text = wish->addresses[i];
	}
	if (wish->n_addresses)
		return;
	record = add_wanted_record(builder, RECORD_CNAME, name, purpose);
	if (wish->target && !text_equals(wish->target, name))
		record->text = wish->target;
}

static void add_own_names(struct builder *builder)
{
	struct wanted_record *record;

	add_own_name(builder, name_below(builder, "autoconfig"),
		     "For Thunderbird and other clients of autoconfig");
	add_own_name(builder, name_below(builder, "autodiscover"),
		     "For Outlook and phones (Autodiscover)");
	record = add_wanted_record(
		builder, RECORD_SRV, name_below(builder, "_autodiscover._tcp"),
		"Instead of autodiscover, for a domain without a certificate: Outlook then asks "
		"the user for permission");
	record->presence = RECORD_INSTEAD;
	record->port = 443;
	record->text = builder->wish->target ? builder->wish->target
					     : name_below(builder, "autodiscover");
}

static void add_srv(struct builder *builder, const char *label, const char *purpose,
		    const struct endpoint *endpoint, unsigned priority)
{
	struct wanted_record *record = add_wanted_record(builder, RECORD_SRV,
							 name_below(builder, label), purpose);

	record->text = endpoint ? endpoint->host : ".";
	if (!endpoint)
		return;
	record->priority = (uint16_t)priority;
	record->weight = 1;
	record->port = endpoint->port;
}

struct label {
	enum service_kind kind;
	enum service_security security;
	const char *text;
};

static void add_mail(struct builder *builder, const struct label *labels, size_t count,
		     const char *purpose)
{
	const struct profile *profile = builder->wish->profile;
	bool is_offered[4] = { false };
	unsigned priority = 0;

	for (size_t i = 0; i < profile->n_endpoints; i++)
		for (size_t j = 0; j < count; j++) {
			const struct endpoint *endpoint = &profile->endpoints[i];

			if (endpoint->kind != labels[j].kind ||
			    endpoint->security != labels[j].security)
				continue;
			add_srv(builder, labels[j].text, purpose, endpoint, priority);
			priority += PRIORITY_STEP;
			is_offered[j] = true;
		}
	for (size_t j = 0; j < count; j++)
		if (!is_offered[j])
			add_srv(builder, labels[j].text, "Not offered", NULL, 0);
}

static void add_mail_services(struct builder *builder)
{
	static const struct label incoming[] = {
		{ SERVICE_IMAP, SECURITY_TLS, "_imaps._tcp" },
		{ SERVICE_IMAP, SECURITY_STARTTLS, "_imap._tcp" },
		{ SERVICE_POP3, SECURITY_TLS, "_pop3s._tcp" },
		{ SERVICE_POP3, SECURITY_STARTTLS, "_pop3._tcp" },
	};
	static const struct label outgoing[] = {
		{ SERVICE_SUBMISSION, SECURITY_TLS, "_submissions._tcp" },
		{ SERVICE_SUBMISSION, SECURITY_STARTTLS, "_submission._tcp" },
	};

	add_mail(builder, incoming, sizeof(incoming) / sizeof(*incoming),
		 "Mailboxes (RFC 6186, RFC 8314), in order of preference");
	add_mail(builder, outgoing, sizeof(outgoing) / sizeof(*outgoing),
		 "Submission of mail (RFC 6186, RFC 8314)");
}

/* _sieve begins without TLS (RFC 5804 1.8). */
static void add_sieve(struct builder *builder)
{
	const struct profile *profile = builder->wish->profile;
	unsigned priority = 0;

	for (size_t i = 0; i < profile->n_endpoints; i++) {
		const struct endpoint *endpoint = &profile->endpoints[i];

		if (endpoint->kind != SERVICE_MANAGESIEVE ||
		    endpoint->security != SECURITY_STARTTLS)
			continue;
		add_srv(builder, "_sieve._tcp", "Mail filters (RFC 5804)", endpoint, priority);
		priority += PRIORITY_STEP;
	}
}

/* The TXT record speaks of all SRV records of its name, so there is one. */
static void add_dav(struct builder *builder, enum service_kind kind, const char *label,
		    const char *purpose)
{
	const struct endpoint *endpoint = profile_first(builder->wish->profile, kind);

	if (!endpoint)
		return;
	add_srv(builder, label, purpose, endpoint, 0);
	add_wanted_record(builder, RECORD_TXT, name_below(builder, label), purpose)->text =
		arena_printf(builder->memory, "path=%s", endpoint->path);
}

static void add_jmap(struct builder *builder)
{
	const struct profile *profile = builder->wish->profile;
	unsigned priority = 0;

	for (size_t i = 0; i < profile->n_endpoints; i++) {
		if (profile->endpoints[i].kind != SERVICE_JMAP)
			continue;
		add_srv(builder, "_jmap._tcp",
			"JMAP (RFC 8620 2.2): /.well-known/jmap there must redirect to the session",
			&profile->endpoints[i], priority);
		priority += PRIORITY_STEP;
	}
}

static void add_pacc(struct builder *builder)
{
	if (!builder->wish->profile->pacc || !builder->wish->pacc_digest)
		return;
	add_own_name(builder, name_below(builder, "ua-auto-config"), "For clients of PACC");
	add_wanted_record(
		builder, RECORD_TXT, name_below(builder, "_ua-auto-config"),
		"The digest of the PACC document: add a new digest before the document changes")
		->text = arena_printf(builder->memory, "v=UAAC1; a=sha256; d=%s",
				      builder->wish->pacc_digest);
}

static void add_hint(struct builder *builder)
{
	struct wanted_record *record = add_wanted_record(builder, RECORD_TXT, builder->domain,
							 "Read by a few clients");

	record->presence = RECORD_OPTIONAL;
	record->text = arena_printf(builder->memory,
				    "mailconf=https://autoconfig.%s/mail/config-v1.1.xml",
				    builder->domain);
}

static void add_keys(struct builder *builder)
{
	const struct wanted_for *wish = builder->wish;

	for (size_t i = 0; i < wish->n_keys; i++)
		add_wanted_record(builder, RECORD_TLSA,
				  arena_printf(builder->memory, "_443._tcp.%s", wish->keys[i].name),
				  "The keys served now, for a zone with DNSSEC (RFC 7671): add a "
				  "record for a new key "
				  "before it is used")
			->digest = wish->keys[i].digest;
}

static bool has_path_record(enum service_kind kind)
{
	return kind == SERVICE_CALDAV || kind == SERVICE_CARDDAV;
}

/* What no SRV record can say. */
static void note_gaps(struct builder *builder)
{
	const struct profile *profile = builder->wish->profile;

	for (size_t i = 0; i < profile->n_endpoints; i++) {
		const struct endpoint *endpoint = &profile->endpoints[i];
		const char *name = service_kind_name(endpoint->kind);

		if (endpoint->security == SECURITY_PLAIN)
			add_gap(builder,
				arena_printf(builder->memory,
					     "the %s service without TLS is left out: the records "
					     "are for TLS and STARTTLS",
					     name));
		else if (endpoint->kind == SERVICE_MANAGESIEVE &&
			 endpoint->security == SECURITY_TLS)
			add_gap(builder, "the ManageSieve service with implicit TLS is left out: "
					 "its record means STARTTLS");
		else if (has_path_record(endpoint->kind) &&
			 endpoint != profile_first(profile, endpoint->kind))
			add_gap(builder,
				arena_printf(builder->memory,
					     "only the first %s service has a record: its path "
					     "would be taken for all",
					     name));
	}
}

const char *const *wanted_names(struct arena *memory, const char *domain, bool has_pacc,
				size_t *ret_count)
{
	static const char *const labels[] = { "autoconfig", "autodiscover", "ua-auto-config" };
	size_t count = has_pacc ? 3 : 2;
	const char **names = arena_array(memory, const char *, count);

	for (size_t i = 0; i < count; i++)
		names[i] = arena_printf(memory, "%s.%s", labels[i], domain);
	*ret_count = count;
	return names;
}

struct wanted wanted_records(struct arena *memory, const struct wanted_for *wish)
{
	struct builder builder = {
		.memory = memory,
		.wish = wish,
		.domain = wish->profile->domain,
		.gaps = TEXTS_IN(memory),
	};

	add_own_names(&builder);
	add_mail_services(&builder);
	add_sieve(&builder);
	add_jmap(&builder);
	add_dav(&builder, SERVICE_CALDAV, "_caldavs._tcp", "Calendars (RFC 6764)");
	add_dav(&builder, SERVICE_CARDDAV, "_carddavs._tcp", "Contacts (RFC 6764)");
	add_pacc(&builder);
	add_hint(&builder);
	add_keys(&builder);
	note_gaps(&builder);
	return (struct wanted){ builder.records, builder.count, builder.gaps };
}

const char *record_type_name(enum record_type type)
{
	static const char *const names[] = {
		[RECORD_A] = "A",     [RECORD_AAAA] = "AAAA", [RECORD_CNAME] = "CNAME",
		[RECORD_SRV] = "SRV", [RECORD_TXT] = "TXT",   [RECORD_TLSA] = "TLSA",
	};

	return names[type];
}

const char *record_presence_name(enum record_presence presence)
{
	static const char *const names[] = {
		[RECORD_WANTED] = "wanted",
		[RECORD_INSTEAD] = "instead",
		[RECORD_OPTIONAL] = "optional",
	};

	return names[presence];
}

static void add_string(struct bytes *value, const char *text, size_t length)
{
	bytes_add_char(value, '"');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			bytes_add_char(value, '\\');
		if (c < ' ' || c >= 0x7f)
			bytes_add_format(value, "\\%03u", c);
		else
			bytes_add_char(value, (char)c);
	}
	bytes_add_char(value, '"');
}

const char *record_quote(struct arena *memory, const char *text)
{
	struct bytes value = BYTES_IN(memory);
	size_t left = strlen(text);

	do {
		size_t length = left < STRING_MAX_LENGTH ? left : STRING_MAX_LENGTH;

		if (value.size)
			bytes_add_char(&value, ' ');
		add_string(&value, text, length);
		text += length;
		left -= length;
	} while (left);
	return bytes_text(&value);
}

static const char *absolute_name(struct arena *memory, const char *name)
{
	return text_equals(name, ".") ? name : arena_printf(memory, "%s.", name);
}

/* DANE-EE, the public key, SHA-256 (RFC 7671 5.1): holds through renewals that keep the key. */
static const char *tlsa_value(struct arena *memory, const struct digest *digest)
{
	struct bytes value = BYTES_IN(memory);

	bytes_add_text(&value, "3 1 1 ");
	for (size_t i = 0; i < sizeof(digest->bytes); i++)
		bytes_add_format(&value, "%02x", digest->bytes[i]);
	return bytes_text(&value);
}

const char *record_value(struct arena *memory, const struct wanted_record *record)
{
	switch (record->type) {
	case RECORD_CNAME:
		return record->text ? absolute_name(memory, record->text) : "";
	case RECORD_SRV:
		return arena_printf(memory, "%u %u %u %s", record->priority, record->weight,
				    record->port, absolute_name(memory, record->text));
	case RECORD_TXT:
		return record_quote(memory, record->text);
	case RECORD_TLSA:
		return tlsa_value(memory, &record->digest);
	default:
		return record->text;
	}
}

static void write_remark(struct bytes *zone, const struct wanted_record *record)
{
	bytes_add_format(zone, "\n; %s%s.\n",
			 record->presence == RECORD_OPTIONAL ? "Optional: " : "", record->purpose);
}

static void write_record(struct bytes *zone, const struct wanted_record *record, int width)
{
	const char *value = record_value(zone->memory, record);

	if (!*value) {
		bytes_add_format(zone,
				 "; %s. needs A and AAAA records of this server: it is the target "
				 "of other records.\n",
				 record->name);
		return;
	}
	bytes_add_format(zone, "%s%s.%*s IN %-5s %s\n",
			 record->presence == RECORD_WANTED ? "" : ";", record->name,
			 width - (int)strlen(record->name), "", record_type_name(record->type),
			 value);
}

void wanted_write_zone(struct bytes *zone, const char *domain, const struct wanted *wanted)
{
	const char *purpose = NULL;
	int width = 0;

	for (size_t i = 0; i < wanted->count; i++) {
		int length = (int)strlen(wanted->records[i].name);

		width = length > width ? length : width;
	}
	bytes_add_format(zone, "; Records of %s for mail clients.\n", domain);
	bytes_add_text(zone, "; Targets of SRV records need address records of their own, not a "
			     "CNAME.\n");
	for (size_t i = 0; i < wanted->count; i++) {
		const struct wanted_record *record = &wanted->records[i];

		if (!purpose || !text_equals(purpose, record->purpose))
			write_remark(zone, record);
		purpose = record->purpose;
		write_record(zone, record, width);
	}
}
