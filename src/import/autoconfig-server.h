#pragma once

/* The servers of an autoconfig document. */

#include "util/base.h"

struct draft;
struct xml_element;

/* Adds the service of a server to the draft, or notes why not. Returns whether the element is a
 * server. */
bool autoconfig_read_server(struct draft *draft, const struct xml_element *element);
