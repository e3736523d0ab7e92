/*
 * Autodiscover for ActiveSync devices (MS-ASCMD 2.2.1.1). Only a provider that has an ActiveSync
 * service answers: a client that is given an invented URL stops looking for IMAP.
 */

#include "protocol/mobilesync.h"

#include "protocol/autodiscover.h"
#include "protocol/templates.h"
#include "util/arena.h"

struct value mobilesync_view(struct arena *memory, const struct profile *profile)
{
	const struct endpoint *endpoint = profile_first(profile, SERVICE_ACTIVESYNC);
	const struct field fields[] = {
		{ "person", value_text(profile->person) },
		{ "address", value_text(profile->address ? profile->address->text : NULL) },
		{ "url", value_text(endpoint->url) },
	};

	return value_map_in(memory, fields, sizeof(fields) / sizeof(*fields));
}

static enum failure mobilesync_render(const struct site *site, struct arena *memory,
				      const struct profile *profile, struct response *response)
{
	enum template_id template = TEMPLATE_MOBILESYNC;
	struct value view;

	if (profile->moved_address) {
		template = TEMPLATE_MOBILESYNC_REDIRECT;
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

const struct protocol protocol_mobilesync = {
	.name = "mobilesync",
	.tells_logins = true,
	.tells_moves = true,
	.render = mobilesync_render,
	.fail = autodiscover_fail,
};
