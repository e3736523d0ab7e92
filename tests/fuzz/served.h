#pragma once

/* A small database and the built-in templates, for entries that go through answer(). */

#include "answer/answer.h"

/* Made at the first call in a temporary directory, which is gone when the process ends. */
const struct context *served_context(void);
