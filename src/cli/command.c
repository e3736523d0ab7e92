#include "cli/command.h"

#define COMMANDS(...) ((const struct command *const[]){ __VA_ARGS__, NULL })

const struct family families[] = {
	{ "provider", "Providers: named sets of services, with texts and a login pattern",
	  COMMANDS(&provider_add, &provider_set, &provider_list, &provider_show, &provider_remove,
		   &provider_import) },
	{ "service", "Services: the servers that clients of a provider use",
	  COMMANDS(&service_add, &service_set, &service_list, &service_remove) },
	{ "link", "Links: web pages that clients show to users",
	  COMMANDS(&link_add, &link_set, &link_list, &link_remove) },
	{ "domain", "Domains: the mail domains that mailconfd serves",
	  COMMANDS(&domain_add, &domain_set, &domain_list, &domain_show, &domain_remove,
		   &domain_enable, &domain_disable, &domain_import, &domain_export) },
	{ "user", "Users: addresses and their logins",
	  COMMANDS(&user_add, &user_set, &user_show, &user_list, &user_remove, &user_rename_login,
		   &user_import, &user_export) },
	{ "batch", "Batch: many commands at once", COMMANDS(&command_batch) },
	{ "import", "Import: from other servers", COMMANDS(&import_from_automx2) },
	{ "export", "The whole database", COMMANDS(&command_export) },
	{ "apply", "The whole database", COMMANDS(&command_apply) },
	{ "backup", "The whole database", COMMANDS(&command_backup) },
	{ "restore", "The whole database", COMMANDS(&command_restore) },
	{ "preview", "What clients get", COMMANDS(&command_preview) },
	{ "dns", "DNS records", COMMANDS(&command_dns) },
	{ "doctor", "Checks from outside", COMMANDS(&command_doctor) },
	{ "certificate", "Certificates",
	  COMMANDS(&certificate_list, &certificate_request, &certificate_renew,
		   &certificate_prune) },
	{ "log-hash", "The log", COMMANDS(&command_log_hash) },
	{ "init", "Database", COMMANDS(&command_init) },
	{ 0 },
};

const struct option if_exists_options[] = {
	{ "if-exists", NULL, "succeed if there is nothing to remove" },
	{ 0 },
};

const char *command_verb(const struct command *command)
{
	const char *space = strchr(command->name, ' ');

	return space ? space + 1 : NULL;
}
