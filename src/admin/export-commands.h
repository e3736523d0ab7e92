#pragma once

/*
 * Rows of the database as the commands that create them: 'export' writes them, and 'apply' compares
 * them. Each is a line for 'batch', with only those options that differ from the default.
 *
 * In this order none refers to a row that a later one adds: providers, domains, aliases, users;
 * then
 * --moved-to of users, aliases and domains, because another order may have a temporary loop.
 */

#include "mail/provider.h"
#include "util/string-list.h"

/* Add the commands of one row to the list. */
void provider_commands(struct texts *commands, const struct provider *provider);
void domain_commands(struct texts *commands, const struct domain *domain);
void domain_move_commands(struct texts *commands, const struct domain *domain);
void user_commands(struct texts *commands, const struct user *user);
void user_move_commands(struct texts *commands, const struct user *user);
