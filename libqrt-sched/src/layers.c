/* SPDX-License-Identifier: MIT */
#include "layers_p.h"

#include "cpus_p.h"
#include "setting_p.h"

#include <errno.h>

#define URGENCY (QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY)

enum kind { BASE, REPLACE, WITHIN, SLICE, RAISE, CAP };

static const struct rule {
	const char *name;
	enum kind kind;
	uint32_t may_set;    /* QRT_SCHED_SET_* */
	int is_suspended;    /* by LIFECYCLE */
	uint64_t longest_ns; /* 0: any time */
} rules[QRT_SCHED_LAYERS] = {
	[QRT_SCHED_LAYER_ORIGIN] = {"origin", BASE, QRT_SCHED_SET_ALL, 0, 0},
	[QRT_SCHED_LAYER_PLAN] = {"plan", REPLACE, QRT_SCHED_SET_ALL, 0, 0},
	[QRT_SCHED_LAYER_PVSCHED] = {"pvsched", WITHIN, URGENCY, 1, 0},
	[QRT_SCHED_LAYER_QUANTUM] = {"quantum", SLICE, QRT_SCHED_SET_POLICY, 1, 0},
	[QRT_SCHED_LAYER_LIFECYCLE] = {"lifecycle", REPLACE,
				       URGENCY | QRT_SCHED_SET_NICE | QRT_SCHED_SET_CPUS, 0, 0},
	[QRT_SCHED_LAYER_INHERIT] = {"inherit", RAISE, URGENCY, 1, 1000000000},
	[QRT_SCHED_LAYER_LOCK] = {"lock", RAISE, URGENCY, 1, 100000000},
	[QRT_SCHED_LAYER_GOVERNOR] = {"governor", CAP, URGENCY | QRT_SCHED_SET_NICE | QRT_SCHED_SET_CPUS, 0,
				      0},
};

const char *qrt_sched_layer_name(enum qrt_sched_layer layer)
{
	return (unsigned)layer < QRT_SCHED_LAYERS ? rules[layer].name : NULL;
}

/* A thread may have been found under a policy that plans do not know, or with times and I/O priorities
 * that only the kernel gives: that is nothing to complain about, it only has to be known whole. */
static int check_origin(const struct qrt_sched_layer_value *value)
{
	struct qrt_sched_setting s = value->setting;

	if (s.set != QRT_SCHED_SET_ALL || value->until_ns)
		return -EINVAL;
	s.set &= ~(QRT_SCHED_SET_TIMES | QRT_SCHED_SET_IOPRIO);
	if (!qrt_sched_policy_name(s.policy)) {
		s.policy = QRT_SCHED_POLICY_OTHER;
		s.priority = 0;
	}
	return qrt_sched_p_setting_check(&s);
}

int qrt_sched_p_layer_check(enum qrt_sched_layer layer, const struct qrt_sched_layer_value *value)
{
	const struct qrt_sched_setting *s = &value->setting;

	if ((unsigned)layer >= QRT_SCHED_LAYERS)
		return -EINVAL;
	if (layer == QRT_SCHED_LAYER_ORIGIN)
		return check_origin(value);
	if (!s->set)
		return 0;
	if (s->set & ~rules[layer].may_set)
		return -EINVAL;
	if (rules[layer].kind == SLICE && s->policy != QRT_SCHED_POLICY_FIFO)
		return -EINVAL;
	/* Without its times nobody can give it: so only those layers that may name them. */
	if ((s->set & QRT_SCHED_SET_POLICY) && s->policy == QRT_SCHED_POLICY_DEADLINE &&
	    !(s->set & QRT_SCHED_SET_TIMES))
		return -EINVAL;
	return qrt_sched_p_setting_check(s);
}

uint64_t qrt_sched_p_layer_until(enum qrt_sched_layer layer, uint64_t now_ns, uint64_t until_ns)
{
	uint64_t longest_ns = (unsigned)layer < QRT_SCHED_LAYERS ? rules[layer].longest_ns : 0;
	uint64_t last;

	if (!longest_ns || __builtin_add_overflow(now_ns, longest_ns, &last))
		return until_ns;
	return !until_ns || until_ns > last ? last : until_ns;
}

static int is_set(const struct qrt_sched_layer_value *value, uint64_t now_ns)
{
	return value->setting.set && (!value->until_ns || now_ns < value->until_ns);
}

static struct qrt_sched_setting overlaid(const struct qrt_sched_setting *below,
					 const struct qrt_sched_setting *layer)
{
	struct qrt_sched_setting s = *below;

	qrt_sched_p_setting_overlay(&s, layer);
	qrt_sched_p_setting_normalise(&s);
	return s;
}

static void stay_within(struct qrt_sched_setting *s, const struct qrt_sched_setting *layer)
{
	struct qrt_sched_setting asked = overlaid(s, layer);

	/* What the plan reserved by times does not follow what the guest runs. */
	if (s->policy == QRT_SCHED_POLICY_DEADLINE)
		return;
	if (qrt_sched_p_setting_urgency(&asked) <= qrt_sched_p_setting_urgency(s)) {
		*s = asked;
	} else if (qrt_sched_p_policy_is_rt(s->policy) && qrt_sched_p_policy_is_rt(asked.policy)) {
		s->policy = asked.policy;
	}
}

static void raise_to(struct qrt_sched_setting *s, const struct qrt_sched_setting *layer)
{
	struct qrt_sched_setting raised = overlaid(s, layer);

	if (qrt_sched_p_setting_urgency(&raised) > qrt_sched_p_setting_urgency(s))
		*s = raised;
}

static void narrow_cpus(struct qrt_sched_cpus *cpus, const struct qrt_sched_cpus *to)
{
	struct qrt_sched_cpus narrowed = *cpus;

	qrt_sched_p_cpus_and(&narrowed, to);
	/* No common CPU: there is nothing to narrow to, and a thread has to run somewhere. */
	if (qrt_sched_cpus_count(&narrowed))
		*cpus = narrowed;
}

/* What a thread that leaves real time has below is a quantum under RR, and nobody's wish under FIFO. */
static void cap_nice(struct qrt_sched_setting *s, int32_t nice, int has_left)
{
	if (has_left)
		s->nice = nice > 0 ? nice : 0;
	else if (nice > s->nice)
		s->nice = nice;
}

static void cap_at(struct qrt_sched_setting *s, const struct qrt_sched_setting *layer)
{
	struct qrt_sched_setting urgency = *layer, capped;
	int was_above = qrt_sched_p_setting_urgency(s) > 0;

	urgency.set &= URGENCY;
	capped = overlaid(s, &urgency);
	if (qrt_sched_p_setting_urgency(&capped) < qrt_sched_p_setting_urgency(s))
		*s = capped;
	if (layer->set & QRT_SCHED_SET_NICE)
		cap_nice(s, layer->nice, was_above && qrt_sched_p_setting_urgency(s) <= 0);
	if (layer->set & QRT_SCHED_SET_CPUS)
		narrow_cpus(&s->cpus, &layer->cpus);
}

static void put_on(struct qrt_sched_setting *s, enum kind kind, const struct qrt_sched_setting *layer)
{
	switch (kind) {
	case BASE:
	case REPLACE:
		*s = overlaid(s, layer);
		break;
	case WITHIN:
		stay_within(s, layer);
		break;
	case SLICE:
		if (s->policy == QRT_SCHED_POLICY_RR)
			s->policy = QRT_SCHED_POLICY_FIFO;
		break;
	case RAISE:
		raise_to(s, layer);
		break;
	case CAP:
		cap_at(s, layer);
		break;
	}
}

struct qrt_sched_setting qrt_sched_p_layers_compose(const struct qrt_sched_layer_value *layers,
						    uint64_t now_ns)
{
	struct qrt_sched_setting s = layers[QRT_SCHED_LAYER_ORIGIN].setting;
	int i, is_suspended = is_set(&layers[QRT_SCHED_LAYER_LIFECYCLE], now_ns);

	for (i = QRT_SCHED_LAYER_PLAN; i < QRT_SCHED_LAYERS; i++) {
		if (is_set(&layers[i], now_ns) && !(is_suspended && rules[i].is_suspended))
			put_on(&s, rules[i].kind, &layers[i].setting);
	}
	return s;
}

int qrt_sched_layers_resolve(const struct qrt_sched_layer_value *layers, uint64_t now_ns,
			     struct qrt_sched_setting *ret_setting)
{
	int i;

	for (i = 0; i < QRT_SCHED_LAYERS; i++) {
		if (qrt_sched_p_layer_check((enum qrt_sched_layer)i, &layers[i]) < 0)
			return -EINVAL;
	}
	*ret_setting = qrt_sched_p_layers_compose(layers, now_ns);
	return 0;
}
