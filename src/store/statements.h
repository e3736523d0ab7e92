#pragma once

#include "store/database.h"

/* The SQL of each statement, by enum statement. */
extern const char *const statement_sql[STATEMENTS];
