#pragma once

#include "mail/profile.h"
#include "template/value.h"

/* The data of templates/outlook.xml. */
struct value outlook_view(struct arena *memory, const struct profile *profile);
