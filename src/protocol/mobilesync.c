/*
 * Autodiscover for ActiveSync devices (MS-ASCMD 2.2.1.1). Only a provider that has an ActiveSync
 * service answers: a client that is given an invented URL stops looking for IMAP.
 */

#include "protocol/autodiscover.h"
#include "protocol/templates.h"
#include "template/value.h"
#include "util/base.h"

static struct value mobilesync_view(struct arena *memory, const struct profile *profile)
{
	const struct endpoint *endpoint = profile_first(profile, SERVICE_ACTIVESYNC);
	const struct field fields[] = {
		{ "person", value_text(profile->person) },
		{ "address", value_text(profile->address ? profile->address->text : NULL) },
		{ "url", value_text(endpoint->url) },
	};

	return value_map_in(memory, fields, sizeof(fields) / sizeof(*fields));
}

static const struct document_template mobilesync_template = { "mobilesync.xml", mobilesync_view };
static const struct document_template mobilesync_redirect_template = { "mobilesync-redirect.xml",
								       autodiscover_redirect_view };

static enum failure mobilesync_render(const struct site *site, struct arena *memory,
				      const struct profile *profile, struct response *response)
{
	const struct document_template *template = &mobilesync_template;
	struct value view;

	if (profile->moved_address) {
		template = &mobilesync_redirect_template;
		view = autodiscover_redirect_view(memory, profile);
	} else if (!profile->moved_url && profile_first(profile, SERVICE_ACTIVESYNC)) {
		view = mobilesync_view(memory, profile);
	} else {
		return FAILURE_NOT_OFFERED;
	}
	response->cache_control = "no-store";
	templates_render(site->templates, template, memory, &view, response);
	return FAILURE_NONE;
}

static const struct document_template *const mobilesync_templates[] = {
	&mobilesync_template,
	&mobilesync_redirect_template,
	NULL,
};

/* autodiscover_parse() chooses it by the schema; the route is Outlook's. */
const struct protocol protocol_mobilesync = {
	.name = "mobilesync",
	.templates = mobilesync_templates,
	.preview = { "autodiscover", AUTODISCOVER_MOBILESYNC_SCHEMA, .takes_address = true },
	.tells_logins = true,
	.tells_moves = true,
	.render = mobilesync_render,
	.fail = autodiscover_fail,
};
