/* SPDX-License-Identifier: MIT */
#include "blame_threads.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static struct blame_threads *threads;
static struct blame_model *model;

static void ignore(void *context, const struct blame_delay *delay)
{
	(void)context;
	(void)delay;
}

static void open_world(void)
{
	model = blame_model_new(1000000, ignore, NULL);
	threads = blame_threads_new((int32_t)getpid(), NULL);
}

static void close_world(void)
{
	threads = blame_threads_free(threads);
	model = blame_model_free(model);
}

/* What is printed must not reach a terminal as an order, whoever chose the name. */
static void test_names(void)
{
	struct blame_thread told = {
		.tid = (int32_t)gettid(), .role = QRT_SCHED_ROLE_IOTH, .name = "x\r\233y"};
	char name[16];

	open_world();
	prctl(PR_GET_NAME, name);
	prctl(PR_SET_NAME, "CPU\033[2J\302\233\177");
	blame_threads_add(threads, model, (int32_t)gettid());
	CU_ASSERT_STRING_EQUAL(blame_threads_find(threads, (int32_t)gettid())->name, "CPU?[2J???");
	prctl(PR_SET_NAME, "again\007");
	blame_threads_scan(threads, model);
	CU_ASSERT_STRING_EQUAL(blame_threads_find(threads, (int32_t)gettid())->name, "again?");
	blame_threads_tell(threads, model, &told);
	CU_ASSERT_STRING_EQUAL(blame_threads_find(threads, (int32_t)gettid())->name, "x??y");
	prctl(PR_SET_NAME, name);
	close_world();
}

static gpointer wait_for_go(gpointer data)
{
	GMutex *go = data;

	prctl(PR_SET_NAME, "CPU 3/KVM");
	g_mutex_lock(go);
	g_mutex_unlock(go);
	return NULL;
}

static int32_t find_other(void)
{
	int32_t tid, pid = (int32_t)getpid();

	for (tid = pid + 1; tid < pid + 100000; tid++) {
		const struct blame_thread *thread = blame_threads_find(threads, tid);

		if (thread && strcmp(thread->name, "CPU 3/KVM") == 0)
			return tid;
	}
	return 0;
}

static void check_lives(int32_t tid, bool lives)
{
	const struct blame_thread *thread = blame_threads_find(threads, tid);

	CU_ASSERT_PTR_NOT_NULL_FATAL(thread);
	CU_ASSERT_EQUAL(thread->fd >= 0, lives);
}

static void test_lives(void)
{
	GThread *other;
	GMutex go;
	size_t alone;
	int32_t tid = 0, i;

	open_world();
	CU_ASSERT_EQUAL(blame_threads_scan(threads, model), 0);
	g_mutex_init(&go);
	g_mutex_lock(&go);
	other = g_thread_new("other", wait_for_go, &go);
	for (i = 0; i < 2000 && tid == 0; i++) {
		g_usleep(5000);
		CU_ASSERT_EQUAL(blame_threads_scan(threads, model), 0);
		tid = find_other();
	}
	/* A sanitizer adds one of its own, beside the first that a program starts. */
	alone = blame_threads_count(threads) - 1;
	CU_ASSERT_TRUE_FATAL(tid > 0);
	check_lives(tid, true);
	CU_ASSERT_EQUAL(blame_threads_find(threads, tid)->role, QRT_SCHED_ROLE_VCPU);
	CU_ASSERT_EQUAL(blame_threads_find(threads, tid)->index, 3);
	/* The number came back before a scan saw that it had gone: it is another thread, and watched anew. */
	blame_threads_end(threads, model, tid);
	check_lives(tid, false);
	blame_threads_end(threads, model, tid);
	blame_threads_add(threads, model, tid);
	check_lives(tid, true);
	g_mutex_unlock(&go);
	g_thread_join(other);
	for (i = 0; i < 2000 && blame_threads_count(threads) > alone; i++) {
		g_usleep(5000);
		blame_threads_scan(threads, model);
	}
	/* Known for a while, as a mutex may still be said to be held by it; not for ever. */
	CU_ASSERT_EQUAL(blame_threads_count(threads), alone);
	check_lives(tid, false);
	for (i = 0; i < 200; i++)
		blame_threads_scan(threads, model);
	CU_ASSERT_PTR_NULL(blame_threads_find(threads, tid));
	g_mutex_clear(&go);
	close_world();
}

static void test_gone(void)
{
	open_world();
	blame_threads_free(threads);
	threads = blame_threads_new(INT32_MAX, NULL);
	CU_ASSERT_EQUAL(blame_threads_scan(threads, model), -ESRCH);
	blame_threads_end(threads, model, 1);
	CU_ASSERT_PTR_NULL(blame_threads_find(threads, 1));
	close_world();
}

static const struct tap_test tests[] = {
	{"names are cleaned, read and told ones", test_names},
	{"threads are found, ended and forgotten", test_lives},
	{"a process that is gone", test_gone},
};

TAP_MAIN("blame_threads", tests)
