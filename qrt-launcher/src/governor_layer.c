/* SPDX-License-Identifier: MIT */
/* The supervisor's side: it tells what threads are, and keeps what was decided in their layers. */
#include "governor.h"
#include "governor_p.h"
#include "supervisor.h"

#include <string.h>

/* A thread that the scout did not find yet, or never will. */
static void meet(struct governor *governor, const struct watched *watched)
{
	struct governor_task task, *known;

	pthread_mutex_lock(&governor->lock);
	known = governor_party_find(governor->own, watched->tid);
	pthread_mutex_unlock(&governor->lock);
	/* Opened without the lock: that may take long, and the governor does not wait for it. */
	if (known || governor_task_open(governor->own, watched->tid, watched->kernel, &task) < 0)
		return;
	pthread_mutex_lock(&governor->lock);
	governor_party_insert(governor->own, &task);
	pthread_mutex_unlock(&governor->lock);
}

/* What its layers are without the governor's; set == 0 where that is not real-time. */
static void get_planned(const struct watched *watched, struct qrt_sched_setting *ret_setting)
{
	struct qrt_sched_layer_value layers[QRT_SCHED_LAYERS];
	struct qrt_sched_setting setting = {0};
	int layer;

	memset(layers, 0, sizeof(layers));
	for (layer = 0; layer < QRT_SCHED_LAYER_GOVERNOR; layer++)
		qrt_sched_thread_get_layer(watched->thread, layer, &layers[layer]);
	if (qrt_sched_layers_resolve(layers, governor_now(), &setting) < 0)
		setting.set = 0;
	if (setting.policy != QRT_SCHED_POLICY_FIFO && setting.policy != QRT_SCHED_POLICY_RR &&
	    setting.policy != QRT_SCHED_POLICY_DEADLINE)
		setting.set = 0;
	setting.set &= QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY | QRT_SCHED_SET_FLAGS |
		       QRT_SCHED_SET_NICE;
	if (setting.policy == QRT_SCHED_POLICY_DEADLINE)
		setting.set |= setting.set ? QRT_SCHED_SET_TIMES : 0;
	*ret_setting = setting;
}

/* `limit`: how it may run at most, set == 0: as its other layers say. */
static bool set_layer(struct watched *watched, const struct qrt_sched_setting *limit)
{
	const struct qrt_sched_layer_value value = {.setting = *limit};
	struct qrt_sched_layer_value before = {0};

	qrt_sched_thread_get_layer(watched->thread, QRT_SCHED_LAYER_GOVERNOR, &before);
	if (before.setting.set == limit->set && before.setting.policy == limit->policy &&
	    before.setting.priority == limit->priority)
		return false;
	qrt_sched_thread_set_layer(watched->thread, QRT_SCHED_LAYER_GOVERNOR, &value);
	return true;
}

/* Returns its limit. */
static struct qrt_sched_setting introduce(struct governor *governor, const struct watched *watched)
{
	struct qrt_sched_setting planned, limit = {0};
	struct governor_task *task;

	meet(governor, watched);
	get_planned(watched, &planned);
	pthread_mutex_lock(&governor->lock);
	task = governor_party_find(governor->own, watched->tid);
	if (task) {
		task->role = (int)watched->role;
		task->planned = planned;
		task->is_rt = task->planned.set != 0;
		task->over = governor_court_judge(governor, task);
		task->is_lower = governor->gives_way && governor_precede_steps(task);
		limit = governor_precede_limit(governor, task);
		governor->own->is_stale = true;
	}
	pthread_mutex_unlock(&governor->lock);
	governor_wake(governor);
	return limit;
}

/* Without a governor nobody has a limit any more. */
bool governor_tell(struct governor *governor, struct watched *watched)
{
	struct qrt_sched_setting limit = {0};

	if (governor)
		limit = introduce(governor, watched);
	return set_layer(watched, &limit);
}

bool governor_ask(struct governor *governor, struct watched *watched)
{
	struct qrt_sched_setting limit = {0};
	const struct governor_task *task;
	bool is_told;

	if (!governor)
		return false;
	pthread_mutex_lock(&governor->lock);
	task = governor_party_find(governor->own, watched->tid);
	is_told = task && task->role >= 0;
	if (task)
		limit = governor_precede_limit(governor, task);
	pthread_mutex_unlock(&governor->lock);
	if (!is_told && watched->placed_by)
		limit = introduce(governor, watched);
	return set_layer(watched, &limit);
}

void governor_sync(struct governor *governor)
{
	struct governor_excess excess;
	bool is_new;

	if (!governor)
		return;
	/* Before the threads are asked: what changes after this is told again. */
	pthread_mutex_lock(&governor->lock);
	is_new = governor->told != governor->changes;
	governor->told = governor->changes;
	governor_excess_read(governor, &excess);
	pthread_mutex_unlock(&governor->lock);
	governor_excess_say(governor, &excess);
	if (is_new)
		watch_govern(&governor->supervisor->watch);
}
