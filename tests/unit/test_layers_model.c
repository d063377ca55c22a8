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
	int rank; /* priority of real time; 0 OTHER, -1 BATCH, -2 IDLE, 100 DEADLINE */
	uint32_t policy, ioprio;
	int32_t nice, priority;
	uint64_t cpus, flags, times[3];
};

/* 'd' and 'f' have times, which are not each other's. */
static int kind_of(uint32_t policy)
{
	if (policy == 6)
		return 'd';
	return policy == 0 || policy == 3 ? 'f' : 'n';
}

static int is_rt(const struct model *m)
{
	return m->policy == 1 || m->policy == 2;
}

static void model_times(struct model *m, const struct qrt_sched_setting *s, int kind_before)
{
	int kind = kind_of(m->policy);

	if (kind != kind_before)
		memset(m->times, 0, sizeof(m->times));
	if (s->set & QRT_SCHED_SET_TIMES)
		memcpy(m->times, &s->runtime_ns, sizeof(m->times));
	if (kind == 'n')
		m->times[0] = 0;
	if (kind != 'd')
		m->times[1] = m->times[2] = 0;
}

static void model_say(struct model *m, const struct qrt_sched_setting *s)
{
	int kind = kind_of(m->policy);

	if (s->set & QRT_SCHED_SET_PRIORITY)
		m->priority = s->priority;
	if (s->set & QRT_SCHED_SET_POLICY)
		m->policy = s->policy;
	if (is_rt(m) && !m->priority)
		m->priority = 1;
	if (!is_rt(m) && m->policy != 6)
		m->priority = 0;
	m->rank = m->priority;
	if (m->policy == 6)
		m->rank = 100;
	else if (!is_rt(m))
		m->rank = m->policy == 3 ? -1 : m->policy == 5 ? -2 : 0;
	model_times(m, s, kind);
}

static void model_pvsched(struct model *m, const struct qrt_sched_setting *s)
{
	struct model asked = *m;

	model_say(&asked, s);
	if (m->policy == 6 || (asked.rank > m->rank && !is_rt(m)))
		return;
	if (asked.rank > m->rank)
		asked.rank = asked.priority = m->rank;
	*m = asked;
}

static void model_compare(struct model *m, const struct qrt_sched_setting *s, int is_cap)
{
	struct model other = *m;

	model_say(&other, s);
	if (is_cap ? other.rank < m->rank : other.rank > m->rank)
		*m = other;
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
		int was_above = m->rank > 0;

		model_compare(m, s, 1);
		if ((s->set & QRT_SCHED_SET_NICE) && was_above && m->rank <= 0)
			m->nice = s->nice > 0 ? s->nice : 0;
		else if ((s->set & QRT_SCHED_SET_NICE) && m->nice < s->nice)
			m->nice = s->nice;
		if ((s->set & QRT_SCHED_SET_CPUS) && (m->cpus & s->cpus.bits[0]))
			m->cpus &= s->cpus.bits[0];
	} else {
		model_say(m, s);
		if ((s->set & QRT_SCHED_SET_POLICY) && s->policy == 6)
			m->flags = 1;
		if (s->set & QRT_SCHED_SET_IOPRIO)
			m->ioprio = s->ioprio;
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

/* Legal ones, and where no policy is named of any kind. */
static void random_times(struct random *random, struct qrt_sched_setting *s)
{
	int kind = s->set & QRT_SCHED_SET_POLICY ? kind_of(s->policy) : "dfn"[random_below(random, 3)];

	if (kind == 'f' && random_below(random, 2))
		s->runtime_ns = 100000 * (1 + random_below(random, 5));
	if (kind != 'd')
		return;
	s->runtime_ns = 1024 * (1 + random_below(random, 4));
	s->deadline_ns = s->runtime_ns + random_below(random, 4);
	s->period_ns = s->deadline_ns + random_below(random, 4);
}

static void random_setting(struct random *random, struct qrt_sched_setting *s, uint32_t set)
{
	static const uint32_t policies[] = {0, 1, 2, 3, 5, 6};

	memset(s, 0, sizeof(*s));
	s->set = set;
	/* Without times it is not to be had. */
	s->policy = policies[random_below(random, set & QRT_SCHED_SET_TIMES ? 6 : 5)];
	s->priority = 1 + (int32_t)random_below(random, 6);
	if ((set & QRT_SCHED_SET_POLICY) && s->policy != 1 && s->policy != 2 && s->policy != 6)
		s->priority = 0;
	random_times(random, s);
	s->ioprio = QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_BE, random_below(random, 8));
	s->nice = (int32_t)random_below(random, 40) - 20;
	s->flags = random_below(random, 2);
	s->cpus.bits[0] = 1 + random_below(random, 15);
}

static void random_layers(struct random *random)
{
	static const uint32_t may[] = {127, 127, 3, 1, 15, 3, 3, 15};
	static const uint64_t limits[] = {0, 0, NOW - 1, NOW, NOW + 1};
	int layer;

	for (layer = 0; layer < QRT_SCHED_LAYERS; layer++) {
		struct qrt_sched_setting *s = &layers[layer].setting;
		uint32_t set = random_below(random, 3) ? random_below(random, 128) & may[layer] : 0;

		random_setting(random, s, layer == QRT_SCHED_LAYER_ORIGIN ? 127 : set);
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

		random_layers(&random);
		m = model_resolve(NOW);
		if (qrt_sched_layers_resolve(layers, NOW, &s) < 0 || s.policy != m.policy ||
		    s.priority != m.priority || s.nice != m.nice || s.cpus.bits[0] != m.cpus ||
		    s.flags != m.flags || s.ioprio != m.ioprio || s.set != QRT_SCHED_SET_ALL ||
		    memcmp(&s.runtime_ns, m.times, sizeof(m.times)) != 0)
			wrong++;
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static const struct tap_test tests[] = {
	{"200000 random stacks resolve as an independent model says",
	 random_layers_resolve_as_the_model_says},
};

TAP_MAIN("layers_model", tests)
