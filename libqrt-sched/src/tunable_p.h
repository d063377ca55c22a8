/* SPDX-License-Identifier: MIT */
#ifndef QRT_SCHED_TUNABLE_P_H
#define QRT_SCHED_TUNABLE_P_H

#include <qrt/shield.h>

/* One of qrt_sched_tunable_set() each; what was noted since saved's begin is undone by the caller. */
int qrt_sched_p_tunable_set_timers(const char *value, struct qrt_sched_saved *saved,
				   struct qrt_sched_error *reterr);
int qrt_sched_p_tunable_set_resctrl(const char *value, struct qrt_sched_saved *saved,
				    struct qrt_sched_error *reterr);

/* A decimal number. -EINVAL, with the reason. */
int qrt_sched_p_tunable_parse(const char *what, const char *value, long min, long max, long *ret_number,
			      struct qrt_sched_error *reterr);

#endif
