/* SPDX-License-Identifier: MIT */
/*
 * How the supervisor itself runs. It must get its turn under the host's load, and must not disturb the
 * VM: the lowest real-time priority there is, off the vCPUs' CPUs. But a thread of the VM that spins on
 * the supervisor's CPU, such as a vCPU that was born on the main loop's, would keep it away for ever, and
 * nobody could put that right. So a watchdog above the VM, which does nothing but look every few
 * milliseconds whether the supervisor had its turn, lifts it for a moment when it had not. It also is the
 * keeper of the VM's preempt locks.
 */
#include "blame_account.h"
#include "command.h"
#include "heartbeat.h"
#include "locks.h"
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WATCH_MS   25 /* longer than a look; two of them and two looks stay below 100 ms */
#define LIFT_BEATS 5  /* turns for which the supervisor stays lifted */

struct rank {
	struct qrt_sched_setting usual, lifted;
	pid_t supervisor, qemu;
	struct locks *locks;
	const char *vm;
	pthread_t watchdog;
	int end_fd;
	atomic_uint beats;
	atomic_uint lift; /* turns that are left above the VM */
};

/* What the watchdog has to be above: the plan, and where there are preempt locks those who hold them. */
static int find_highest(const struct supervisor *supervisor)
{
	if (supervisor->locks)
		return locks_get_priority(supervisor->locks);
	return locks_find_highest(supervisor->plan);
}

/* The VM's CPUs are not ours to run on, as long as there is another one. */
static void leave_vcpus(const struct supervisor *supervisor, struct qrt_sched_setting *setting)
{
	struct qrt_sched_cpus left = supervisor->watch.fresh.cpus;
	struct qrt_sched_setting vcpu;
	uint32_t i;
	size_t n;

	for (i = 0; i < supervisor->vm.vcpus; i++) {
		if (qrt_sched_plan_get(supervisor->plan, QRT_SCHED_ROLE_VCPU, i, &vcpu) < 0 ||
		    !(vcpu.set & QRT_SCHED_SET_CPUS))
			return;
		for (n = 0; n < G_N_ELEMENTS(left.bits); n++)
			left.bits[n] &= ~vcpu.cpus.bits[n];
	}
	if (qrt_sched_cpus_count(&left) == 0)
		return;
	setting->set |= QRT_SCHED_SET_CPUS;
	setting->cpus = left;
}

static bool is_told_to_end(const struct rank *rank)
{
	struct pollfd end = {.fd = rank->end_fd, .events = POLLIN};

	if (!rank->locks)
		return poll(&end, 1, WATCH_MS) > 0;
	locks_keep(rank->locks, rank->qemu, WATCH_MS);
	return poll(&end, 1, 0) > 0;
}

static void *watch_supervisor(void *data)
{
	struct rank *rank = data;
	struct heartbeat heartbeat = {0};
	unsigned int seen = 0, beats;

	while (!is_told_to_end(rank)) {
		beats = atomic_load(&rank->beats);
		if (beats == seen && atomic_load(&rank->lift) == 0) {
			atomic_store(&rank->lift, LIFT_BEATS);
			qrt_sched_setting_apply(rank->supervisor, &rank->lifted, NULL);
		}
		seen = beats;
		if (heartbeat_is_lost(&heartbeat, beats, blame_now_ns()))
			heartbeat_say(rank->vm);
	}
	return NULL;
}

void rank_beat(struct supervisor *supervisor)
{
	struct rank *rank = supervisor->rank;

	if (!rank)
		return;
	atomic_fetch_add(&rank->beats, 1);
	if (atomic_load(&rank->lift) > 0 && atomic_fetch_sub(&rank->lift, 1) == 1)
		qrt_sched_setting_apply(0, &rank->usual, NULL);
}

/* It inherits the setting that is its own; the supervisor takes its usual one after that. */
static int start_watchdog(struct rank *rank)
{
	int r = qrt_sched_setting_apply(0, &rank->lifted, NULL);

	rank->end_fd = -1;
	if (r < 0)
		return r;
	rank->end_fd = eventfd(0, EFD_CLOEXEC);
	if (rank->end_fd < 0)
		return -errno;
	r = -pthread_create(&rank->watchdog, NULL, watch_supervisor, rank);
	if (r < 0) {
		close(rank->end_fd);
		rank->end_fd = -1;
	}
	return r;
}

/* Above the VM for its first turns: until the governor stands, nobody else holds what spins. */
static int start(struct rank *rank, struct qrt_sched_error *error)
{
	int r = start_watchdog(rank);

	if (r < 0)
		complain("the supervisor has no watchdog: %s; a VM that spins on its CPU may keep it away",
			 strerror(-r));
	if (qrt_sched_setting_apply(0, &rank->lifted, NULL) < 0)
		return qrt_sched_setting_apply(0, &rank->usual, error);
	atomic_store(&rank->lift, LIFT_BEATS);
	return 0;
}

void rank_rise(const struct qrt_sched_plan *plan, const struct locks *locks)
{
	int highest = locks ? locks_get_priority(locks) : locks_find_highest(plan);
	const struct qrt_sched_setting above = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
						.policy = QRT_SCHED_POLICY_RR,
						.priority = MIN(highest + 1, 99)};

	if (highest > 0)
		(void)qrt_sched_setting_apply(0, &above, NULL);
}

void rank_open(struct supervisor *supervisor)
{
	struct qrt_sched_setting setting = {
		.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
		.policy = QRT_SCHED_POLICY_RR,
		.priority = 1,
	};
	struct qrt_sched_error error = {.message = ""};
	int highest = find_highest(supervisor);
	struct rank *rank;

	if (highest == 0)
		return;
	rank = g_new0(struct rank, 1);
	leave_vcpus(supervisor, &setting);
	rank->usual = rank->lifted = setting;
	rank->lifted.priority = MIN(highest + 1, 99);
	rank->supervisor = getpid();
	rank->qemu = supervisor->record.qemu_pid;
	rank->locks = supervisor->locks;
	rank->vm = supervisor->state->name;
	if (start(rank, &error) < 0)
		complain("the supervisor stays time-shared and may be late under load: %s", error.message);
	supervisor->rank = rank;
}

bool rank_get_lifted(const struct supervisor *supervisor, struct qrt_sched_setting *ret_setting)
{
	if (!supervisor->rank)
		return false;
	*ret_setting = supervisor->rank->lifted;
	return true;
}

void rank_close(struct supervisor *supervisor)
{
	struct rank *rank = supervisor->rank;
	uint64_t one = 1;

	if (!rank)
		return;
	if (rank->end_fd >= 0) {
		(void)!write(rank->end_fd, &one, sizeof(one));
		pthread_join(rank->watchdog, NULL);
		close(rank->end_fd);
	}
	g_free(rank);
	supervisor->rank = NULL;
}
