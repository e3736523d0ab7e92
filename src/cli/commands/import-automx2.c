/*
 * mailconfctl import: databases of other servers.
 *
 * In automx2 a domain has servers, and a provider only names. So the domains of a provider that
 * have the same servers become one provider here. The first of these gets the short name of theirs,
 * each further one that name and, in parentheses, its first domain.
 */

#include "admin/admin.h"
#include "admin/change.h"
#include "cli/command.h"
#include "cli/file-argument.h"
#include "cli/options.h"
#include "cli/provider-drafts.h"
#include "import/provider-draft.h"
#include "mail/text.h"
#include "store/automx2.h"
#include "util/base.h"

static const struct {
	const char *type;
	enum service_kind kind;
	bool is_dav;
} server_types[] = {
	{ "imap", SERVICE_IMAP },
	{ "pop", SERVICE_POP3 },
	{ "smtp", SERVICE_SUBMISSION },
	{ "caldav", SERVICE_CALDAV, .is_dav = true },
	{ "carddav", SERVICE_CARDDAV, .is_dav = true },
};

static const struct {
	const char *socket_type;
	enum service_security security;
} socket_types[] = {
	{ "SSL", SECURITY_TLS },
	{ "STARTTLS", SECURITY_STARTTLS },
	{ "plain", SECURITY_PLAIN },
	{ "None", SECURITY_PLAIN },
};

/* What becomes one provider: domains of one provider there, with the same servers. */
struct automx2_group {
	const char *provider, *name, *servers;
	struct draft draft;
	struct texts ldap; /* notes */
	struct automx2_group *next;
};

static int reject_unknown(struct error *err, const char *what, const char *word)
{
	return error_set(err, ERROR_INPUT, "mailconfd does not support the %s '%s'", what, word);
}

/* "https://dav.example.org/path" with port 8443 inserted. Without a scheme, use_ssl decides. */
static const char *dav_url(struct arena *memory, const struct automx2_server *server)
{
	const char *url = server->name, *authority;
	size_t length;

	if (!strstr(url, "://"))
		url = arena_printf(memory, "%s://%s", server->scheme, url);
	authority = strstr(url, "://") + strlen("://");
	length = strcspn(authority, "/?#");
	if (text_equals(server->port, "0") || memchr(authority, ':', length))
		return url;
	return arena_printf(memory, "%.*s:%s%s", (int)(authority + length - url), url, server->port,
			    authority + length);
}

static int parse_server(struct draft *draft, const struct automx2_server *server,
			struct service *service, struct error *err)
{
	const size_t n_types = sizeof(server_types) / sizeof(*server_types);
	const size_t n_socket_types = sizeof(socket_types) / sizeof(*socket_types);
	const char *authentication = server->authentication;
	bool is_dav = *server->scheme;
	size_t i = 0, k = 0;

	while (i < n_types && (server_types[i].is_dav != is_dav ||
			       !text_equals_ignoring_case(server_types[i].type, server->type)))
		i++;
	if (i == n_types)
		return reject_unknown(err, "server type", server->type);
	if (is_dav)
		return draft_url_service(draft, server_types[i].kind,
					 dav_url(draft->memory, server), service, err);
	while (k < n_socket_types &&
	       !text_equals_ignoring_case(socket_types[k].socket_type, server->socket_type))
		k++;
	if (k == n_socket_types)
		return reject_unknown(err, "socket type", server->socket_type);
	if (draft_host_service(draft, server_types[i].kind, socket_types[k].security, server->name,
			       server->port, service, err) < 0)
		return -1;
	if (text_equals_ignoring_case(authentication, "plain"))
		authentication = authentication_name(AUTHENTICATION_DEFAULT);
	if (service_parse_authentications(draft->memory, authentication, service, err) < 0)
		return reject_unknown(err, "authentication", server->authentication);
	return 0;
}

static int group_new(struct automx2 *automx2, struct arena *memory,
		     const struct automx2_domain *domain, struct automx2_group **ret_group,
		     struct error *err)
{
	struct automx2_group *group = arena_new(memory, struct automx2_group);
	bool has_short_name = *domain->provider_short_name;
	struct draft *draft = &group->draft;
	struct automx2_server *servers;
	size_t count;

	group->provider = domain->provider;
	group->servers = domain->servers;
	group->name = has_short_name ? domain->provider_short_name : domain->provider_name;
	group->ldap = TEXTS_IN(memory);
	draft_init(draft, memory);
	draft_set_display_name(draft, domain->provider_name);
	if (has_short_name)
		draft_set_short_name(draft, domain->provider_short_name);
	if (automx2_list_servers(automx2, memory, domain->id, &servers, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct automx2_server *server = &servers[i];
		bool has_login = *server->user_name || !*server->scheme;
		struct service service;
		struct error reason;

		if (parse_server(draft, server, &service, &reason) < 0)
			draft_note(draft, "the %s server '%s' is left out: %s", server->type,
				   server->name, reason.text);
		else
			draft_add_service(draft, &service, has_login ? server->user_name : NULL);
	}
	*ret_group = group;
	return 0;
}

/* The groups in the order of their first domains. */
static int group_domains(struct automx2 *automx2, struct admin *admin, const char *source,
			 const struct automx2_domain *domains, size_t count,
			 struct automx2_group **ret_groups, struct error *err)
{
	struct automx2_group **link;

	*ret_groups = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct automx2_domain *domain = &domains[i];

		if (!*domain->provider) {
			admin_warn(admin, "%s: domain '%s' is left out: it has no provider", source,
				   domain->name);
			continue;
		}
		for (link = ret_groups; *link; link = &(*link)->next)
			if (text_equals((*link)->provider, domain->provider) &&
			    text_equals((*link)->servers, domain->servers))
				break;
		if (!*link && group_new(automx2, admin->memory, domain, link, err) < 0)
			return -1;
		draft_add_domain(&(*link)->draft, domain->name);
		if (*domain->ldap)
			texts_add(&(*link)->ldap,
				  arena_printf(admin->memory,
					       "automx2 looks up the logins of '%s'%s in LDAP at "
					       "'%s', which mailconfd cannot: add a user for each "
					       "login that differs from the provider's pattern",
					       domain->name, domain->ldap_others, domain->ldap));
	}
	return 0;
}

/* Groups with the name of an earlier one are named after their first domain too. */
static int name_provider(const struct automx2_group *groups, struct automx2_group *group,
			 struct error *err)
{
	const struct texts *domains = &group->draft.domains;
	const char *name = group->name;
	bool is_taken = false;

	for (; groups != group; groups = groups->next)
		is_taken |= groups->draft.domains.count > 0 && text_equals(groups->name, name);
	if (is_taken)
		name = arena_printf(group->draft.memory, "%s (%s)", name, domains->items[0]);
	group->draft.provider.name = name;
	return text_check("provider name", name, PROVIDER_NAME_MAX_LENGTH, err);
}

static int import_automx2(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	_cleanup_(automx2_closep) struct automx2 *automx2 = NULL;
	const char *source = arguments->words[0], **unused;
	struct automx2_domain *domains;
	struct automx2_group *groups, *group;
	size_t count, n_unused;

	if (automx2_open(source, arguments->files->image, arguments->files->image_size, &automx2,
			 err) < 0 ||
	    automx2_list_domains(automx2, admin->memory, &domains, &count, err) < 0 ||
	    group_domains(automx2, admin, source, domains, count, &groups, err) < 0 ||
	    automx2_list_unused(automx2, admin->memory, &unused, &n_unused, err) < 0)
		return -1;
	for (size_t i = 0; i < n_unused; i++)
		admin_warn(admin, "%s: %s is left out: no domain uses it", source, unused[i]);
	if (admin_begin(admin, err) < 0)
		return -1;
	for (group = groups; group; group = group->next) {
		struct draft *draft = &group->draft;

		/* All of its domains are left out, so that no domain would use it. */
		for (size_t i = 0; i < draft->notes.count && draft->domains.count == 0; i++)
			admin_warn(admin, "%s: %s", source, draft->notes.items[i]);
		if (draft->domains.count == 0)
			continue;
		draft_settle(draft);
		for (size_t i = 0; i < group->ldap.count; i++)
			draft_note(draft, "%s", group->ldap.items[i]);
		if (name_provider(groups, group, err) < 0 ||
		    draft_store(admin, arguments, source, draft, err) < 0)
			return -1;
	}
	if (count == 0)
		admin_warn(admin, "%s has no domains", source);
	return 0;
}

static const struct option options[] = {
	{ "replace", NULL, "change existing providers, and reassign domains of others" },
	{ "allow-plaintext", NULL, "accept services without encryption" },
	{ 0 },
};

const struct command import_from_automx2 = {
	.name = "import automx2",
	.arguments = "DATABASE",
	.summary = "Import the SQLite database of automx2",
	.details =
		"The database of automx2 is not changed. Domains of a provider that have the same\n"
		"servers share a provider. What cannot be imported, such as LDAP lookups, is left "
		"out\n"
		"with a warning.",
	.example = "mailconfctl import automx2 /var/lib/automx2/db.sqlite",
	.options = { options },
	.database = DATABASE_LATE_CHANGE,
	.file = FILE_SQLITE,
	.run = import_automx2,
};
