/* SPDX-License-Identifier: MIT */
/* All threads of a placer at once: who they are, and another plan for them. */
#include <errno.h>
#include <pthread.h>

#include "error_p.h"
#include "placer_p.h"

static struct qrt_sched_placed describe(const struct qrt_sched_placer *placer,
					const struct qrt_sched_p_resident *r)
{
	struct qrt_sched_placed placed = {
		.tid = r->tid, .role = r->role, .index = r->index, .is_placed = (uint32_t)r->is_placed};

	qrt_sched_plan_get(placer->plan, r->role, r->index, &placed.want);
	if (r->is_placed)
		placed.want = r->now;
	return placed;
}

int qrt_sched_placer_list(struct qrt_sched_placer *placer, struct qrt_sched_placed *ret_placed, size_t max)
{
	uint32_t i, count;

	pthread_mutex_lock(&placer->lock);
	count = placer->residents.count;
	for (i = 0; i < count && i < max; i++)
		ret_placed[i] = describe(placer, &placer->residents.entries[i]);
	pthread_mutex_unlock(&placer->lock);
	return (int)count;
}

static int64_t quantum_of(const struct qrt_sched_plan *plan, const struct qrt_sched_p_resident *r)
{
	return qrt_sched_plan_get_quantum(plan, r->role, r->index);
}

/* A thread's timers are its own: nobody else can make or end them. */
static int check(struct qrt_sched_placer *placer, const struct qrt_sched_plan *plan,
		 struct qrt_sched_error *reterr)
{
	const struct qrt_sched_p_resident *r;
	uint32_t i;

	if (qrt_sched_p_broker_is_gone(&placer->broker))
		return qrt_sched_p_error(
			reterr, -EPIPE,
			"the supervisor, whose plan it was, is gone; qrt-launcher attach takes "
			"its place");
	if (placer->broker.fd >= 0)
		return qrt_sched_p_error(reterr, -EBUSY,
					 "the plan is the supervisor's; change it by qrt-launcher set");
	for (i = 0; i < placer->residents.count; i++) {
		r = &placer->residents.entries[i];
		if (quantum_of(plan, r) != quantum_of(placer->plan, r))
			return qrt_sched_p_error(
				reterr, -EOPNOTSUPP,
				"the quantum of %s %u cannot be changed while it runs; start "
				"with this plan",
				qrt_sched_role_name(r->role), r->index);
	}
	return 0;
}

/* One that ended meanwhile has nothing to be changed. */
static int place(struct qrt_sched_p_resident *r, const struct qrt_sched_setting *want,
		 struct qrt_sched_error *reterr)
{
	int rc = want->set ? qrt_sched_setting_apply(r->tid, want, reterr) : 0;

	return rc == -ESRCH ? 0 : rc;
}

static void note(struct qrt_sched_p_resident *r, const struct qrt_sched_setting *want)
{
	if (!want->set)
		return;
	r->is_placed = 1;
	r->now = *want;
}

static int place_all(struct qrt_sched_placer *placer, const struct qrt_sched_plan *plan,
		     struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_residents *all = &placer->residents;
	struct qrt_sched_setting want;
	uint32_t i;
	int rc = 0;

	for (i = 0; i < all->count && rc >= 0; i++) {
		want = qrt_sched_p_wanted_setting(plan, &all->entries[i]);
		rc = place(&all->entries[i], &want, reterr);
	}
	if (rc < 0) {
		while (i-- > 0)
			place(&all->entries[i],
			      all->entries[i].is_placed ? &all->entries[i].now : &all->entries[i].born, NULL);
		return rc;
	}
	for (i = 0; i < all->count; i++) {
		want = qrt_sched_p_wanted_setting(plan, &all->entries[i]);
		note(&all->entries[i], &want);
	}
	return 0;
}

/* The lock is held throughout: who enters meanwhile, and was taken in before, enters again. The calling
 * thread is the last to lose urgency by that, and gets it back where the plan says so: others wait for it no
 * longer than for these few calls. */
int qrt_sched_placer_change(struct qrt_sched_placer *placer, const struct qrt_sched_plan *plan,
			    struct qrt_sched_error *reterr)
{
	int rc, cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&placer->lock);
	rc = check(placer, plan, reterr);
	if (rc >= 0)
		rc = place_all(placer, plan, reterr);
	if (rc >= 0) {
		placer->plan = plan;
		placer->plan_number++;
	}
	pthread_mutex_unlock(&placer->lock);
	pthread_setcancelstate(cancel, NULL);
	return rc;
}
