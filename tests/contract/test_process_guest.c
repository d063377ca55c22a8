/* SPDX-License-Identifier: MIT */
/* Where guest code of a program under its own plan runs, and the preempt lock around device emulation. */
#include <errno.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "apart.h"
#include "process_help.h"
#include "tap.h"

static int halted; /* stands for a condition variable: nobody looks into it */

static int priority_now(void)
{
	struct qrt_sched_setting setting = apart_setting(0);

	return setting.policy == QRT_SCHED_POLICY_FIFO ? setting.priority : 0;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Under a lock of the longest time, 100 ms: looked at again where this thread was held up for as long. */
static int priority_after_guest(void)
{
	int tries, priority;
	uint64_t begun;

	for (tries = 0; tries < 100; tries++) {
		begun = now();
		qrt_sched_process_end_guest();
		priority = priority_now();
		if (priority || now() - begun < 100000000u)
			return priority;
		qrt_sched_process_begin_guest();
	}
	return 0;
}

APART(without_a_lock_guest_code_is_nothing)
{
	struct qrt_sched_process *process;

	errno = 77;
	qrt_sched_process_end_guest();
	qrt_sched_process_begin_guest();
	qrt_sched_process_begin_sleep(&halted);
	qrt_sched_process_signalled(&halted);
	qrt_sched_process_end_sleep();
	process = process_open("main_ioprio=be:5");
	qrt_sched_process_enter(process, "CPU 0/KVM");
	qrt_sched_process_end_guest();
	CU_ASSERT(priority_now() == 0 && errno == 77);
	qrt_sched_process_begin_guest();
}

APART(a_vcpu_is_under_the_lock_outside_its_guest_apart)
{
	struct qrt_sched_process *process = process_open("preemptlock=100000");
	int round;

	qrt_sched_process_enter(process, "CPU 0/KVM");
	CU_ASSERT_EQUAL(priority_now(), 0);
	for (round = 0; round < 3; round++) {
		errno = 77;
		CU_ASSERT(priority_after_guest() == 1 && errno == 77);
		qrt_sched_process_begin_guest();
		CU_ASSERT(priority_now() == 0 && errno == 77);
	}
	qrt_sched_process_end_guest();
	qrt_sched_process_begin_sleep(&halted);
	CU_ASSERT_EQUAL(priority_now(), 0);
	qrt_sched_process_end_sleep();
	CU_ASSERT_EQUAL(priority_now(), 0);
	CU_ASSERT_EQUAL(priority_after_guest(), 1);
	qrt_sched_process_leave(process);
	CU_ASSERT_EQUAL(priority_now(), 0);
	qrt_sched_process_enter(process, "worker");
	qrt_sched_process_end_guest();
	CU_ASSERT_EQUAL(priority_now(), 0);
	CU_ASSERT_EQUAL(said_count(""), 0);
}

static void a_vcpu_is_under_the_lock_outside_its_guest(void)
{
	if (apart_may_be_realtime())
		a_vcpu_is_under_the_lock_outside_its_guest_apart();
}

static int created;

static int create(void *data, void *(*run)(void *), void *arg)
{
	pthread_t thread;
	int rc = -pthread_create(&thread, NULL, run, arg);

	*(int *)data += 1;
	if (rc == 0)
		pthread_detach(thread);
	return rc;
}

/* It sleeps under the lock: no CPU is kept from anybody. */
APART(the_keeper_ends_what_is_held_too_long_apart)
{
	struct qrt_sched_process_config config = process_config(apart_plan("preemptlock=1000"));
	struct qrt_sched_process *process = NULL;
	int i;

	config.create = create;
	config.data = &created;
	config.say = NULL;
	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, NULL), 0);
	CU_ASSERT_EQUAL(created, 0);
	qrt_sched_process_enter(process, "CPU 0/KVM");
	qrt_sched_process_enter(process, "CPU 1/KVM");
	CU_ASSERT_EQUAL(created, 1);
	qrt_sched_process_end_guest();
	for (i = 0; i < 20000 && priority_now(); i++)
		usleep(1000);
	CU_ASSERT_EQUAL(priority_now(), 0);
	qrt_sched_process_begin_guest();
}

static void the_keeper_ends_what_is_held_too_long(void)
{
	if (apart_may_be_realtime())
		the_keeper_ends_what_is_held_too_long_apart();
}

APART(translated_guests_have_no_lock)
{
	struct qrt_sched_process *process = process_open("preemptlock=1000");

	qrt_sched_process_enter(process, "CPU 0/TCG");
	qrt_sched_process_enter(process, "CPU 1/TCG");
	qrt_sched_process_end_guest();
	CU_ASSERT_EQUAL(priority_now(), 0);
	CU_ASSERT_EQUAL(said_count("does nothing here"), 1);
	CU_ASSERT_EQUAL(said_count(""), 1);
}

static const struct tap_test tests[] = {
	{"without a lock guest code is nothing", without_a_lock_guest_code_is_nothing},
	{"a vCPU is under the lock outside its guest", a_vcpu_is_under_the_lock_outside_its_guest},
	{"the keeper ends what is held too long", the_keeper_ends_what_is_held_too_long},
	{"translated guests have no lock", translated_guests_have_no_lock},
};

TAP_MAIN("contract of processes, guest code", tests)
