#pragma once

/*
 * The wire documents: templates that are compiled in from templates/, of which an admin's directory
 * may replace any. A set is loaded whole and never changes; reload makes a new one.
 */

#include "mail/profile.h"
#include "template/value.h"
#include "util/base.h"

struct document_template;
struct response;
struct templates;
struct texts;

/* Profiles to try templates with: everything that a profile can have; and as little as a document
 * is ever made of, no address, no names, one service of each kind. */
extern const struct profile sample_full, sample_bare;

/*
 * Loads all templates; directory may be "" or NULL for the built-in ones. A file in it that cannot
 * be read, does not parse, uses a name that its document does not have, or does not give
 * well-formed XML for a sample profile is added to errors as "FILE:LINE: ...". In its place stands
 * the template of the previous set, or the built-in one where previous is NULL. Errors are also a
 * directory that cannot be read, and *.xml and *.plist files with other names. errors may be NULL
 * without a directory. The caller owns the reference.
 */
struct templates *templates_load(const char *directory, const struct templates *previous,
				 struct texts *errors);

/* References are counted atomically. */
struct templates *templates_ref(struct templates *templates);
void templates_unref(struct templates *templates);
DEFINE_CLEANUP(struct templates *, templates_unref);

/* Writes the document into the response, with status 200; the body lives in memory. */
void templates_render(const struct templates *templates, const struct document_template *kind,
		      struct arena *memory, struct value view, struct response *response);
