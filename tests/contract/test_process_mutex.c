/* SPDX-License-Identifier: MIT */
/* Mutexes of a program under its own plan: what they inherit, and what a child of fork does. */
#include <errno.h>
#include <qrt/sched_record.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apart.h"
#include "process_help.h"
#include "tap.h"

static int does_inherit(const pthread_mutex_t *mutex)
{
	return (mutex->__data.__kind & PTHREAD_PRIO_INHERIT << 5) != 0;
}

static void init(pthread_mutex_t *mutex, int type)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, type);
	CU_ASSERT_EQUAL(qrt_sched_process_init_mutex(mutex, &attr), 0);
	pthread_mutexattr_destroy(&attr);
}

static int made_inherits(void)
{
	pthread_mutex_t mutex;
	int does;

	CU_ASSERT_EQUAL(qrt_sched_process_init_mutex(&mutex, NULL), 0);
	does = does_inherit(&mutex);
	CU_ASSERT_EQUAL(pthread_mutex_lock(&mutex), 0);
	CU_ASSERT_EQUAL(pthread_mutex_unlock(&mutex), 0);
	CU_ASSERT_EQUAL(qrt_sched_process_destroy_mutex(&mutex), 0);
	return does;
}

APART(mutexes_inherit_as_the_program_says)
{
	CU_ASSERT(!made_inherits());
	qrt_sched_process_inherit(1);
	CU_ASSERT(made_inherits());
	qrt_sched_process_inherit(0);
	CU_ASSERT(!made_inherits());
}

static int inherits_by(const char *first, const char *second, const char *third, const char *fourth)
{
	const char *words[] = {"program", first, second, third, fourth, NULL};
	char *argv[6] = {NULL};
	int argc;

	for (argc = 0; words[argc]; argc++)
		argv[argc] = strdup(words[argc]);
	qrt_sched_process_inherit_by(argc, argv);
	while (argc-- > 0)
		free(argv[argc]);
	return made_inherits();
}

APART(mutexes_inherit_as_the_options_say)
{
	CU_ASSERT(!inherits_by(NULL, NULL, NULL, NULL));
	CU_ASSERT(inherits_by("-rt", "vcpu_nice=1", NULL, NULL));
	CU_ASSERT(inherits_by("--rt", "vcpu_nice=1", "-machine", "pc,acpi=off"));
	CU_ASSERT(inherits_by("-append", "pi=off", "-rt", "pi=on"));
	CU_ASSERT(!inherits_by("-rt", "pi = off", "-machine", "pc,acpi=on"));
	CU_ASSERT(!inherits_by("-rt", "pi=on", "-rt", "main_nice=1 pi=off"));
	CU_ASSERT(inherits_by("-rt", "pi=off", "-rt", "pi=on"));
	CU_ASSERT(!inherits_by("-append", "-rt", NULL, NULL));
	CU_ASSERT(!inherits_by("-rt", NULL, NULL, NULL));
}

APART(mutexes_inherit_as_the_plan_says)
{
	process_open("paio_ioprio=be:5");
	CU_ASSERT(made_inherits());
}

APART(a_plan_can_say_that_they_do_not)
{
	qrt_sched_process_inherit(1);
	process_open("pi=off");
	CU_ASSERT(!made_inherits());
}

APART(types_are_kept)
{
	pthread_mutex_t recursive, checked;

	qrt_sched_process_inherit(1);
	init(&recursive, PTHREAD_MUTEX_RECURSIVE);
	init(&checked, PTHREAD_MUTEX_ERRORCHECK);
	CU_ASSERT(does_inherit(&recursive) && does_inherit(&checked));
	CU_ASSERT_EQUAL(qrt_sched_process_lock_mutex(&recursive, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_process_lock_mutex(&recursive, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_process_lock_mutex(&checked, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_process_lock_mutex(&checked, NULL), EDEADLK);
}

/* Any mutex: also one that was made by somebody else. */
APART(other_mutexes_are_taken_too)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	CU_ASSERT_EQUAL(qrt_sched_process_lock_mutex(&mutex, NULL), 0);
	CU_ASSERT_EQUAL(pthread_mutex_unlock(&mutex), 0);
	CU_ASSERT_EQUAL(qrt_sched_process_destroy_mutex(&mutex), 0);
}

/* ---- fork ---- */

/* Locks it `times` times, and ends with 0 where a child can unlock it as often, and take it again. */
static int child_can_unlock(pthread_mutex_t *mutex, int times)
{
	pid_t child;
	int i, rc = 0;

	for (i = 0; i < times; i++)
		pthread_mutex_lock(mutex);
	child = fork();
	if (child == 0) {
		for (i = 0; i < times; i++)
			rc |= pthread_mutex_unlock(mutex);
		rc |= pthread_mutex_trylock(mutex) | pthread_mutex_unlock(mutex);
		_exit(rc != 0);
	}
	for (i = 0; i < times; i++)
		CU_ASSERT_EQUAL(pthread_mutex_unlock(mutex), 0);
	return apart_ends_well(child);
}

APART(a_child_owns_what_the_forking_thread_held)
{
	pthread_mutex_t plain, recursive, checked;

	qrt_sched_process_inherit(1);
	CU_ASSERT_EQUAL(qrt_sched_process_init_mutex(&plain, NULL), 0);
	init(&recursive, PTHREAD_MUTEX_RECURSIVE);
	init(&checked, PTHREAD_MUTEX_ERRORCHECK);
	CU_ASSERT(child_can_unlock(&plain, 1));
	CU_ASSERT(child_can_unlock(&recursive, 2));
	CU_ASSERT(child_can_unlock(&checked, 1));
}

struct holder {
	pthread_mutex_t mutex;
	sem_t is_held, may_go;
	pid_t tid, other; /* it, and who may wait for it */
};

static int is_asleep(pid_t tid)
{
	char path[64], stat[512] = "";
	const char *state;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "re");
	if (file && !fgets(stat, sizeof(stat), file))
		stat[0] = '\0';
	if (file)
		fclose(file);
	state = strrchr(stat, ')');
	return state && state[2] == 'S';
}

static void *hold(void *arg)
{
	struct holder *h = arg;

	h->tid = gettid();
	pthread_mutex_lock(&h->mutex);
	sem_post(&h->is_held);
	sem_wait(&h->may_go);
	while (!is_asleep(h->other))
		usleep(1000);
	usleep(1000);
	pthread_mutex_unlock(&h->mutex);
	return NULL;
}

static void begin_holding(struct holder *h, pthread_t *ret_thread)
{
	CU_ASSERT_EQUAL(qrt_sched_process_init_mutex(&h->mutex, NULL), 0);
	h->other = gettid();
	sem_init(&h->is_held, 0, 0);
	sem_init(&h->may_go, 0, 0);
	pthread_create(ret_thread, NULL, hold, h);
	sem_wait(&h->is_held);
}

APART(what_another_thread_held_is_not_the_childs)
{
	struct holder h;
	pthread_t thread;
	pid_t child;

	qrt_sched_process_inherit(1);
	begin_holding(&h, &thread);
	child = fork();
	if (child == 0)
		_exit(pthread_mutex_unlock(&h.mutex) == 0 || pthread_mutex_trylock(&h.mutex) == 0);
	CU_ASSERT(apart_ends_well(child));
	sem_post(&h.may_go);
	pthread_join(thread, NULL);
}

/* Programs free mutexes without destroying them. */
APART(a_mutex_whose_memory_is_gone_does_no_harm)
{
	pthread_mutex_t *mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	qrt_sched_process_inherit(1);
	CU_ASSERT_EQUAL(qrt_sched_process_init_mutex(mutex, NULL), 0);
	munmap(mutex, 4096);
	child = fork();
	if (child == 0)
		_exit(0);
	CU_ASSERT(apart_ends_well(child));
}

#define MANY 20000 /* more than can be known at a time */

APART(destroyed_mutexes_make_room)
{
	static pthread_mutex_t many[MANY];
	int i;

	qrt_sched_process_inherit(1);
	for (i = 0; i < MANY; i++) {
		qrt_sched_process_init_mutex(&many[i], NULL);
		qrt_sched_process_destroy_mutex(&many[i]);
	}
	for (i = 0; i < MANY; i += MANY / 10) {
		CU_ASSERT_EQUAL(qrt_sched_process_init_mutex(&many[i], NULL), 0);
		CU_ASSERT(child_can_unlock(&many[i], 1));
	}
}

APART(too_many_mutexes_are_mutexes_still)
{
	static pthread_mutex_t many[MANY];
	int i, bad = 0;

	qrt_sched_process_inherit(1);
	for (i = 0; i < MANY; i++)
		bad += qrt_sched_process_init_mutex(&many[i], NULL) != 0;
	for (i = 0; i < MANY; i++) {
		bad += qrt_sched_process_lock_mutex(&many[i], NULL) != 0;
		bad += pthread_mutex_unlock(&many[i]) != 0;
		bad += qrt_sched_process_destroy_mutex(&many[i]) != 0;
	}
	CU_ASSERT_EQUAL(bad, 0);
}

/* ---- waits ---- */

static void wait_for_the_holder(struct holder *h)
{
	pthread_t thread;

	begin_holding(h, &thread);
	sem_post(&h->may_go);
	CU_ASSERT_EQUAL(qrt_sched_process_lock_mutex(&h->mutex, (const void *)0x1234), 0);
	CU_ASSERT_EQUAL(pthread_mutex_unlock(&h->mutex), 0);
	pthread_join(thread, NULL);
}

APART(a_wait_is_recorded)
{
	struct qrt_sched_process_config config = process_config(apart_plan("paio_ioprio=be:5"));
	struct qrt_sched_recorder *recorder = NULL;
	struct qrt_sched_process *process = NULL;
	struct qrt_sched_record records[4];
	struct holder h;
	uint64_t lost;

	CU_ASSERT_EQUAL(qrt_sched_recorder_new(64, &recorder), 0);
	config.recorder_fd = dup(qrt_sched_recorder_get_fd(recorder));
	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, NULL), 0);
	wait_for_the_holder(&h);
	CU_ASSERT_EQUAL(qrt_sched_recorder_read(recorder, records, 4, &lost), 0);
	qrt_sched_recorder_set_threshold(recorder, 1000);
	wait_for_the_holder(&h);
	CU_ASSERT_EQUAL(qrt_sched_recorder_read(recorder, records, 4, &lost), 1);
	CU_ASSERT_EQUAL(records[0].mutex, (uintptr_t)&h.mutex);
	CU_ASSERT_EQUAL(records[0].caller, 0x1234);
	CU_ASSERT(records[0].tid == gettid() && records[0].owner == h.tid);
	CU_ASSERT(records[0].wait_ns >= 1000);
	/* Who does not wait is no record. */
	CU_ASSERT_EQUAL(qrt_sched_process_lock_mutex(&h.mutex, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_recorder_read(recorder, records, 4, &lost), 0);
}

APART(errors_of_locking_are_those_of_pthreads)
{
	struct qrt_sched_process_config config = process_config(apart_plan("paio_ioprio=be:5"));
	struct qrt_sched_recorder *recorder = NULL;
	struct qrt_sched_process *process = NULL;
	pthread_mutex_t checked;

	CU_ASSERT_EQUAL(qrt_sched_recorder_new(64, &recorder), 0);
	qrt_sched_recorder_set_threshold(recorder, 1000);
	config.recorder_fd = dup(qrt_sched_recorder_get_fd(recorder));
	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, NULL), 0);
	init(&checked, PTHREAD_MUTEX_ERRORCHECK);
	CU_ASSERT_EQUAL(qrt_sched_process_lock_mutex(&checked, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_process_lock_mutex(&checked, NULL), EDEADLK);
}

static const struct tap_test tests[] = {
	{"mutexes inherit as the program says", mutexes_inherit_as_the_program_says},
	{"mutexes inherit as the options say", mutexes_inherit_as_the_options_say},
	{"mutexes inherit as the plan says", mutexes_inherit_as_the_plan_says},
	{"a plan can say that they do not", a_plan_can_say_that_they_do_not},
	{"types are kept", types_are_kept},
	{"other mutexes are taken too", other_mutexes_are_taken_too},
	{"a child owns what the forking thread held", a_child_owns_what_the_forking_thread_held},
	{"what another thread held is not the child's", what_another_thread_held_is_not_the_childs},
	{"a mutex whose memory is gone does no harm", a_mutex_whose_memory_is_gone_does_no_harm},
	{"destroyed mutexes make room", destroyed_mutexes_make_room},
	{"too many mutexes are mutexes still", too_many_mutexes_are_mutexes_still},
	{"a wait is recorded", a_wait_is_recorded},
	{"errors of locking are those of pthreads", errors_of_locking_are_those_of_pthreads},
};

TAP_MAIN("contract of processes, mutexes", tests)
