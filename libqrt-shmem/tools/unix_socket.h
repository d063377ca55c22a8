/* SPDX-License-Identifier: MIT */
/* Sockets with a path, as the tool has them besides the library's. */
#ifndef QRT_SHMEM_UNIX_SOCKET_H
#define QRT_SHMEM_UNIX_SOCKET_H

#include <glib.h>

#define UNIX_SOCKET_PATH_MAX 107 /* characters, of struct sockaddr_un */

/* A connection, or negative errno. `type`: SOCK_STREAM and its like. */
int unix_socket_connect(const char *path, int type);
/* One that listens, for its owner alone; what lies there and is a socket that nobody listens to is replaced.
 * Negative errno; -EADDRINUSE: something else lies there. */
int unix_socket_listen(const char *path, int type);
/* Removes those that are sockets to which nobody listens any more. */
void unix_socket_remove_left(const GPtrArray *paths, int type);
/* Removes the file if it is a socket. */
void unix_socket_remove(const char *path);

#endif
