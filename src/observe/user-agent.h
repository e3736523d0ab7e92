#pragma once

/* The kind of client program, for logs and metrics. No response depends on it. */

#include "util/base.h"

/* As many kinds as there are rows in the table of user-agent.c; a kind is an index into it. */
typedef unsigned char user_agent_t;

#define USER_AGENTS_MAX 64

/* Of a User-Agent field (RFC 9110 10.1.5), which may be NULL. */
user_agent_t user_agent_find(const char *user_agent);

/* "thunderbird"; "none" where nothing was said, "other" for what is not in the table. */
const char *user_agent_name(user_agent_t agent);
size_t user_agents_count(void); /* no more than USER_AGENTS_MAX */
