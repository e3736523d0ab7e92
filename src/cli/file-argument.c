#include "cli/file-argument.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "cli/options.h"
#include "import/download.h"
#include "store/automx2.h"
#include "store/store.h"
#include "util/account.h"
#include "util/arena.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/error.h"
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

/* Whether the file is where the account to be taken could lead root elsewhere. */
static bool is_late(struct cli *cli, const char *file, const struct account *future)
{
	struct account owner;
	struct error err;

	return future && future->uid != geteuid() &&
	       account_of_directory(cli->memory, file, &owner, &err) == 0 &&
	       owner.uid == future->uid;
}

static int copy_option_files(struct cli *cli, const struct arguments *arguments,
			     const struct account *future, struct error *err)
{
	for (size_t i = 0; i < arguments->n_options; i++) {
		struct given_option *given = &arguments->options[i];

		if (text_same(given->option->value, "FILE") &&
		    !is_late(cli, given->value, future) &&
		    copy_option_file(cli->memory, given, err) < 0)
			return -1;
	}
	return 0;
}

static int open_output(struct cli *cli, const struct arguments *arguments, struct error *err)
{
	const char *file = file_of(arguments);

	if (store_refuse_place(cli->database, file, err) < 0)
		return -1;
	return output_open(cli->memory, file, option_is_given(arguments, "force"),
			   &cli->files.output, err);
}

static int open_file(struct cli *cli, const struct arguments *arguments, struct error *err)
{
	if (arguments->command->file == FILE_OUTPUT)
		return open_output(cli, arguments, err);
	if (arguments->command->file == FILE_BACKUP &&
	    store_check_backup(file_of(arguments), err) < 0)
		return -1;
	return input_open(file_of(arguments), &cli->files.input, err);
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

/* What decides who may lead the file elsewhere: an input is what a link points to, but an output
 * takes the link's place. */
static const char *place_of(struct arena *memory, const struct arguments *arguments)
{
	const char *file = file_of(arguments), *slash = strrchr(file, '/');

	if (arguments->command->file != FILE_OUTPUT)
		return file;
	return slash ? arena_printf(memory, "%.*s/.", (int)(slash - file), file) : "./.";
}

static int open_early(struct cli *cli, const struct arguments *arguments,
		      const struct account *future, struct error *err)
{
	if (!has_file(arguments))
		return 0;
	cli->files.is_late = !text_equals(file_of(arguments), "-") &&
			     is_late(cli, place_of(cli->memory, arguments), future);
	if (cli->files.is_late)
		return 0;
	if (open_file(cli, arguments, err) < 0)
		return -1;
	return arguments->command->file == FILE_OUTPUT && future && future->uid != geteuid()
		       ? output_keep_rights(&cli->files.output, err)
		       : 0;
}

static int write_image(FILE *output, void *context, struct error *err)
{
	return automx2_write_image(context, output, err);
}

/* SQLite may have to recover it: with the rights of its owner, as for our own database. */
static int read_image(struct cli *cli, const char *file, struct error *err)
{
	struct account account;
	char *image = NULL;

	if (account_of_directory(cli->memory, file, &account, err) == 0)
		image = account_run(cli->memory, &account, write_image, (void *)file, IMAGE_MAX,
				    &cli->files.image_size, err);
	cli->files.image = image;
	return image ? 0 : -1;
}

int files_open(struct cli *cli, const struct arguments *arguments, const struct account *future,
	       struct error *err)
{
	cli->files = FILES_NONE;
	if (future && future->uid != geteuid() &&
	    copy_option_files(cli, arguments, future, err) < 0)
		return -1;
	if (arguments->command->file == FILE_SQLITE)
		return read_image(cli, file_of(arguments), err);
	return open_early(cli, arguments, future, err);
}

int files_open_late(struct cli *cli, const struct arguments *arguments, struct error *err)
{
	return cli->files.is_late ? open_file(cli, arguments, err) : 0;
}

void files_close(struct files *files)
{
	input_close(&files->input);
	output_close(&files->output);
}
