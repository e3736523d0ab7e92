#pragma once

/*
 * The wire documents: templates that are compiled in from templates/, of which an admin's directory
 * may replace any. A set is loaded whole and never changes; reload makes a new one.
 */

#include "util/base.h"

struct document_template;
struct response;
struct templates;
struct value;

/* Is given one sentence a call. */
typedef void (*templates_reporter)(const char *sentence, void *context);

/*
 * Loads all templates; directory may be "" or NULL for the built-in ones. A file in it that cannot
 * be read, does not parse, uses a name that its document does not have, or does not give
 * well-formed XML for a sample profile is reported to fail as "FILE:LINE: ...". In its place stands
 * the template of the previous set, or the built-in one where previous is NULL. Reported are also a
 * directory that cannot be read, and *.xml and *.plist files with other names.
 * Returns how many errors it reported. The caller owns the reference.
 */
size_t templates_load(const char *directory, const struct templates *previous,
		      templates_reporter fail, void *context, struct templates **ret_templates);

/* References are counted atomically. */
struct templates *templates_ref(struct templates *templates);
void templates_unref(struct templates *templates);
DEFINE_CLEANUP(struct templates *, templates_unref);

/* Writes the document into the response, with status 200; the body lives in memory. */
void templates_render(const struct templates *templates, const struct document_template *kind,
		      struct arena *memory, const struct value *view, struct response *response);
