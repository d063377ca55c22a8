/* SPDX-License-Identifier: MIT */
/* What layer GOVERNOR takes from a thread, and what it leaves. */
#include "layers_p.h"
#include "plan_help.h"
#include "tap.h"

#include <string.h>

#define NOW     UINT64_C(1000000000000)
#define URGENCY (QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY)

static struct qrt_sched_layer_value layers[QRT_SCHED_LAYERS];

/* A thread that was found as OTHER nice 0 on CPUs 0-3. */
static void reset(void)
{
	struct qrt_sched_setting *origin = &layers[QRT_SCHED_LAYER_ORIGIN].setting;

	memset(layers, 0, sizeof(layers));
	origin->set = QRT_SCHED_SET_ALL;
	origin->cpus = cpus_of("0-3");
}

static struct qrt_sched_setting *put(enum qrt_sched_layer layer, uint32_t members, uint32_t policy,
				     int32_t priority)
{
	struct qrt_sched_setting *s = &layers[layer].setting;

	memset(&layers[layer], 0, sizeof(layers[layer]));
	s->set = members;
	s->policy = policy;
	s->priority = priority;
	return s;
}

static void put_cpus(enum qrt_sched_layer layer, const char *cpus)
{
	layers[layer].setting.set |= QRT_SCHED_SET_CPUS;
	layers[layer].setting.cpus = cpus_of(cpus);
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

/* A quantum would make it the last of all there, or the first. */
static void who_is_capped_out_of_real_time_leaves_its_quantum_there(void)
{
	static const struct {
		uint32_t policy;
		int32_t nice, cap;
		const char *in_force;
	} cases[] = {
		{QRT_SCHED_POLICY_RR, 19, 0, "other nice 0 on 0-3"},
		{QRT_SCHED_POLICY_RR, -20, 0, "other nice 0 on 0-3"},
		{QRT_SCHED_POLICY_RR, 19, 5, "other nice 5 on 0-3"},
		{QRT_SCHED_POLICY_FIFO, 19, -5, "other nice 0 on 0-3"},
		{QRT_SCHED_POLICY_OTHER, 7, 0, "other nice 7 on 0-3"},
		{QRT_SCHED_POLICY_OTHER, -7, 0, "other nice 0 on 0-3"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int32_t priority = cases[i].policy == QRT_SCHED_POLICY_OTHER ? 0 : 10;

		reset();
		put(QRT_SCHED_LAYER_PLAN, URGENCY | QRT_SCHED_SET_NICE, cases[i].policy, priority)->nice =
			cases[i].nice;
		put(QRT_SCHED_LAYER_GOVERNOR, URGENCY | QRT_SCHED_SET_NICE, QRT_SCHED_POLICY_OTHER, 0)->nice =
			cases[i].cap;
		CU_ASSERT_STRING_EQUAL(in_force(), cases[i].in_force);
	}
	reset();
	put(QRT_SCHED_LAYER_PLAN, URGENCY | QRT_SCHED_SET_NICE, QRT_SCHED_POLICY_RR, 10)->nice = 19;
	put(QRT_SCHED_LAYER_GOVERNOR, URGENCY, QRT_SCHED_POLICY_OTHER, 0);
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 19 on 0-3");
}

static void a_cap_never_raises(void)
{
	reset();
	put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_IDLE, 0);
	put(QRT_SCHED_LAYER_GOVERNOR, URGENCY, QRT_SCHED_POLICY_OTHER, 0);
	CU_ASSERT_STRING_EQUAL(in_force(), "idle on 0-3");
	put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_RR, 5);
	put(QRT_SCHED_LAYER_GOVERNOR, URGENCY, QRT_SCHED_POLICY_FIFO, 5);
	CU_ASSERT_STRING_EQUAL(in_force(), "rr 5 on 0-3");
}

static void a_cap_narrows_cpus_and_never_widens(void)
{
	static const struct {
		const char *cap, *in_force;
	} cases[] = {
		{"1", "other nice 0 on 1"},
		{"1-9", "other nice 0 on 1-2"},
		{"0-9", "other nice 0 on 1-2"},
		{"7", "other nice 0 on 1-2"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reset();
		put(QRT_SCHED_LAYER_PLAN, 0, 0, 0);
		put_cpus(QRT_SCHED_LAYER_PLAN, "1-2");
		put(QRT_SCHED_LAYER_GOVERNOR, 0, 0, 0);
		put_cpus(QRT_SCHED_LAYER_GOVERNOR, cases[i].cap);
		CU_ASSERT_STRING_EQUAL(in_force(), cases[i].in_force);
	}
}

static const struct tap_test tests[] = {
	{"who is capped out of real time leaves its quantum there",
	 who_is_capped_out_of_real_time_leaves_its_quantum_there},
	{"a cap never raises", a_cap_never_raises},
	{"a cap narrows CPUs and never widens them", a_cap_narrows_cpus_and_never_widens},
};

TAP_MAIN("layers_cap", tests)
