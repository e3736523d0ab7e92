#pragma once

/*
 * What the database holds, as the commands of this tool that make it: what 'export' writes, and
 * what 'apply' compares. Each is a line for 'batch', and says but what differs from the default.
 *
 * In this order they can be run one after the other, and none meets what is not there yet: first
 * providers, domains, aliases, users; then who moved, users before aliases before domains, for only
 * then no circle is seen half way that is none in the end.
 */

#include "mail/provider.h"
#include "util/string-list.h"

/* The commands of one thing are added to a list. */
void provider_commands(struct texts *commands, const struct provider *provider);
void domain_commands(struct texts *commands, const struct domain *domain);
void domain_move_commands(struct texts *commands, const struct domain *domain);
void user_commands(struct texts *commands, const struct user *user);
void user_move_commands(struct texts *commands, const struct user *user);
