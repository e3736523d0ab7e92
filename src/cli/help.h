#pragma once

/* Help, made from the tables of commands: for the program, a family or one command. */

#include "util/base.h"

struct command_line;

void help_print(struct arena *memory, const struct command_line *line);
