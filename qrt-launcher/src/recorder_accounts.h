/* SPDX-License-Identifier: MIT */
/* The kernel's accounts of a VM's threads, through descriptors that are kept. */
#ifndef QRT_LAUNCHER_RECORDER_ACCOUNTS_H
#define QRT_LAUNCHER_RECORDER_ACCOUNTS_H

#include "recorder_ring.h"

#include <qrt/sched.h>
#include <stdbool.h>

/* Who a thread is, also for a while after it ended. */
struct recorder_thread {
	int32_t tid;
	enum qrt_sched_role role;
	int32_t index;
	char name[32];      /* clean: it may be printed */
	uint64_t traced_ns; /* all its switches are recorded from then on, 0: they are not */
};

struct recorder_accounts;

struct recorder_accounts *recorder_accounts_new(void);
struct recorder_accounts *recorder_accounts_free(struct recorder_accounts *accounts);
/* Looks at a thread. True: something grew since the last look at it, or it starves, and ret_entry says what.
 */
bool recorder_accounts_look(struct recorder_accounts *accounts, const struct recorder_thread *thread,
			    struct recorder_entry *ret_entry);
/* After all were looked at: forgets those that ended at least keep_ns ago. */
void recorder_accounts_sweep(struct recorder_accounts *accounts, uint64_t keep_ns);
/* NULL: unknown. */
const struct recorder_thread *recorder_accounts_find(const struct recorder_accounts *accounts, int32_t tid);
void recorder_accounts_for_each(const struct recorder_accounts *accounts,
				void (*found)(const struct recorder_thread *thread, void *data), void *data);

#endif
