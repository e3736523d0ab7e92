/* mailconfctl provider import: a provider from an autoconfig document. */

#include "admin/admin.h"
#include "admin/change.h"
#include "cli/command.h"
#include "cli/file-argument.h"
#include "cli/options.h"
#include "cli/provider-drafts.h"

#include "import/autoconfig-reader.h"
#include "import/download.h"
#include "import/provider-draft.h"
#include "mail/text.h"
#include "util/base.h"
#include "util/file.h"
#include "util/shell-words.h"

static const char *read_source(struct admin *admin, const struct arguments *arguments,
			       size_t *ret_size, struct error *err)
{
	struct input *input = &arguments->files->input;
	const char *source = arguments->words[0];
	struct bytes text = BYTES_IN(admin->memory);
	bool is_url = download_is_url(source);
	char part[65536];
	size_t size;

	if (admin->place && (is_url || text_equals(source, "-"))) {
		error_set(err, ERROR_INPUT,
			  "cannot import '%s' in a batch, because the database "
			  "is locked meanwhile",
			  source);
		error_hint(err, "save the document to a file, and import that");
		return NULL;
	}
	if (is_url)
		return download(admin->memory, source,
				option_is_given(arguments, "allow-plaintext"),
				option_value(arguments, "ca"), AUTOCONFIG_MAX_SIZE, ret_size, err);
	do {
		if (input_read(input, part, sizeof(part), &size, err) < 0)
			return NULL;
		if (size > AUTOCONFIG_MAX_SIZE - text.size) {
			error_set(err, ERROR_INPUT, "%s has more than %zu bytes", input->name,
				  AUTOCONFIG_MAX_SIZE);
			return NULL;
		}
		bytes_add(&text, part, size);
	} while (size > 0);
	*ret_size = text.size;
	return bytes_text(&text);
}

static int import_provider(struct admin *admin, const struct arguments *arguments,
			   struct error *err)
{
	const char *source = arguments->words[0], *name = option_value(arguments, "name"), *data;
	struct draft draft;
	size_t size = 0;

	data = read_source(admin, arguments, &size, err);
	if (!data)
		return -1;
	if (text_equals(source, "-"))
		source = "standard input";
	if (autoconfig_read(admin->memory, data, size, &draft, err) < 0 ||
	    (name && text_check("provider name", name, PROVIDER_NAME_MAX_LENGTH, err) < 0))
		return error_prefix(err, "%s", source);
	if (name)
		draft.provider.name = name;
	if (!draft.provider.name) {
		error_set(err, ERROR_INPUT, "%s: the document has no id to name the provider after",
			  source);
		return error_hint(err, "give --name NAME");
	}
	if (admin_begin(admin, err) < 0 || draft_store(admin, arguments, source, &draft, err) < 0)
		return -1;
	if (draft.domains.count == 0) {
		admin_warn(admin, "%s has no domains", source);
		admin_hint(admin, "add one with 'domain add DOMAIN --provider %s'",
			   word_in_sentence(admin->memory, draft.provider.name));
	}
	return 0;
}

static const struct option options[] = {
	{ "name", "NAME", "name of the provider (default: the document's id)" },
	{ "replace", NULL, "change an existing provider, and reassign domains of others" },
	{ "ca", "FILE", "trust the CAs in this PEM file (default: the system's)" },
	{ 0 },
};

static const struct option allow_options[] = {
	{ "allow-plaintext", NULL, "accept services without encryption, and an http URL" },
	{ 0 },
};

const struct command provider_import = {
	.name = "provider import",
	.arguments = "FILE|URL|-",
	.summary = "Import an autoconfig document: a provider with its domains",
	.details = "Reads versions 1.1 and 1.2. The provider is named after the document's id. "
		   "What a\n"
		   "provider cannot have is left out, each with a warning. - reads standard input.",
	.example = "mailconfctl provider import config-v1.1.xml\n"
		   "mailconfctl provider import --name uni --replace \\\n"
		   "        https://autoconfig.example.org/mail/config-v1.1.xml",
	.options = { options, allow_options },
	.database = DATABASE_LATE_CHANGE,
	.file = FILE_INPUT,
	.run = import_provider,
};
