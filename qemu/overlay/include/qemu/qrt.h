/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU asks of the qrt libraries. Without them each of these is what was there before, or nothing. */
#ifndef QEMU_QRT_H
#define QEMU_QRT_H

#ifdef CONFIG_QRT_SCHED
#include <qrt/process.h>

#define qrt_thread_begin qrt_sched_process_begin_thread
#define qrt_mutex_init qrt_sched_process_init_mutex
#define qrt_mutex_destroy qrt_sched_process_destroy_mutex
#define qrt_mutex_lock(mutex) qrt_sched_process_lock_mutex(mutex, __builtin_return_address(0))
#define qrt_ppoll qrt_sched_process_poll
#define qrt_guest_begin qrt_sched_process_begin_guest
#define qrt_guest_end qrt_sched_process_end_guest

static inline int qrt_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    int rc;

    qrt_sched_process_begin_sleep(cond);
    rc = pthread_cond_wait(cond, mutex);
    qrt_sched_process_end_sleep();
    return rc;
}

static inline int qrt_cond_signalled(pthread_cond_t *cond, int rc)
{
    qrt_sched_process_signalled(cond);
    return rc;
}
#define qrt_cond_signal(cond) qrt_cond_signalled(cond, pthread_cond_signal(cond))
#define qrt_cond_broadcast(cond) qrt_cond_signalled(cond, pthread_cond_broadcast(cond))

/* Before the first mutex; each -rt; all are known; the process is the one that stays. */
#define qrt_rt_scan qrt_sched_process_inherit_by
void qrt_rt_option(const char *text);
void qrt_rt_start(const QDict *smp);
void qrt_rt_stay(void);
void hmp_rt_set(Monitor *mon, const QDict *qdict);
void hmp_info_rt(Monitor *mon, const QDict *qdict);
#else
#define qrt_thread_begin(name)
#define qrt_mutex_init pthread_mutex_init
#define qrt_mutex_destroy pthread_mutex_destroy
#define qrt_mutex_lock pthread_mutex_lock
#define qrt_cond_wait pthread_cond_wait
#define qrt_cond_signal pthread_cond_signal
#define qrt_cond_broadcast pthread_cond_broadcast
#define qrt_ppoll ppoll
#define qrt_guest_begin()
#define qrt_guest_end()
#define qrt_rt_scan(argc, argv)
#define qrt_rt_start(smp)
#define qrt_rt_stay()
#endif

#endif
