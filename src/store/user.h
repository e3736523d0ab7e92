#pragma once

#include "store/database.h"

/* The row that FIND_USERS or LIST_USERS... stands on; strings are copied to memory. */
struct user user_from_row(struct arena *memory, sqlite3_stmt *query);
