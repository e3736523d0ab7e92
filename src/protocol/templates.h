#pragma once

/*
 * The wire documents: templates that are compiled in from templates/, of which an admin's directory
 * may replace any. A set is loaded whole and never changes; reload makes a new one.
 */

#include "util/cleanup.h"

struct arena;
struct error;
struct response;
struct templates;
struct value;

enum template_id {
	TEMPLATE_OUTLOOK,
	TEMPLATE_OUTLOOK_REDIRECT,
	TEMPLATE_MOBILESYNC,
	TEMPLATE_MOBILESYNC_REDIRECT,
	TEMPLATE_AUTODISCOVER_ERROR,
	TEMPLATE_AUTOCONFIG,
	TEMPLATE_MOBILECONFIG,
	TEMPLATES
};

/*
 * Loads all templates; directory may be "" or NULL for the built-in ones. Refused is a template
 * that does not parse, uses a name that its document does not have, or does not give well-formed
 * XML for a sample profile; and a *.xml or *.plist file whose name is no template's. Returns 0
 * with a reference that the caller owns, or -1 with err set to "FILE:LINE: ...".
 */
int templates_load(const char *directory, struct templates **ret_templates, struct error *err);

/* References are counted atomically. */
struct templates *templates_ref(struct templates *templates);
void templates_unref(struct templates *templates);
DEFINE_CLEANUP(struct templates *, templates_unref);

/* Writes the document into the response, with status 200; the body lives in memory. */
void templates_render(const struct templates *templates, enum template_id id, struct arena *memory,
		      const struct value *view, struct response *response);
