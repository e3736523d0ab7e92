#pragma once

/*
 * What nearly every file uses: standard C, memory, bytes and text, errors, cleanup. Headers include
 * it instead of the parts, and a source file has it from its own header.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/bytes.h"
#include "util/cleanup.h"
#include "util/error.h"

/* How many elements an array has. */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))
