#include "dns/zone.h"

#include <string.h>

#include "util/bytes.h"

static void add_remark(struct bytes *zone, const struct record *record)
{
	bytes_add_format(zone, "\n; %s%s.\n",
			 record->presence == RECORD_OPTIONAL ? "Optional: " : "", record->purpose);
}

static void add_record(struct bytes *zone, const struct record *record, int width)
{
	const char *value = record_value(zone->memory, record);

	if (!*value) {
		bytes_add_format(zone,
				 "; %s. needs A and AAAA records of this server: it is the name "
				 "that others lead to.\n",
				 record->name);
		return;
	}
	bytes_add_format(zone, "%s%s.%*s IN %-5s %s\n",
			 record->presence == RECORD_WANTED ? "" : ";", record->name,
			 width - (int)strlen(record->name), "", record_type_name(record->type),
			 value);
}

void zone_write(struct bytes *zone, const char *domain, const struct wanted *wanted)
{
	const char *purpose = NULL;
	int width = 0;

	for (size_t i = 0; i < wanted->count; i++) {
		int length = (int)strlen(wanted->records[i].name);

		width = length > width ? length : width;
	}
	bytes_add_format(zone, "; What mail clients look for in %s.\n", domain);
	bytes_add_text(zone, "; Targets of SRV records need address records of their own, not a "
			     "CNAME.\n");
	for (size_t i = 0; i < wanted->count; i++) {
		const struct record *record = &wanted->records[i];

		if (!purpose || strcmp(purpose, record->purpose) != 0)
			add_remark(zone, record);
		purpose = record->purpose;
		add_record(zone, record, width);
	}
}
