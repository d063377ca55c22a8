/* SPDX-License-Identifier: MIT */
#ifndef QRT_VNC_THREADS_P_H
#define QRT_VNC_THREADS_P_H

#include <qrt/vnc.h>

/* Whether `threads`, which may be NULL, can be used; fills in the default. */
int qrt_vnc_p_threads_take(struct qrt_vnc_thread_operations *own,
			   const struct qrt_vnc_thread_operations *threads);

#endif
