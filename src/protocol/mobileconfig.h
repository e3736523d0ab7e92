#pragma once

/* Apple's configuration profile: a property list that iPhones, iPads and Macs install. */

#include "protocol/protocol.h"
#include "protocol/xml.h"
#include "template/value.h"

/* What every property list of Apple's begins with. */
extern const struct xml_doctype mobileconfig_doctype;

struct question mobileconfig_parse(struct arena *memory, const struct request *request);

/* The data of templates/mobileconfig.plist, with identifiers that are made up. */
struct value mobileconfig_sample_view(struct arena *memory, const struct profile *profile);
