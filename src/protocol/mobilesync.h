#pragma once

#include "mail/profile.h"
#include "template/value.h"

/* The data of templates/mobilesync.xml. */
struct value mobilesync_view(struct arena *memory, const struct profile *profile);
