
#include "admin/admin.h"
#include "cli/command.h"
#include "cli/entry.h"
#include "cli/options.h"
#include "mail/address.h"
#include "observe/access-log.h"
#include "store/store.h"
#include "util/base.h"
#include "util/digest.h"

static int show_hash(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	struct digest_key key;
	struct address address;
	const char *hash;

	if (address_parse(admin->memory, arguments->words[0], &address, err) < 0 ||
	    store_secret(admin->store, &key, err) != 0)
		return -1;
	hash = access_log_hash(admin->memory, &key, address.text);
	if (arguments->is_json)
		entry_print(entry_of_texts("address", address.text, "hash", hash), true);
	else
		puts(hash);
	return 0;
}

const struct command command_log_hash = {
	.name = "log-hash",
	.arguments = "ADDRESS",
	.summary = "Show the hash of an address in the log",
	.details = "With addresses = hash in [log], log lines have this value instead of the "
		   "address. It\n"
		   "is the same for every request with this address, and differs between "
		   "installations.",
	.example = "mailconfctl log-hash first.last@example.org",
	.database = DATABASE_READ,
	.run = show_hash,
};
