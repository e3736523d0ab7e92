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

/* Whether the account to switch to could redirect root by a link to another file. */
static bool is_late(struct admin *admin, const char *file, const struct account *future)
{
	struct account owner;
	struct error err;

	return future && future->uid != geteuid() &&
	       account_of_directory(admin->memory, file, &owner, &err) == 0 &&
	       owner.uid == future->uid;
}

static int copy_option_files(struct admin *admin, const struct arguments *arguments,
			     const struct account *future, struct error *err)
{
	for (size_t i = 0; i < arguments->n_options; i++) {
		struct given_option *given = &arguments->options[i];

		if (text_same(given->option->value, "FILE") &&
		    !is_late(admin, given->value, future) &&
		    copy_option_file(admin->memory, given, err) < 0)
			return -1;
	}
	return 0;
}

static int open_output(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	const char *file = file_of(arguments);

	if (store_refuse_place(admin->database, file, err) < 0)
		return -1;
	return output_open(admin->memory, file, option_is_given(arguments, "force"),
			   &arguments->files->output, err);
}

static int open_file(struct admin *admin, const struct arguments *arguments, struct error *err)
{
	if (arguments->command->file == FILE_OUTPUT)
		return open_output(admin, arguments, err);
	if (arguments->command->file == FILE_BACKUP &&
	    store_check_backup(file_of(arguments), err) < 0)
		return -1;
	return input_open(file_of(arguments), &arguments->files->input, err);
}

/* What the framework does not open: an output of "-" is standard output. */
static bool has_file(const struct arguments *arguments)
{
	const char *file = file_of(arguments);

	switch (arguments->command->file) {
	case FILE_INPUT:
		return !download_is_url(file);
	case FILE_BACKUP:
		return true;
	case FILE_OUTPUT:
		return !text_equals(file, "-");
	default:
		return false;
	}
}

/* Whose owner can redirect root by a link: the target of a link for an input, but the directory for
 * an output, which replaces the link. */
static const char *place_of(struct arena *memory, const struct arguments *arguments)
{
	const char *file = file_of(arguments), *slash = strrchr(file, '/');

	if (arguments->command->file != FILE_OUTPUT)
		return file;
	return slash ? arena_printf(memory, "%.*s/.", (int)(slash - file), file) : "./.";
}

static int open_early(struct admin *admin, const struct arguments *arguments,
		      const struct account *future, struct error *err)
{
	if (!has_file(arguments))
		return 0;
	arguments->files->is_late = !text_equals(file_of(arguments), "-") &&
				    is_late(admin, place_of(admin->memory, arguments), future);
	if (arguments->files->is_late)
		return 0;
	if (open_file(admin, arguments, err) < 0)
		return -1;
	return arguments->command->file == FILE_OUTPUT && future && future->uid != geteuid()
		       ? output_keep_rights(&arguments->files->output, err)
		       : 0;
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
	*arguments->files = FILES_NONE;
	if (future && future->uid != geteuid() &&
	    copy_option_files(admin, arguments, future, err) < 0)
		return -1;
	if (arguments->command->file == FILE_SQLITE)
		return read_image(admin, arguments, err);
	return open_early(admin, arguments, future, err);
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
