/* SPDX-License-Identifier: MIT */
#include "layers_p.h"
#include "plan_help.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
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

static void layers_have_names(void)
{
	static const char *const names[] = {"origin",    "plan",    "pvsched", "quantum",
					    "lifecycle", "inherit", "lock",    "governor"};
	int i;

	for (i = 0; i < QRT_SCHED_LAYERS; i++)
		CU_ASSERT_STRING_EQUAL(qrt_sched_layer_name(i), names[i]);
	CU_ASSERT_PTR_NULL(qrt_sched_layer_name(QRT_SCHED_LAYERS));
	CU_ASSERT_PTR_NULL(qrt_sched_layer_name((enum qrt_sched_layer) - 1));
}

static void origin_is_in_force_alone(void)
{
	reset();
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3");
}

static void origin_has_to_be_complete(void)
{
	uint32_t member;

	for (member = 1; member < QRT_SCHED_SET_ALL; member <<= 1) {
		reset();
		layers[QRT_SCHED_LAYER_ORIGIN].setting.set &= ~member;
		CU_ASSERT_STRING_EQUAL(in_force(), "refused");
	}
	reset();
	layers[QRT_SCHED_LAYER_ORIGIN].until_ns = NOW + 1;
	CU_ASSERT_STRING_EQUAL(in_force(), "refused");
	reset();
	layers[QRT_SCHED_LAYER_ORIGIN].setting.cpus = cpus_of("");
	CU_ASSERT_STRING_EQUAL(in_force(), "refused");
}

static void an_origin_of_a_foreign_policy_is_kept(void)
{
	reset();
	layers[QRT_SCHED_LAYER_ORIGIN].setting.policy = 7;
	CU_ASSERT_STRING_EQUAL(in_force(), "policy-7 on 0-3");
	put(QRT_SCHED_LAYER_INHERIT, URGENCY, QRT_SCHED_POLICY_FIFO, 99);
	CU_ASSERT_STRING_EQUAL(in_force(), "fifo 99 on 0-3");
}

/* Which members a layer may set: the table of the header, member by member. */
static void layers_set_only_what_they_may(void)
{
	static const uint32_t may[QRT_SCHED_LAYERS] = {
		[QRT_SCHED_LAYER_PLAN] = QRT_SCHED_SET_ALL,
		[QRT_SCHED_LAYER_PVSCHED] = URGENCY,
		[QRT_SCHED_LAYER_QUANTUM] = QRT_SCHED_SET_POLICY,
		[QRT_SCHED_LAYER_LIFECYCLE] = URGENCY | QRT_SCHED_SET_NICE | QRT_SCHED_SET_CPUS,
		[QRT_SCHED_LAYER_INHERIT] = URGENCY,
		[QRT_SCHED_LAYER_LOCK] = URGENCY,
		[QRT_SCHED_LAYER_GOVERNOR] = URGENCY | QRT_SCHED_SET_NICE | QRT_SCHED_SET_CPUS,
	};
	struct qrt_sched_setting s;
	uint32_t set;
	int layer;

	for (layer = QRT_SCHED_LAYER_PLAN; layer < QRT_SCHED_LAYERS; layer++) {
		for (set = 1; set <= QRT_SCHED_SET_ALL; set++) {
			int expected = set & ~may[layer] ? -EINVAL : 0;

			reset();
			put(layer, set, QRT_SCHED_POLICY_FIFO, 5)->cpus = cpus_of("1");
			CU_ASSERT_EQUAL(qrt_sched_layers_resolve(layers, NOW, &s), expected);
			CU_ASSERT_EQUAL(qrt_sched_p_layer_check(layer, &layers[layer]), expected);
		}
	}
}

static void values_out_of_range_are_refused(void)
{
	static const struct {
		uint32_t set, policy;
		int32_t priority, nice;
		uint32_t flags, ioprio;
	} bad[] = {
		{URGENCY, QRT_SCHED_POLICY_FIFO, 0, 0, 0, 0},
		{URGENCY, QRT_SCHED_POLICY_FIFO, 100, 0, 0, 0},
		{URGENCY, QRT_SCHED_POLICY_FIFO, -1, 0, 0, 0},
		{URGENCY, QRT_SCHED_POLICY_OTHER, 1, 0, 0, 0},
		{QRT_SCHED_SET_POLICY, 4, 0, 0, 0, 0},
		{QRT_SCHED_SET_POLICY, QRT_SCHED_POLICY_DEADLINE, 0, 0, 0, 0},
		{QRT_SCHED_SET_POLICY | QRT_SCHED_SET_TIMES, QRT_SCHED_POLICY_DEADLINE, 0, 0, 0, 0},
		{QRT_SCHED_SET_PRIORITY, 0, 100, 0, 0, 0},
		{QRT_SCHED_SET_NICE, 0, 0, 20, 0, 0},
		{QRT_SCHED_SET_NICE, 0, 0, -21, 0, 0},
		{QRT_SCHED_SET_FLAGS, 0, 0, 0, 2, 0},
		{QRT_SCHED_SET_CPUS, 0, 0, 0, 0, 0},
		{QRT_SCHED_SET_IOPRIO, 0, 0, 0, 0, QRT_SCHED_IOPRIO(4, 0)},
		{QRT_SCHED_SET_IOPRIO, 0, 0, 0, 0, QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 8)},
		{128, 0, 0, 0, 0, 0},
	};
	struct qrt_sched_setting result, before;
	size_t i;

	memset(&result, 0x5a, sizeof(result));
	before = result;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct qrt_sched_setting *s;

		reset();
		s = put(QRT_SCHED_LAYER_PLAN, bad[i].set, bad[i].policy, bad[i].priority);
		s->nice = bad[i].nice;
		s->flags = bad[i].flags;
		s->ioprio = bad[i].ioprio;
		CU_ASSERT_EQUAL(qrt_sched_layers_resolve(layers, NOW, &result), -EINVAL);
	}
	CU_ASSERT_EQUAL(memcmp(&result, &before, sizeof(result)), 0);
	CU_ASSERT_EQUAL(qrt_sched_p_layer_check(QRT_SCHED_LAYERS, &layers[1]), -EINVAL);
}

static void plan_replaces_what_it_names(void)
{
	reset();
	put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_FIFO, 10);
	CU_ASSERT_STRING_EQUAL(in_force(), "fifo 10 on 0-3");
	put_cpus(QRT_SCHED_LAYER_PLAN, "2");
	CU_ASSERT_STRING_EQUAL(in_force(), "fifo 10 on 2");
	put(QRT_SCHED_LAYER_PLAN, QRT_SCHED_SET_NICE, 0, 0)->nice = 7;
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 7 on 0-3");
	put(QRT_SCHED_LAYER_PLAN, QRT_SCHED_SET_POLICY, QRT_SCHED_POLICY_RR, 0);
	CU_ASSERT_STRING_EQUAL(in_force(), "rr 1 on 0-3");
	put(QRT_SCHED_LAYER_PLAN, QRT_SCHED_SET_FLAGS, 0, 0)->flags = QRT_SCHED_FLAG_RESET_ON_FORK;
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3 reset-on-fork");
	put(QRT_SCHED_LAYER_PLAN, QRT_SCHED_SET_PRIORITY, 0, 9);
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3");
}

static void pvsched_stays_below_the_plan(void)
{
	static const struct {
		uint32_t set, policy;
		int32_t priority;
		const char *in_force;
	} cases[] = {
		{URGENCY, QRT_SCHED_POLICY_FIFO, 5, "fifo 5 on 0-3"},
		{URGENCY, QRT_SCHED_POLICY_FIFO, 10, "fifo 10 on 0-3"},
		{URGENCY, QRT_SCHED_POLICY_FIFO, 11, "fifo 10 on 0-3"},
		{URGENCY, QRT_SCHED_POLICY_RR, 99, "rr 10 on 0-3"},
		{URGENCY, QRT_SCHED_POLICY_RR, 10, "rr 10 on 0-3"},
		{URGENCY, QRT_SCHED_POLICY_OTHER, 0, "other nice 0 on 0-3"},
		{URGENCY, QRT_SCHED_POLICY_IDLE, 0, "idle on 0-3"},
		{QRT_SCHED_SET_PRIORITY, 0, 3, "fifo 3 on 0-3"},
		{QRT_SCHED_SET_PRIORITY, 0, 30, "fifo 10 on 0-3"},
		{QRT_SCHED_SET_POLICY, QRT_SCHED_POLICY_RR, 0, "rr 10 on 0-3"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reset();
		put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_FIFO, 10);
		put(QRT_SCHED_LAYER_PVSCHED, cases[i].set, cases[i].policy, cases[i].priority);
		CU_ASSERT_STRING_EQUAL(in_force(), cases[i].in_force);
	}
	reset();
	put(QRT_SCHED_LAYER_PVSCHED, URGENCY, QRT_SCHED_POLICY_FIFO, 1);
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3");
	put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_IDLE, 0);
	put(QRT_SCHED_LAYER_PVSCHED, URGENCY, QRT_SCHED_POLICY_OTHER, 0);
	CU_ASSERT_STRING_EQUAL(in_force(), "idle on 0-3");
}

static void quantum_turns_rr_into_fifo_only(void)
{
	uint32_t policy;

	reset();
	put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_RR, 10);
	put(QRT_SCHED_LAYER_QUANTUM, QRT_SCHED_SET_POLICY, QRT_SCHED_POLICY_FIFO, 0);
	CU_ASSERT_STRING_EQUAL(in_force(), "fifo 10 on 0-3");
	put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_OTHER, 0);
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3");
	put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_FIFO, 3);
	CU_ASSERT_STRING_EQUAL(in_force(), "fifo 3 on 0-3");
	for (policy = 0; policy <= QRT_SCHED_POLICY_IDLE; policy++) {
		put(QRT_SCHED_LAYER_QUANTUM, QRT_SCHED_SET_POLICY, policy, 0);
		CU_ASSERT_EQUAL(strcmp(in_force(), "refused") == 0, policy != QRT_SCHED_POLICY_FIFO);
	}
}

static void lifecycle_replaces_and_suspends(void)
{
	reset();
	put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_RR, 10);
	put(QRT_SCHED_LAYER_LIFECYCLE, QRT_SCHED_SET_POLICY, QRT_SCHED_POLICY_OTHER, 0);
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3");
	put(QRT_SCHED_LAYER_PVSCHED, URGENCY, QRT_SCHED_POLICY_IDLE, 0);
	put(QRT_SCHED_LAYER_QUANTUM, QRT_SCHED_SET_POLICY, QRT_SCHED_POLICY_FIFO, 0);
	put(QRT_SCHED_LAYER_INHERIT, URGENCY, QRT_SCHED_POLICY_FIFO, 50);
	put(QRT_SCHED_LAYER_LOCK, URGENCY, QRT_SCHED_POLICY_FIFO, 60);
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3");
	put(QRT_SCHED_LAYER_LIFECYCLE, URGENCY, QRT_SCHED_POLICY_RR, 3);
	CU_ASSERT_STRING_EQUAL(in_force(), "rr 3 on 0-3");
	put(QRT_SCHED_LAYER_LIFECYCLE, QRT_SCHED_SET_NICE, 0, 0)->nice = 4;
	CU_ASSERT_STRING_EQUAL(in_force(), "rr 10 on 0-3");
	put(QRT_SCHED_LAYER_GOVERNOR, QRT_SCHED_SET_POLICY, QRT_SCHED_POLICY_OTHER, 0);
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 4 on 0-3");
	layers[QRT_SCHED_LAYER_LIFECYCLE].until_ns = NOW;
	memset(&layers[QRT_SCHED_LAYER_GOVERNOR], 0, sizeof(layers[0]));
	CU_ASSERT_STRING_EQUAL(in_force(), "fifo 60 on 0-3");
}

static void a_raise_never_lowers(void)
{
	static const struct {
		uint32_t policy;
		int32_t priority;
		const char *in_force;
	} cases[] = {
		{QRT_SCHED_POLICY_FIFO, 9, "rr 10 on 0-3"},    {QRT_SCHED_POLICY_FIFO, 10, "rr 10 on 0-3"},
		{QRT_SCHED_POLICY_FIFO, 11, "fifo 11 on 0-3"}, {QRT_SCHED_POLICY_OTHER, 0, "rr 10 on 0-3"},
		{QRT_SCHED_POLICY_IDLE, 0, "rr 10 on 0-3"},
	};
	static const enum qrt_sched_layer raises[] = {QRT_SCHED_LAYER_INHERIT, QRT_SCHED_LAYER_LOCK};
	size_t i, k;

	for (k = 0; k < 2; k++) {
		for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			reset();
			put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_RR, 10);
			put(raises[k], URGENCY, cases[i].policy, cases[i].priority);
			CU_ASSERT_STRING_EQUAL(in_force(), cases[i].in_force);
		}
		reset();
		put(raises[k], QRT_SCHED_SET_POLICY, QRT_SCHED_POLICY_FIFO, 0);
		CU_ASSERT_STRING_EQUAL(in_force(), "fifo 1 on 0-3");
		put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_BATCH, 0);
		put(raises[k], QRT_SCHED_SET_POLICY, QRT_SCHED_POLICY_OTHER, 0);
		CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3");
		put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_RR, 10);
		put(raises[k], QRT_SCHED_SET_PRIORITY, 0, 20);
		CU_ASSERT_STRING_EQUAL(in_force(), "rr 20 on 0-3");
	}
}

static void the_higher_of_two_raises_wins(void)
{
	reset();
	put(QRT_SCHED_LAYER_INHERIT, URGENCY, QRT_SCHED_POLICY_FIFO, 50);
	put(QRT_SCHED_LAYER_LOCK, URGENCY, QRT_SCHED_POLICY_RR, 40);
	CU_ASSERT_STRING_EQUAL(in_force(), "fifo 50 on 0-3");
	put(QRT_SCHED_LAYER_LOCK, URGENCY, QRT_SCHED_POLICY_RR, 60);
	CU_ASSERT_STRING_EQUAL(in_force(), "rr 60 on 0-3");
}

static void nothing_wins_against_the_cap(void)
{
	struct qrt_sched_setting *s;

	reset();
	put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_FIFO, 10);
	put(QRT_SCHED_LAYER_INHERIT, URGENCY, QRT_SCHED_POLICY_FIFO, 50);
	put(QRT_SCHED_LAYER_LOCK, URGENCY, QRT_SCHED_POLICY_FIFO, 99);
	put(QRT_SCHED_LAYER_GOVERNOR, URGENCY, QRT_SCHED_POLICY_OTHER, 0);
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3");
	s = put(QRT_SCHED_LAYER_GOVERNOR, URGENCY | QRT_SCHED_SET_NICE, QRT_SCHED_POLICY_OTHER, 0);
	s->nice = 10;
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 10 on 0-3");
	s->nice = -10;
	CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3");
	put(QRT_SCHED_LAYER_GOVERNOR, URGENCY, QRT_SCHED_POLICY_RR, 30);
	CU_ASSERT_STRING_EQUAL(in_force(), "rr 30 on 0-3");
	put(QRT_SCHED_LAYER_GOVERNOR, QRT_SCHED_SET_PRIORITY, 0, 20);
	CU_ASSERT_STRING_EQUAL(in_force(), "fifo 20 on 0-3");
}

static void limits_in_time_end_a_layer(void)
{
	int layer;

	for (layer = QRT_SCHED_LAYER_PLAN; layer < QRT_SCHED_LAYER_GOVERNOR; layer++) {
		if (layer == QRT_SCHED_LAYER_QUANTUM || layer == QRT_SCHED_LAYER_PVSCHED)
			continue;
		reset();
		put(layer, URGENCY, QRT_SCHED_POLICY_FIFO, 5);
		CU_ASSERT_STRING_EQUAL(in_force(), "fifo 5 on 0-3");
		layers[layer].until_ns = NOW + 1;
		CU_ASSERT_STRING_EQUAL(in_force(), "fifo 5 on 0-3");
		layers[layer].until_ns = NOW;
		CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3");
		layers[layer].until_ns = 1;
		CU_ASSERT_STRING_EQUAL(in_force(), "other nice 0 on 0-3");
	}
}

static void raises_get_their_longest_limit(void)
{
	const uint64_t second = 1000000000, tenth = 100000000;

	CU_ASSERT_EQUAL(qrt_sched_p_layer_until(QRT_SCHED_LAYER_INHERIT, NOW, 0), NOW + second);
	CU_ASSERT_EQUAL(qrt_sched_p_layer_until(QRT_SCHED_LAYER_INHERIT, NOW, NOW + 5 * second),
			NOW + second);
	CU_ASSERT_EQUAL(qrt_sched_p_layer_until(QRT_SCHED_LAYER_INHERIT, NOW, NOW + 5), NOW + 5);
	CU_ASSERT_EQUAL(qrt_sched_p_layer_until(QRT_SCHED_LAYER_LOCK, NOW, 0), NOW + tenth);
	CU_ASSERT_EQUAL(qrt_sched_p_layer_until(QRT_SCHED_LAYER_LOCK, NOW, NOW + second), NOW + tenth);
	CU_ASSERT_EQUAL(qrt_sched_p_layer_until(QRT_SCHED_LAYER_PLAN, NOW, 0), 0);
	CU_ASSERT_EQUAL(qrt_sched_p_layer_until(QRT_SCHED_LAYER_GOVERNOR, NOW, NOW + 50 * second),
			NOW + 50 * second);
}

static void composing_needs_no_whole_origin(void)
{
	struct qrt_sched_setting s;

	reset();
	layers[QRT_SCHED_LAYER_ORIGIN].setting.set &= ~(QRT_SCHED_SET_CPUS | QRT_SCHED_SET_NICE);
	put(QRT_SCHED_LAYER_PLAN, URGENCY, QRT_SCHED_POLICY_FIFO, 9);
	CU_ASSERT_EQUAL(qrt_sched_layers_resolve(layers, NOW, &s), -EINVAL);
	s = qrt_sched_p_layers_compose(layers, NOW);
	CU_ASSERT_EQUAL(s.set, QRT_SCHED_SET_ALL & ~(QRT_SCHED_SET_CPUS | QRT_SCHED_SET_NICE));
	CU_ASSERT_EQUAL(s.policy, QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(s.priority, 9);
	put_cpus(QRT_SCHED_LAYER_PLAN, "2");
	s = qrt_sched_p_layers_compose(layers, NOW);
	CU_ASSERT_EQUAL(s.set, QRT_SCHED_SET_ALL & ~QRT_SCHED_SET_NICE);
	CU_ASSERT(qrt_sched_cpus_has(&s.cpus, 2) && qrt_sched_cpus_count(&s.cpus) == 1);
}

static const struct tap_test tests[] = {
	{"layers have the documented names, and no others", layers_have_names},
	{"origin alone is in force where nothing else is set", origin_is_in_force_alone},
	{"origin has to be complete, without a limit in time", origin_has_to_be_complete},
	{"an origin under a policy that plans do not know is kept", an_origin_of_a_foreign_policy_is_kept},
	{"a layer sets only the members that it may", layers_set_only_what_they_may},
	{"values out of range are refused and change nothing", values_out_of_range_are_refused},
	{"the plan replaces what it names, the rest passes through", plan_replaces_what_it_names},
	{"what the guest asks for never gets above the plan", pvsched_stays_below_the_plan},
	{"the quantum turns RR into FIFO and nothing else", quantum_turns_rr_into_fifo_only},
	{"the lifecycle replaces, and suspends the layers of a running guest",
	 lifecycle_replaces_and_suspends},
	{"a raise never lowers, and an equal one keeps the policy", a_raise_never_lowers},
	{"the higher of two raises wins", the_higher_of_two_raises_wins},
	{"nothing wins against the cap", nothing_wins_against_the_cap},
	{"a layer ends with its limit in time", limits_in_time_end_a_layer},
	{"raises get their longest limit", raises_get_their_longest_limit},
	{"what is known of an origin in part is composed as well", composing_needs_no_whole_origin},
};

TAP_MAIN("layers", tests)
