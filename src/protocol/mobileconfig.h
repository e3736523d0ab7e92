#pragma once

/* Apple's configuration profile: a property list that iPhones, iPads and Macs install. */

#include "protocol/xml.h"

/* What every property list of Apple's begins with. */
extern const struct xml_doctype mobileconfig_doctype;
