/* SPDX-License-Identifier: MIT */
/* Layers and what only ORIGIN and PLAN may name: times, and so DEADLINE, and I/O priorities. */
#include "layers_p.h"
#include "plan_help.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

#define NOW     UINT64_C(1000000000000)
#define MS      UINT64_C(1000000)
#define URGENCY (QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY)

static struct qrt_sched_layer_value layers[QRT_SCHED_LAYERS];

/* An OTHER thread with a slice of 5 ms that the plan gives 2 of each 10 ms. */
static void begin(void)
{
	struct qrt_sched_setting *origin = &layers[QRT_SCHED_LAYER_ORIGIN].setting;
	struct qrt_sched_setting *plan = &layers[QRT_SCHED_LAYER_PLAN].setting;

	memset(layers, 0, sizeof(layers));
	origin->set = QRT_SCHED_SET_ALL;
	origin->cpus = cpus_of("0-3");
	origin->runtime_ns = 5 * MS;
	plan->set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_TIMES;
	plan->policy = QRT_SCHED_POLICY_DEADLINE;
	plan->runtime_ns = 2 * MS;
	plan->deadline_ns = plan->period_ns = 10 * MS;
}

static void put(enum qrt_sched_layer layer, uint32_t policy, int32_t priority)
{
	layers[layer].setting =
		(struct qrt_sched_setting){.set = URGENCY, .policy = policy, .priority = priority};
}

static const char *in_force(void)
{
	static char text[128];
	struct qrt_sched_setting s;

	if (qrt_sched_layers_resolve(layers, NOW, &s) < 0)
		return "refused";
	qrt_sched_setting_describe(&s, text, sizeof(text));
	return text;
}

#define DEADLINE "deadline 2ms/10ms/10ms on 0-3 reset-on-fork"

static void the_plan_may_say_deadline(void)
{
	begin();
	CU_ASSERT_STRING_EQUAL(in_force(), DEADLINE);
	layers[QRT_SCHED_LAYER_PLAN].setting.set &= ~QRT_SCHED_SET_TIMES;
	CU_ASSERT_STRING_EQUAL(in_force(), "refused");
}

static void nobody_above_the_plan_may(void)
{
	int layer;

	for (layer = QRT_SCHED_LAYER_PVSCHED; layer < QRT_SCHED_LAYERS; layer++) {
		begin();
		put((enum qrt_sched_layer)layer, QRT_SCHED_POLICY_DEADLINE, 0);
		CU_ASSERT_STRING_EQUAL(in_force(), "refused");
		layers[layer].setting = (struct qrt_sched_setting){.set = QRT_SCHED_SET_TIMES,
								   .runtime_ns = MS};
		CU_ASSERT_STRING_EQUAL(in_force(), "refused");
		layers[layer].setting = (struct qrt_sched_setting){.set = QRT_SCHED_SET_IOPRIO};
		CU_ASSERT_STRING_EQUAL(in_force(), "refused");
	}
}

static void raises_guests_and_slices_leave_it_alone(void)
{
	begin();
	put(QRT_SCHED_LAYER_INHERIT, QRT_SCHED_POLICY_FIFO, 99);
	put(QRT_SCHED_LAYER_LOCK, QRT_SCHED_POLICY_FIFO, 99);
	put(QRT_SCHED_LAYER_PVSCHED, QRT_SCHED_POLICY_OTHER, 0);
	layers[QRT_SCHED_LAYER_QUANTUM].setting = (struct qrt_sched_setting){.set = QRT_SCHED_SET_POLICY,
									     .policy = QRT_SCHED_POLICY_FIFO};
	CU_ASSERT_STRING_EQUAL(in_force(), DEADLINE);
}

static void the_governor_caps_it(void)
{
	begin();
	put(QRT_SCHED_LAYER_GOVERNOR, QRT_SCHED_POLICY_OTHER, 0);
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3 reset-on-fork");
	put(QRT_SCHED_LAYER_GOVERNOR, QRT_SCHED_POLICY_FIFO, 3);
	CU_ASSERT_STRING_EQUAL(in_force(), "fifo 3 on 0-3 reset-on-fork");
}

static void who_replaces_the_policy_ends_the_times(void)
{
	begin();
	put(QRT_SCHED_LAYER_LIFECYCLE, QRT_SCHED_POLICY_OTHER, 0);
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3 reset-on-fork");
	memset(&layers[QRT_SCHED_LAYER_PLAN], 0, sizeof(layers[0]));
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 slice 5ms on 0-3");
	put(QRT_SCHED_LAYER_LIFECYCLE, QRT_SCHED_POLICY_BATCH, 0);
	CU_ASSERT_STRING_EQUAL(in_force(), "batch nice 0 slice 5ms on 0-3");
}

static void the_plan_may_say_slices_and_io(void)
{
	struct qrt_sched_setting *plan = &layers[QRT_SCHED_LAYER_PLAN].setting;

	begin();
	*plan = (struct qrt_sched_setting){.set = QRT_SCHED_SET_TIMES | QRT_SCHED_SET_IOPRIO,
					   .runtime_ns = 20 * MS,
					   .ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_BE, 1)};
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 slice 20ms on 0-3 io be:1");
	plan->runtime_ns = 100000001;
	CU_ASSERT_STRING_EQUAL(in_force(), "refused");
	plan->runtime_ns = 99999;
	CU_ASSERT_STRING_EQUAL(in_force(), "refused");
	plan->runtime_ns = 0;
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3 io be:1");
}

/* The kernel has slices that nobody may ask for, and classes of I/O that we do not know. */
static void what_was_found_is_not_judged(void)
{
	begin();
	memset(&layers[QRT_SCHED_LAYER_PLAN], 0, sizeof(layers[0]));
	layers[QRT_SCHED_LAYER_ORIGIN].setting.runtime_ns = 12345;
	layers[QRT_SCHED_LAYER_ORIGIN].setting.ioprio = QRT_SCHED_IOPRIO(2, 0x104);
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 slice 12345ns on 0-3 io 0x4104");
}

static const struct tap_test tests[] = {
	{"the plan may say DEADLINE, with its times", the_plan_may_say_deadline},
	{"nobody above the plan may name it, times, or I/O priorities", nobody_above_the_plan_may},
	{"raises, guests and slices leave a DEADLINE alone", raises_guests_and_slices_leave_it_alone},
	{"the governor caps it", the_governor_caps_it},
	{"who replaces the policy ends the times", who_replaces_the_policy_ends_the_times},
	{"the plan may say slices and I/O priorities", the_plan_may_say_slices_and_io},
	{"what was found is not judged", what_was_found_is_not_judged},
};

TAP_MAIN("layers_deadline", tests)
