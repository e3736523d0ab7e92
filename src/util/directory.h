#pragma once

/*
 * Directories that root opens though another user may write in them, or in one above: what that
 * user puts there must not lead root elsewhere.
 */

#include <stdbool.h>
#include <sys/types.h>

struct error;

/*
 * Opens the directory, for openat() and its kin. A link on the way is followed only where nobody
 * but root and our user could have put it there. What is missing is made with the mode, whatever
 * the umask; with 0 nothing is.
 * Returns the descriptor, or -1 with err set, in which the path is named.
 */
int directory_open(const char *path, mode_t mode, struct error *err);

/*
 * The same, for a directory that programs are to use by its path: refuses it, with ERROR_CONFIG,
 * where another user can change what is in it or lead the path elsewhere. (Not looked at is what is
 * above the working directory, where the path starts there.)
 */
int directory_open_ours(const char *path, mode_t mode, struct error *err);

/* Whether nobody but root and our user can change what is in it. */
bool directory_is_ours(int fd);
