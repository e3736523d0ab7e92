#pragma once

/*
 * The file that a command has as its first argument. The framework opens it before it gives up
 * root's rights, because the database's owner may not be able to; but after that where the owner
 * controls its directory, because root must not follow a link there.
 */

#include "util/base.h"
#include "util/file.h"

struct account;
struct arguments;
struct admin;

/* As the command's table entry says: one of these is set. */
struct files {
	struct input input;   /* FILE_INPUT, FILE_BACKUP */
	struct output output; /* FILE_OUTPUT; its path is NULL for standard output */
	const char *image;    /* FILE_SQLITE: the bytes of the database; in memory */
	size_t image_size;
	bool is_late; /* files_open_late() opens it */
};

#define FILES_NONE ((struct files){ .input = INPUT_NULL, .output = OUTPUT_NULL })

/* Opens arguments->files. Where the rights of another account will be taken, options that name a
 * file get the name of a copy that it can read, unless it controls their directory. Returns 0 or -1
 * with err set; files_close() follows. */
int files_open(struct admin *admin, const struct arguments *arguments, const struct account *future,
	       struct error *err);

/* Opens what belongs to the account whose rights have been taken by now. Returns 0 or -1 with err
 * set. */
int files_open_late(struct admin *admin, const struct arguments *arguments, struct error *err);

/* Removes an output that was not committed. */
void files_close(struct files *files);
