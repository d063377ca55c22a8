/* SPDX-License-Identifier: MIT */
/* What programs of a guest publish beside its agent (<qrt/shmem_guest.h>). */
#ifndef QRT_LAUNCHER_AGENT_VALUES_H
#define QRT_LAUNCHER_AGENT_VALUES_H

#include <json-glib/json-glib.h>
#include <qrt/shmem_agent.h>
#include <stdbool.h>

/* "index", "name", "type", "turn", and "numbers", "text" or "base64" of each, as many as the layout has at
 * most. Whatever a guest writes there, it is JSON whose texts have no control characters but ends of lines.
 */
JsonArray *agent_values_list(const struct qrt_shmem_view *view, uint32_t slot);

#endif
