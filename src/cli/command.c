#include "cli/command.h"

const struct family *const families[] = {
	&family_provider, &family_service, &family_link,   &family_domain, &family_user,
	&family_batch,	  &family_import,  &family_export, &family_apply,  &family_backup,
	&family_restore,  &family_preview, &family_dns,	   &family_doctor, &family_certificate,
	&family_log_hash, &family_init,	   NULL,
};

const struct option if_exists_options[] = {
	{ "if-exists", NULL, "succeed if there is nothing to remove" },
	{ 0 },
};
