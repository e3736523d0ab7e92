#include "tls/certificate-list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "config/settings.h"
#include "tls/certificate-file.h"
#include "tls/certificates.h"
#include "tls/layout.h"
#include "util/account.h"
#include "util/arena.h"
#include "util/error.h"

/* What deserves the eye can be read in the list. */
static void ignore(const char *sentence, void *context)
{
}

int certificates_of_settings(struct admin *admin, struct loaded_certificates *loaded,
			     struct error *err)
{
	const struct words *globs = &admin->settings->tls.certificates;
	struct certificate_files files;
	int r = certificate_files_find(admin->memory, globs->items, globs->count, &files, err);

	if (r != 0)
		return r;
	loaded->files = arena_array(admin->memory, const char *, files.count);
	loaded->n_files = files.count;
	loaded->certificates = arena_array(admin->memory, struct certificate, loaded->n_files);
	loaded->of_file = arena_array(admin->memory, struct certificate *, loaded->n_files);
	loaded->problems = arena_array(admin->memory, const char *, loaded->n_files);
	for (size_t i = 0; i < loaded->n_files; i++) {
		struct certificate *certificate = &loaded->certificates[loaded->count];
		struct error why;

		loaded->files[i] = files.items[i].path;
		loaded->problems[i] = files.items[i].problem;
		if (loaded->problems[i])
			continue;
		if (certificate_file_load(admin->memory, loaded->files[i], ignore, NULL,
					  certificate, &why) < 0) {
			loaded->problems[i] = arena_strdup(admin->memory, why.text);
			continue;
		}
		loaded->of_file[i] = certificate;
		loaded->count++;
	}
	return 0;
}

void loaded_certificates_clear(struct loaded_certificates *loaded)
{
	for (size_t i = 0; i < loaded->count; i++)
		certificate_clear(&loaded->certificates[i]);
}

/* What the child writes for each file. */
enum { IS_READABLE = '+', HAS_UNREADABLE_CHAIN = 'c', HAS_UNREADABLE_KEY = 'k' };

struct reading {
	struct admin *admin;
	const struct loaded_certificates *loaded;
};

static int try_to_read(struct admin *admin, const struct certificate_files *found, const char *file)
{
	const struct certificate_file *item = certificate_files_get(found, file);
	struct certificate certificate;
	struct error ignored;

	if (!item || item->problem || eaccess(file, R_OK) < 0)
		return HAS_UNREADABLE_CHAIN;
	if (certificate_file_load(admin->memory, file, ignore, NULL, &certificate, &ignored) < 0)
		return HAS_UNREADABLE_KEY;
	certificate_clear(&certificate);
	return IS_READABLE;
}

/* In the child: finds and loads the files as the daemon does. */
static int write_readability(FILE *output, void *context, struct error *err)
{
	const struct reading *reading = context;
	const struct words *globs = &reading->admin->settings->tls.certificates;
	struct certificate_files found = { 0 };

	if (certificate_files_find(reading->admin->memory, globs->items, globs->count, &found,
				   err) < 0)
		return -1;
	for (size_t i = 0; i < reading->loaded->n_files; i++)
		putc(reading->loaded->of_file[i]
			     ? try_to_read(reading->admin, &found, reading->loaded->files[i])
			     : IS_READABLE,
		     output);
	return 0;
}

static const char *describe_unreadable(struct arena *memory, const char *file, int letter,
				       const struct account *account)
{
	const char *key_file = layout_key_of(memory, file);

	return arena_printf(memory,
			    "cannot read '%s' as user '%s': %s; give the daemon's user read "
			    "permission",
			    letter == HAS_UNREADABLE_KEY && key_file ? key_file : file,
			    account->name, strerror(EACCES));
}

static void leave_out(struct admin *admin, struct loaded_certificates *loaded, const char *letters,
		      const struct account *account)
{
	size_t kept = 0;

	for (size_t i = 0; i < loaded->n_files; i++) {
		struct certificate *certificate = loaded->of_file[i];

		if (!certificate)
			continue;
		if (letters[i] == IS_READABLE) {
			loaded->certificates[kept] = *certificate;
			loaded->of_file[i] = &loaded->certificates[kept++];
			continue;
		}
		loaded->problems[i] = describe_unreadable(admin->memory, loaded->files[i],
							  letters[i], account);
		loaded->of_file[i] = NULL;
		certificate_clear(certificate);
	}
	loaded->count = kept;
}

int certificates_leave_out_unreadable(struct admin *admin, struct loaded_certificates *loaded,
				      struct error *err)
{
	struct reading reading = { admin, loaded };
	struct account account;
	const char *letters;
	size_t size;

	if (geteuid() != 0 || !loaded->count)
		return 0;
	if (account_of_directory(admin->memory, admin->database, &account, err) < 0)
		return -1;
	if (account.uid == 0)
		return 0;
	letters = account_run(admin->memory, &account, write_readability, &reading, loaded->n_files,
			      &size, err);
	if (!letters)
		return -1;
	if (size != loaded->n_files)
		return error_set(err, ERROR_SYSTEM,
				 "the process that reads as user '%s' ended before it was done",
				 account.name);
	leave_out(admin, loaded, letters, &account);
	return 0;
}
