/* SPDX-License-Identifier: MIT */
/* Threads of the default policy, for who does not bring thread operations of its own. */
#ifndef QRT_THREAD_P_H
#define QRT_THREAD_P_H

#include <errno.h>
#include <stdint.h>

#include "struct_p.h"

/* One that takes no signals; what is to be joined in *ret_thread. A negative errno. */
int qrt_p_thread_start(void *(*run)(void *), void *argument, uint64_t stack_bytes, void **ret_thread);
void qrt_p_thread_join(void *thread);

/* What takes a library's own thread operations, which are `type` and start a `thread_type`, and fills in the
 * default: as the library's header declares it. */
#define QRT_P_DEFINE_THREADS(function, type, thread_type)                                                    \
	static int create_plain(void *data, const thread_type *wanted, void **ret_thread)                    \
	{                                                                                                    \
		(void)data;                                                                                  \
		return qrt_p_thread_start(wanted->run, wanted->argument, wanted->stack_bytes, ret_thread);   \
	}                                                                                                    \
                                                                                                             \
	static void join_plain(void *data, void *handle)                                                     \
	{                                                                                                    \
		(void)data;                                                                                  \
		qrt_p_thread_join(handle);                                                                   \
	}                                                                                                    \
                                                                                                             \
	int function(type *own, const type *threads)                                                         \
	{                                                                                                    \
		const type plain = {.size = sizeof(plain), .create = create_plain, .join = join_plain};      \
		int rc;                                                                                      \
                                                                                                             \
		if (!threads) {                                                                              \
			*own = plain;                                                                        \
			return 0;                                                                            \
		}                                                                                            \
		rc = qrt_p_struct_take(own, sizeof(*own), threads);                                          \
		if (rc >= 0 && (!own->create || !own->join || own->reserved))                                \
			rc = -EINVAL;                                                                        \
		return rc;                                                                                   \
	}

#endif
