/* SPDX-License-Identifier: MIT */
/*
 * Shares by weight.
 *
 * An average moves towards what is used, by half of the distance in a half-life. So the time that it needs
 * at least to pass a limit is known from the most that can be used: until then nobody has to look.
 */
#include "governor_p.h"

#define HALF_LIFE ((double)QRT_SCHED_SHARE_HALF_LIFE_NS)
/* CPUs that a group wants, to count as active, and as active no more: a thread that waits for its turn gets
 * there within 15 ms, and is not forgotten for a second. */
#define ACTIVE   0.02
#define INACTIVE 0.005
/* A verdict changes this far from the share. */
#define ABOVE 1.04
#define BELOW 0.96

double qrt_sched_p_half_to(double x)
{
	double sum = 1, term = 1, rest;
	int whole, n;

	if (x >= 60)
		return 0;
	whole = (int)x;
	rest = (x - whole) * 0.69314718055994531;
	for (n = 1; n <= 12; n++) {
		term *= -rest / n;
		sum += term;
	}
	return sum / (double)(1ull << whole);
}

double qrt_sched_p_log2(double x)
{
	double y, square, power, sum = 0, whole = 0;
	int n;

	while (x >= 2 && whole < 1024) {
		x /= 2;
		whole++;
	}
	/* ln x = 2 artanh y, and y is at most 1/3 */
	y = (x - 1) / (x + 1);
	square = y * y;
	power = y;
	for (n = 1; n <= 19; n += 2) {
		sum += power / n;
		power *= square;
	}
	return whole + 2 * sum / 0.69314718055994531;
}

static void follow(double *average, double rate, double kept)
{
	*average = *average * kept + rate * (1 - kept);
}

void qrt_sched_p_share_use(struct qrt_sched_p_share *share, uint64_t passed_ns, uint64_t run_ns,
			   uint64_t wait_ns)
{
	double passed = (double)passed_ns, kept = qrt_sched_p_half_to(passed / HALF_LIFE);

	if (!passed_ns)
		return;
	follow(&share->run, (double)run_ns / passed, kept);
	follow(&share->demand, ((double)run_ns + (double)wait_ns) / passed, kept);
}

/* ---- who has which share ---- */

/* The weights on each CPU. */
struct weights {
	uint32_t active[QRT_SCHED_CPUS_MAX];
	uint32_t possible[QRT_SCHED_CPUS_MAX];
};

static int takes_part(const struct qrt_sched_p_group *group)
{
	return group->is_used && group->weight;
}

static void update_activity(struct qrt_sched_p_share *share)
{
	if (share->demand >= ACTIVE)
		share->is_active = 1;
	else if (share->demand < INACTIVE)
		share->is_active = 0;
}

static void add_weights(struct weights *weights, const struct qrt_sched_p_group *group, int can_be_active)
{
	int cpu;

	for (cpu = qrt_sched_cpus_next(&group->cpus, -1); cpu >= 0;
	     cpu = qrt_sched_cpus_next(&group->cpus, cpu)) {
		if (group->share.is_active)
			weights->active[cpu] += group->weight;
		if (group->share.is_active || can_be_active)
			weights->possible[cpu] += group->weight;
	}
}

static void find_share(struct qrt_sched_p_group *group, const struct weights *weights, int can_be_active)
{
	struct qrt_sched_p_share *share = &group->share;
	uint32_t own = share->is_active ? 0 : group->weight;
	uint32_t own_possible = share->is_active || can_be_active ? 0 : group->weight;
	int cpu;

	share->cpus = share->at_worst = 0;
	share->has_rival = 0;
	for (cpu = qrt_sched_cpus_next(&group->cpus, -1); cpu >= 0;
	     cpu = qrt_sched_cpus_next(&group->cpus, cpu)) {
		share->cpus += (double)group->weight / (weights->active[cpu] + own);
		share->at_worst += (double)group->weight / (weights->possible[cpu] + own_possible);
		share->has_rival |= weights->active[cpu] + own > group->weight;
	}
}

static void decide(struct qrt_sched_p_share *share)
{
	if (!share->has_rival || share->run < share->cpus * BELOW)
		share->is_above = 0;
	else if (share->run > share->cpus * ABOVE)
		share->is_above = 1;
}

static void decide_all(struct qrt_sched_governor *governor)
{
	struct weights weights = {{0}, {0}};
	int i;

	for (i = 0; i < governor->end; i++) {
		if (!takes_part(&governor->groups[i]))
			continue;
		update_activity(&governor->groups[i].share);
		add_weights(&weights, &governor->groups[i], governor->groups[i].threads > 0);
	}
	for (i = 0; i < governor->end; i++) {
		if (!takes_part(&governor->groups[i]))
			continue;
		find_share(&governor->groups[i], &weights, governor->groups[i].threads > 0);
		decide(&governor->groups[i].share);
	}
}

void qrt_sched_p_shares_decide(struct qrt_sched_governor *governor)
{
	int i, count = 0;

	for (i = 0; i < governor->end; i++)
		count += takes_part(&governor->groups[i]);
	if (count)
		decide_all(governor);
}

/* ---- when that can change ---- */

static uint64_t to_ns(double half_lives)
{
	double ns = half_lives * HALF_LIFE;

	return ns >= 1e18 ? QRT_SCHED_P_NEVER : (uint64_t)ns;
}

/* Until an average reaches a limit above it, where at most `rate` CPUs are used. */
static uint64_t rise_time(double average, double rate, double limit)
{
	if (average >= limit)
		return 0;
	if (rate <= limit)
		return QRT_SCHED_P_NEVER;
	return to_ns(qrt_sched_p_log2((rate - average) / (rate - limit)));
}

/* Until it falls to a limit below it, where nothing is used. */
static uint64_t fall_time(double average, double limit)
{
	if (average <= limit)
		return 0;
	return limit > 0 ? to_ns(qrt_sched_p_log2(average / limit)) : QRT_SCHED_P_NEVER;
}

static int have_common_cpus(const struct qrt_sched_cpus *a, const struct qrt_sched_cpus *b)
{
	size_t i;

	for (i = 0; i < sizeof(a->bits) / sizeof(a->bits[0]); i++) {
		if (a->bits[i] & b->bits[i])
			return 1;
	}
	return 0;
}

/* Until the first of the rivals can change from active to not active, or the other way. */
static uint64_t activity_time(const struct qrt_sched_governor *governor, int group, int from_active)
{
	const struct qrt_sched_p_group *own = &governor->groups[group];
	uint64_t first = QRT_SCHED_P_NEVER, time;
	int i;

	for (i = 0; i < governor->end; i++) {
		const struct qrt_sched_p_group *rival = &governor->groups[i];

		if (i == group || !takes_part(rival) || rival->share.is_active != from_active ||
		    !have_common_cpus(&own->cpus, &rival->cpus))
			continue;
		if (from_active)
			time = fall_time(rival->share.demand, INACTIVE);
		else
			time = rise_time(rival->share.demand, (double)rival->threads, ACTIVE);
		if (time < first)
			first = time;
	}
	return first;
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t qrt_sched_p_share_left(const struct qrt_sched_p_share *share)
{
	return fall_time(share->run, share->cpus * BELOW);
}

uint64_t qrt_sched_p_share_next(const struct qrt_sched_governor *governor, int group)
{
	const struct qrt_sched_p_group *own = &governor->groups[group];
	double rate = (double)own->rate;
	uint64_t later, at_worst;

	if (!takes_part(own))
		return QRT_SCHED_P_NEVER;
	if (own->share.is_above)
		return min(qrt_sched_p_share_left(&own->share), activity_time(governor, group, 1));
	/* With the rivals there are, and with one that joins them. */
	later = own->share.has_rival ? rise_time(own->share.run, rate, own->share.cpus * ABOVE)
				     : QRT_SCHED_P_NEVER;
	at_worst = max(rise_time(own->share.run, rate, own->share.at_worst * ABOVE),
		       activity_time(governor, group, 0));
	return min(later, at_worst);
}
