#pragma once

#include "store/database.h"

/* The SQL of a statement. In memory. */
const char *statement_sql(struct arena *memory, enum statement statement);
