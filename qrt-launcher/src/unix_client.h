/* SPDX-License-Identifier: MIT */
#ifndef QRT_LAUNCHER_UNIX_CLIENT_H
#define QRT_LAUNCHER_UNIX_CLIENT_H

#include <glib.h>

/* Connects to a socket of the file system, as long as until `deadline` (g_get_monotonic_time()). A descriptor
 * that does not block, or a negative errno: -ENAMETOOLONG; -ETIMEDOUT where who listens does not accept. */
int unix_client_connect(const char *path, gint64 deadline);

#endif
