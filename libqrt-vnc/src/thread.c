/* SPDX-License-Identifier: MIT */
#include "thread_p.h"

#include "threads_p.h"

QRT_P_DEFINE_THREADS(qrt_vnc_p_threads_take, struct qrt_vnc_thread_operations, struct qrt_vnc_thread)
