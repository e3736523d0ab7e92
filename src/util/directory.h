#pragma once

/* Directories that root uses by their path: no other user may be able to change its target. */

#include <sys/types.h>

#include "util/base.h"

/*
 * Opens the directory, for openat() and similar functions. Refuses it, with ERROR_CONFIG, if a user
 * other than root and ours can change what is in it or where the path leads. Missing directories
 * are created with the mode, whatever the umask; with 0 none is. (What is above the working
 * directory is not checked for a path that starts there.) Returns the descriptor, or -1 with err
 * set, in which the path is named.
 */
int directory_open_ours(const char *path, mode_t mode, struct error *err);

/*
 * Finds the user who controls the directory, for root to take the rights of: the owner of the first
 * directory on the path, links included, that is neither root's nor ours. Without one, root or our
 * user is the owner; a path that does not exist is followed as far as it does. Refuses a directory
 * of root's in which others can write. Returns 0, or -1 with err set.
 */
int directory_find_owner(const char *path, uid_t *ret_user, gid_t *ret_group, struct error *err);

/* Whether only root and our user can change what is in it. */
bool directory_is_ours(int fd);
