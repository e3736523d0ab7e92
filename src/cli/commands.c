#include "cli/command.h"

const struct family *const families[] = {
};

const struct option if_exists_options[] = {
	{ "if-exists", NULL, "succeed where there is nothing to remove" },
	{ 0 },
};
