/* SPDX-License-Identifier: MIT */
/*
 * libqrt-sched: a record of waits for mutexes, in shared memory.
 *
 * One supervisor owns a recorder and hands its descriptor to a process (inherited, its number in
 * QRT_SCHED_RECORD); the preload library in that process writes a record for each wait for a mutex
 * that took longer than the threshold. Writers never wait for the reader: what was overwritten
 * before it was read is counted as lost. The process is not trusted: whatever it writes, the
 * reader stays within its own bounds and returns.
 *
 * Conventions as in <qrt/sched.h>.
 */
#ifndef QRT_SCHED_RECORD_H
#define QRT_SCHED_RECORD_H

#include <qrt/sched.h>

#ifdef __cplusplus
extern "C" {
#endif

struct qrt_sched_recorder;

/* One wait of a thread for a mutex. */
struct qrt_sched_record {
	uint64_t start_ns; /* CLOCK_MONOTONIC, when the wait began */
	uint64_t wait_ns;  /* how long it took */
	uint64_t mutex;    /* address in the recorded process */
	uint64_t caller;   /* return address of the lock call */
	int32_t tid;       /* who waited */
	int32_t owner;     /* who held it when the wait began, 0 where unknown */
};

/* Makes a recorder with room for `records` (a power of two, 64..65536). [setup] */
QRT_SCHED_API int qrt_sched_recorder_new(uint32_t records, struct qrt_sched_recorder **ret_recorder);
/* The same one by a descriptor (dup'ed). -EINVAL where it is none. [setup] */
QRT_SCHED_API int qrt_sched_recorder_open(int fd, struct qrt_sched_recorder **ret_recorder);
QRT_SCHED_API struct qrt_sched_recorder *qrt_sched_recorder_close(struct qrt_sched_recorder *recorder);
/* The descriptor of the memory, CLOEXEC, the recorder's own. [rt] */
QRT_SCHED_API int qrt_sched_recorder_get_fd(const struct qrt_sched_recorder *recorder);
/* Waits from this length on are recorded; 0: none (as it starts). [rt] */
QRT_SCHED_API int qrt_sched_recorder_set_threshold(struct qrt_sched_recorder *recorder, uint64_t wait_ns);
/* Takes up to max records that were not read yet by this handle. Returns how many; *ret_lost is how
 * many were overwritten unread since the last call. [rt] */
QRT_SCHED_API int qrt_sched_recorder_read(struct qrt_sched_recorder *recorder,
					  struct qrt_sched_record *ret_records, size_t max,
					  uint64_t *ret_lost);
/* The writer's side; any thread, async-signal-safe. Does nothing below the threshold. [rt] */
QRT_SCHED_API void qrt_sched_recorder_write(struct qrt_sched_recorder *recorder,
					    const struct qrt_sched_record *record);
/* The threshold in force, 0: off. One load. [rt] */
QRT_SCHED_API uint64_t qrt_sched_recorder_get_threshold(const struct qrt_sched_recorder *recorder);

#ifdef __cplusplus
}
#endif

#endif /* QRT_SCHED_RECORD_H */
