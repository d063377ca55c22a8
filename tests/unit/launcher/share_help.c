/* SPDX-License-Identifier: MIT */
#include "share_help.h"

#define STEP 10 /* ms */

struct governor_party *share_begin(uint32_t weight)
{
	governor = make_governor(NULL, NULL, weight);
	governor->may_settle = true;
	governor->sharing = (struct qrt_sched_setting){.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY,
						       .policy = QRT_SCHED_POLICY_OTHER};
	governor->rivals[governor->rivals_count++] = make_party(weight);
	now = 1000 * MS;
	return governor->rivals[0];
}

struct governor_task *share_add(struct governor_party *party, const char *cpus, int priority)
{
	int role = party->is_own ? QRT_SCHED_ROLE_VCPU : -1;
	struct governor_task *task = add_task(party, role, cpus, priority > 0);

	if (priority > 0)
		task->planned = (struct qrt_sched_setting){.set = QRT_SCHED_SET_POLICY |
								  QRT_SCHED_SET_PRIORITY,
							   .policy = QRT_SCHED_POLICY_FIFO,
							   .priority = priority};
	return task;
}

static void decide(void)
{
	struct governor_party *own = governor->own;
	size_t i;

	governor_court_decide(governor, now);
	governor_precede(governor);
	for (i = 0; i < own->count; i++) {
		own->tasks[i].over = governor_court_judge(governor, &own->tasks[i]);
		own->tasks[i].is_lower = governor->gives_way && governor_precede_steps(&own->tasks[i]);
	}
}

void share_run(const struct share_use *uses, size_t count, unsigned ms)
{
	unsigned passed;
	size_t i;

	decide();
	for (passed = 0; passed < ms; passed += STEP) {
		now += STEP * MS;
		for (i = 0; i < count; i++) {
			const struct governor_usage used = {(uint64_t)(uses[i].part * STEP * MS), 0};

			uses[i].task->clock.at_ns = now;
			governor_court_charge(governor, uses[i].party, uses[i].task, &used);
		}
		decide();
	}
}
