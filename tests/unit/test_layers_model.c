/* SPDX-License-Identifier: MIT */
/*
 * Layers against an independent model: the rules as a person would apply them, with ranks instead of
 * urgencies, and the suspended layers struck out first.
 */
#include "plan_help.h"
#include "tap.h"

#include <string.h>

#define NOW UINT64_C(1000000000000)

static struct qrt_sched_layer_value layers[QRT_SCHED_LAYERS];

struct model {
	int is_rt, rank; /* rank: priority of real time; 0 OTHER, -1 BATCH, -2 IDLE */
	uint32_t policy;
	int32_t nice;
	uint64_t cpus, flags;
};

static void model_say(struct model *m, const struct qrt_sched_setting *s)
{
	int32_t priority = m->is_rt ? m->rank : 0;

	if (s->set & QRT_SCHED_SET_PRIORITY)
		priority = s->priority;
	if (s->set & QRT_SCHED_SET_POLICY)
		m->policy = s->policy;
	m->is_rt = m->policy == 1 || m->policy == 2;
	if (m->is_rt)
		m->rank = priority ? priority : 1;
	else
		m->rank = m->policy == 3 ? -1 : m->policy == 5 ? -2 : 0;
}

static void model_pvsched(struct model *m, const struct qrt_sched_setting *s)
{
	struct model asked = *m;

	model_say(&asked, s);
	if (asked.rank > m->rank && !m->is_rt)
		return;
	if (asked.rank > m->rank)
		asked.rank = m->rank;
	*m = asked;
}

static void model_compare(struct model *m, const struct qrt_sched_setting *s, int is_cap)
{
	struct model other = *m;

	model_say(&other, s);
	if (is_cap ? other.rank < m->rank : other.rank > m->rank) {
		m->policy = other.policy;
		m->is_rt = other.is_rt;
		m->rank = other.rank;
	}
}

static void model_layer(struct model *m, int layer, const struct qrt_sched_setting *s)
{
	if (layer == QRT_SCHED_LAYER_PVSCHED) {
		model_pvsched(m, s);
	} else if (layer == QRT_SCHED_LAYER_QUANTUM) {
		m->policy = m->policy == 2 ? 1 : m->policy;
	} else if (layer == QRT_SCHED_LAYER_INHERIT || layer == QRT_SCHED_LAYER_LOCK) {
		model_compare(m, s, 0);
	} else if (layer == QRT_SCHED_LAYER_GOVERNOR) {
		model_compare(m, s, 1);
		if ((s->set & QRT_SCHED_SET_NICE) && m->nice < s->nice)
			m->nice = s->nice;
		if ((s->set & QRT_SCHED_SET_CPUS) && (m->cpus & s->cpus.bits[0]))
			m->cpus &= s->cpus.bits[0];
	} else {
		model_say(m, s);
		if (s->set & QRT_SCHED_SET_NICE)
			m->nice = s->nice;
		if (s->set & QRT_SCHED_SET_CPUS)
			m->cpus = s->cpus.bits[0];
		if (s->set & QRT_SCHED_SET_FLAGS)
			m->flags = s->flags;
	}
}

static struct model model_resolve(uint64_t now)
{
	static const int suspended[] = {0, 0, 1, 1, 0, 1, 1, 0};
	const struct qrt_sched_layer_value *life = &layers[QRT_SCHED_LAYER_LIFECYCLE];
	int reboots = life->setting.set && (life->until_ns == 0 || life->until_ns > now), layer;
	struct model m = {0};

	for (layer = 0; layer < QRT_SCHED_LAYERS; layer++) {
		if (!layers[layer].setting.set || (layers[layer].until_ns && layers[layer].until_ns <= now))
			continue;
		if (!(reboots && suspended[layer]))
			model_layer(&m, layer, &layers[layer].setting);
	}
	return m;
}

static void random_setting(struct random *random, struct qrt_sched_setting *s, uint32_t set)
{
	static const uint32_t policies[] = {0, 1, 2, 3, 5};

	memset(s, 0, sizeof(*s));
	s->set = set;
	s->policy = policies[random_below(random, 5)];
	s->priority = 1 + (int32_t)random_below(random, 6);
	if ((set & QRT_SCHED_SET_POLICY) && s->policy != 1 && s->policy != 2)
		s->priority = 0;
	s->nice = (int32_t)random_below(random, 40) - 20;
	s->flags = random_below(random, 2);
	s->cpus.bits[0] = 1 + random_below(random, 15);
}

static void random_layers(struct random *random)
{
	static const uint32_t may[] = {31, 31, 3, 1, 7, 3, 3, 15};
	static const uint64_t limits[] = {0, 0, NOW - 1, NOW, NOW + 1};
	int layer;

	for (layer = 0; layer < QRT_SCHED_LAYERS; layer++) {
		struct qrt_sched_setting *s = &layers[layer].setting;
		uint32_t set = random_below(random, 3) ? random_below(random, 32) & may[layer] : 0;

		random_setting(random, s, layer == QRT_SCHED_LAYER_ORIGIN ? 31 : set);
		if (layer == QRT_SCHED_LAYER_QUANTUM)
			s->policy = QRT_SCHED_POLICY_FIFO;
		layers[layer].until_ns = layer ? limits[random_below(random, 5)] : 0;
	}
}

static void random_layers_resolve_as_the_model_says(void)
{
	struct random random = {.state = 4711};
	int round, wrong = 0;

	for (round = 0; round < 200000; round++) {
		struct qrt_sched_setting s;
		struct model m;
		int32_t priority;

		random_layers(&random);
		m = model_resolve(NOW);
		priority = m.is_rt ? m.rank : 0;
		if (qrt_sched_layers_resolve(layers, NOW, &s) < 0 || s.policy != m.policy ||
		    s.priority != priority || s.nice != m.nice || s.cpus.bits[0] != m.cpus ||
		    s.flags != m.flags || s.set != QRT_SCHED_SET_ALL)
			wrong++;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static const struct tap_test tests[] = {
	{"200000 random stacks resolve as an independent model says",
	 random_layers_resolve_as_the_model_says},
};

TAP_MAIN("layers_model", tests)
