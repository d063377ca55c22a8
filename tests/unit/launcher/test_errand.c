/* SPDX-License-Identifier: MIT */
/* Work on a thread of its own, also when nobody waits for it any more, or there can be no thread. */
#include "errand.h"
#include "tap.h"

#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static struct {
	atomic_bool hangs, works;
	atomic_int done, forgotten, policy;
	pthread_t thread;
	bool no_threads;
} world;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *data)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return world.no_threads ? EAGAIN : real(thread, attr, run, data);
}

static void reset(void)
{
	atomic_store(&world.hangs, false);
	atomic_store(&world.works, false);
	atomic_store(&world.done, 0);
	atomic_store(&world.forgotten, 0);
	world.no_threads = false;
}

static void wait_for(atomic_int *count, int least)
{
	while (atomic_load(count) < least)
		g_usleep(1000);
}

static void work(void *data)
{
	atomic_store(&world.works, true);
	while (atomic_load(&world.hangs))
		g_usleep(1000);
	world.thread = pthread_self();
	atomic_store(&world.policy, sched_getscheduler(0));
	*(int *)data += 1;
	atomic_fetch_add(&world.done, 1);
}

static void forget(void *data)
{
	g_free(data);
	atomic_fetch_add(&world.forgotten, 1);
}

static void *await(struct errand *errand)
{
	struct pollfd done = {.fd = errand_get_fd(errand), .events = POLLIN};
	void *data;

	while (!(data = errand_fetch(errand)))
		CU_ASSERT_EQUAL_FATAL(poll(&done, 1, 30000), 1);
	return data;
}

static void test_in_turn(void)
{
	struct errand *errand = errand_open();
	int count = 0;

	reset();
	CU_ASSERT_FALSE(errand_is_busy(errand));
	CU_ASSERT_PTR_NULL(errand_fetch(errand));
	while (count < 100) {
		int before = count;

		errand_begin(errand, work, forget, &count);
		CU_ASSERT_TRUE(errand_is_busy(errand));
		CU_ASSERT_PTR_EQUAL(await(errand), &count);
		CU_ASSERT_FALSE(errand_is_busy(errand));
		CU_ASSERT_EQUAL_FATAL(count, before + 1);
	}
	CU_ASSERT_FALSE(pthread_equal(world.thread, pthread_self()));
	CU_ASSERT_EQUAL(atomic_load(&world.policy), SCHED_OTHER);
	CU_ASSERT_PTR_NULL(errand_close(errand));
	CU_ASSERT_EQUAL(atomic_load(&world.forgotten), 0);
}

/* Whoever begins and whoever closes goes on. */
static void test_hangs(void)
{
	struct errand *errand = errand_open();

	reset();
	atomic_store(&world.hangs, true);
	errand_begin(errand, work, forget, g_new0(int, 1));
	while (!atomic_load(&world.works))
		g_usleep(1000);
	CU_ASSERT_PTR_NULL(errand_fetch(errand));
	CU_ASSERT_PTR_NULL(errand_close(errand));
	CU_ASSERT_EQUAL(atomic_load(&world.forgotten), 0);
	atomic_store(&world.hangs, false);
	wait_for(&world.forgotten, 1);
	CU_ASSERT_EQUAL(atomic_load(&world.done), 1);
}

/* Before the thread began, while it works, when it is done: it is forgotten once. */
static void test_closed_any_time(void)
{
	int i;

	reset();
	for (i = 0; i < 300; i++) {
		struct errand *errand = errand_open();
		int done = atomic_load(&world.done);

		errand_begin(errand, work, forget, g_new0(int, 1));
		if (i % 3 == 1)
			sched_yield();
		else if (i % 3 == 2)
			wait_for(&world.done, done + 1);
		errand_close(errand);
		wait_for(&world.forgotten, i + 1);
	}
	CU_ASSERT_EQUAL(atomic_load(&world.forgotten), 300);
}

static void test_no_thread(void)
{
	struct errand *errand;
	int count = 0;

	reset();
	world.no_threads = true;
	errand = errand_open();
	CU_ASSERT_EQUAL(errand_get_fd(errand), -1);
	errand_begin(errand, work, forget, &count);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_TRUE(errand_is_busy(errand));
	CU_ASSERT_PTR_EQUAL(errand_fetch(errand), &count);
	CU_ASSERT_FALSE(errand_is_busy(errand));
	errand_begin(errand, work, forget, g_new0(int, 1));
	errand_close(errand);
	CU_ASSERT_EQUAL(atomic_load(&world.forgotten), 1);
	CU_ASSERT_PTR_NULL(errand_close(NULL));
}

static const struct tap_test tests[] = {
	{"one piece after the other, on a thread that is not urgent", test_in_turn},
	{"nobody waits for a piece that hangs", test_hangs},
	{"it may be closed at any time", test_closed_any_time},
	{"without a thread it is done at once", test_no_thread},
};

TAP_MAIN("errand", tests)
