#pragma once

#include "store/database.h"

/* The row of TABLE_USER that FIND_USERS or LIST_USERS... stands on. */
struct user user_read(struct row *row);
