/* SPDX-License-Identifier: MIT */
/* All threads of a placer at once. I/O priorities of class be are anybody's to change. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apart.h"
#include "tap.h"

#define BE(level) QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_BE, level)

struct worker {
	pthread_t thread;
	struct qrt_sched_placer *placer;
	const char *name;
	pid_t tid;
	int result;
	sem_t is_in, may_go;
};

static struct qrt_sched_placer *open_placer(const struct qrt_sched_plan *plan, int fd)
{
	struct qrt_sched_placer_config config = {
		.size = sizeof(config), .broker_fd = fd, .plan = plan, .flags = QRT_SCHED_PLACER_QUANTUM};
	struct qrt_sched_placer *placer = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_placer_open(&config, &placer, NULL), 0);
	return placer;
}

static void *stay_a_while(void *arg)
{
	struct worker *w = arg;

	w->tid = gettid();
	w->result = qrt_sched_placer_enter(w->placer, w->name, NULL);
	sem_post(&w->is_in);
	sem_wait(&w->may_go);
	qrt_sched_placer_leave(w->placer);
	return NULL;
}

static void begin(struct worker *w, struct qrt_sched_placer *placer, const char *name)
{
	*w = (struct worker){.placer = placer, .name = name};
	sem_init(&w->is_in, 0, 0);
	sem_init(&w->may_go, 0, 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&w->thread, NULL, stay_a_while, w), 0);
}

static void come(struct worker *w, struct qrt_sched_placer *placer, const char *name)
{
	begin(w, placer, name);
	sem_wait(&w->is_in);
}

static void go(struct worker *w)
{
	sem_post(&w->may_go);
	pthread_join(w->thread, NULL);
	sem_destroy(&w->is_in);
	sem_destroy(&w->may_go);
}

static uint32_t ioprio_of(const struct worker *w)
{
	return apart_setting(w->tid).ioprio;
}

static void those_who_entered_are_listed(void)
{
	struct qrt_sched_plan *plan = apart_plan("paio_ioprio=be:5,be:6");
	struct qrt_sched_placer *placer = open_placer(plan, -1);
	struct qrt_sched_placed placed[4];
	struct worker a, b, c;

	CU_ASSERT_EQUAL(qrt_sched_placer_list(placer, NULL, 0), 0);
	come(&a, placer, "worker");
	come(&b, placer, "IO disk0");
	come(&c, placer, "worker");
	memset(placed, 0x5a, sizeof(placed));
	CU_ASSERT_EQUAL(qrt_sched_placer_list(placer, placed, 1), 3);
	CU_ASSERT_EQUAL(placed[1].tid, 0x5a5a5a5a);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_placer_list(placer, placed, 4), 3);
	CU_ASSERT(placed[0].tid == a.tid && placed[1].tid == b.tid && placed[2].tid == c.tid);
	CU_ASSERT(placed[0].role == QRT_SCHED_ROLE_PAIO && placed[0].index == 0 && placed[0].is_placed == 1);
	CU_ASSERT(placed[1].role == QRT_SCHED_ROLE_IOTH && !placed[1].is_placed && !placed[1].want.set);
	CU_ASSERT(placed[2].index == 1 && placed[2].want.ioprio == BE(6));
	go(&a);
	CU_ASSERT_EQUAL(qrt_sched_placer_list(placer, placed, 4), 2);
	CU_ASSERT(placed[0].tid == b.tid && placed[1].tid == c.tid);
	go(&b);
	go(&c);
	CU_ASSERT_EQUAL(qrt_sched_placer_list(placer, placed, 4), 0);
	qrt_sched_placer_close(placer);
	qrt_sched_plan_close(plan);
}

static void another_plan_moves_all(void)
{
	struct qrt_sched_plan *plan = apart_plan("paio_ioprio=be:5"),
			      *next = apart_plan("paio_ioprio=be:1,be:2 ioth_ioprio=be:3"),
			      *less = apart_plan("ioth_ioprio=be:6");
	struct qrt_sched_placer *placer = open_placer(plan, -1);
	struct qrt_sched_placed placed[2];
	struct worker a, b, c;

	come(&a, placer, "worker");
	come(&b, placer, "IO disk0");
	CU_ASSERT_EQUAL(ioprio_of(&a), BE(5));
	CU_ASSERT_EQUAL(qrt_sched_placer_change(placer, next, NULL), 0);
	qrt_sched_plan_close(plan);
	CU_ASSERT(ioprio_of(&a) == BE(1) && ioprio_of(&b) == BE(3));
	CU_ASSERT_EQUAL(qrt_sched_placer_list(placer, placed, 2), 2);
	CU_ASSERT(placed[1].is_placed && placed[1].want.ioprio == BE(3));
	come(&c, placer, "worker");
	CU_ASSERT_EQUAL(ioprio_of(&c), BE(2));
	/* Whose role is named no more is as it was born. */
	CU_ASSERT_EQUAL(qrt_sched_placer_change(placer, less, NULL), 0);
	CU_ASSERT(ioprio_of(&a) == 0 && ioprio_of(&b) == BE(6));
	go(&a);
	go(&b);
	go(&c);
	qrt_sched_placer_close(placer);
	qrt_sched_plan_close(next);
	qrt_sched_plan_close(less);
}

/* The second one cannot be what `next` says: nothing happens. */
static void change_in_vain(const char *next, int code)
{
	struct qrt_sched_plan *plan = apart_plan("paio_ioprio=be:5"), *bad = apart_plan(next);
	struct qrt_sched_placer *placer = open_placer(plan, -1);
	struct qrt_sched_error error = {0};
	struct qrt_sched_placed placed[2];
	struct worker a, b, c;

	come(&a, placer, "worker");
	come(&b, placer, "IO disk0");
	CU_ASSERT_EQUAL(qrt_sched_placer_change(placer, bad, &error), code);
	CU_ASSERT(error.code == code && error.message[0]);
	CU_ASSERT(ioprio_of(&a) == BE(5) && ioprio_of(&b) == 0);
	CU_ASSERT_EQUAL(qrt_sched_placer_list(placer, placed, 2), 2);
	CU_ASSERT(placed[0].want.ioprio == BE(5) && !placed[1].is_placed);
	come(&c, placer, "worker");
	CU_ASSERT_EQUAL(ioprio_of(&c), BE(5));
	go(&a);
	go(&b);
	go(&c);
	qrt_sched_placer_close(placer);
	qrt_sched_plan_close(plan);
	qrt_sched_plan_close(bad);
}

static void where_one_cannot_be_changed_none_is(void)
{
	change_in_vain("paio_ioprio=be:1 ioth_bias=1023", -EINVAL);
}

APART(where_one_may_not_be_changed_none_is)
{
	CU_ASSERT(geteuid() || setuid(65534) == 0);
	change_in_vain("paio_ioprio=be:1 ioth_prio=10", -EPERM);
}

static void quanta_cannot_be_changed(void)
{
	struct qrt_sched_plan *plan = apart_plan("paio_nice=1"),
			      *next = apart_plan("paio_sched=rr paio_prio=1 paio_nice=0");
	struct qrt_sched_placer *placer = open_placer(plan, -1);
	struct qrt_sched_error error = {0};
	struct worker a;

	come(&a, placer, "worker");
	CU_ASSERT_EQUAL(qrt_sched_placer_change(placer, next, &error), -EOPNOTSUPP);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "paio 0"));
	CU_ASSERT_EQUAL(apart_setting(a.tid).policy, QRT_SCHED_POLICY_OTHER);
	go(&a);
	/* Without anybody whose quantum it would be it can. */
	CU_ASSERT_EQUAL(qrt_sched_placer_change(placer, next, NULL), 0);
	qrt_sched_placer_close(placer);
	qrt_sched_plan_close(plan);
	qrt_sched_plan_close(next);
}

static void under_a_supervisor_the_plan_is_its(void)
{
	struct qrt_sched_plan *plan = apart_plan("paio_ioprio=be:5"), *next = apart_plan("paio_ioprio=be:6");
	struct qrt_sched_error error = {0};
	struct qrt_sched_placer *placer;
	int pair[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	placer = open_placer(plan, pair[0]);
	CU_ASSERT_EQUAL(qrt_sched_placer_change(placer, next, &error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "supervisor"));
	qrt_sched_placer_close(placer);
	qrt_sched_plan_close(plan);
	qrt_sched_plan_close(next);
	close(pair[0]), close(pair[1]);
}

static void *enter_and_end(void *placer)
{
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_SELF);
	return NULL;
}

static void a_thread_that_ended_is_no_obstacle(void)
{
	struct qrt_sched_plan *plan = apart_plan("paio_ioprio=be:5"), *next = apart_plan("paio_ioprio=be:6");
	struct qrt_sched_placer *placer = open_placer(plan, -1);
	pthread_t thread;
	struct worker a;

	pthread_create(&thread, NULL, enter_and_end, placer);
	pthread_join(thread, NULL);
	come(&a, placer, "worker");
	CU_ASSERT_EQUAL(qrt_sched_placer_change(placer, next, NULL), 0);
	CU_ASSERT_EQUAL(ioprio_of(&a), BE(6));
	go(&a);
	qrt_sched_placer_close(placer);
	qrt_sched_plan_close(plan);
	qrt_sched_plan_close(next);
}

#define ROUNDS   200
#define TOGETHER 4
#define CHANGES  6

static const char *const levels[2] = {"paio_ioprio=be:1", "paio_ioprio=be:2"};

/* Another plan each time; the one of before is closed as soon as the call returns. */
static struct qrt_sched_plan *change_often(struct qrt_sched_placer *placer, struct qrt_sched_plan *plan)
{
	struct qrt_sched_plan *next;
	int i;

	for (i = 0; i < CHANGES; i++) {
		next = apart_plan(levels[i % 2]);
		CU_ASSERT_EQUAL(qrt_sched_placer_change(placer, next, NULL), 0);
		qrt_sched_plan_close(plan);
		plan = next;
	}
	return plan;
}

static void who_enters_meanwhile_has_the_later_plan(void)
{
	struct qrt_sched_plan *plan = apart_plan(levels[0]);
	struct qrt_sched_placer *placer = open_placer(plan, -1);
	struct worker workers[TOGETHER];
	int round, i, late = 0;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < TOGETHER; i++)
			begin(&workers[i], placer, "worker");
		sem_wait(&workers[0].is_in);
		plan = change_often(placer, plan);
		for (i = 0; i < TOGETHER; i++) {
			if (i)
				sem_wait(&workers[i].is_in);
			late += ioprio_of(&workers[i]) != BE(2);
			go(&workers[i]);
		}
	}
	CU_ASSERT_EQUAL(late, 0);
	qrt_sched_placer_close(placer);
	qrt_sched_plan_close(plan);
}

static const struct tap_test tests[] = {
	{"those who entered are listed, in that order", those_who_entered_are_listed},
	{"another plan moves all", another_plan_moves_all},
	{"where one cannot be changed none is", where_one_cannot_be_changed_none_is},
	{"where one may not be changed none is", where_one_may_not_be_changed_none_is},
	{"quanta cannot be changed", quanta_cannot_be_changed},
	{"under a supervisor the plan is its", under_a_supervisor_the_plan_is_its},
	{"a thread that ended is no obstacle", a_thread_that_ended_is_no_obstacle},
	{"who enters meanwhile has the later plan", who_enters_meanwhile_has_the_later_plan},
};

TAP_MAIN("contract of placers", tests)
