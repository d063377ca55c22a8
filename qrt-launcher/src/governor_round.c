/* SPDX-License-Identifier: MIT */
/* One look after the other, on the governor's own thread: nothing here allocates, prints, opens, or waits for
 * who stands below the VM. */
#include "governor_p.h"

#include <time.h>
#include <unistd.h>

#define MS 1000000ull

#define LOOK_NS   (20 * MS)    /* the longest sleep beside a budget: new threads may have come */
#define PLACE_NS  (1000 * MS)  /* a thread's CPUs that somebody else changed */
#define RIVALS_NS (10 * MS)    /* between two looks at other VMs, and for each of their threads, */
#define EACH_NS   (MS / 5)     /* so that they cost no more on a host that has many */
#define HOLD_NS   (10 * MS)    /* a thread that is dropped stays so, whoever raises it */
#define REST_NS   (10000 * MS) /* where nothing has to be looked at, until the scout wakes it */

uint64_t governor_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t earlier(uint64_t at, uint64_t other)
{
	return other && other < at ? other : at;
}

/* ---- looking ---- */

enum which { ALL, GUARDED }; /* of a VM's threads */

static void place(struct governor *governor, struct governor_party *party, uint64_t now_ns)
{
	if (now_ns - party->placed_ns < PLACE_NS && !party->is_stale)
		return;
	governor_court_place(governor, party, now_ns);
	party->placed_ns = now_ns;
}

static bool should_settle(const struct governor *governor, const struct governor_task *task)
{
	return governor->may_settle && task->is_rt && !task->over &&
	       (task->is_running || governor_have_common(&task->cpus, &governor->tickless));
}

/* At the end of a budget a tick more or less is much. */
static void settle(struct governor *governor)
{
	size_t i;

	for (i = 0; i < governor->own->count; i++) {
		if (should_settle(governor, &governor->own->tasks[i]))
			governor_task_settle(&governor->own->tasks[i], governor->slices);
	}
}

static void charge(struct governor *governor, struct governor_party *party, struct governor_task *task,
		   const struct governor_usage *used)
{
	if (!party->is_own && governor_guard_holds(governor, task))
		governor_guard_note(task, !governor_task_is_realtime(task));
	governor_court_charge(governor, party, task, used);
}

static void read_party(struct governor *governor, struct governor_party *party, enum which which,
		       bool wants_state, uint64_t now_ns)
{
	bool wants_cpu = governor_court_sits(governor, GOVERNOR_SHARE);
	struct governor_usage used = {0};
	size_t i;

	for (i = party->count; i-- > 0;) {
		if (which == GUARDED && !governor_guard_holds(governor, &party->tasks[i]))
			continue;
		if (governor_task_read(&party->tasks[i], wants_state, wants_cpu, now_ns, &used) < 0)
			governor_task_end(party, &party->tasks[i]);
		else
			charge(governor, party, &party->tasks[i], &used);
	}
}

static uint64_t count_rivals(const struct governor *governor, enum which which)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < governor->rivals_count; i++)
		count += which == ALL ? governor->rivals[i]->count
				      : governor_guard_count(governor, governor->rivals[i]);
	return count;
}

/* Who waits matters only beside a VM that does something. */
static void read_rivals(struct governor *governor, enum which which, uint64_t now_ns)
{
	bool is_busy = governor_court_sits(governor, GOVERNOR_SHARE) &&
		       (governor->own->run_ns - governor->rivals_run_ns) * 8 >= now_ns - governor->rivals_ns;
	size_t i;

	for (i = 0; i < governor->rivals_count; i++) {
		place(governor, governor->rivals[i], now_ns);
		read_party(governor, governor->rivals[i], which, is_busy, now_ns);
	}
	governor->guard_ns = now_ns;
}

/* Returns when they are to be looked at again. */
static uint64_t read_sharing(struct governor *governor, uint64_t now_ns)
{
	uint64_t due = RIVALS_NS + EACH_NS * count_rivals(governor, ALL);

	if (!governor_court_sits(governor, GOVERNOR_SHARE))
		return 0;
	if (now_ns - governor->rivals_ns < due)
		return governor->rivals_ns + due;
	read_rivals(governor, ALL, now_ns);
	governor->rivals_ns = now_ns;
	governor->rivals_run_ns = governor->own->run_ns;
	return now_ns + due;
}

/* A window is short: at each look, where they are not too many for that. */
static void read_guarded(struct governor *governor, uint64_t now_ns)
{
	if (governor_court_sits(governor, GOVERNOR_GUARD) && governor->guard_ns != now_ns &&
	    now_ns - governor->guard_ns >= EACH_NS * count_rivals(governor, GUARDED))
		read_rivals(governor, GUARDED, now_ns);
}

/* ---- acting ---- */

/* True where a verdict is another one. */
static bool act(struct governor *governor, struct governor_task *task)
{
	uint32_t over = governor_court_judge(governor, task);
	bool is_lower = governor->gives_way && governor_precede_steps(task);
	bool is_new = (over != 0) != (task->over != 0), is_step = is_lower != task->is_lower;

	task->over = over;
	task->is_lower = is_lower;
	if (over && task->is_rt)
		governor->is_disputed |= !governor_task_drop(task, &governor->sharing, governor->slices);
	else if (is_step)
		governor_task_step(task, governor->slices);
	else if (is_new)
		governor_task_raise(task, governor->slices);
	return is_new || is_step;
}

/* Returns whether one is over. The supervisor makes it good in the layers; it may be late for that. */
static bool act_on_all(struct governor *governor)
{
	bool any_over = false, any_new = false;
	const uint64_t one = 1;
	size_t i;

	governor->is_disputed = false;
	for (i = 0; i < governor->own->count; i++) {
		any_new |= act(governor, &governor->own->tasks[i]);
		any_over |= governor->own->tasks[i].over != 0;
	}
	if (any_new) {
		governor->changes++;
		(void)!write(governor->told_fd, &one, sizeof(one));
	}
	return any_over;
}

void governor_catch_up(struct governor *governor, uint64_t now_ns)
{
	read_party(governor, governor->own, ALL, false, now_ns);
}

uint64_t governor_round(struct governor *governor, uint64_t now_ns)
{
	bool measures = governor_court_sits(governor, GOVERNOR_BUDGET) ||
			governor_court_sits(governor, GOVERNOR_GUARD);
	uint64_t next = now_ns + REST_NS;

	place(governor, governor->own, now_ns);
	if (measures) {
		settle(governor);
		next = now_ns + LOOK_NS;
	}
	read_party(governor, governor->own, ALL, false, now_ns);
	next = earlier(next, read_sharing(governor, now_ns));
	read_guarded(governor, now_ns);
	next = earlier(next, governor_court_decide(governor, now_ns));
	governor_precede(governor);
	if (act_on_all(governor))
		next = earlier(next, now_ns + (governor->is_disputed ? MS : HOLD_NS));
	return next;
}
