#pragma once

/* Files for data that does not fit into memory, without a name that could be left behind. */

#include "util/base.h"

/* Opens one in the directory $SQLITE_TMPDIR or $TMPDIR (default: /var/tmp), for writing and
 * reading. Returns NULL with err set if that fails. */
FILE *temporary_file_open(struct error *err);

/* Sets err to the failure in errno of using such a file. Returns -1. */
int temporary_file_fail(struct error *err);
