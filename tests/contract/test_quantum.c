/* SPDX-License-Identifier: MIT */
/* Quanta and the rotator from outside, on this kernel. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <qrt/quantum.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define MS     UINT64_C(1000000)
#define NOBODY 0x3ffffffe /* above the kernel's largest thread number */

static void closing_nothing_returns_nothing(void)
{
	CU_ASSERT_PTR_NULL(qrt_sched_quantum_stop(NULL));
	CU_ASSERT_PTR_NULL(qrt_sched_rotator_close(NULL));
}

static void outputs_stay_untouched_on_failure(void)
{
	struct qrt_sched_quantum *const before = (struct qrt_sched_quantum *)&closing_nothing_returns_nothing;
	struct qrt_sched_quantum *quantum = before;
	struct qrt_sched_error error = {0};

	CU_ASSERT_EQUAL(qrt_sched_quantum_start(0, &quantum, &error), -ERANGE);
	CU_ASSERT_EQUAL(error.code, -ERANGE);
	CU_ASSERT(strlen(error.message) > 10);
	CU_ASSERT_PTR_NULL(strchr(error.message, '\n'));
	CU_ASSERT_EQUAL(qrt_sched_quantum_start(UINT64_MAX, &quantum, NULL), -ERANGE);
	CU_ASSERT_PTR_EQUAL(quantum, before);
	memset(&error, 0x5a, sizeof(error));
	CU_ASSERT_EQUAL_FATAL(qrt_sched_quantum_start(4 * MS, &quantum, &error), 0);
	CU_ASSERT_EQUAL(error.message[0], 0x5a);
	qrt_sched_quantum_stop(quantum);
}

static int is_blocked(void)
{
	sigset_t set;

	pthread_sigmask(SIG_BLOCK, NULL, &set);
	return sigismember(&set, qrt_sched_quantum_get_signal());
}

static void the_signal_mask_is_put_back(void)
{
	struct qrt_sched_quantum *quantum = NULL;
	sigset_t set, old;
	int blocked;

	for (blocked = 0; blocked < 2; blocked++) {
		sigemptyset(&set);
		sigaddset(&set, qrt_sched_quantum_get_signal());
		pthread_sigmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, &old);
		CU_ASSERT_EQUAL_FATAL(qrt_sched_quantum_start(4 * MS, &quantum, NULL), 0);
		CU_ASSERT_EQUAL(is_blocked(), 0);
		qrt_sched_quantum_hold();
		CU_ASSERT_EQUAL(is_blocked(), 1);
		qrt_sched_quantum_release();
		CU_ASSERT_EQUAL(is_blocked(), 0);
		qrt_sched_quantum_stop(quantum);
		CU_ASSERT_EQUAL(is_blocked(), blocked);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
}

static void a_thread_has_one_quantum_and_others_have_theirs(void)
{
	struct qrt_sched_quantum *quantum = NULL, *second = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_quantum_start(4 * MS, &quantum, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_quantum_start(4 * MS, &second, NULL), -EBUSY);
	CU_ASSERT_EQUAL(qrt_sched_quantum_set_signal(SIGRTMAX), -EALREADY);
	CU_ASSERT_EQUAL(qrt_sched_quantum_set(quantum, 8 * MS), 0);
	CU_ASSERT_EQUAL(qrt_sched_quantum_set(quantum, 1), -ERANGE);
	qrt_sched_quantum_stop(quantum);
}

static void *start_and_end(void *ret_rc)
{
	struct qrt_sched_quantum *quantum;

	*(int *)ret_rc = qrt_sched_quantum_start(QRT_SCHED_QUANTUM_MIN, &quantum, NULL);
	return NULL;
}

/* Timers are limited: thousands of threads must not use them up. */
static void ended_threads_leave_nothing(void)
{
	struct rlimit limit, few;
	pthread_t thread;
	int i, rc = -1;

	CU_ASSERT_EQUAL(getrlimit(RLIMIT_SIGPENDING, &limit), 0);
	few = limit;
	few.rlim_cur = limit.rlim_cur < 1000 ? limit.rlim_cur : 1000;
	setrlimit(RLIMIT_SIGPENDING, &few);
	for (i = 0; i < 3000 && (i == 0 || rc == 0); i++) {
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, start_and_end, &rc), 0);
		pthread_join(thread, NULL);
	}
	setrlimit(RLIMIT_SIGPENDING, &limit);
	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT_EQUAL(i, 3000);
}

static void a_forked_child_can_stop_what_it_inherited(void)
{
	struct qrt_sched_quantum *quantum = NULL;
	int status = -1;
	pid_t child;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_quantum_start(4 * MS, &quantum, NULL), 0);
	child = fork();
	if (child == 0) {
		qrt_sched_quantum_stop(quantum);
		_exit(qrt_sched_quantum_start(4 * MS, &quantum, NULL) != 0);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	qrt_sched_quantum_stop(quantum);
}

static void rotating_says_what_is_wrong(void)
{
	struct qrt_sched_setting setting = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
					    .policy = QRT_SCHED_POLICY_FIFO,
					    .priority = 40};
	struct qrt_sched_error error = {0};

	CU_ASSERT_EQUAL(qrt_sched_quantum_rotate(NOBODY, &setting, &error), -ESRCH);
	CU_ASSERT(strlen(error.message) > 10);
	CU_ASSERT_EQUAL(qrt_sched_quantum_rotate(getpid(), &setting, &error), -ESTALE);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "fifo 40"));
	setting.policy = QRT_SCHED_POLICY_OTHER;
	setting.priority = 0;
	CU_ASSERT_EQUAL(qrt_sched_quantum_rotate(getpid(), &setting, NULL), -EINVAL);
}

static void a_rotators_descriptor_is_its_own(void)
{
	struct qrt_sched_rotator *rotator = NULL;
	struct pollfd p = {.events = POLLIN};
	int fd;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_rotator_open(&rotator), 0);
	fd = p.fd = qrt_sched_rotator_get_fd(rotator);
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CU_ASSERT(fcntl(fd, F_GETFL) & O_NONBLOCK);
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, NOBODY, 4 * MS), -ESRCH);
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, getpid(), 1), -ERANGE);
	CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, NOBODY, 0), 0);
	CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 0);
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 0);
	CU_ASSERT_EQUAL(qrt_sched_rotator_get_wait(rotator), -1);
	CU_ASSERT_EQUAL(qrt_sched_rotator_get_fd(rotator), fd);
	CU_ASSERT_PTR_NULL(qrt_sched_rotator_close(rotator));
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), -1);
}

/* It leaves this process, which is time-shared, as it is; and it asks to be called again. */
static void a_rotator_asks_for_looks(void)
{
	struct qrt_sched_rotator *rotator = NULL;
	struct qrt_sched_setting before, after;
	struct pollfd p = {.events = POLLIN};
	int rc;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_rotator_open(&rotator), 0);
	p.fd = qrt_sched_rotator_get_fd(rotator);
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &before), 0);
	rc = qrt_sched_rotator_set(rotator, getpid(), 4 * MS);
	if (rc == -EPERM || rc == -EOPNOTSUPP) {
		tap_skip(rc == -EPERM ? "needs CAP_SYS_NICE" : "the kernel counts no CPU time of threads");
	} else {
		CU_ASSERT_EQUAL(rc, 0);
		CU_ASSERT_EQUAL(poll(&p, 1, 20000), 1);
		CU_ASSERT_EQUAL(qrt_sched_rotator_harvest(rotator), 0);
		CU_ASSERT_EQUAL(poll(&p, 1, 20000), 1);
		CU_ASSERT_EQUAL(qrt_sched_rotator_set(rotator, getpid(), 0), 0);
		CU_ASSERT_EQUAL(poll(&p, 1, 0), 0);
	}
	CU_ASSERT_EQUAL(qrt_sched_setting_read(0, &after), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_compare(&before, &after, NULL), 0);
	qrt_sched_rotator_close(rotator);
}

static const struct tap_test tests[] = {
	{"closing nothing returns nothing", closing_nothing_returns_nothing},
	{"outputs stay untouched on failure", outputs_stay_untouched_on_failure},
	{"the signal mask is put back", the_signal_mask_is_put_back},
	{"a thread has one quantum", a_thread_has_one_quantum_and_others_have_theirs},
	{"ended threads leave nothing", ended_threads_leave_nothing},
	{"a forked child can stop what it inherited", a_forked_child_can_stop_what_it_inherited},
	{"rotating says what is wrong", rotating_says_what_is_wrong},
	{"a rotator's descriptor is its own", a_rotators_descriptor_is_its_own},
	{"a rotator asks for looks", a_rotator_asks_for_looks},
};

TAP_MAIN("quantum", tests)
