/* SPDX-License-Identifier: MIT */
/* A server's control socket, as its readers have it. */
#ifndef QRT_SHMEM_CONTROL_H
#define QRT_SHMEM_CONTROL_H

#include "json_limit.h"

/* The report of a server whose first socket lies at `path`, which is the caller's. -ENOENT, -ECONNREFUSED,
 * -EACCES: none can be asked there; -ECONNRESET: it ended before it had answered; -ETIMEDOUT; -EBADMSG: what
 * answers is no control socket. */
int control_ask(const char *path, guint timeout_ms, JsonObject **ret_report);
/* The file of the holder of a server whose first socket lies at `path` is there. */
gboolean control_has_holder(const char *path);

#endif
