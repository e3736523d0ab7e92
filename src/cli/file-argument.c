#include "cli/file-argument.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "admin/admin.h"
#include "cli/command.h"
#include "cli/options.h"
#include "import/download.h"
#include "store/automx2.h"
#include "store/store.h"
#include "util/account.h"
#include "util/file.h"

/* Certificates of authorities. */
#define OPTION_FILE_MAX ((size_t)16 * 1024 * 1024)

/* A database of somebody else's, which is held in memory. */
#define IMAGE_MAX ((size_t)256 * 1024 * 1024)

static const char *file_of(const struct arguments *arguments)
{
	return arguments->count > 0 ? arguments->words[0] : "-";
}

/* A file in memory that its creator's successors can open by name. */
static int copy_option_file(struct arena *memory, struct given_option *given, struct error *err)
{
	size_t size;
	const char *data = file_read(memory, given->value, OPTION_FILE_MAX, &size, err);
	int fd;

	if (!data)
		return -1;
	fd = memfd_create(given->option->name, MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return error_set(err, ERROR_SYSTEM, "cannot copy '%s': %s", given->value,
				 strerror(errno));
	given->value = arena_printf(memory, "/proc/self/fd/%d", fd);
	return 0;
}

/* Whether the account to switch to, if any, could redirect root by a link to another file. */
static bool is_late(struct admin *admin, const char *file, const struct account *future)
{
	struct account owner;
	struct error err;

	return future && account_of_directory(admin->memory, file, &owner, &err) == 0 &&
	       owner.uid == future->uid;
}

static int open_file(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *file = file_of(arguments);

	if (arguments->command->file == FILE_OUTPUT)
		return store_refuse_place(admin->database, file, err) < 0
			       ? -1
			       : output_open(admin->memory, file,
					     option_is_given(arguments, "force"),
					     &arguments->files->output, err);
	if (arguments->command->file == FILE_BACKUP && store_check_backup(file, err) < 0)
		return -1;
	return input_open(file, &arguments->files->input, err);
}

static int write_image(FILE *output, void *context, struct error *err)
{
	return automx2_write_image(context, output, err);
}

/* SQLite may have to recover it: with the rights of its owner, as for our own database. */
static int read_image(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *file = file_of(arguments);
	struct account account;
	char *image = NULL;

	if (account_of_directory(admin->memory, file, &account, err) == 0)
		image = account_run(admin->memory, &account, write_image, (void *)file, IMAGE_MAX,
				    &arguments->files->image_size, err);
	arguments->files->image = image;
	return image ? 0 : -1;
}

int files_open(struct admin *admin, const struct arguments *arguments, const struct account *future,
	       struct error *err)
{
	const char *file = file_of(arguments), *slash = strrchr(file, '/'), *place = file;
	enum file_use use = arguments->command->file;
	bool is_standard = text_equals(file, "-");

	*arguments->files = FILES_NONE;
	if (future && future->uid == geteuid())
		future = NULL;
	for (size_t i = 0; i < arguments->n_options && future; i++) {
		struct given_option *given = &arguments->options[i];

		if (text_same(given->option->value, "FILE") &&
		    !is_late(admin, given->value, future) &&
		    copy_option_file(admin->memory, given, err) < 0)
			return -1;
	}
	if (use == FILE_SQLITE)
		return read_image(admin, arguments, err);
	if (use == FILE_NONE || (use == FILE_INPUT && download_is_url(file)) ||
	    (use == FILE_OUTPUT && is_standard))
		return 0;
	/* Whose owner can redirect root by a link: the target of a link for an input, but the
	 * directory for an output, which replaces the link. */
	if (use == FILE_OUTPUT)
		place = slash ? arena_printf(admin->memory, "%.*s/.", (int)(slash - file), file)
			      : "./.";
	arguments->files->is_late = !is_standard && is_late(admin, place, future);
	if (arguments->files->is_late)
		return 0;
	if (open_file(admin, arguments, err) < 0)
		return -1;
	return use == FILE_OUTPUT && future ? output_keep_rights(&arguments->files->output, err)
					    : 0;
}

int files_open_late(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	return arguments->files->is_late ? open_file(admin, arguments, err) : 0;
}

void files_close(struct files *files)
{
	input_close(&files->input);
	output_close(&files->output);
}
