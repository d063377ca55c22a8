/* SPDX-License-Identifier: MIT */
/*
 * Preempt lock around device emulation: a vCPU's thread holds it from the return of ioctl(KVM_RUN) to the
 * next call, and not while it sleeps. What the guest computes is its own; while its thread emulates
 * hardware, others wait for it: the guest's other CPUs, the main loop for the big lock.
 *
 * The table comes from the supervisor, which ends what is held too long. Without one a thread of ours does,
 * above the lock. The guest's code itself never runs under the lock.
 */
#include <errno.h>
#include <qrt/preempt_lock.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "placer_p.h"
#include "plan_p.h"
#include "process_p.h"

#define KEEPER_STACK 65536
#define KEEPER_NS    60000000 /* how long it sleeps at most while nobody takes locks */

static __thread struct qrt_sched_lock *self;
static __thread int is_held;

/* Above the plan, and below its keeper. */
static int make_table(struct qrt_sched_process *process)
{
	struct qrt_sched_lock_config config = {.size = sizeof(config)};
	struct qrt_sched_error error;
	int highest = qrt_sched_p_plan_highest(process->plan);

	process->lock_priority = highest < 98 ? highest + 1 : 98;
	config.priority = process->lock_priority;
	config.max_ns = (uint64_t)process->globals.preempt_lock_us * 1000;
	if (qrt_sched_lock_table_new(&config, &process->table, &error) >= 0) {
		process->placer->ceiling = process->lock_priority;
		return 0;
	}
	qrt_sched_p_process_say(process, "preemptlock: %s: device emulation is not protected", error.message);
	return -ENOMEM;
}

void qrt_sched_p_process_prepare_locks(struct qrt_sched_process *process, int fd)
{
	if (fd >= 0 && qrt_sched_lock_table_open(fd, &process->table) < 0)
		qrt_sched_p_process_say(
			process, "QRT_SCHED_LOCKS=%d is no lock table: device emulation is not protected",
			fd);
	else if (fd >= 0)
		close(fd);
	else if (process->globals.preempt_lock_us)
		process->is_own = make_table(process) >= 0;
}

/* ---- a keeper of our own ---- */

static int rise(const struct qrt_sched_process *process)
{
	struct qrt_sched_setting setting = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
					    .policy = QRT_SCHED_POLICY_FIFO,
					    .priority = process->lock_priority + 1};

	/* Anywhere but bound to the CPU of the vCPU that started it. */
	if (process->origin.set & QRT_SCHED_SET_CPUS) {
		setting.set |= QRT_SCHED_SET_CPUS;
		setting.cpus = process->origin.cpus;
	}
	return qrt_sched_setting_apply(0, &setting, NULL);
}

static void *keep(void *data)
{
	struct qrt_sched_process *process = data;

	syscall(SYS_prctl, PR_SET_NAME, "qrt-keeper"); /* the preload library stands in for prctl() */
	if (rise(process) < 0)
		qrt_sched_p_process_say(
			process,
			"preemptlock: its keeper cannot stand above the lock: holds may last too long");
	for (;;) {
		qrt_sched_lock_table_wait(process->table, KEEPER_NS);
		qrt_sched_lock_table_enforce(process->table, process->pid);
	}
	return NULL;
}

static int start_plainly(struct qrt_sched_process *process)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc = pthread_attr_init(&attr);

	if (rc)
		return -rc;
	pthread_attr_setstacksize(&attr, KEEPER_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = -pthread_create(&thread, &attr, keep, process);
	pthread_attr_destroy(&attr);
	return rc;
}

static int start_keeper(struct qrt_sched_process *process)
{
	sigset_t all, had;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &had);
	rc = process->create ? process->create(process->data, keep, process) : start_plainly(process);
	pthread_sigmask(SIG_SETMASK, &had, NULL);
	return rc;
}

/* With the first vCPU: before that a program may fork itself into the background and leave it behind. */
static int have_keeper(struct qrt_sched_process *process)
{
	int rc;

	if (!process->is_own || atomic_exchange(&process->is_keeper_started, 1))
		return atomic_load(&process->is_without_keeper) ? -EAGAIN : 0;
	rc = start_keeper(process);
	if (rc < 0) {
		atomic_store(&process->is_without_keeper, 1);
		qrt_sched_p_process_say(
			process,
			"preemptlock: no thread that ends long holds: %s: device emulation is not protected",
			strerror(-rc));
	}
	return rc;
}

/* ---- vCPUs ---- */

static int say_once(struct qrt_sched_process *process)
{
	return !atomic_exchange(&process->said_lock, 1);
}

void qrt_sched_p_process_lock_vcpu(struct qrt_sched_process *process, const char *name)
{
	struct qrt_sched_error error;
	int rc;

	if (!process->table)
		return;
	if (strstr(name, "/TCG")) {
		if (say_once(process))
			qrt_sched_p_process_say(
				process,
				"preemptlock: does nothing here: guest code is translated (TCG), and only "
				"KVM says where it ends");
		return;
	}
	rc = have_keeper(process);
	if (rc < 0)
		return;
	rc = qrt_sched_lock_open(process->table, &self, &error);
	if (rc < 0 && say_once(process))
		qrt_sched_p_process_say(process,
					"preemptlock: device emulation of '%.15s' is not protected: %s", name,
					error.message);
}

static void give(void)
{
	if (is_held)
		qrt_sched_lock_give(self);
	is_held = 0;
}

void qrt_sched_p_process_lock_end(void)
{
	give();
	self = qrt_sched_lock_close(self);
}

void qrt_sched_p_process_forget_locks(struct qrt_sched_process *process)
{
	/* The slots are the parent's: nothing is closed, that would write there. */
	self = NULL;
	is_held = 0;
	process->table = NULL;
	process->is_own = 0;
	atomic_store(&process->is_keeper_started, 0);
	atomic_store(&process->is_without_keeper, 0);
}

int qrt_sched_p_process_has_lock(void)
{
	return self != NULL;
}

void qrt_sched_process_begin_guest(void)
{
	int saved = errno;

	give();
	errno = saved;
}

void qrt_sched_process_end_guest(void)
{
	int saved = errno;

	if (!self)
		return;
	/* A take that fails says so at the opening: it is given back all the same. */
	is_held = 1;
	qrt_sched_lock_take(self);
	errno = saved;
}
