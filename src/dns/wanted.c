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
	size_t count;
	struct texts gaps;
};

static struct wanted_record *add_wanted_record(struct builder *builder, enum record_type type,
					       const char *name, const char *purpose)
{
	struct wanted_record *record;

	if ((builder->count & (builder->count - 1)) == 0) {
		record = arena_array(builder->memory, struct wanted_record, builder->count * 2 + 1);
		if (builder->count)
			memcpy(record, builder->records, builder->count * sizeof(*record));
		builder->records = record;
	}
	record = &builder->records[builder->count++];
	*record = (struct wanted_record){ .type = type, .name = name, .purpose = purpose };
	return record;
}

static const char *name_below(struct builder *builder, const char *label)
{
	return arena_printf(builder->memory, "%s.%s", label, builder->domain);
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

#define LABELS_MAX 4

/* SRV records of one purpose, by kind and security of the service. */
struct srv_group {
	const char *purpose;
	bool denies; /* a service that is not offered has a record that says so */
	struct srv_label {
		const char *text;
		enum service_kind kind;
		enum service_security security;
	} labels[LABELS_MAX];
};

static const struct srv_group srv_groups[] = {
	{ "Mailboxes (RFC 6186, RFC 8314), in order of preference",
	  true,
	  { { "_imaps._tcp", SERVICE_IMAP, SECURITY_TLS },
	    { "_imap._tcp", SERVICE_IMAP, SECURITY_STARTTLS },
	    { "_pop3s._tcp", SERVICE_POP3, SECURITY_TLS },
	    { "_pop3._tcp", SERVICE_POP3, SECURITY_STARTTLS } } },
	{ "Submission of mail (RFC 6186, RFC 8314)",
	  true,
	  { { "_submissions._tcp", SERVICE_SUBMISSION, SECURITY_TLS },
	    { "_submission._tcp", SERVICE_SUBMISSION, SECURITY_STARTTLS } } },
	/* _sieve begins without TLS (RFC 5804 1.8). */
	{ "Mail filters (RFC 5804)",
	  false,
	  { { "_sieve._tcp", SERVICE_MANAGESIEVE, SECURITY_STARTTLS } } },
	{ "JMAP (RFC 8620 2.2): /.well-known/jmap there must redirect to the session",
	  false,
	  { { "_jmap._tcp", SERVICE_JMAP, SECURITY_TLS } } },
};

static void add_srv_group(struct builder *builder, const struct srv_group *group)
{
	const struct profile *profile = builder->wish->profile;
	bool is_offered[LABELS_MAX] = { false };
	unsigned priority = 0;

	for (size_t i = 0; i < profile->n_endpoints; i++)
		for (size_t j = 0; j < LABELS_MAX && group->labels[j].text; j++) {
			const struct endpoint *endpoint = &profile->endpoints[i];
			const struct srv_label *label = &group->labels[j];

			if (endpoint->kind != label->kind || endpoint->security != label->security)
				continue;
			add_srv(builder, label->text, group->purpose, endpoint, priority);
			priority += PRIORITY_STEP;
			is_offered[j] = true;
		}
	for (size_t j = 0; group->denies && j < LABELS_MAX && group->labels[j].text; j++)
		if (!is_offered[j])
			add_srv(builder, group->labels[j].text, "Not offered", NULL, 0);
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

/* What no SRV record can say. */
static void note_gaps(struct builder *builder)
{
	const struct profile *profile = builder->wish->profile;

	for (size_t i = 0; i < profile->n_endpoints; i++) {
		const struct endpoint *endpoint = &profile->endpoints[i];
		const char *name = service_kind_name(endpoint->kind), *gap = NULL;
		bool has_path = endpoint->kind == SERVICE_CALDAV ||
				endpoint->kind == SERVICE_CARDDAV;

		if (endpoint->security == SECURITY_PLAIN)
			gap = arena_printf(builder->memory,
					   "the %s service without TLS is left out: the records "
					   "are for TLS and STARTTLS",
					   name);
		else if (endpoint->kind == SERVICE_MANAGESIEVE &&
			 endpoint->security == SECURITY_TLS)
			gap = "the ManageSieve service with implicit TLS is left out: "
			      "its record means STARTTLS";
		else if (has_path && endpoint != profile_first(profile, endpoint->kind))
			gap = arena_printf(builder->memory,
					   "only the first %s service has a record: its path "
					   "would be taken for all",
					   name);
		if (gap && !texts_has(&builder->gaps, gap))
			texts_add(&builder->gaps, gap);
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
	struct wanted_record *record;

	add_own_names(&builder);
	for (size_t i = 0; i < sizeof(srv_groups) / sizeof(*srv_groups); i++)
		add_srv_group(&builder, &srv_groups[i]);
	add_dav(&builder, SERVICE_CALDAV, "_caldavs._tcp", "Calendars (RFC 6764)");
	add_dav(&builder, SERVICE_CARDDAV, "_carddavs._tcp", "Contacts (RFC 6764)");
	if (wish->profile->pacc && wish->pacc_digest) {
		add_own_name(&builder, name_below(&builder, "ua-auto-config"),
			     "For clients of PACC");
		add_wanted_record(&builder, RECORD_TXT, name_below(&builder, "_ua-auto-config"),
				  "The digest of the PACC document: add a new digest before the "
				  "document changes")
			->text = arena_printf(memory, "v=UAAC1; a=sha256; d=%s", wish->pacc_digest);
	}
	record = add_wanted_record(&builder, RECORD_TXT, builder.domain, "Read by a few clients");
	record->presence = RECORD_OPTIONAL;
	record->text = arena_printf(memory, "mailconf=https://autoconfig.%s/mail/config-v1.1.xml",
				    builder.domain);
	for (size_t i = 0; i < wish->n_keys; i++)
		add_wanted_record(&builder, RECORD_TLSA,
				  arena_printf(memory, "_443._tcp.%s", wish->keys[i].name),
				  "The keys served now, for a zone with DNSSEC (RFC 7671): add a "
				  "record for a new key "
				  "before it is used")
			->digest = wish->keys[i].digest;
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

/* A text as the character-strings of a TXT record (RFC 1035 3.3.14, 5.1). */
static const char *quote_text(struct arena *memory, const char *text)
{
	struct bytes value = BYTES_IN(memory);

	bytes_add_char(&value, '"');
	for (size_t i = 0; text[i]; i++) {
		unsigned char c = (unsigned char)text[i];

		if (i > 0 && i % STRING_MAX_LENGTH == 0)
			bytes_add_text(&value, "\" \"");
		if (c == '"' || c == '\\')
			bytes_add_char(&value, '\\');
		if (c < ' ' || c >= 0x7f)
			bytes_add_format(&value, "\\%03u", c);
		else
			bytes_add_char(&value, (char)c);
	}
	bytes_add_char(&value, '"');
	return bytes_text(&value);
}

static const char *absolute_name(struct arena *memory, const char *name)
{
	return text_equals(name, ".") ? name : arena_printf(memory, "%s.", name);
}

const char *record_value(struct arena *memory, const struct wanted_record *record)
{
	struct bytes value = BYTES_IN(memory);

	switch (record->type) {
	case RECORD_CNAME:
		return record->text ? absolute_name(memory, record->text) : "";
	case RECORD_SRV:
		return arena_printf(memory, "%u %u %u %s", record->priority, record->weight,
				    record->port, absolute_name(memory, record->text));
	case RECORD_TXT:
		return quote_text(memory, record->text);
	case RECORD_TLSA:
		/* DANE-EE, the public key, SHA-256 (RFC 7671 5.1): holds through renewals that keep
		 * the key. */
		bytes_add_text(&value, "3 1 1 ");
		for (size_t i = 0; i < sizeof(record->digest.bytes); i++)
			bytes_add_format(&value, "%02x", record->digest.bytes[i]);
		return bytes_text(&value);
	default:
		return record->text;
	}
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
		const char *value = record_value(zone->memory, record);

		if (!purpose || !text_equals(purpose, record->purpose))
			bytes_add_format(zone, "\n; %s%s.\n",
					 record->presence == RECORD_OPTIONAL ? "Optional: " : "",
					 record->purpose);
		purpose = record->purpose;
		if (*value)
			bytes_add_format(zone, "%s%s.%*s IN %-5s %s\n",
					 record->presence == RECORD_WANTED ? "" : ";", record->name,
					 width - (int)strlen(record->name), "",
					 record_type_name(record->type), value);
		else
			bytes_add_format(zone,
					 "; %s. needs A and AAAA records of this server: it is the "
					 "target of other records.\n",
					 record->name);
	}
}
