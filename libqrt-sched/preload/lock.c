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
#include <linux/kvm.h>
#include <qrt/preempt_lock.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "plan_p.h"
#include "preload_p.h"

#define KEEPER_STACK 65536
#define KEEPER_NS    60000000 /* how long it sleeps at most while nobody takes locks */

static struct qrt_sched_lock_table *table; /* NULL: the plan asks for none, or there is none */
static int is_own;                         /* the table is ours to keep */
static _Atomic int is_keeper_started;
static __thread struct qrt_sched_lock *self;
static __thread int is_held;

static int find_highest(void)
{
	struct qrt_sched_setting setting;
	int role, highest = 0;
	uint32_t index, width;

	for (role = 0; role < QRT_SCHED_ROLES; role++) {
		width = qrt_sched_p_plan_width(preload_process.plan, (enum qrt_sched_role)role);
		for (index = 0; index < width; index++) {
			if (qrt_sched_plan_get(preload_process.plan, (enum qrt_sched_role)role, index,
					       &setting) >= 0 &&
			    (setting.set & QRT_SCHED_SET_PRIORITY) && setting.priority > highest)
				highest = setting.priority;
		}
	}
	return highest;
}

/* Above the plan, and below its keeper. */
static int make_table(void)
{
	struct qrt_sched_lock_config config = {.size = sizeof(config)};
	struct qrt_sched_error error;
	int highest = find_highest();

	config.priority = highest < 98 ? highest + 1 : 98;
	config.max_ns = (uint64_t)preload_process.globals.preempt_lock_us * 1000;
	if (qrt_sched_lock_table_new(&config, &table, &error) >= 0)
		return 0;
	preload_say("preemptlock: %s: device emulation is not protected", error.message);
	return -ENOMEM;
}

void preload_prepare_locks(int fd)
{
	if (fd >= 0 && qrt_sched_lock_table_open(fd, &table) < 0)
		preload_say("QRT_SCHED_LOCKS=%d is no lock table: device emulation is not protected", fd);
	else if (fd >= 0)
		close(fd);
	else if (preload_process.globals.preempt_lock_us)
		is_own = make_table() >= 0;
}

/* ---- a keeper of our own ---- */

static int rise(void)
{
	struct qrt_sched_setting setting = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
					    .policy = QRT_SCHED_POLICY_FIFO};
	int highest = find_highest();

	setting.priority = highest < 98 ? highest + 2 : 99;
	/* Anywhere but bound to the CPU of the vCPU that started it. */
	if (preload_process.origin.set & QRT_SCHED_SET_CPUS) {
		setting.set |= QRT_SCHED_SET_CPUS;
		setting.cpus = preload_process.origin.cpus;
	}
	return qrt_sched_setting_apply(0, &setting, NULL);
}

static void *keep(void *unused)
{
	(void)unused;
	preload_real()->pthread_setname_np(pthread_self(), "qrt-keeper");
	if (rise() < 0)
		preload_say("preemptlock: its keeper cannot stand above the lock: holds may last too long");
	for (;;) {
		qrt_sched_lock_table_wait(table, KEEPER_NS);
		qrt_sched_lock_table_enforce(table, preload_process.pid);
	}
	return NULL;
}

static int start_keeper(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, had;
	int rc;

	if (pthread_attr_init(&attr))
		return -ENOMEM;
	pthread_attr_setstacksize(&attr, KEEPER_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &had);
	rc = -preload_real()->pthread_create(&thread, &attr, keep, NULL);
	pthread_sigmask(SIG_SETMASK, &had, NULL);
	pthread_attr_destroy(&attr);
	return rc;
}

/* With the first vCPU: before that a program may fork itself into the background and leave it behind. */
static int have_keeper(void)
{
	int rc;

	if (!is_own || atomic_exchange(&is_keeper_started, 1))
		return 0;
	rc = start_keeper();
	if (rc < 0)
		preload_say("preemptlock: no thread that ends long holds: %s: device emulation is not "
			    "protected",
			    strerror(-rc));
	return rc;
}

/* ---- vCPUs ---- */

static int say_once(void)
{
	static _Atomic int is_said;

	return !atomic_exchange(&is_said, 1);
}

void preload_lock_vcpu(const char *name)
{
	struct qrt_sched_error error;
	int rc;

	if (!table)
		return;
	if (strstr(name, "/TCG")) {
		if (say_once())
			preload_say(
				"preemptlock: does nothing here: guest code is translated (TCG), and only "
				"KVM says where it ends");
		return;
	}
	rc = have_keeper();
	if (rc < 0)
		return;
	rc = qrt_sched_lock_open(table, &self, &error);
	if (rc < 0 && say_once())
		preload_say("preemptlock: device emulation of '%.15s' is not protected: %s", name,
			    error.message);
}

static void give(void)
{
	if (is_held)
		qrt_sched_lock_give(self);
	is_held = 0;
}

void preload_lock_end(void)
{
	give();
	self = qrt_sched_lock_close(self);
}

void preload_lock_pause(void)
{
	int saved = errno;

	give();
	errno = saved;
}

void preload_forget_locks(void)
{
	/* The slots are the parent's: nothing is closed, that would write there. */
	self = NULL;
	is_held = 0;
	table = NULL;
	is_own = 0;
	atomic_store(&is_keeper_started, 0);
}

static int run_vcpu(int fd, unsigned long request, void *arg)
{
	int rc, saved;

	give();
	rc = preload_calm_run(fd, request, arg);
	saved = errno;
	/* A take that fails says so at the opening: it is given back all the same. */
	is_held = 1;
	qrt_sched_lock_take(self);
	errno = saved;
	return rc;
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == KVM_RUN)
		return self ? run_vcpu(fd, request, arg) : preload_calm_run(fd, request, arg);
	return preload_real()->ioctl(fd, request, arg);
}
