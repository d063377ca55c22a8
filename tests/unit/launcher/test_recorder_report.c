/* SPDX-License-Identifier: MIT */
/* The recording for who asks, while the main loop goes on. */
#include "recorder_p.h"
#include "recording_replay.h"
#include "supervisor.h"
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static struct {
	struct supervisor supervisor;
	struct recorder recorder;
	pthread_t loop;
	atomic_bool hangs, works, is_held_up;
	atomic_int replayed;
	char *text;
} world;

void recorder_take(struct supervisor *supervisor, const char *trigger, struct recording *ret_recording)
{
	CU_ASSERT_PTR_EQUAL(supervisor, &world.supervisor);
	recording_init(ret_recording);
	g_strlcpy(ret_recording->name, "vm", sizeof(ret_recording->name));
	g_strlcpy(ret_recording->trigger, trigger, sizeof(ret_recording->trigger));
	ret_recording->pid = 7;
}

void recording_replay(struct recording *recording)
{
	if (pthread_equal(pthread_self(), world.loop))
		atomic_store(&world.is_held_up, true);
	atomic_store(&world.works, true);
	while (atomic_load(&world.hangs) && !atomic_load(&world.is_held_up))
		g_usleep(1000);
	recording->traced_ns = 42;
	atomic_fetch_add(&world.replayed, 1);
}

static void told(char *text, void *data)
{
	CU_ASSERT_PTR_EQUAL(data, &world);
	CU_ASSERT_TRUE(pthread_equal(pthread_self(), world.loop));
	g_free(world.text);
	world.text = text;
}

static void open_world(void)
{
	memset(&world, 0, sizeof(world));
	world.loop = pthread_self();
	world.recorder.reports = recorder_reports_new();
	world.supervisor.flight = &world.recorder;
}

static void close_world(void)
{
	CU_ASSERT_PTR_NULL(recorder_reports_free(world.recorder.reports));
	CU_ASSERT_FALSE(atomic_load(&world.is_held_up));
	CU_ASSERT_FALSE(g_main_context_iteration(NULL, FALSE));
	g_free(world.text);
}

static int ask(void)
{
	return recorder_report(&world.supervisor, told, &world);
}

static void test_answer(void)
{
	int i;

	open_world();
	for (i = 0; i < 3; i++) {
		world.text = NULL;
		CU_ASSERT_EQUAL(ask(), 0);
		CU_ASSERT_EQUAL(ask(), -EBUSY);
		while (!world.text)
			g_main_context_iteration(NULL, TRUE);
		CU_ASSERT_TRUE(g_str_has_prefix(world.text, "{\"recording\":\"{\\\"record\\\":\\\"vm\\\""));
		CU_ASSERT_PTR_NOT_NULL(strstr(world.text, "traced_ns\\\":42,"));
		CU_ASSERT_TRUE(g_str_has_suffix(world.text, "}\\n\"}\n"));
		if (i < 2)
			g_free(world.text);
	}
	close_world();
}

static void test_goes_on(void)
{
	int i;

	open_world();
	atomic_store(&world.hangs, true);
	CU_ASSERT_EQUAL(ask(), 0);
	for (i = 0; i < 10; i++)
		CU_ASSERT_FALSE(g_main_context_iteration(NULL, FALSE));
	CU_ASSERT_PTR_NULL(world.text);
	atomic_store(&world.hangs, false);
	while (!world.text)
		g_main_context_iteration(NULL, TRUE);
	close_world();
}

/* Nobody is told any more. */
static void test_ends(void)
{
	open_world();
	atomic_store(&world.hangs, true);
	CU_ASSERT_EQUAL(ask(), 0);
	while (!atomic_load(&world.works))
		g_usleep(1000);
	close_world();
	atomic_store(&world.hangs, false);
	while (atomic_load(&world.replayed) == 0)
		g_usleep(1000);
	CU_ASSERT_PTR_NULL(world.text);
}

static void test_none(void)
{
	open_world();
	world.supervisor.flight = NULL;
	CU_ASSERT_EQUAL(ask(), -ENOENT);
	close_world();
}

static const struct tap_test tests[] = {
	{"an answer, and the next one", test_answer},
	{"the main loop goes on meanwhile", test_goes_on},
	{"a VM that ends meanwhile", test_ends},
	{"nothing is recorded", test_none},
};

TAP_MAIN("recorder_report", tests)
