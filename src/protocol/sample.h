#pragma once

/* Profiles to try a template with when it is loaded. */

#include "mail/profile.h"

/* Everything that a profile can have. */
extern const struct profile sample_full;

/* As little as a document is ever made of: no address, no names, one service of each kind. */
extern const struct profile sample_bare;
