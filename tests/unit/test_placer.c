/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "placer_help.h"
#include "tap.h"

/* ---- placing itself ---- */

static void a_thread_places_itself_by_its_name(void)
{
	placer_begin(0);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 1/KVM", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 20);
	CU_ASSERT_EQUAL(fake_kernel.attr.flags, 1);
	placer_end();
}

static void a_role_without_a_plan_is_left_alone(void)
{
	placer_begin(1);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "IO disk0", NULL), QRT_SCHED_PLACED_NONE);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "");
	CU_ASSERT(placer_is_silent());
	placer_end();
}

static void the_supervisor_is_told_how_the_thread_was(void)
{
	struct qrt_sched_broker_message m;

	placer_begin(1);
	fake_kernel.nice = 4;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, QRT_SCHED_PLACER_MAIN, NULL), QRT_SCHED_PLACED_SELF);
	m = placer_receive();
	CU_ASSERT_EQUAL(m.op, QRT_SCHED_BROKER_PLACED);
	CU_ASSERT_EQUAL(m.role, QRT_SCHED_ROLE_MAIN);
	CU_ASSERT_EQUAL(m.tid, (int)syscall(SYS_gettid));
	CU_ASSERT_EQUAL(m.origin.set, QRT_SCHED_SET_ALL);
	CU_ASSERT_EQUAL(m.origin.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(m.origin.nice, 4);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "a name that is far too long", NULL),
			QRT_SCHED_PLACED_SELF);
	m = placer_receive();
	CU_ASSERT_STRING_EQUAL(m.name, "a name that is ");
	CU_ASSERT_EQUAL(m.origin.policy, QRT_SCHED_POLICY_OTHER);
	qrt_sched_placer_leave(placer);
	CU_ASSERT_EQUAL(placer_receive().op, QRT_SCHED_BROKER_ENDED);
	qrt_sched_placer_leave(placer);
	CU_ASSERT(placer_is_silent());
	placer_end();
}

static void *enter_and_leave(void *name)
{
	CU_ASSERT(qrt_sched_placer_enter(placer, name, NULL) >= 0);
	qrt_sched_placer_leave(placer);
	return NULL;
}

static void entering_again_changes_the_role(void)
{
	placer_begin(0);
	fake_kernel.nice = 1;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, NULL, NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.nice, 3);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 11);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&fake_kernel.cpus), 1);
	/* What the new role does not name is as before, and not as the old role had it. */
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 0/TCG", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&fake_kernel.cpus), 4);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "IO disk0", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(fake_kernel.nice, 1);
	placer_end();
}

/* The main loop is placed first, so threads born later inherit from it. */
static void a_role_that_the_plan_does_not_name_is_as_the_process_began(void)
{
	static const char *const names[] = {"IO disk0", "vnc_worker"};
	struct qrt_sched_p_attr inherited;
	struct qrt_sched_cpus cpus;
	pthread_t thread;
	size_t i;

	placer_begin(0);
	fake_kernel.nice = 2;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, QRT_SCHED_PLACER_MAIN, NULL), QRT_SCHED_PLACED_SELF);
	inherited = fake_kernel.attr;
	cpus = fake_kernel.cpus;
	CU_ASSERT_EQUAL(inherited.priority, 40);
	for (i = 0; i < 2; i++) {
		fake_kernel.attr = inherited;
		fake_kernel.cpus = cpus;
		pthread_create(&thread, NULL, enter_and_leave, (void *)(uintptr_t)names[i]);
		pthread_join(thread, NULL);
		CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
		CU_ASSERT_EQUAL(fake_kernel.nice, 2);
		CU_ASSERT_EQUAL(qrt_sched_cpus_count(&fake_kernel.cpus), 4);
	}
	placer_end();
}

/* ---- indices ---- */

struct visit {
	pthread_t thread;
	int hold[2]; /* the visitor stays until it can read here */
	int done[2];
	int result;
	int index;
};

static void *visit(void *arg)
{
	struct visit *v = arg;
	char byte = 0;

	v->result = qrt_sched_placer_enter(placer, "worker", NULL);
	CU_ASSERT_EQUAL(write(v->done[1], &byte, 1), 1);
	CU_ASSERT_EQUAL(read(v->hold[0], &byte, 1), 1);
	qrt_sched_placer_leave(placer);
	return NULL;
}

/* The fake kernel is one thread's: visitors come and go one after the other. */
static void come(struct visit *v)
{
	char byte;

	CU_ASSERT_EQUAL(pipe(v->hold), 0);
	CU_ASSERT_EQUAL(pipe(v->done), 0);
	fake_kernel.attr = (struct qrt_sched_p_attr){0};
	pthread_create(&v->thread, NULL, visit, v);
	CU_ASSERT_EQUAL(read(v->done[0], &byte, 1), 1);
	v->index = (int)fake_kernel.attr.priority - 11;
}

static void go(struct visit *v)
{
	char byte = 0;

	CU_ASSERT_EQUAL(write(v->hold[1], &byte, 1), 1);
	pthread_join(v->thread, NULL);
	close(v->hold[0]), close(v->hold[1]), close(v->done[0]), close(v->done[1]);
}

static void the_lowest_free_index_is_given(void)
{
	struct visit a, b, c, d;

	placer_begin(0);
	come(&a);
	come(&b);
	come(&c);
	CU_ASSERT(a.index == 0 && b.index == 1 && c.index == 2);
	go(&b);
	come(&d);
	CU_ASSERT_EQUAL(d.index, 1);
	go(&a);
	come(&b);
	CU_ASSERT_EQUAL(b.index, 0);
	go(&b);
	go(&c);
	go(&d);
	placer_end();
}

static void what_was_inherited_is_not_taken_for_the_origin(void)
{
	struct qrt_sched_broker_message m;
	struct visit v;

	placer_begin(1);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, QRT_SCHED_PLACER_MAIN, NULL), QRT_SCHED_PLACED_SELF);
	placer_receive();
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 40);
	CU_ASSERT_EQUAL(pipe(v.hold), 0);
	CU_ASSERT_EQUAL(pipe(v.done), 0);
	pthread_create(&v.thread, NULL, visit, &v);
	CU_ASSERT_EQUAL(read(v.done[0], &(char){0}, 1), 1);
	m = placer_receive();
	CU_ASSERT_EQUAL(m.role, QRT_SCHED_ROLE_PAIO);
	CU_ASSERT_EQUAL(m.origin.policy, QRT_SCHED_POLICY_OTHER);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&m.origin.cpus), 4);
	go(&v);
	placer_end();
}

/* ---- failing ---- */

static void without_a_broker_the_missing_right_is_named(void)
{
	struct qrt_sched_error error = {0};

	placer_begin(0);
	fake_kernel.refuse_set = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", &error), -EPERM);
	CU_ASSERT_EQUAL(error.code, -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "CAP_SYS_NICE"));
	placer_end();
}

/* As under a seccomp filter: CPUs cannot be chosen nor read, the policy can. */
static void who_is_not_placed_gives_up_inherited_urgency(void)
{
	placer_begin(0);
	fake_kernel.attr = (struct qrt_sched_p_attr){.policy = QRT_SCHED_POLICY_FIFO, .priority = 40};
	fake_kernel.refuse_reading = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), -EPERM);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 11);
	/* More urgency without the CPUs that go with it: never. */
	fake_kernel.attr = (struct qrt_sched_p_attr){0};
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), -EPERM);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_OTHER);
	placer_end();
}

static void bad_configurations_are_refused(void)
{
	struct {
		struct qrt_sched_placer_config config;
		uint64_t newer;
	} long_config = {.newer = 1};
	struct qrt_sched_placer_config config = {.size = sizeof(config), .broker_fd = -1};
	struct qrt_sched_placer *none = NULL;
	struct qrt_sched_error error = {0};

	placer_begin(0);
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&config, &none, &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "plan"));
	config.plan = plan;
	config.size = 0;
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&config, &none, NULL), -EINVAL);
	config.size = sizeof(config);
	config.broker_fd = 0;
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&config, &none, &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "socket"));
	config.broker_fd = 9999;
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&config, &none, NULL), -EINVAL);
	config.broker_fd = -1;
	long_config.config = config;
	long_config.config.size = sizeof(long_config);
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&long_config.config, &none, NULL), -E2BIG);
	CU_ASSERT_PTR_NULL(none);
	CU_ASSERT_PTR_NULL(qrt_sched_placer_close(NULL));
	placer_end();
}

/* ---- many real threads ---- */

static void *come_and_go(void *arg)
{
	struct qrt_sched_placer *shared = arg;
	int i;

	for (i = 0; i < 200; i++) {
		CU_ASSERT(qrt_sched_placer_enter(shared, i % 2 ? "worker" : NULL, NULL) >= 0);
		if (i % 3 == 0)
			qrt_sched_placer_leave(shared);
	}
	qrt_sched_placer_leave(shared);
	return NULL;
}

static void threads_come_and_go_at_the_same_time(void)
{
	struct qrt_sched_placer_config config = {.size = sizeof(config), .broker_fd = -1};
	struct qrt_sched_placer *shared = NULL;
	struct qrt_sched_plan *mild = NULL;
	pthread_t threads[8];
	int pair[2], i;

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&mild), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_parse_option(mild, "paio_nice=5", NULL), 0);
	config.plan = mild;
	config.broker_fd = pair[0];
	CU_ASSERT_EQUAL_FATAL(qrt_sched_placer_open(&config, &shared, NULL), 0);
	for (i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, come_and_go, shared);
	for (i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	qrt_sched_placer_close(shared);
	qrt_sched_plan_close(mild);
	close(pair[0]), close(pair[1]);
}

static const struct tap_test tests[] = {
	{"a thread places itself by its name", a_thread_places_itself_by_its_name},
	{"a role without a plan is left alone", a_role_without_a_plan_is_left_alone},
	{"the supervisor is told how the thread was", the_supervisor_is_told_how_the_thread_was},
	{"entering again changes the role", entering_again_changes_the_role},
	{"a role that the plan does not name is as the process began",
	 a_role_that_the_plan_does_not_name_is_as_the_process_began},
	{"the lowest free index is given", the_lowest_free_index_is_given},
	{"what was inherited is not taken for the origin", what_was_inherited_is_not_taken_for_the_origin},
	{"without a broker the missing right is named", without_a_broker_the_missing_right_is_named},
	{"who is not placed gives up inherited urgency", who_is_not_placed_gives_up_inherited_urgency},
	{"bad configurations are refused", bad_configurations_are_refused},
	{"threads come and go at the same time", threads_come_and_go_at_the_same_time},
};

TAP_MAIN("placer", tests)
