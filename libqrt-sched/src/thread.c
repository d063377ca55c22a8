/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "layers_p.h"
#include "setting_p.h"
#include "sys_p.h"

struct qrt_sched_thread {
	pid_t tid;
	uint64_t start;
	struct qrt_sched_layer_value layers[QRT_SCHED_LAYERS];
};

int qrt_sched_thread_open(pid_t tid, struct qrt_sched_thread **ret_thread)
{
	struct qrt_sched_thread *thread;
	int rc;

	if (tid <= 0)
		return -EINVAL;
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return -ENOMEM;
	thread->tid = tid;
	/* The start time first: were the number reused in between, it is the new thread that is read
	 * and the old start time that never matches it. */
	rc = qrt_sched_p_read_start(tid, &thread->start);
	if (rc >= 0)
		rc = qrt_sched_setting_read(tid, &thread->layers[QRT_SCHED_LAYER_ORIGIN].setting);
	if (rc < 0) {
		free(thread);
		return rc;
	}
	*ret_thread = thread;
	return 0;
}

struct qrt_sched_thread *qrt_sched_thread_close(struct qrt_sched_thread *thread)
{
	free(thread);
	return NULL;
}

pid_t qrt_sched_thread_get_tid(const struct qrt_sched_thread *thread)
{
	return thread->tid;
}

int qrt_sched_thread_is_alive(const struct qrt_sched_thread *thread)
{
	uint64_t start;

	return qrt_sched_p_read_start(thread->tid, &start) >= 0 && start == thread->start;
}

int qrt_sched_thread_set_layer(struct qrt_sched_thread *thread, enum qrt_sched_layer layer,
			       const struct qrt_sched_layer_value *value)
{
	struct qrt_sched_layer_value before;
	struct qrt_sched_setting ignored;
	uint64_t now = qrt_sched_p_sys->now();
	int rc;

	if ((unsigned)layer >= QRT_SCHED_LAYERS || !value)
		return -EINVAL;
	before = thread->layers[layer];
	thread->layers[layer] = *value;
	if (value->setting.set)
		thread->layers[layer].until_ns = qrt_sched_p_layer_until(layer, now, value->until_ns);
	rc = qrt_sched_layers_resolve(thread->layers, now, &ignored);
	if (rc < 0)
		thread->layers[layer] = before;
	return rc < 0 ? rc : 0;
}

int qrt_sched_thread_get_layer(const struct qrt_sched_thread *thread, enum qrt_sched_layer layer,
			       struct qrt_sched_layer_value *ret_value)
{
	if ((unsigned)layer >= QRT_SCHED_LAYERS)
		return -EINVAL;
	*ret_value = thread->layers[layer];
	return 0;
}

int qrt_sched_thread_get_effective(const struct qrt_sched_thread *thread,
				   struct qrt_sched_setting *ret_setting)
{
	return qrt_sched_layers_resolve(thread->layers, qrt_sched_p_sys->now(), ret_setting);
}

/* What differs. The CPUs that are there are only read when they could explain a difference. */
static uint32_t difference(const struct qrt_sched_setting *want, const struct qrt_sched_setting *have)
{
	uint32_t differs = qrt_sched_setting_compare(want, have, NULL);
	struct qrt_sched_cpus online;

	if (!(differs & QRT_SCHED_SET_CPUS) ||
	    qrt_sched_p_read_cpus("/sys/devices/system/cpu/online", &online) < 0)
		return differs;
	return qrt_sched_setting_compare(want, have, &online);
}

static int compare(const struct qrt_sched_thread *thread, struct qrt_sched_setting *ret_want,
		   struct qrt_sched_setting *ret_have)
{
	int rc;

	if (!qrt_sched_thread_is_alive(thread))
		return -ESRCH;
	rc = qrt_sched_thread_get_effective(thread, ret_want);
	if (rc >= 0)
		rc = qrt_sched_setting_read(thread->tid, ret_have);
	return rc < 0 ? rc : (int)difference(ret_want, ret_have);
}

/* A slice that was asked for and is not any more: nobody's deviation, but ours to take back. */
static int has_slice_left(const struct qrt_sched_setting *want, const struct qrt_sched_setting *have)
{
	return qrt_sched_p_policy_is_fair(want->policy) && !want->runtime_ns && have->runtime_ns;
}

int qrt_sched_thread_apply(struct qrt_sched_thread *thread, struct qrt_sched_error *reterr)
{
	struct qrt_sched_setting want = {0}, have;
	int rc = compare(thread, &want, &have);

	if (rc < 0)
		return qrt_sched_p_refusal(reterr, rc, thread->tid, &want);
	if (rc == 0 && !has_slice_left(&want, &have))
		return 0;
	rc = qrt_sched_setting_apply(thread->tid, &want, reterr);
	return rc < 0 ? rc : 1;
}

int qrt_sched_thread_verify(const struct qrt_sched_thread *thread, struct qrt_sched_setting *ret_actual)
{
	struct qrt_sched_setting want, have;
	int rc = compare(thread, &want, &have);

	if (rc >= 0 && ret_actual)
		*ret_actual = have;
	return rc;
}

int qrt_sched_thread_fall_back(struct qrt_sched_thread *thread, int refusal)
{
	struct qrt_sched_layer_value plan = thread->layers[QRT_SCHED_LAYER_PLAN];
	int rc = qrt_sched_setting_get_fallback(&plan.setting, refusal, &plan.setting);

	return rc < 0 ? rc : qrt_sched_thread_set_layer(thread, QRT_SCHED_LAYER_PLAN, &plan);
}

uint64_t qrt_sched_thread_get_deadline(const struct qrt_sched_thread *thread)
{
	uint64_t now = qrt_sched_p_sys->now(), first = 0, until;
	int i;

	for (i = 0; i < QRT_SCHED_LAYERS; i++) {
		until = thread->layers[i].setting.set ? thread->layers[i].until_ns : 0;
		if (until > now && (!first || until < first))
			first = until;
	}
	return first;
}

int qrt_sched_thread_restore(struct qrt_sched_thread *thread, struct qrt_sched_error *reterr)
{
	int i;

	for (i = QRT_SCHED_LAYER_ORIGIN + 1; i < QRT_SCHED_LAYERS; i++)
		thread->layers[i] = (struct qrt_sched_layer_value){0};
	return qrt_sched_thread_apply(thread, reterr);
}
