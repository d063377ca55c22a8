/* SPDX-License-Identifier: MIT */
/* A thread of another process that is dropped to time sharing, and gets back what it had. */
#include "tap.h"

#include "command.h"
#include "governor_p.h"
#include "proc.h"
#include "slices.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS (QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_NICE)

static const struct qrt_sched_setting sharing = {.set = RUNS, .policy = QRT_SCHED_POLICY_OTHER};
static struct governor_party *party;
static struct governor_task task;
static pid_t child;

void complain(const char *format, ...)
{
	tap_note("said: %s", format);
}

uint64_t governor_now(void)
{
	return 1;
}

static void end(void)
{
	if (party && task.tid)
		governor_task_close(&task);
	party = governor_party_close(party);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* A child that sleeps; false where it may not be given this. */
static bool begin(uint32_t policy, int32_t priority, int32_t nice)
{
	const struct qrt_sched_setting planned = {
		.set = RUNS, .policy = policy, .priority = priority, .nice = nice};
	uint64_t start = 0;
	int r;

	task.tid = 0;
	/* Not by fork(): a thread sanitizer's child starts a thread of the sanitizer's. */
	child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	CU_ASSERT_EQUAL(proc_get_start(child, &start), 0);
	party = governor_party_open(child, start);
	CU_ASSERT_PTR_NOT_NULL_FATAL(party);
	CU_ASSERT_EQUAL_FATAL(governor_task_open(party, child, false, &task), 0);
	r = qrt_sched_setting_apply(child, &planned, NULL);
	task.planned = planned;
	if (r == 0)
		return true;
	end();
	tap_skip(strerror(-r));
	return false;
}

/* What it has, of how it runs. */
static void expect(uint32_t policy, int32_t priority, int32_t nice)
{
	struct qrt_sched_setting has = {0};

	CU_ASSERT_EQUAL(qrt_sched_setting_read(child, &has), 0);
	CU_ASSERT_EQUAL(has.policy, policy);
	CU_ASSERT_EQUAL(has.priority, priority);
	CU_ASSERT_EQUAL(has.nice, nice);
}

static void test_quantum(void)
{
	static const int32_t quanta[] = {19, -20};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(quanta); i++) {
		if (!begin(QRT_SCHED_POLICY_RR, 5, quanta[i]))
			return;
		expect(QRT_SCHED_POLICY_RR, 5, quanta[i]);
		CU_ASSERT_TRUE(governor_task_drop(&task, &sharing, NULL));
		expect(QRT_SCHED_POLICY_OTHER, 0, 0);
		CU_ASSERT_TRUE(governor_task_drop(&task, &sharing, NULL));
		governor_task_raise(&task, NULL);
		expect(QRT_SCHED_POLICY_RR, 5, quanta[i]);
		end();
	}
}

struct hand {
	struct slices *slices;
	sem_t has, lets_go;
};

static void *hold(void *data)
{
	struct hand *hand = data;

	slices_hold(hand->slices);
	sem_post(&hand->has);
	sem_wait(&hand->lets_go);
	slices_release(hand->slices);
	return NULL;
}

static void test_no_wait(void)
{
	struct qrt_sched_setting rank = {0};
	struct hand hand = {0};
	pthread_t thread;

	if (!begin(QRT_SCHED_POLICY_FIFO, 3, 0))
		return;
	hand.slices = slices_open(&rank);
	sem_init(&hand.has, 0, 0);
	sem_init(&hand.lets_go, 0, 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, hold, &hand), 0);
	sem_wait(&hand.has);
	/* It is dropped all the same; that it may be undone is said. */
	governor_task_settle(&task, hand.slices);
	CU_ASSERT_FALSE(governor_task_drop(&task, &sharing, hand.slices));
	expect(QRT_SCHED_POLICY_OTHER, 0, 0);
	governor_task_raise(&task, hand.slices);
	expect(QRT_SCHED_POLICY_FIFO, 3, 0);
	sem_post(&hand.lets_go);
	pthread_join(thread, NULL);
	governor_task_settle(&task, hand.slices);
	CU_ASSERT_TRUE(governor_task_drop(&task, &sharing, hand.slices));
	expect(QRT_SCHED_POLICY_OTHER, 0, 0);
	sem_destroy(&hand.has);
	sem_destroy(&hand.lets_go);
	CU_ASSERT_PTR_NULL(slices_close(hand.slices));
	end();
}

static void test_list(void)
{
	pid_t tids[4] = {0};

	if (!begin(QRT_SCHED_POLICY_OTHER, 0, 0))
		return;
	CU_ASSERT_EQUAL(governor_party_list(party, tids, G_N_ELEMENTS(tids)), 1);
	CU_ASSERT_EQUAL(tids[0], child);
	CU_ASSERT_EQUAL(governor_party_compare(party, tids, 1), 1);
	CU_ASSERT_PTR_NOT_NULL(governor_party_insert(party, &task));
	CU_ASSERT_EQUAL(governor_party_compare(party, tids, 1), 0);
	CU_ASSERT_PTR_EQUAL(governor_party_find(party, child), &party->tasks[0]);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CU_ASSERT_EQUAL(governor_party_compare(party, tids, 0), 0);
	CU_ASSERT_EQUAL(party->count, 0);
	task.tid = 0; /* the list's, which has closed it */
	end();
}

/* The kernel's list has not the thread that was met after it was read, and may skip one whose neighbour ends.
 */
static void test_list_gap(void)
{
	pid_t tids[1] = {0};

	if (!begin(QRT_SCHED_POLICY_OTHER, 0, 0))
		return;
	task.role = QRT_SCHED_ROLE_VCPU;
	CU_ASSERT_PTR_NOT_NULL(governor_party_insert(party, &task));
	CU_ASSERT_EQUAL(governor_party_compare(party, tids, 0), 0);
	CU_ASSERT(party->count == 1 && party->tasks[0].role == QRT_SCHED_ROLE_VCPU);
	task.tid = 0;
	end();
}

static const struct tap_test tests[] = {
	{"who is dropped leaves its quantum behind, and gets it back", test_quantum},
	{"who makes slices does not keep the governor waiting", test_no_wait},
	{"threads come into the list and leave it", test_list},
	{"a thread that lives stays in the list, with its role, whatever the kernel lists", test_list_gap},
};

TAP_MAIN("governor_task", tests)
