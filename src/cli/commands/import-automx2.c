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
} server_types[] = {
	{ "imap", SERVICE_IMAP },
	{ "pop", SERVICE_POP3 },
	{ "smtp", SERVICE_SUBMISSION },
}, dav_types[] = {
	{ "caldav", SERVICE_CALDAV },
	{ "carddav", SERVICE_CARDDAV },
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

/* An LDAP host where automx2 looks up the logins of some domains. */
struct ldap_host {
	const char *host, *first_domain;
	size_t n_domains;
	struct ldap_host *next;
};

/* What becomes one provider: domains of one provider there, with the same servers. */
struct automx2_group {
	int64_t provider;
	const char *name, *servers;
	struct draft draft;
	struct ldap_host *ldap;
	struct automx2_group *next;
};

static int reject_unknown(struct error *err, const char *what, const char *word)
{
	return error_set(err, ERROR_INPUT, "mailconfd does not support the %s '%s'", what, word);
}

static int parse_kind(const struct automx2_server *server, enum service_kind *ret_kind,
		      struct error *err)
{
	for (size_t i = 0; i < sizeof(server_types) / sizeof(*server_types); i++)
		if (text_equals_ignoring_case(server_types[i].type, server->type)) {
			*ret_kind = server_types[i].kind;
			return 0;
		}
	return reject_unknown(err, "server type", server->type);
}

static int parse_security(const struct automx2_server *server, enum service_security *ret_security,
			  struct error *err)
{
	for (size_t i = 0; i < sizeof(socket_types) / sizeof(*socket_types); i++)
		if (text_equals_ignoring_case(socket_types[i].socket_type, server->socket_type)) {
			*ret_security = socket_types[i].security;
			return 0;
		}
	return reject_unknown(err, "socket type", server->socket_type);
}

static int service_from_server(struct draft *draft, const struct automx2_server *server,
			       struct service *service, struct error *err)
{
	bool is_plain = text_equals_ignoring_case(server->authentication, "plain");
	const char *authentication = is_plain ? authentication_name(AUTHENTICATION_DEFAULT)
					      : server->authentication;
	enum service_security security = SECURITY_PLAIN;
	enum service_kind kind = SERVICE_IMAP;

	if (parse_kind(server, &kind, err) < 0 || parse_security(server, &security, err) < 0 ||
	    draft_host_service(draft, kind, security, server->name, server->port, service, err) < 0)
		return -1;
	if (service_parse_authentications(draft->memory, authentication, service, err) < 0)
		return reject_unknown(err, "authentication", server->authentication);
	return 0;
}

/* "https://dav.example.org/path" with port 8443 inserted. Without a scheme, use_ssl decides. */
static const char *dav_url(struct arena *memory, const struct automx2_dav_server *server)
{
	const char *url = server->url, *authority;
	size_t length;

	if (!strstr(url, "://"))
		url = arena_printf(memory, "%s://%s", server->uses_tls ? "https" : "http", url);
	authority = strstr(url, "://") + strlen("://");
	length = strcspn(authority, "/?#");
	if (text_equals(server->port, "0") || memchr(authority, ':', length))
		return url;
	return arena_printf(memory, "%.*s:%s%s", (int)(authority + length - url), url, server->port,
			    authority + length);
}

static int service_from_dav_server(struct draft *draft, const struct automx2_dav_server *server,
				   struct service *service, struct error *err)
{
	for (size_t i = 0; i < sizeof(dav_types) / sizeof(*dav_types); i++)
		if (text_equals_ignoring_case(dav_types[i].type, server->type))
			return draft_url_service(draft, dav_types[i].kind,
						 dav_url(draft->memory, server), service, err);
	return reject_unknown(err, "server type", server->type);
}

static int add_servers(struct automx2 *automx2, struct draft *draft, int64_t domain,
		       struct error *err)
{
	struct automx2_server *servers;
	size_t count;

	if (automx2_list_servers(automx2, draft->memory, domain, &servers, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct service service;
		struct error reason;

		if (service_from_server(draft, &servers[i], &service, &reason) < 0)
			draft_note(draft, "the %s server '%s' is left out: %s", servers[i].type,
				   servers[i].name, reason.text);
		else
			draft_add_service(draft, &service, servers[i].user_name);
	}
	return 0;
}

static int add_dav_servers(struct automx2 *automx2, struct draft *draft, int64_t domain,
			   struct error *err)
{
	struct automx2_dav_server *servers;
	size_t count;

	if (automx2_list_dav_servers(automx2, draft->memory, domain, &servers, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct service service;
		struct error reason;

		if (service_from_dav_server(draft, &servers[i], &service, &reason) < 0)
			draft_note(draft, "the %s server '%s' is left out: %s", servers[i].type,
				   servers[i].url, reason.text);
		else
			draft_add_service(draft, &service, servers[i].user_name);
	}
	return 0;
}

static int group_new(struct automx2 *automx2, struct arena *memory,
		     const struct automx2_domain *domain, struct automx2_group **ret_group,
		     struct error *err)
{
	struct automx2_group *group = arena_new(memory, struct automx2_group);
	struct draft *draft = &group->draft;

	group->provider = domain->provider;
	group->servers = domain->servers;
	group->name = *domain->provider_short_name ? domain->provider_short_name
						   : domain->provider_name;
	draft_init(draft, memory);
	draft_set_display_name(draft, domain->provider_name);
	if (*domain->provider_short_name)
		draft_set_short_name(draft, domain->provider_short_name);
	if (add_servers(automx2, draft, domain->id, err) < 0 ||
	    add_dav_servers(automx2, draft, domain->id, err) < 0)
		return -1;
	*ret_group = group;
	return 0;
}

static void add_ldap(struct automx2_group *group, const struct automx2_domain *domain)
{
	struct ldap_host **link = &group->ldap;

	while (*link && !text_equals((*link)->host, domain->ldap))
		link = &(*link)->next;
	if (!*link) {
		*link = arena_new(group->draft.memory, struct ldap_host);
		(*link)->host = domain->ldap;
		(*link)->first_domain = domain->name;
	}
	(*link)->n_domains++;
}

static void note_ldap(struct automx2_group *group)
{
	struct arena *memory = group->draft.memory;

	for (const struct ldap_host *ldap = group->ldap; ldap; ldap = ldap->next)
		draft_note(&group->draft,
			   "automx2 looks up the logins of '%s'%s in LDAP at '%s', which mailconfd "
			   "cannot: logins that differ from the provider's pattern need a user",
			   ldap->first_domain,
			   ldap->n_domains > 1 ? arena_printf(memory, " and %zu more domain%s",
							      ldap->n_domains - 1,
							      ldap->n_domains > 2 ? "s" : "")
					       : "",
			   ldap->host);
}

/* The groups in the order of their first domains. */
static int group_domains(struct automx2 *automx2, struct admin *admin, const char *source,
			 const struct automx2_domain *domains, size_t count,
			 struct automx2_group **ret_groups, struct error *err)
{
	struct automx2_group **link;

	*ret_groups = NULL;
	for (size_t i = 0; i < count; i++) {
		if (!domains[i].provider_name) {
			admin_warn(admin, "%s: domain '%s' is left out: it has no provider", source,
				   domains[i].name);
			continue;
		}
		for (link = ret_groups; *link; link = &(*link)->next)
			if ((*link)->provider == domains[i].provider &&
			    text_equals((*link)->servers, domains[i].servers))
				break;
		if (!*link && group_new(automx2, admin->memory, &domains[i], link, err) < 0)
			return -1;
		draft_add_domain(&(*link)->draft, domains[i].name);
		if (domains[i].ldap)
			add_ldap(*link, &domains[i]);
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

static int warn_of_unused(struct automx2 *automx2, struct admin *admin, const char *source,
			  struct error *err)
{
	const char **words;
	size_t count;

	if (automx2_list_unused(automx2, admin->memory, &words, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		admin_warn(admin, "%s: %s is left out: no domain uses it", source, words[i]);
	return 0;
}

/* Whether all of its domains are left out, so that no domain would use it. */
static bool has_no_domains(struct admin *admin, const struct automx2_group *group,
			   const char *source)
{
	if (group->draft.domains.count > 0)
		return false;
	for (size_t i = 0; i < group->draft.notes.count; i++)
		admin_warn(admin, "%s: %s", source, group->draft.notes.items[i]);
	return true;
}

static int import_automx2(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	_cleanup_(automx2_closep) struct automx2 *automx2 = NULL;
	const char *source = arguments->words[0];
	struct automx2_domain *domains;
	struct automx2_group *groups, *group;
	size_t count;

	if (automx2_open(source, arguments->files->image, arguments->files->image_size, &automx2,
			 err) < 0 ||
	    automx2_list_domains(automx2, admin->memory, &domains, &count, err) < 0 ||
	    group_domains(automx2, admin, source, domains, count, &groups, err) < 0 ||
	    warn_of_unused(automx2, admin, source, err) < 0 || admin_begin(admin, err) < 0)
		return -1;
	for (group = groups; group; group = group->next) {
		if (has_no_domains(admin, group, source))
			continue;
		draft_settle(&group->draft);
		note_ldap(group);
		if (name_provider(groups, group, err) < 0 ||
		    draft_store(admin, arguments, source, &group->draft, err) < 0)
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

static const struct command command_automx2 = {
	.family = "import",
	.verb = "automx2",
	.arguments = "DATABASE",
	.summary = "Import the SQLite database of automx2",
	.details = "The database is only read. Domains of a provider that have the same servers "
		   "share\na provider here. What cannot be imported, such as LDAP lookups, is left "
		   "out "
		   "with a\nwarning.",
	.example = "mailconfctl import automx2 /var/lib/automx2/db.sqlite",
	.options = { options },
	.database = DATABASE_LATE_CHANGE,
	.file = FILE_SQLITE,
	.run = import_automx2,
};

const struct family family_import = {
	.name = "import",
	.title = "Import: from other servers",
	.commands = (const struct command *const[]){ &command_automx2, NULL },
};
