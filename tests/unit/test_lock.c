/* SPDX-License-Identifier: MIT */
/* The holder's side of the preempt lock, over a kernel that obeys, refuses, and is raced with. */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lock_help.h"
#include "tap.h"

static struct qrt_sched_lock_table *table;
static struct qrt_sched_lock *lock;

static void begin(uint32_t flags)
{
	fake_lock_begin();
	table = fake_lock_table(4, flags);
	lock = NULL;
}

static void end(void)
{
	CU_ASSERT_PTR_NULL(qrt_sched_lock_close(lock));
	CU_ASSERT_PTR_NULL(qrt_sched_lock_table_close(table));
	fake_lock_end();
}

static pid_t self(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static int is_at(int policy, int priority)
{
	const struct fake_task *task = fake_lock_task(0);

	return task->policy == policy && task->priority == priority;
}

static struct qrt_sched_setting setting(uint32_t policy, int priority)
{
	return (struct qrt_sched_setting){
		.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY, .policy = policy, .priority = priority};
}

static void tell(uint32_t policy, int priority, int is_suspended)
{
	struct qrt_sched_setting s = setting(policy, priority);

	CU_ASSERT(qrt_sched_lock_table_tell(table, self(), &s, is_suspended) >= 0);
}

static void a_pair_costs_two_calls(void)
{
	int before;

	begin(0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_open(table, &lock, NULL), 0);
	CU_ASSERT(is_at(SCHED_FIFO, 10));
	before = fake_lock_kernel.calls;
	CU_ASSERT_EQUAL(qrt_sched_lock_take(lock), 0);
	CU_ASSERT(is_at(SCHED_FIFO, 90));
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 0);
	CU_ASSERT(is_at(SCHED_FIFO, 10));
	CU_ASSERT_EQUAL(fake_lock_kernel.calls, before + 2);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_get_count(table), 1);
	end();
}

static void it_nests(void)
{
	struct qrt_sched_lock_holder holder = {0};
	int before, i;

	begin(0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_open(table, &lock, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), -EPERM);
	before = fake_lock_kernel.calls;
	for (i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(qrt_sched_lock_take(lock), 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_list(table, &holder, 1), 1);
	CU_ASSERT_EQUAL(holder.tid, self());
	CU_ASSERT_EQUAL(holder.since_ns, 1000000000);
	for (i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 0);
	CU_ASSERT(is_at(SCHED_FIFO, 90));
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 0);
	CU_ASSERT(is_at(SCHED_FIFO, 10));
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), -EPERM);
	CU_ASSERT_EQUAL(fake_lock_kernel.calls, before + 2);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_list(table, &holder, 1), 0);
	end();
}

static void who_is_above_stays_and_costs_nothing(void)
{
	static const struct fake_task above[] = {
		{.policy = SCHED_FIFO, .priority = 90}, {.policy = SCHED_RR, .priority = 95}, {.policy = 6}};
	size_t i;

	for (i = 0; i < sizeof(above) / sizeof(above[0]); i++) {
		begin(0);
		*fake_lock_task(0) = above[i];
		CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_open(table, &lock, NULL), 0);
		CU_ASSERT_EQUAL(qrt_sched_lock_take(lock), 0);
		CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 0);
		CU_ASSERT_EQUAL(fake_lock_kernel.calls, 0);
		CU_ASSERT(is_at(above[i].policy, above[i].priority));
		end();
	}
}

static void it_goes_back_to_any_policy_with_its_flag(void)
{
	static const struct fake_task bases[] = {{.policy = SCHED_OTHER},
						 {.policy = SCHED_BATCH},
						 {.policy = SCHED_IDLE},
						 {.policy = SCHED_RR | SCHED_RESET_ON_FORK, .priority = 5}};
	size_t i;

	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		begin(0);
		*fake_lock_task(0) = bases[i];
		CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_open(table, &lock, NULL), 0);
		qrt_sched_lock_take(lock);
		CU_ASSERT(is_at(SCHED_FIFO | (bases[i].policy & SCHED_RESET_ON_FORK), 90));
		qrt_sched_lock_give(lock);
		CU_ASSERT(is_at(bases[i].policy, bases[i].priority));
		end();
	}
}

static void a_refusal_is_told_at_the_opening_and_at_the_taking(void)
{
	struct qrt_sched_error error = {0};

	begin(0);
	fake_lock_kernel.fail_with = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_lock_open(table, &lock, &error), -EPERM);
	CU_ASSERT_PTR_NULL(lock);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "fifo 90"));
	fake_lock_kernel.fail_with = 0;
	CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_open(table, &lock, &error), 0);
	fake_lock_kernel.fail_with = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_lock_take(lock), -EPERM);
	CU_ASSERT_EQUAL(qrt_sched_lock_take(lock), -EPERM);
	CU_ASSERT(is_at(SCHED_FIFO, 10));
	CU_ASSERT_EQUAL(qrt_sched_lock_table_list(table, NULL, 0), 0);
	fake_lock_kernel.fail_with = 0;
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), -EPERM);
	CU_ASSERT_EQUAL(qrt_sched_lock_take(lock), 0);
	CU_ASSERT(is_at(SCHED_FIFO, 90));
	end();
	CU_ASSERT(is_at(SCHED_FIFO, 10));
}

static void one_that_cannot_be_given_back_stays_the_keepers(void)
{
	begin(0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_open(table, &lock, NULL), 0);
	qrt_sched_lock_take(lock);
	fake_lock_kernel.fail_with = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), -EPERM);
	fake_lock_kernel.fail_with = 0;
	CU_ASSERT_EQUAL(qrt_sched_lock_table_list(table, NULL, 0), 1);
	fake_lock_kernel.now += 1000000;
	CU_ASSERT_EQUAL(qrt_sched_lock_table_enforce(table, getpid()), 1);
	CU_ASSERT(is_at(SCHED_FIFO, 10));
	end();
}

static void a_new_base_is_what_it_goes_back_to(void)
{
	struct qrt_sched_setting rr = setting(QRT_SCHED_POLICY_RR, 20), bad = {.set = QRT_SCHED_SET_NICE};

	begin(0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_open(table, &lock, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_set_base(lock, &rr), 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_set_base(lock, &bad), -EINVAL);
	qrt_sched_lock_take(lock);
	CU_ASSERT_EQUAL(qrt_sched_lock_set_base(lock, &rr), -EBUSY);
	qrt_sched_lock_give(lock);
	CU_ASSERT(is_at(SCHED_RR, 20));
	tell(QRT_SCHED_POLICY_FIFO, 7, 0);
	qrt_sched_lock_take(lock);
	qrt_sched_lock_give(lock);
	CU_ASSERT(is_at(SCHED_FIFO, 7));
	CU_ASSERT_EQUAL(qrt_sched_lock_set_base(lock, &rr), 0);
	qrt_sched_lock_take(lock);
	qrt_sched_lock_give(lock);
	CU_ASSERT(is_at(SCHED_RR, 20));
	end();
}

static void who_is_suspended_takes_nothing(void)
{
	int before;

	begin(0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_open(table, &lock, NULL), 0);
	tell(QRT_SCHED_POLICY_OTHER, 0, 1);
	*fake_lock_task(0) = (struct fake_task){.policy = SCHED_OTHER};
	before = fake_lock_kernel.calls;
	CU_ASSERT_EQUAL(qrt_sched_lock_take(lock), 0);
	CU_ASSERT(is_at(SCHED_OTHER, 0));
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 0);
	CU_ASSERT_EQUAL(fake_lock_kernel.calls, before);
	tell(QRT_SCHED_POLICY_FIFO, 10, 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_take(lock), 0);
	CU_ASSERT(is_at(SCHED_FIFO, 90));
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 0);
	end();
}

/* The keeper's word and change come in between, once. */
static void change_meanwhile(pid_t tid)
{
	(void)tid;
	fake_lock_kernel.before_set = fake_lock_kernel.after_set = NULL;
	tell(QRT_SCHED_POLICY_OTHER, 0, 1);
	*fake_lock_task(0) = (struct fake_task){.policy = SCHED_OTHER};
}

static void a_change_from_outside_wins_over_a_take_or_give_at_the_same_time(void)
{
	int at;

	for (at = 0; at < 4; at++) {
		begin(0);
		CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_open(table, &lock, NULL), 0);
		if (at >= 2)
			qrt_sched_lock_take(lock);
		if (at % 2)
			fake_lock_kernel.after_set = change_meanwhile;
		else
			fake_lock_kernel.before_set = change_meanwhile;
		if (at >= 2)
			qrt_sched_lock_give(lock);
		else
			qrt_sched_lock_take(lock);
		CU_ASSERT(is_at(SCHED_OTHER, 0));
		CU_ASSERT_EQUAL(qrt_sched_lock_table_list(table, NULL, 0), 0);
		end();
	}
}

static void a_word_about_another_thread_is_not_followed(void)
{
	begin(0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_open(table, &lock, NULL), 0);
	atomic_store(&table->shared->slots[0].told, 0x700000007ull);
	qrt_sched_lock_take(lock);
	qrt_sched_lock_give(lock);
	CU_ASSERT(is_at(SCHED_FIFO, 10));
	end();
}

static void slots_run_out_and_come_back(void)
{
	struct qrt_sched_lock *more[4] = {NULL};
	struct qrt_sched_error error = {0};
	int i;

	begin(0);
	for (i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(qrt_sched_lock_open(table, &more[i], NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_open(table, &lock, &error), -ENOSPC);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "no slot left"));
	qrt_sched_lock_close(more[2]);
	CU_ASSERT_EQUAL(qrt_sched_lock_open(table, &more[2], NULL), 0);
	/* One whose thread ended without a word. */
	atomic_store(&table->shared->slots[1].tid, 4242);
	CU_ASSERT_EQUAL(qrt_sched_lock_open(table, &lock, NULL), 0);
	for (i = 0; i < 4; i++)
		qrt_sched_lock_close(more[i]);
	end();
}

/* ---- slice extensions ---- */

static void make_slices(size_t size, uint32_t flags)
{
	fake_lock_kernel.rseq_size = size;
	memcpy(fake_lock_kernel.rseq + 16, &flags, sizeof(flags));
}

static void short_sections_use_the_kernels_slices(void)
{
	begin(QRT_SCHED_LOCK_SHORT);
	make_slices(32, 1u << 4);
	CU_ASSERT_EQUAL(qrt_sched_lock_open(table, &lock, NULL), 1);
	CU_ASSERT_EQUAL(fake_lock_kernel.enabled, 1);
	qrt_sched_lock_take(lock);
	qrt_sched_lock_take(lock);
	CU_ASSERT_EQUAL(fake_lock_kernel.rseq[28], 1);
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 0);
	CU_ASSERT_EQUAL(fake_lock_kernel.rseq[28], 1);
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 0);
	CU_ASSERT_EQUAL(fake_lock_kernel.rseq[28], 0);
	CU_ASSERT_EQUAL(fake_lock_kernel.yielded, 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), -EPERM);
	CU_ASSERT_EQUAL(fake_lock_kernel.calls, 0);
	CU_ASSERT(is_at(SCHED_FIFO, 10));
	end();
}

static void a_granted_slice_is_given_back(void)
{
	begin(QRT_SCHED_LOCK_SHORT);
	make_slices(32, 1u << 4 | 7);
	CU_ASSERT_EQUAL(qrt_sched_lock_open(table, &lock, NULL), 1);
	qrt_sched_lock_take(lock);
	fake_lock_kernel.rseq[28] = 0; /* as the kernel does it */
	fake_lock_kernel.rseq[29] = 1;
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 0);
	CU_ASSERT_EQUAL(fake_lock_kernel.yielded, 1);
	end();
}

static void without_slices_short_sections_are_like_others(void)
{
	static const struct {
		size_t size;
		uint32_t flags;
		int enable_result;
	} cases[] = {
		{0, 1u << 4, 0},        /* no area */
		{28, 1u << 4, 0},       /* an area without the member */
		{32, 0, 0},             /* not built into the kernel */
		{32, 1u << 4, -EINVAL}, /* switched off */
	};
	unsigned char untouched[32];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(QRT_SCHED_LOCK_SHORT);
		make_slices(cases[i].size, cases[i].flags);
		memcpy(untouched, fake_lock_kernel.rseq, sizeof(untouched));
		fake_lock_kernel.enable_result = cases[i].enable_result;
		CU_ASSERT_EQUAL(qrt_sched_lock_open(table, &lock, NULL), 0);
		CU_ASSERT_EQUAL(fake_lock_kernel.enabled, i == 3);
		qrt_sched_lock_take(lock);
		CU_ASSERT(is_at(SCHED_FIFO, 90));
		qrt_sched_lock_give(lock);
		CU_ASSERT_EQUAL(memcmp(untouched, fake_lock_kernel.rseq, sizeof(untouched)), 0);
		end();
	}
}

static void long_sections_leave_slices_alone(void)
{
	begin(0);
	make_slices(32, 1u << 4);
	CU_ASSERT_EQUAL(qrt_sched_lock_open(table, &lock, NULL), 0);
	CU_ASSERT_EQUAL(fake_lock_kernel.enabled, 0);
	end();
}

static const struct tap_test tests[] = {
	{"a pair costs two calls", a_pair_costs_two_calls},
	{"it nests", it_nests},
	{"who is above stays and costs nothing", who_is_above_stays_and_costs_nothing},
	{"it goes back to any policy with its flag", it_goes_back_to_any_policy_with_its_flag},
	{"a refusal is told at the opening and at the taking",
	 a_refusal_is_told_at_the_opening_and_at_the_taking},
	{"one that cannot be given back stays the keeper's", one_that_cannot_be_given_back_stays_the_keepers},
	{"a new base is what it goes back to", a_new_base_is_what_it_goes_back_to},
	{"who is suspended takes nothing", who_is_suspended_takes_nothing},
	{"a change from outside wins over a take or give at the same time",
	 a_change_from_outside_wins_over_a_take_or_give_at_the_same_time},
	{"a word about another thread is not followed", a_word_about_another_thread_is_not_followed},
	{"slots run out and come back", slots_run_out_and_come_back},
	{"short sections use the kernel's slices", short_sections_use_the_kernels_slices},
	{"a granted slice is given back", a_granted_slice_is_given_back},
	{"without slices short sections are like others", without_slices_short_sections_are_like_others},
	{"long sections leave slices alone", long_sections_leave_slices_alone},
};

TAP_MAIN("lock", tests)
