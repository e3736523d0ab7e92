#pragma once

/* The readers of documents in clients/, and what they share. */

#include "doctor/client.h"
#include "protocol/xml.h"
#include "util/base.h"

/* The first of the name among the element and its later siblings, or NULL: in the namespace, or if
 * that is NULL, without a prefix, which clients that ignore namespaces take for a part of the name.
 */
const struct xml_element *element_find(const struct xml_element *element, const char *name,
				       const char *space);

/* The first child without a prefix, or NULL. element may be NULL. */
const struct xml_element *element_child(const struct xml_element *element, const char *name);
const char *element_child_text(const struct xml_element *element, const char *name);

/* The next sibling of the same name without a prefix, or NULL. */
const struct xml_element *element_next(const struct xml_element *element);

/* The text with the three placeholders of autoconfig replaced. */
const char *expand_placeholders(const struct client_reading *reading, const char *text);

/* The kind of "imap", "pop3" and "smtp"; SERVICE_KINDS for other words and NULL. */
enum service_kind mail_kind_parse(const char *type);

/* STARTTLS for the ports of mail that have it, else TLS. */
enum setting_security port_security(uint16_t port);

/* The text without whitespace at its ends. In memory. */
const char *text_trim(struct arena *memory, const char *text);

/* Whether all of the text is letters, digits, dots and hyphens. */
bool text_is_host(const char *text);

/* Whether it is an absolute https URL with a host, in ASCII and without whitespace. */
bool text_is_https_url(struct arena *memory, const char *text);

/* Adds the setting unless there is one of its kind. */
void reading_add(struct client_reading *reading, const struct setting *setting);

/* Returns NULL, or which server the client misses. */
const char *reading_check(struct client_reading *reading, bool takes_pop3, bool needs_smtp);

/* Parses the document. Returns NULL, or why that fails. */
const char *document_parse(struct client_reading *reading, const struct xml_element **ret_root);

/* Parses Outlook's document for clients that ignore namespaces. Returns NULL with its Account, or
 * why there is none. */
const char *document_account(struct client_reading *reading,
			     const struct xml_element **ret_account);

/* Reads a Protocol of Outlook's document. Returns whether the client can use it. */
typedef bool (*protocol_reader)(struct client_reading *reading, const struct xml_element *protocol,
				struct setting *setting);

/* Reads all of them for clients that ignore namespaces. */
const char *read_protocols(struct client_reading *reading, protocol_reader read, bool takes_pop3,
			   bool needs_smtp);

/* Reads a server of autoconfig as most clients do. */
server_reader read_autoconfig_server;

/* Thunderbird, and Thunderbird for Android: parts of autoconfig_rules. */
server_reader read_android_server, read_thunderbird_server;
const char *check_android_provider(struct client_reading *reading,
				   const struct xml_element *provider);
const char *check_thunderbird_provider(struct client_reading *reading,
				       const struct xml_element *provider);

/* Reads autoconfig by the rules of the model. */
document_reader read_autoconfig;

/* Documents of Autodiscover. */
document_reader read_outlook, read_outlook_as_deltachat, read_outlook_as_fairemail,
	read_outlook_as_thunderbird, read_mobilesync;

/* Autodiscover v2: the settings of ActiveSync, and the URL of Outlook's document. */
document_reader read_v2_activesync, read_v2_outlook_url;

document_reader read_mobileconfig, read_pacc;
