/*
 * A phone with ActiveSync: asks where Outlook does, in the same order, for a document of its own
 * (MS-ASCMD 2.2.1.1), which has one URL. Namespaces count. It logs in as the User of the document,
 * or as the address that was typed.
 */

#include "doctor/client-document.h"
#include "util/bytes.h"

#define INNER AUTODISCOVER_SCHEMAS "mobilesync/responseschema/2006"

static const struct xml_element *find_inner(const struct xml_element *parent, const char *name)
{
	return parent ? document_in_space(parent->first_child, name, INNER) : NULL;
}

/* A Server may be one for certificates instead. */
static const char *find_url(const struct xml_element *settings)
{
	for (const struct xml_element *server = find_inner(settings, "Server"); server;
	     server = document_in_space(server->next, "Server", INNER)) {
		const struct xml_element *type = find_inner(server, "Type"),
					 *url = find_inner(server, "Url");

		if (type && url && text_equals(type->text, "MobileSync"))
			return url->text;
	}
	return NULL;
}

static const char *login_of(const struct xml_element *response, const struct address *address)
{
	const struct xml_element *email = find_inner(find_inner(response, "User"), "EMailAddress");

	return email && *email->text ? email->text : address->text;
}

static const char *find_response(const struct xml_element *root,
				 const struct xml_element **ret_response)
{
	const struct xml_element *response;

	if (!document_in_space(root, "Autodiscover", AUTODISCOVER_SPACE))
		return "it is no Autodiscover document with the namespace that it needs";
	if (document_in_space(root->first_child, "Response", AUTODISCOVER_SPACE))
		return "it is Autodiscover's error document";
	response = find_inner(root, "Response");
	if (!response)
		return "it has no Response with the namespace that it needs";
	*ret_response = response;
	return NULL;
}

static const char *read_mobilesync(struct arena *memory, const char *data, size_t size,
				   const struct address *address,
				   struct settings_found *ret_settings)
{
	const struct xml_element *root, *redirect, *response = NULL;
	struct setting setting = { .kind = SERVICE_ACTIVESYNC };
	const char *why = document_parse(memory, data, size, &root);

	if (!why)
		why = find_response(root, &response);
	if (why)
		return why;
	redirect = find_inner(find_inner(response, "Action"), "Redirect");
	if (redirect && *redirect->text) {
		ret_settings->sent_on_to = redirect->text;
		return NULL;
	}
	setting.url = find_url(find_inner(find_inner(response, "Action"), "Settings"));
	if (!setting.url)
		return "it has no server for ActiveSync";
	if (!document_is_url(memory, setting.url))
		return "its Url is none that begins with https://";
	setting.username = login_of(response, address);
	settings_take_first(ret_settings, &setting);
	return NULL;
}

const struct client client_activesync = {
	.word = "activesync",
	.name = "ActiveSync phone",
	.is_optional = true,
	.only_to_tls = true,
	.accepts = accepts_ok,
	.steps =
		(const struct step[]){
			{ "POST", true, "", PATH_AUTODISCOVER, .asks_mobilesync = true,
			  .read = read_mobilesync },
			{ "POST", true, "autodiscover.", PATH_AUTODISCOVER, .asks_mobilesync = true,
			  .read = read_mobilesync },
			{ "GET", false, "autodiscover.", PATH_AUTODISCOVER, .asks_mobilesync = true,
			  .only_redirects = true, .read = read_mobilesync },
			{ "POST", true, NULL, PATH_AUTODISCOVER, .asks_mobilesync = true,
			  .asks_srv = true, .read = read_mobilesync },
			{ 0 },
		},
};
