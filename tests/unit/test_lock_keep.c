/* SPDX-License-Identifier: MIT */
/* The keeper's side of the preempt lock: what is over its maximum ends, whatever the process writes. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lock_help.h"
#include "tap.h"

#define MS 1000000ull

static struct qrt_sched_lock_table *table;

static void begin(void)
{
	fake_lock_begin();
	table = fake_lock_table(32, 0);
}

static void end(void)
{
	qrt_sched_lock_table_close(table);
	fake_lock_end();
}

static int tell(pid_t tid, uint32_t policy, int priority, int is_suspended)
{
	struct qrt_sched_setting s = {
		.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY, .policy = policy, .priority = priority};

	return qrt_sched_lock_table_tell(table, tid, &s, is_suspended);
}

/* As the process writes it. */
static void hold(uint32_t i, pid_t tid, uint64_t since)
{
	atomic_store(&table->shared->slots[i].tid, tid);
	atomic_store(&table->shared->slots[i].hold, since);
}

static uint64_t held(uint32_t i)
{
	return atomic_load(&table->shared->slots[i].hold);
}

static void a_hold_ends_at_its_maximum_and_not_before(void)
{
	struct fake_task *task;

	begin();
	task = fake_lock_add(5, SCHED_FIFO, 90);
	CU_ASSERT_EQUAL(tell(5, QRT_SCHED_POLICY_RR, 10, 0), 0);
	hold(3, 5, fake_lock_kernel.now);
	CU_ASSERT_EQUAL(tell(5, QRT_SCHED_POLICY_RR, 10, 0), 1);
	fake_lock_kernel.now += MS - 1;
	CU_ASSERT_EQUAL(qrt_sched_lock_table_enforce(table, FAKE_TGID), 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_list(table, NULL, 0), 1);
	CU_ASSERT_EQUAL(task->priority, 90);
	fake_lock_kernel.now += 1;
	CU_ASSERT_EQUAL(qrt_sched_lock_table_list(table, NULL, 0), 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_enforce(table, FAKE_TGID), 1);
	CU_ASSERT(task->policy == SCHED_RR && task->priority == 10);
	CU_ASSERT_EQUAL(held(3) & QRT_SCHED_P_LOCK_ENDED, 1);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_enforce(table, FAKE_TGID), 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_get_ended(table), 1);
	end();
}

static void the_holder_learns_that_it_ended(void)
{
	struct qrt_sched_lock *lock = NULL;

	begin();
	CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_open(table, &lock, NULL), 0);
	qrt_sched_lock_take(lock);
	fake_lock_kernel.now += MS;
	CU_ASSERT_EQUAL(qrt_sched_lock_table_enforce(table, getpid()), 1);
	CU_ASSERT_EQUAL(fake_lock_task(0)->priority, 10);
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 1);
	qrt_sched_lock_take(lock);
	CU_ASSERT_EQUAL(fake_lock_task(0)->priority, 90);
	CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 0);
	qrt_sched_lock_close(lock);
	end();
}

static void who_was_not_told_of_is_not_touched(void)
{
	struct fake_task *unknown, *stranger;

	begin();
	unknown = fake_lock_add(5, SCHED_FIFO, 90);
	stranger = fake_lock_add(6, SCHED_FIFO, 90);
	tell(6, QRT_SCHED_POLICY_OTHER, 0, 0);
	hold(0, 5, 2);
	hold(1, 6, 2);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_enforce(table, FAKE_TGID + 1), 2);
	CU_ASSERT_EQUAL(unknown->priority, 90);
	CU_ASSERT_EQUAL(stranger->priority, 90);
	CU_ASSERT_EQUAL(fake_lock_kernel.calls, 0);
	end();
}

static void forgotten_threads_are_not_touched(void)
{
	struct fake_task *task;

	begin();
	task = fake_lock_add(5, SCHED_FIFO, 90);
	tell(5, QRT_SCHED_POLICY_OTHER, 0, 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_tell(table, 5, NULL, 0), 0);
	hold(0, 5, 2);
	qrt_sched_lock_table_enforce(table, FAKE_TGID);
	CU_ASSERT_EQUAL(task->priority, 90);
	end();
}

static void a_hold_from_the_future_ends_at_once(void)
{
	struct fake_task *task;

	begin();
	task = fake_lock_add(5, SCHED_FIFO, 90);
	tell(5, QRT_SCHED_POLICY_FIFO, 10, 0);
	hold(0, 5, UINT64_MAX - 1);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_list(table, NULL, 0), 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_enforce(table, FAKE_TGID), 1);
	CU_ASSERT_EQUAL(task->priority, 10);
	end();
}

static void nobody_is_raised(void)
{
	struct fake_task *task;

	begin();
	task = fake_lock_add(5, SCHED_OTHER, 0);
	tell(5, QRT_SCHED_POLICY_FIFO, 50, 0);
	hold(0, 5, 2);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_enforce(table, FAKE_TGID), 1);
	CU_ASSERT_EQUAL(task->policy, SCHED_OTHER);
	CU_ASSERT_EQUAL(fake_lock_kernel.calls, 0);
	end();
}

static void who_rises_after_the_end_falls_at_the_next_look(void)
{
	struct fake_task *task;

	begin();
	task = fake_lock_add(5, SCHED_FIFO, 10);
	tell(5, QRT_SCHED_POLICY_FIFO, 10, 0);
	hold(0, 5, 2);
	qrt_sched_lock_table_enforce(table, FAKE_TGID);
	task->priority = 90;
	qrt_sched_lock_table_enforce(table, FAKE_TGID);
	CU_ASSERT_EQUAL(task->priority, 10);
	end();
}

/* The thread gave and took between the look and the end of what was seen. */
static void retake(pid_t tid)
{
	fake_lock_kernel.before_set = NULL;
	fake_lock_kernel.now += 500;
	hold(0, tid, fake_lock_kernel.now);
}

static void a_hold_that_was_hit_by_the_end_of_the_one_before_says_so(void)
{
	begin();
	fake_lock_add(5, SCHED_FIFO, 90);
	tell(5, QRT_SCHED_POLICY_FIFO, 10, 0);
	hold(0, 5, 2);
	fake_lock_kernel.before_set = retake;
	CU_ASSERT_EQUAL(qrt_sched_lock_table_enforce(table, FAKE_TGID), 2);
	CU_ASSERT_EQUAL(held(0), fake_lock_kernel.now | QRT_SCHED_P_LOCK_ENDED);
	end();
}

static void one_call_ends_so_many_and_the_next_the_rest(void)
{
	uint32_t i;

	begin();
	fake_lock_add(5, SCHED_FIFO, 90);
	tell(5, QRT_SCHED_POLICY_FIFO, 10, 0);
	for (i = 0; i < 20; i++)
		hold(i, 5, 2);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_enforce(table, FAKE_TGID), 16);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_enforce(table, FAKE_TGID), 4);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_enforce(table, FAKE_TGID), 0);
	end();
}

static void words_are_checked_and_run_out(void)
{
	pid_t tid;

	begin();
	CU_ASSERT_EQUAL(tell(0, QRT_SCHED_POLICY_FIFO, 10, 0), -EINVAL);
	CU_ASSERT_EQUAL(tell(-5, QRT_SCHED_POLICY_FIFO, 10, 0), -EINVAL);
	CU_ASSERT_EQUAL(tell(5, QRT_SCHED_POLICY_FIFO, 100, 0), -EINVAL);
	CU_ASSERT_EQUAL(tell(5, QRT_SCHED_POLICY_DEADLINE, 0, 0), -EINVAL);
	for (tid = 1; tid <= 32; tid++)
		CU_ASSERT_EQUAL(tell(tid, QRT_SCHED_POLICY_FIFO, 10, 0), 0);
	CU_ASSERT_EQUAL(tell(33, QRT_SCHED_POLICY_FIFO, 10, 0), -ENOSPC);
	CU_ASSERT_EQUAL(tell(7, QRT_SCHED_POLICY_FIFO, 11, 0), 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_tell(table, 9, NULL, 0), 0);
	CU_ASSERT_EQUAL(tell(33, QRT_SCHED_POLICY_FIFO, 10, 0), 0);
	end();
}

/* ---- waiting: over the real clock, since it sleeps ---- */

static uint64_t clock_now(void)
{
	return qrt_sched_p_kernel.now();
}

static void begin_waiting(void)
{
	int i;

	table = fake_lock_table(4, 0);
	/* Nobody takes anything: it comes to rest. */
	for (i = 0; i < 20 && qrt_sched_lock_table_wait(table, MS); i++)
		;
	CU_ASSERT(i < 20);
}

static void *take_later(void *arg)
{
	struct timespec ts = {0, 20000000};
	struct qrt_sched_lock *lock = NULL;

	(void)arg;
	nanosleep(&ts, NULL);
	if (qrt_sched_lock_open(table, &lock, NULL) < 0)
		return NULL;
	qrt_sched_lock_take(lock);
	nanosleep(&ts, NULL);
	qrt_sched_lock_give(lock);
	qrt_sched_lock_close(lock);
	return table;
}

static void who_takes_a_lock_wakes_the_keeper(void)
{
	struct fake_lock_kernel *fake = &fake_lock_kernel;
	struct qrt_sched_p_sys sys;
	uint64_t start;
	pthread_t thread;
	void *took;

	fake_lock_begin();
	sys = *qrt_sched_p_sys;
	sys.now = qrt_sched_p_kernel.now;
	qrt_sched_p_sys = &sys;
	begin_waiting();
	start = clock_now();
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, take_later, NULL), 0);
	qrt_sched_lock_table_wait(table, 600000 * MS);
	CU_ASSERT(clock_now() - start < 300000 * MS);
	pthread_join(thread, &took);
	CU_ASSERT_PTR_NOT_NULL(took);
	CU_ASSERT(fake->calls >= 2);
	qrt_sched_lock_table_close(table);
	fake_lock_end();
}

static void an_idle_keeper_sleeps_as_long_as_it_may(void)
{
	uint64_t start;

	begin_waiting();
	start = clock_now();
	CU_ASSERT_EQUAL(qrt_sched_lock_table_wait(table, 50 * MS), 0);
	CU_ASSERT(clock_now() - start >= 49 * MS);
	qrt_sched_lock_table_close(table);
}

static void it_looks_when_the_first_hold_can_be_over(void)
{
	uint64_t start;

	begin_waiting();
	start = clock_now();
	hold(0, 5, start & ~1ull);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_wait(table, 600000 * MS), 1);
	CU_ASSERT(clock_now() - start >= MS);
	CU_ASSERT(clock_now() - start < 300000 * MS);
	qrt_sched_lock_table_close(table);
}

/* Whatever stands in the memory, a call sleeps. */
static void nothing_that_is_written_keeps_the_keeper_awake(void)
{
	static const uint64_t holds[] = {2, 1, 3, UINT64_MAX, UINT64_MAX - 1, 1ull << 63, 0};
	uint64_t start;
	size_t i;

	begin_waiting();
	for (i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
		memset(table->shared->slots, 0xff, 4 * sizeof(table->shared->slots[0]));
		hold(0, -1, holds[i]);
		atomic_store(&table->shared->is_keeper_asleep, 7);
		start = clock_now();
		qrt_sched_lock_table_wait(table, 0);
		CU_ASSERT(clock_now() - start >= 90000);
	}
	qrt_sched_lock_table_close(table);
}

/* ---- descriptors ---- */

static int make_memory(const struct qrt_sched_p_lock_shared *header, off_t size, int seals)
{
	int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CU_ASSERT_EQUAL(ftruncate(fd, size), 0);
	CU_ASSERT_EQUAL(pwrite(fd, header, sizeof(*header), 0), (ssize_t)sizeof(*header));
	if (seals)
		CU_ASSERT_EQUAL(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void check_refused(const struct qrt_sched_p_lock_shared *header, off_t size, int seals)
{
	struct qrt_sched_lock_table *opened = NULL;
	int fd = make_memory(header, size, seals);

	CU_ASSERT_EQUAL(qrt_sched_lock_table_open(fd, &opened), -EINVAL);
	CU_ASSERT_PTR_NULL(opened);
	close(fd);
}

static void memory_that_is_no_table_is_refused(void)
{
	struct qrt_sched_p_lock_shared good, bad;
	struct qrt_sched_lock_table *opened = NULL;
	int fd;

	table = fake_lock_table(2, 0);
	memcpy(&good, table->shared, sizeof(good));
	fd = make_memory(&good, 128 + 2 * 64, F_SEAL_SHRINK);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_open(fd, &opened), 0);
	qrt_sched_lock_table_close(opened);
	opened = NULL;
	close(fd);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_open(-1, &opened), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_open(0, &opened), -EINVAL);
	check_refused(&good, 128 + 2 * 64, 0);
	check_refused(&good, 128, F_SEAL_SHRINK);
	check_refused(&good, 128 + 65, F_SEAL_SHRINK);
	check_refused(&good, 128 + 4097 * 64, F_SEAL_SHRINK);
	bad = good, bad.magic++;
	check_refused(&bad, 128 + 64, F_SEAL_SHRINK);
	bad = good, bad.priority = 100;
	check_refused(&bad, 128 + 64, F_SEAL_SHRINK);
	bad = good, bad.max_ns = 0;
	check_refused(&bad, 128 + 64, F_SEAL_SHRINK);
	bad = good, bad.flags = 2;
	check_refused(&bad, 128 + 64, F_SEAL_SHRINK);
	qrt_sched_lock_table_close(table);
}

static void configurations_are_checked(void)
{
	static const struct qrt_sched_lock_config bad[] = {
		{.size = sizeof(bad[0])},
		{.size = sizeof(bad[0]), .priority = 100},
		{.size = sizeof(bad[0]), .priority = 5, .threads = 4097},
		{.size = sizeof(bad[0]), .priority = 5, .flags = 2},
		{.size = sizeof(bad[0]), .priority = 5, .max_ns = 999},
		{.size = sizeof(bad[0]), .priority = 5, .max_ns = QRT_SCHED_LOCK_MAX_NS + 1},
	};
	struct qrt_sched_lock_table *made = NULL;
	struct qrt_sched_error error;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error.message[0] = '\0';
		CU_ASSERT_EQUAL(qrt_sched_lock_table_new(&bad[i], &made, &error), -EINVAL);
		CU_ASSERT(strlen(error.message) > 10);
	}
	CU_ASSERT_PTR_NULL(made);
}

static const struct tap_test tests[] = {
	{"a hold ends at its maximum and not before", a_hold_ends_at_its_maximum_and_not_before},
	{"the holder learns that it ended", the_holder_learns_that_it_ended},
	{"who was not told of is not touched", who_was_not_told_of_is_not_touched},
	{"forgotten threads are not touched", forgotten_threads_are_not_touched},
	{"a hold from the future ends at once", a_hold_from_the_future_ends_at_once},
	{"nobody is raised", nobody_is_raised},
	{"who rises after the end falls at the next look", who_rises_after_the_end_falls_at_the_next_look},
	{"a hold that was hit by the end of the one before says so",
	 a_hold_that_was_hit_by_the_end_of_the_one_before_says_so},
	{"one call ends so many and the next the rest", one_call_ends_so_many_and_the_next_the_rest},
	{"words are checked and run out", words_are_checked_and_run_out},
	{"who takes a lock wakes the keeper", who_takes_a_lock_wakes_the_keeper},
	{"an idle keeper sleeps as long as it may", an_idle_keeper_sleeps_as_long_as_it_may},
	{"it looks when the first hold can be over", it_looks_when_the_first_hold_can_be_over},
	{"nothing that is written keeps the keeper awake", nothing_that_is_written_keeps_the_keeper_awake},
	{"memory that is no table is refused", memory_that_is_no_table_is_refused},
	{"configurations are checked", configurations_are_checked},
};

TAP_MAIN("lock_keep", tests)
