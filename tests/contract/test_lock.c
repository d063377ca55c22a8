/* SPDX-License-Identifier: MIT */
/* The preempt lock from outside, on this kernel. */
#include <errno.h>
#include <fcntl.h>
#include <qrt/preempt_lock.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define PRIORITY 40
#define SPIN_MAX 2.0 /* s: nothing here runs in real time for longer */

static struct qrt_sched_lock_table *make(uint64_t max_ns)
{
	struct qrt_sched_lock_config config = {
		.size = sizeof(config), .threads = 4, .priority = PRIORITY, .max_ns = max_ns};
	struct qrt_sched_lock_table *table = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_table_new(&config, &table, NULL), 0);
	return table;
}

static void closing_nothing_returns_nothing(void)
{
	CU_ASSERT_PTR_NULL(qrt_sched_lock_table_close(NULL));
	CU_ASSERT_PTR_NULL(qrt_sched_lock_close(NULL));
}

static void outputs_stay_untouched_on_failure(void)
{
	struct qrt_sched_lock_config bad = {.size = sizeof(bad), .priority = 100}, none = {.size = 0};
	struct {
		struct qrt_sched_lock_config known;
		uint64_t tail;
	} newer = {.known = {.size = sizeof(newer), .priority = 5}, .tail = 1};
	struct qrt_sched_lock_table *const before = (struct qrt_sched_lock_table *)&bad;
	struct qrt_sched_lock_table *table = before;
	struct qrt_sched_error error = {0};

	CU_ASSERT_EQUAL(qrt_sched_lock_table_new(&bad, &table, &error), -EINVAL);
	CU_ASSERT(error.code == -EINVAL && strlen(error.message) > 10);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_new(&none, &table, NULL), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_new(&newer.known, &table, NULL), -E2BIG);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_open(0, &table), -EINVAL);
	CU_ASSERT_PTR_EQUAL(table, before);
	newer.tail = 0;
	CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_table_new(&newer.known, &table, &error), 0);
	qrt_sched_lock_table_close(table);
}

static void descriptors_are_the_tables_own(void)
{
	struct qrt_sched_lock_table *table = make(0), *other = NULL;
	int fd = qrt_sched_lock_table_get_fd(table);

	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_table_open(fd, &other), 0);
	CU_ASSERT_NOT_EQUAL(qrt_sched_lock_table_get_fd(other), fd);
	CU_ASSERT_EQUAL(fcntl(qrt_sched_lock_table_get_fd(other), F_GETFD), FD_CLOEXEC);
	qrt_sched_lock_table_close(table);
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), -1);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_get_count(other), 0);
	qrt_sched_lock_table_close(other);
}

/* ---- with the rights that it takes ---- */

static int may_be_realtime(void)
{
	struct sched_param param = {.sched_priority = PRIORITY + 1};

	if (sched_setscheduler(0, SCHED_FIFO, &param) < 0)
		return 0;
	param.sched_priority = 0;
	sched_setscheduler(0, SCHED_OTHER, &param);
	return 1;
}

static int priority_now(void)
{
	struct sched_param param = {0};

	sched_getparam(0, &param);
	return sched_getscheduler(0) == SCHED_FIFO ? param.sched_priority : 0;
}

static void a_pair_raises_and_puts_back(void)
{
	struct qrt_sched_lock_table *table;
	struct qrt_sched_lock *lock = NULL;
	int nice_before, i;

	if (!may_be_realtime()) {
		tap_skip("needs CAP_SYS_NICE");
		return;
	}
	table = make(0);
	nice_before = getpriority(PRIO_PROCESS, 0);
	setpriority(PRIO_PROCESS, 0, 7);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_lock_open(table, &lock, NULL), 0);
	CU_ASSERT_EQUAL(priority_now(), 0);
	for (i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(qrt_sched_lock_take(lock), 0);
		CU_ASSERT_EQUAL(priority_now(), PRIORITY);
		CU_ASSERT_EQUAL(qrt_sched_lock_give(lock), 0);
		CU_ASSERT_EQUAL(sched_getscheduler(0), SCHED_OTHER);
		CU_ASSERT_EQUAL(getpriority(PRIO_PROCESS, 0), 7);
	}
	CU_ASSERT_EQUAL(qrt_sched_lock_table_get_count(table), 3);
	qrt_sched_lock_take(lock);
	qrt_sched_lock_close(lock);
	CU_ASSERT_EQUAL(priority_now(), 0);
	qrt_sched_lock_table_close(table);
	setpriority(PRIO_PROCESS, 0, nice_before);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Takes, and does not give back before it sees that it lost the lock. 0: as it has to be. */
static int hold_for_ever(int fd)
{
	struct qrt_sched_lock_table *table = NULL;
	struct qrt_sched_lock *lock = NULL;
	double until = seconds() + SPIN_MAX;
	int rc;

	if (qrt_sched_lock_table_open(fd, &table) < 0 || qrt_sched_lock_open(table, &lock, NULL) < 0)
		return 2;
	if (qrt_sched_lock_take(lock) < 0)
		return 3;
	while (priority_now() && seconds() < until)
		;
	rc = qrt_sched_lock_give(lock) == 1 && priority_now() == 0 ? 0 : 4;
	qrt_sched_lock_close(lock);
	qrt_sched_lock_table_close(table);
	return rc;
}

static int keep(struct qrt_sched_lock_table *table, pid_t child)
{
	const struct qrt_sched_setting base = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY};
	const struct sched_param above = {.sched_priority = PRIORITY + 1}, none = {0};
	double until = seconds() + 2 * SPIN_MAX;
	int status = -1;

	sched_setscheduler(0, SCHED_FIFO, &above);
	while (waitpid(child, &status, WNOHANG) == 0 && seconds() < until) {
		qrt_sched_lock_table_tell(table, child, &base, 0);
		qrt_sched_lock_table_wait(table, 5000000);
		qrt_sched_lock_table_enforce(table, child);
	}
	sched_setscheduler(0, SCHED_OTHER, &none);
	return status;
}

static void a_keeper_in_another_process_ends_a_hold(void)
{
	struct qrt_sched_lock_table *table;
	pid_t child;
	int status;

	if (!may_be_realtime()) {
		tap_skip("needs CAP_SYS_NICE");
		return;
	}
	table = make(10000000);
	child = fork();
	if (child == 0)
		_exit(hold_for_ever(qrt_sched_lock_table_get_fd(table)));
	status = keep(table, child);
	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
	CU_ASSERT_EQUAL(qrt_sched_lock_table_get_ended(table), 1);
	qrt_sched_lock_table_close(table);
}

static void without_the_right_it_says_which_is_missing(void)
{
	const struct rlimit none = {0, 0};
	struct qrt_sched_lock_table *table = make(0);
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		struct qrt_sched_lock *lock = NULL;
		struct qrt_sched_error error = {0};

		/* A sanitizer's runtime may be unable to read what it needs as somebody else. */
		if (setrlimit(RLIMIT_RTPRIO, &none) < 0 || (geteuid() == 0 && setuid(65534) < 0))
			_exit(77);
		if (qrt_sched_lock_open(table, &lock, &error) != -EPERM)
			_exit(1);
		_exit(strstr(error.message, "RLIMIT_RTPRIO") ? 0 : 2);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	qrt_sched_lock_table_close(table);
	CU_ASSERT(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		tap_skip("cannot become another user");
	else
		CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
}

static const struct tap_test tests[] = {
	{"closing nothing returns nothing", closing_nothing_returns_nothing},
	{"outputs stay untouched on failure", outputs_stay_untouched_on_failure},
	{"descriptors are the table's own", descriptors_are_the_tables_own},
	{"a pair raises and puts back", a_pair_raises_and_puts_back},
	{"a keeper in another process ends a hold", a_keeper_in_another_process_ends_a_hold},
	{"without the right it says which is missing", without_the_right_it_says_which_is_missing},
};

TAP_MAIN("lock", tests)
