/* SPDX-License-Identifier: MIT */
/* libqrt-sched from outside: lifetimes, outputs, errors, descriptors. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <qrt/governor.h>
#include <qrt/sched.h>
#include <qrt/sched_record.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

#define NOBODY 0x3ffffffe /* above the kernel's largest thread number */

static void closing_nothing_returns_nothing(void)
{
	CU_ASSERT_PTR_NULL(qrt_sched_plan_close(NULL));
	CU_ASSERT_PTR_NULL(qrt_sched_thread_close(NULL));
	CU_ASSERT_PTR_NULL(qrt_sched_snapshot_close(NULL));
	CU_ASSERT_PTR_NULL(qrt_sched_placer_close(NULL));
	CU_ASSERT_PTR_NULL(qrt_sched_recorder_close(NULL));
}

/* Fills with a pattern, and looks whether it is still there. */
static void fill(void *at, size_t size)
{
	memset(at, 0x5a, size);
}

static int is_untouched(const void *at, size_t size)
{
	const unsigned char *bytes = at;
	size_t i;

	for (i = 0; i < size; i++) {
		if (bytes[i] != 0x5a)
			return 0;
	}
	return 1;
}

#define FAILS_AND_LEAVES(call, out)                                                                          \
	do {                                                                                                 \
		fill(&(out), sizeof(out));                                                                   \
		CU_ASSERT((call) < 0);                                                                       \
		CU_ASSERT(is_untouched(&(out), sizeof(out)));                                                \
	} while (0)

static void outputs_stay_untouched_on_failure(void)
{
	struct qrt_sched_placer_config config = {.size = sizeof(config), .broker_fd = -1};
	struct qrt_sched_layer_value layers[QRT_SCHED_LAYERS] = {{.until_ns = 0}};
	struct qrt_sched_setting setting, other;
	struct qrt_sched_recorder *recorder;
	struct qrt_sched_thread *thread;
	struct qrt_sched_placer *placer;
	struct qrt_sched_cpus cpus;
	char text[4];
	pid_t served;

	FAILS_AND_LEAVES(qrt_sched_cpus_parse("3-2", &cpus), cpus);
	FAILS_AND_LEAVES(qrt_sched_cpus_add(&cpus, -1), cpus);
	FAILS_AND_LEAVES(qrt_sched_role_get_served("worker", &served), served);
	FAILS_AND_LEAVES(qrt_sched_setting_read(NOBODY, &setting), setting);
	FAILS_AND_LEAVES(qrt_sched_setting_read(-1, &setting), setting);
	FAILS_AND_LEAVES(qrt_sched_layers_resolve(layers, 0, &setting), setting);
	FAILS_AND_LEAVES(qrt_sched_thread_open(NOBODY, &thread), thread);
	FAILS_AND_LEAVES(qrt_sched_placer_open(&config, &placer, NULL), placer);
	FAILS_AND_LEAVES(qrt_sched_recorder_new(3, &recorder), recorder);
	FAILS_AND_LEAVES(qrt_sched_recorder_open(-1, &recorder), recorder);
	setting = (struct qrt_sched_setting){.set = QRT_SCHED_SET_POLICY};
	FAILS_AND_LEAVES(qrt_sched_setting_get_fallback(&setting, -EPERM, &other), other);
	FAILS_AND_LEAVES(qrt_sched_ioprio_format(0, text, sizeof(text)), text);
	FAILS_AND_LEAVES(qrt_sched_setting_describe(&setting, text, sizeof(text)), text);
}

static void plans_stay_untouched_on_failure(void)
{
	struct qrt_sched_plan *plan = NULL;
	struct qrt_sched_setting setting;
	struct qrt_sched_budget budget;
	char before[256], after[256];

	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&plan), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_parse_option(plan, "vcpu_prio=4", NULL), 0);
	CU_ASSERT(qrt_sched_plan_format(plan, before, sizeof(before)) > 0);
	CU_ASSERT(qrt_sched_plan_parse_option(plan, "vcpu_prio=5,x", NULL) < 0);
	CU_ASSERT(qrt_sched_plan_parse_text(plan, "vcpu_prio=7\nnonsense\n", 21, NULL) < 0);
	CU_ASSERT(qrt_sched_plan_parse_file(plan, "/nowhere/at/all", NULL) < 0);
	CU_ASSERT(qrt_sched_plan_parse_argument(plan, "plan=/nowhere/at/all", NULL) < 0);
	CU_ASSERT(qrt_sched_plan_parse_argument(plan, "vcpu_prio=5,x", NULL) < 0);
	CU_ASSERT(qrt_sched_plan_format(plan, after, sizeof(after)) > 0);
	CU_ASSERT_STRING_EQUAL(before, after);
	FAILS_AND_LEAVES(qrt_sched_plan_get(plan, (enum qrt_sched_role)99, 0, &setting), setting);
	FAILS_AND_LEAVES(qrt_sched_plan_get_budget(plan, QRT_SCHED_ROLE_VCPU, &budget), budget);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_quantum(plan, (enum qrt_sched_role)99, 0), -EINVAL);
	CU_ASSERT_PTR_NULL(qrt_sched_plan_get_resctrl(plan));
	CU_ASSERT_PTR_NULL(qrt_sched_plan_get_boot(plan));
	qrt_sched_plan_close(plan);
}

static void errors_are_written_on_failure_only(void)
{
	struct qrt_sched_setting same = {.set = 0}, bad = {.set = QRT_SCHED_SET_CPUS};
	struct qrt_sched_host host = {.size = sizeof(host)};
	struct qrt_sched_plan *plan = NULL;
	struct qrt_sched_error error;

	fill(&error, sizeof(error));
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&plan), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_parse_option(plan, "vcpu_prio=4", &error), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_supported(plan, &error), 0);
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &same, &error), 0);
	CU_ASSERT_EQUAL(qrt_sched_host_read(&host, &error), 0);
	CU_ASSERT(is_untouched(&error, sizeof(error)));
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &bad, &error), -EINVAL);
	CU_ASSERT_EQUAL(error.code, -EINVAL);
	CU_ASSERT(error.message[0] && memchr(error.message, '\0', sizeof(error.message)));
	CU_ASSERT_PTR_NULL(strchr(error.message, '\n'));
	CU_ASSERT_EQUAL(qrt_sched_setting_apply(0, &bad, NULL), -EINVAL);
	qrt_sched_plan_close(plan);
}

/* What a program of before took for all of the globals is all that it gets. */
static void an_older_callers_struct_gets_what_it_knows(void)
{
	struct {
		struct qrt_sched_globals globals;
	} own;
	const uint32_t old_size = 8 * sizeof(uint32_t);
	struct qrt_sched_plan *plan = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&plan), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_parse_option(plan, "weight=7", NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_parse_option(plan, "pool=3", NULL), 0);
	fill(&own, sizeof(own));
	own.globals.size = old_size;
	CU_ASSERT_EQUAL(qrt_sched_plan_get_globals(plan, &own.globals), 0);
	CU_ASSERT_EQUAL(own.globals.pool_min, 3);
	CU_ASSERT(is_untouched((char *)&own + old_size, sizeof(own) - old_size));
	own.globals.size = sizeof(own.globals);
	CU_ASSERT_EQUAL(qrt_sched_plan_get_globals(plan, &own.globals), 0);
	CU_ASSERT_EQUAL(own.globals.weight, 7);
	qrt_sched_plan_close(plan);
}

static void io_priorities_have_one_form(void)
{
	char text[8];

	CU_ASSERT_EQUAL(qrt_sched_ioprio_parse("rt:3"), (int)QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 3));
	CU_ASSERT_EQUAL(qrt_sched_ioprio_parse("rt:8"), -EINVAL);
	CU_ASSERT_EQUAL(
		qrt_sched_ioprio_format(QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_IDLE, 0), text, sizeof(text)), 4);
	CU_ASSERT_STRING_EQUAL(text, "idle");
}

static void a_newer_callers_struct_is_taken_where_its_tail_is_zero(void)
{
	struct {
		struct qrt_sched_placer_config config;
		uint64_t newer;
	} wide = {.config = {.size = sizeof(wide), .broker_fd = -1}};
	struct qrt_sched_placer *placer = NULL;
	struct qrt_sched_plan *plan = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&plan), 0);
	wide.config.plan = plan;
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&wide.config, &placer, NULL), 0);
	CU_ASSERT_PTR_NULL(qrt_sched_placer_close(placer));
	wide.newer = 1;
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&wide.config, &placer, NULL), -E2BIG);
	qrt_sched_plan_close(plan);
}

static int count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	while (folder && readdir(folder))
		count++;
	if (folder)
		closedir(folder);
	return count;
}

static void use_everything(void)
{
	struct qrt_sched_placer_config config = {.size = sizeof(config), .broker_fd = -1};
	struct qrt_sched_host host = {.size = sizeof(host)};
	struct qrt_sched_recorder *recorder = NULL, *other = NULL;
	struct qrt_sched_snapshot *snapshot = NULL;
	struct qrt_sched_placer *placer = NULL;
	struct qrt_sched_thread *thread = NULL;
	struct qrt_sched_plan *plan = NULL;
	pid_t tid = gettid();

	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&plan), 0);
	config.plan = plan;
	CU_ASSERT_EQUAL(qrt_sched_host_read(&host, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&config, &placer, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_NONE);
	CU_ASSERT_EQUAL(qrt_sched_placer_get_quantum(placer), 0);
	qrt_sched_placer_leave(placer);
	CU_ASSERT_EQUAL(qrt_sched_thread_open(tid, &thread), 0);
	CU_ASSERT_EQUAL(qrt_sched_thread_fall_back(thread, -EPERM), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_thread_apply(thread, NULL), 0);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_new(&snapshot), 0);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_add(snapshot, tid), 1);
	CU_ASSERT_EQUAL(qrt_sched_snapshot_restore(snapshot, NULL), 1);
	CU_ASSERT_EQUAL(qrt_sched_recorder_new(64, &recorder), 0);
	CU_ASSERT_EQUAL(qrt_sched_recorder_open(qrt_sched_recorder_get_fd(recorder), &other), 0);
	qrt_sched_recorder_close(other);
	qrt_sched_recorder_close(recorder);
	qrt_sched_snapshot_close(snapshot);
	qrt_sched_thread_close(thread);
	qrt_sched_placer_close(placer);
	qrt_sched_plan_close(plan);
}

static void no_descriptor_is_left_behind(void)
{
	int before = count_descriptors(), i;

	for (i = 0; i < 20; i++)
		use_everything();
	CU_ASSERT_EQUAL(count_descriptors(), before);
}

static void *use_repeatedly(void *unused)
{
	int i;

	for (i = 0; i < 50; i++)
		use_everything();
	return unused;
}

static void handles_of_different_threads_are_independent(void)
{
	pthread_t threads[4];
	int i;

	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, use_repeatedly, NULL);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static const struct tap_test tests[] = {
	{"closing nothing returns nothing", closing_nothing_returns_nothing},
	{"outputs stay untouched on failure", outputs_stay_untouched_on_failure},
	{"plans stay untouched on failure", plans_stay_untouched_on_failure},
	{"errors are written on failure only", errors_are_written_on_failure_only},
	{"a newer caller's struct is taken where its tail is zero",
	 a_newer_callers_struct_is_taken_where_its_tail_is_zero},
	{"an older caller's struct gets what it knows", an_older_callers_struct_gets_what_it_knows},
	{"I/O priorities have one form", io_priorities_have_one_form},
	{"no descriptor is left behind", no_descriptor_is_left_behind},
	{"handles of different threads are independent", handles_of_different_threads_are_independent},
};

TAP_MAIN("contract of libqrt-sched", tests)
