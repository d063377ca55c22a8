/* SPDX-License-Identifier: MIT */
#include "recorder_accounts.h"
#include "tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct recorder_thread myself(void)
{
	struct recorder_thread thread = {.tid = (int32_t)syscall(SYS_gettid), .role = QRT_SCHED_ROLE_VCPU};

	strcpy(thread.name, "CPU 0\033[2J");
	return thread;
}

static uint64_t used_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void spin(uint64_t ns)
{
	uint64_t end_ns = used_ns() + ns;

	while (used_ns() < end_ns)
		;
}

static void nap(void)
{
	struct timespec ts = {.tv_nsec = 1000000};

	nanosleep(&ts, NULL);
}

static void test_growth(void)
{
	struct recorder_accounts *accounts = recorder_accounts_new();
	struct recorder_thread thread = myself();
	struct recorder_entry entry;

	CU_ASSERT_FALSE(recorder_accounts_look(accounts, &thread, &entry));
	if (access("/proc/self/schedstat", R_OK) != 0) {
		tap_skip("this kernel keeps no accounts");
		return;
	}
	spin(3000000);
	nap();
	CU_ASSERT_TRUE(recorder_accounts_look(accounts, &thread, &entry));
	CU_ASSERT_EQUAL(entry.kind, RECORDER_SAMPLE);
	CU_ASSERT_EQUAL(entry.tid, thread.tid);
	CU_ASSERT_TRUE(entry.sample.run_ns >= 2000000);
	CU_ASSERT_TRUE(entry.sample.arrivals >= 1);
	CU_ASSERT_TRUE(entry.took_ns >= entry.sample.run_ns);
	CU_ASSERT_TRUE(entry.sample.cpu >= 0);
	recorder_accounts_free(accounts);
}

static void test_names(void)
{
	struct recorder_accounts *accounts = recorder_accounts_new();
	struct recorder_thread thread = myself();
	struct recorder_entry entry;

	CU_ASSERT_PTR_NULL(recorder_accounts_find(accounts, thread.tid));
	recorder_accounts_look(accounts, &thread, &entry);
	CU_ASSERT_PTR_NOT_NULL_FATAL(recorder_accounts_find(accounts, thread.tid));
	CU_ASSERT_STRING_EQUAL(recorder_accounts_find(accounts, thread.tid)->name, "CPU 0?[2J");
	thread.role = QRT_SCHED_ROLE_MAIN;
	recorder_accounts_look(accounts, &thread, &entry);
	CU_ASSERT_EQUAL(recorder_accounts_find(accounts, thread.tid)->role, QRT_SCHED_ROLE_MAIN);
	recorder_accounts_free(accounts);
}

static atomic_int its_tid;

static void *be_there(void *data)
{
	atomic_store(&its_tid, (int)syscall(SYS_gettid));
	pthread_mutex_lock(data);
	pthread_mutex_unlock(data);
	return NULL;
}

/* Who ended is known for a while, and then forgotten. */
static void test_end(void)
{
	pthread_mutex_t hold = PTHREAD_MUTEX_INITIALIZER;
	struct recorder_accounts *accounts = recorder_accounts_new();
	struct recorder_thread thread = {.role = QRT_SCHED_ROLE_PAIO, .name = "worker"};
	struct recorder_entry entry;
	pthread_t it;

	pthread_mutex_lock(&hold);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&it, NULL, be_there, &hold), 0);
	while (atomic_load(&its_tid) == 0)
		nap();
	thread.tid = atomic_load(&its_tid);
	recorder_accounts_look(accounts, &thread, &entry);
	pthread_mutex_unlock(&hold);
	pthread_join(it, NULL);
	recorder_accounts_look(accounts, &thread, &entry);
	recorder_accounts_sweep(accounts, UINT64_C(3600000000000));
	CU_ASSERT_PTR_NOT_NULL(recorder_accounts_find(accounts, thread.tid));
	nap();
	recorder_accounts_sweep(accounts, 1);
	CU_ASSERT_PTR_NULL(recorder_accounts_find(accounts, thread.tid));
	recorder_accounts_free(accounts);
	CU_ASSERT_PTR_NULL(recorder_accounts_free(NULL));
}

static const struct tap_test tests[] = {
	{"what grew since the last look", test_growth},
	{"names are clean, and follow", test_names},
	{"threads that ended", test_end},
};

TAP_MAIN("recorder_accounts", tests)
