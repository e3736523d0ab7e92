#pragma once

/* What the readers of settings share: a look into a document, in the ways of many clients. */

#include <stdbool.h>

#include "doctor/client.h"
#include "protocol/xml.h"

/* The first child of the name, as clients see it that know no namespaces: one with a prefix has
 * another name. NULL where there is none. */
const struct xml_element *document_child(const struct xml_element *element, const char *name);

/* The first of the name and the namespace among the element and its siblings, or NULL. */
const struct xml_element *document_in_space(const struct xml_element *element, const char *name,
					    const char *space);

/* The next sibling of the same name, or NULL. */
const struct xml_element *document_next(const struct xml_element *element);

/* The text of the first child of the name, NULL where there is none. */
const char *document_child_text(const struct xml_element *element, const char *name);

/* Replaces the three placeholders of autoconfig. domain NULL: that of the address. */
const char *document_fill_in(struct arena *memory, const char *text, const struct address *address,
			     const char *domain);

/* The kind of a type: "imap", "pop3", "smtp", or SERVICE_KINDS for others and NULL. */
enum service_kind document_kind(const char *type);

/* The same in any letter case. In memory. */
enum service_kind document_kind_in_any_case(struct arena *memory, const char *type);

/* The text without blanks at its ends. In memory. */
const char *document_trim(struct arena *memory, const char *text);

/* All letters and digits, dots and hyphens. */
bool document_is_host(const char *text);

/* An absolute https URL with a host, in ASCII and without blanks. */
bool document_is_url(struct arena *memory, const char *text);

/* Namespaces of Autodiscover begin so; its outermost element has the second. */
#define AUTODISCOVER_SCHEMAS "http://schemas.microsoft.com/exchange/autodiscover/"
#define AUTODISCOVER_SPACE AUTODISCOVER_SCHEMAS "responseschema/2006"

/* Takes the setting, unless there is one of its kind already. */
void settings_take_first(struct settings_found *settings, const struct setting *setting);

/* Takes the setting instead of one of its kind. */
void settings_take_last(struct settings_found *settings, const struct setting *setting);

bool settings_have(const struct settings_found *settings, enum service_kind kind);

/* Parses it. Returns NULL, or why that fails. */
const char *document_parse(struct arena *memory, const char *data, size_t size,
			   const struct xml_element **ret_root);

/* Parses it, and finds its first emailProvider. Returns NULL, or why not. */
const char *document_provider(struct arena *memory, const char *data, size_t size,
			      const struct xml_element **ret_provider);

/* Parses it, and finds Response and Account. Returns NULL, or why not. */
const char *document_account(struct arena *memory, const char *data, size_t size,
			     const struct xml_element **ret_account);

/* A server element as clients read it that take no great care. */
struct careless {
	bool tls_is_starttls; /* a socketType TLS */
};

/* Calls take for each usable server, incoming ones first. */
void each_server(struct arena *memory, const struct xml_element *provider,
		 const struct address *address, const struct careless *care,
		 void (*take)(const struct setting *setting, void *context), void *context);

/* Reads one server. Returns whether it is usable. */
bool document_server(struct arena *memory, const struct xml_element *element,
		     const struct address *address, const struct careless *care,
		     struct setting *ret_setting);

/* Status 200, whatever the media type. */
bool accepts_ok(int status, const char *media_type);

/* Reads Outlook's document by the rules of Outlook; a document_reader. */
const char *read_outlook_strictly(struct arena *memory, const char *data, size_t size,
				  const struct address *address,
				  struct settings_found *ret_settings);
