/* SPDX-License-Identifier: MIT */
/* All threads of a placer at once: who they are, and another plan for them. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "error_p.h"
#include "placer_p.h"
#include "plan_p.h"
#include "sys_p.h"

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

static int check_owner(struct qrt_sched_placer *placer, struct qrt_sched_error *reterr)
{
	if (qrt_sched_p_broker_is_gone(&placer->broker))
		return qrt_sched_p_error(
			reterr, -EPIPE,
			"the supervisor, whose plan it was, is gone; qrt-launcher attach takes "
			"its place");
	if (placer->broker.fd >= 0)
		return qrt_sched_p_error(reterr, -EBUSY,
					 "the plan is the supervisor's; change it by qrt-launcher set");
	return 0;
}

static int has_same_urgency(const struct qrt_sched_setting *a, const struct qrt_sched_setting *b)
{
	return !((a->set ^ b->set) & (QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY)) &&
	       a->policy == b->policy && a->priority == b->priority;
}

/* A lock gives its thread back what that had when it was made. */
static int keeps_urgency(const struct qrt_sched_placer *placer, const struct qrt_sched_plan *plan,
			 const struct qrt_sched_p_resident *r)
{
	struct qrt_sched_setting before = qrt_sched_p_wanted_setting(placer->plan, r),
				 after = qrt_sched_p_wanted_setting(plan, r);

	return r->role != QRT_SCHED_ROLE_VCPU || has_same_urgency(&before, &after);
}

/* Where there are preempt locks, they are above all of the plan. */
static int check_locks(const struct qrt_sched_placer *placer, const struct qrt_sched_plan *plan,
		       struct qrt_sched_error *reterr)
{
	const struct qrt_sched_p_residents *all = &placer->residents;
	uint32_t i;

	for (i = 0; i < all->count && keeps_urgency(placer, plan, &all->entries[i]); i++)
		;
	if (i == all->count && qrt_sched_p_plan_highest(plan) < placer->ceiling)
		return 0;
	return qrt_sched_p_error(
		reterr, -EOPNOTSUPP,
		"with preemptlock a vCPU's policy and priority cannot be changed while it runs, and nothing "
		"gets as urgent as the lock; start with this plan");
}

/* A thread's timers are its own: nobody else can make or end them. */
static int check_quanta(const struct qrt_sched_placer *placer, const struct qrt_sched_plan *plan,
			struct qrt_sched_error *reterr)
{
	const struct qrt_sched_p_resident *r;
	uint32_t i;

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

/* A process cannot hold itself to one: what would do nothing is not taken. */
static int check_budgets(const struct qrt_sched_placer *placer, const struct qrt_sched_plan *plan,
			 struct qrt_sched_error *reterr)
{
	if (qrt_sched_p_plan_has_same_budgets(placer->plan, plan))
		return 0;
	return qrt_sched_p_error(reterr, -EOPNOTSUPP,
				 "a budget is a supervisor's to hold; start it by qrt-launcher for that");
}

static int check(struct qrt_sched_placer *placer, const struct qrt_sched_plan *plan,
		 struct qrt_sched_error *reterr)
{
	int rc = check_owner(placer, reterr);

	if (rc >= 0 && placer->ceiling)
		rc = check_locks(placer, plan, reterr);
	if (rc >= 0)
		rc = check_budgets(placer, plan, reterr);
	return rc < 0 ? rc : check_quanta(placer, plan, reterr);
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

/* Who places the others is not to fall below one of them before it is done: it would wait for ever for one
 * that spins. It rises first and falls last; and who falls does so before others rise. */
enum turn {
	CALLER_RISES,
	OTHERS_FALL,
	OTHERS_RISE,
	CALLER_FALLS,
	TURNS,
};

static enum turn turn_of(const struct qrt_sched_plan *plan, const struct qrt_sched_p_resident *r)
{
	struct qrt_sched_setting want = qrt_sched_p_wanted_setting(plan, r);
	int falls = (want.set & QRT_SCHED_SET_POLICY) && qrt_sched_p_is_more_urgent(&r->before, &want);

	if (r->tid == (pid_t)syscall(SYS_gettid))
		return falls ? CALLER_FALLS : CALLER_RISES;
	return falls ? OTHERS_FALL : OTHERS_RISE;
}

/* In the order of turns; all->count of them. */
static uint32_t *order(const struct qrt_sched_p_residents *all, const struct qrt_sched_plan *plan)
{
	uint32_t *in_order = malloc(sizeof(*in_order) * (all->count + 1)), count = 0, i;
	int turn;

	for (turn = 0; in_order && turn < TURNS; turn++) {
		for (i = 0; i < all->count; i++) {
			if ((int)turn_of(plan, &all->entries[i]) == turn)
				in_order[count++] = i;
		}
	}
	return in_order;
}

static int place_in_order(struct qrt_sched_p_residents *all, const uint32_t *in_order,
			  const struct qrt_sched_plan *plan, struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_resident *r;
	struct qrt_sched_setting want;
	uint32_t i;
	int rc = 0;

	for (i = 0; i < all->count && rc >= 0; i++) {
		r = &all->entries[in_order[i]];
		want = qrt_sched_p_wanted_setting(plan, r);
		rc = place(r, &want, reterr);
	}
	while (rc < 0 && i-- > 0) {
		r = &all->entries[in_order[i]];
		place(r, &r->before, NULL);
	}
	return rc;
}

/* One that could not be placed may have given up what it was born with. */
static void look_at_all(struct qrt_sched_p_residents *all)
{
	struct qrt_sched_p_resident *r;
	uint32_t i;

	for (i = 0; i < all->count; i++) {
		r = &all->entries[i];
		r->before = r->now;
		if (!r->is_placed)
			qrt_sched_p_setting_read_some(r->tid, &r->before);
		if (!r->before.set)
			r->before = r->born;
	}
}

static int place_all(struct qrt_sched_placer *placer, const struct qrt_sched_plan *plan,
		     struct qrt_sched_error *reterr)
{
	struct qrt_sched_p_residents *all = &placer->residents;
	struct qrt_sched_setting want;
	uint32_t *in_order, i;
	int rc;

	look_at_all(all);
	in_order = order(all, plan);
	if (!in_order)
		return qrt_sched_p_error(reterr, -ENOMEM, "out of memory");
	rc = place_in_order(all, in_order, plan, reterr);
	free(in_order);
	if (rc < 0)
		return rc;
	for (i = 0; i < all->count; i++) {
		want = qrt_sched_p_wanted_setting(plan, &all->entries[i]);
		note(&all->entries[i], &want);
	}
	return 0;
}

/* The lock is held throughout: who enters meanwhile, and was taken in before, enters again. */
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
