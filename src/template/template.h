#pragma once

/*
 * A subset of Mustache (mustache.github.io/mustache.5.html): interpolation, sections, inverted
 * sections, comments, dotted names, implicit iterators, standalone lines. {{x}} escapes for XML;
 * what would leave unescaped text ({{{x}}}, {{&x}}), partials and other delimiters are refused.
 *
 * A template is parsed once and never changes; threads may share it.
 */

#include "util/base.h"

struct value;
struct template;

/* Parses size bytes of UTF-8, which need not outlive the call. Errors begin with "NAME:LINE: ".
 * Returns 0, or -1 with err set. */
int template_parse(const char *name, const char *source, size_t size,
		   struct template **ret_template, struct error *err);
void template_free(struct template *template);
DEFINE_CLEANUP(struct template *, template_free);

/* Adds the expanded template to out. root is a map, or any other value for {{.}}. A name that is
 * not found expands to nothing, as Mustache has it, and so does one that is not a text;
 * template_check_names() finds such names when a template is loaded. Bytes that are not UTF-8, and
 * characters that XML 1.0 forbids, are left out. */
void template_expand(const struct template *template, const struct value *root, struct bytes *out);

/* Checks that every name the template uses can be found in the sample, and is a text where it is
 * put in. The sample must show each map of the real data: every list with at least one item (the
 * first one is looked at), nothing false. Returns 0, or -1 with err set to "NAME:LINE: ..." which
 * lists the names known there. */
int template_check_names(const struct template *template, const struct value *sample,
			 struct error *err);
