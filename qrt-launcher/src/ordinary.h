/* SPDX-License-Identifier: MIT */
/* Threads of the launcher's own that are time-shared, whatever who starts them is. */
#ifndef QRT_LAUNCHER_ORDINARY_H
#define QRT_LAUNCHER_ORDINARY_H

#include <pthread.h>

/* 0 or negative errno. thread NULL: it is detached. */
int ordinary_start(pthread_t *thread, void *(*run)(void *data), void *data);

#endif
