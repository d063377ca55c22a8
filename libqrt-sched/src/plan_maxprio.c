/* SPDX-License-Identifier: MIT */
/* maxprio=P[,...]: the grammar that gives every role its policy and priority at once. */
#include "error_p.h"
#include "plan_p.h"
#include "plan_text_p.h"
#include "setting_p.h"

#include <errno.h>
#include <string.h>

/* The arguments of maxprio=P[,...], as they were said. */
struct maxprio {
	int32_t priority, aio_priority; /* aio: -1 where not said */
	int32_t policy, aio_policy;     /* enum qrt_sched_policy; aio: -1 where not said */
	uint32_t has_pvsched, pvsched;
};

static int parse_policy(const char *name, const char *value, int32_t *ret_policy,
			struct qrt_sched_error *reterr)
{
	if (!strcmp(value, "ff"))
		*ret_policy = QRT_SCHED_POLICY_FIFO;
	else if (!strcmp(value, "rr"))
		*ret_policy = QRT_SCHED_POLICY_RR;
	else if (!strcmp(value, "ts"))
		*ret_policy = QRT_SCHED_POLICY_OTHER;
	else
		return qrt_sched_p_error(reterr, -EINVAL,
					 "maxprio: unknown policy '%.40s' in %s: give ff, rr or ts", value,
					 name);
	return 0;
}

static int parse_priority(const char *name, const char *value, int32_t *ret_priority,
			  struct qrt_sched_error *reterr)
{
	int r = qrt_sched_p_number_parse(value, 1, 99, ret_priority);

	if (r < 0)
		return qrt_sched_p_error(reterr, r, "%s: '%.40s' is %s: give 1..99", name, value,
					 r == -ERANGE ? "out of range" : "not understood");
	return 0;
}

static int parse_argument(struct maxprio *m, const char *name, const char *value,
			  struct qrt_sched_error *reterr)
{
	if (!strcmp(name, "policy"))
		return parse_policy(name, value, &m->policy, reterr);
	if (!strcmp(name, "aiopolicy"))
		return parse_policy(name, value, &m->aio_policy, reterr);
	if (!strcmp(name, "aioprio"))
		return parse_priority(name, value, &m->aio_priority, reterr);
	if (!strcmp(name, "pvsched")) {
		m->has_pvsched = 1;
		return qrt_sched_p_switch_parse(name, value, &m->pvsched, reterr);
	}
	return qrt_sched_p_error(
		reterr, -EINVAL,
		"maxprio: unknown argument '%.40s': known are policy, aioprio, aiopolicy, pvsched", name);
}

static int parse_maxprio(char *text, struct maxprio *m, struct qrt_sched_error *reterr)
{
	char *name, *value;
	int r;

	r = parse_priority("maxprio", qrt_sched_p_trim(strsep(&text, ",")), &m->priority, reterr);
	while (r == 0 && text) {
		value = strsep(&text, ",");
		name = strsep(&value, "=");
		if (!value)
			return qrt_sched_p_error(
				reterr, -EINVAL,
				"maxprio: '%.40s' has no value: write maxprio=P,policy=ff|rr|ts", name);
		r = parse_argument(m, qrt_sched_p_trim(name), qrt_sched_p_trim(value), reterr);
	}
	return r;
}

/* Everything but main loop, iothreads and pool runs one below them: they serve the rest. */
static int is_server(int role)
{
	return role == QRT_SCHED_ROLE_MAIN || role == QRT_SCHED_ROLE_IOTH || role == QRT_SCHED_ROLE_PAIO;
}

static int set_role(struct qrt_sched_plan *plan, int role, int32_t policy, int32_t priority, uint32_t line)
{
	int is_rt = qrt_sched_p_policy_is_rt((uint32_t)policy), r;

	r = qrt_sched_p_plan_set_number(plan, role, QRT_SCHED_P_KEY_SCHED, policy, line);
	if (r == 0)
		r = qrt_sched_p_plan_set_number(plan, role, QRT_SCHED_P_KEY_PRIO, is_rt ? priority : 0, line);
	if (r == 0 && !is_rt)
		r = qrt_sched_p_plan_set_number(plan, role, QRT_SCHED_P_KEY_NICE, 0, line);
	return r;
}

static int set_roles(struct qrt_sched_plan *plan, const struct maxprio *m, uint32_t line)
{
	int role, r = 0;

	for (role = 0; r == 0 && role < QRT_SCHED_ROLES; role++) {
		int32_t policy = m->policy, priority = is_server(role) ? m->priority : m->priority - 1;

		if (role == QRT_SCHED_ROLE_PAIO && m->aio_policy >= 0)
			policy = m->aio_policy;
		if (role == QRT_SCHED_ROLE_PAIO && m->aio_priority >= 0)
			priority = m->aio_priority;
		r = set_role(plan, role, policy, priority, line);
	}
	return r;
}

static int set_maxprio(struct qrt_sched_plan *plan, char *value, uint32_t line,
		       struct qrt_sched_error *reterr)
{
	struct maxprio m = {.policy = QRT_SCHED_POLICY_FIFO, .aio_policy = -1, .aio_priority = -1};
	int r = parse_maxprio(value, &m, reterr);

	if (r < 0)
		return r;
	if (m.priority < 2 && qrt_sched_p_policy_is_rt((uint32_t)m.policy))
		return qrt_sched_p_error(
			reterr, -ERANGE,
			"maxprio: 1 leaves 0 for the vCPUs, which is not real-time: give 2..99");
	if (set_roles(plan, &m, line) < 0)
		return qrt_sched_p_error(reterr, -ENOMEM, "maxprio: no memory");
	plan->maxprio = (uint32_t)m.priority;
	plan->maxprio_policy = (uint32_t)m.policy;
	plan->maxprio_line = line;
	if (m.has_pvsched) {
		plan->pvsched = m.pvsched;
		plan->pvsched_line = line;
	}
	return 0;
}

static int is_argument_of_maxprio(const char *name)
{
	return !strcmp(name, "policy") || !strcmp(name, "aioprio") || !strcmp(name, "aiopolicy") ||
	       !strcmp(name, "pvsched");
}

int qrt_sched_p_plan_maxprio(struct qrt_sched_plan *plan, const char *key, char *value, uint32_t line,
			     struct qrt_sched_error *reterr)
{
	if (!strcmp(key, "maxprio"))
		return set_maxprio(plan, value, line, reterr);
	if (is_argument_of_maxprio(key))
		return qrt_sched_p_error(reterr, -EINVAL, "%s belongs to maxprio: write maxprio=P,%s=%.40s",
					 key, key, value);
	return -ENOENT;
}
