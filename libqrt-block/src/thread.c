/* SPDX-License-Identifier: MIT */
#include "pool_p.h"
#include "thread_p.h"

QRT_P_DEFINE_THREADS(qrt_block_p_threads_take, struct qrt_block_thread_operations, struct qrt_block_thread)
