/* SPDX-License-Identifier: MIT */
/*
 * Task switches on the CPUs of a VM's real-time threads: the kernel writes them into rings and overwrites the
 * oldest; they are read when somebody wants to know. They tell of single wake-ups, and who of the whole host
 * ran instead.
 */
#ifndef QRT_LAUNCHER_RECORDER_TRACE_H
#define QRT_LAUNCHER_RECORDER_TRACE_H

#include "blame_copy.h"
#include "watch.h"

#define RECORDER_TRACE_MOST 20000u /* switches a second on a CPU */

struct recorder_trace;

struct recorder_trace *recorder_trace_new(void);
struct recorder_trace *recorder_trace_free(struct recorder_trace *trace);
/* Once a second: records on the CPUs that these threads' plan gives them now, the vCPUs first, where they are
 * few. Where one of them switches so often that it would cost too much it stops for a while. What that takes
 * of the kernel comes on a thread: it is under way then. */
void recorder_trace_follow(struct recorder_trace *trace, const struct watch *watch);
/* At each look: what was under way and has come is in force. Never waits. */
void recorder_trace_take(struct recorder_trace *trace);
/* Whether all switches of a thread are seen. */
bool recorder_trace_sees(const struct recorder_trace *trace, const struct watched *watched);
/* Why it does not record, a negative errno: -EACCES, ...; -EBUSY: too many switches; -EINPROGRESS: it is
 * about to; 0: it does, or no thread has CPUs of its own. */
int recorder_trace_get_error(const struct recorder_trace *trace);
/* What there is, freed by blame_copy_free(). NULL: it does not record. */
struct blame_copy *recorder_trace_copy(const struct recorder_trace *trace);
/* Whether the plan makes a thread real-time. */
bool recorder_trace_is_urgent(const struct qrt_sched_setting *planned);

#endif
