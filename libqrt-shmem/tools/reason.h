/* SPDX-License-Identifier: MIT */
/* Why a server's socket lets nobody in, as far as its control socket can tell. */
#ifndef QRT_SHMEM_REASON_H
#define QRT_SHMEM_REASON_H

#include <glib.h>

/* Of one that ended the connection. NULL: nothing is known. */
char *reason_of_refusal(const char *path);
/* Of one that says nothing. Never NULL. */
char *reason_of_silence(const char *path);

#endif
