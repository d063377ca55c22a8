/* SPDX-License-Identifier: MIT */
#ifndef QRT_LAUNCHER_SHIELD_SHOW_H
#define QRT_LAUNCHER_SHIELD_SHOW_H

#include "host.h"

#include <json-glib/json-glib.h>

/* Prints what shield is up; host NULL: none. An exit code. */
int shield_show(const struct host *host, bool json);
/* Prints one line where a shield is up, unless somebody is just changing it. */
void shield_mention(void);
/* What 'shield --json' says, freed by json_node_unref(); NULL while somebody is changing it. */
JsonNode *shield_describe(void);
/* Says on standard error for whom a shield stays up, where one does. */
void shield_say_holders(const struct host *host);

#endif
