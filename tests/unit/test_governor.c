/* SPDX-License-Identifier: MIT */
/* The governor's single promises, at chosen moments. */
#include <errno.h>
#include <qrt/governor.h>
#include <string.h>

#include "governor_p.h"
#include "tap.h"

#define MS    1000000ull
#define START (1000 * MS)

static struct qrt_sched_governor *governor;
static uint64_t now;

static void begin(void)
{
	governor = NULL;
	now = START;
	CU_ASSERT_EQUAL_FATAL(qrt_sched_governor_new(&governor), 0);
}

static void end(void)
{
	CU_ASSERT_PTR_NULL(qrt_sched_governor_close(governor));
}

static struct qrt_sched_group_config make_config(const char *budget, uint32_t weight, const char *cpus)
{
	struct qrt_sched_group_config config = {.size = sizeof(config), .parent = -1, .weight = weight};

	if (budget)
		CU_ASSERT_EQUAL_FATAL(qrt_sched_budget_parse(budget, &config.budget, NULL), 0);
	if (cpus)
		CU_ASSERT_EQUAL_FATAL(qrt_sched_cpus_parse(cpus, &config.cpus), 0);
	return config;
}

static int add(const char *budget, uint32_t weight, const char *cpus, int parent)
{
	struct qrt_sched_group_config config = make_config(budget, weight, cpus);

	config.parent = parent;
	return qrt_sched_governor_add(governor, &config, NULL);
}

static void account(int group, uint64_t run_ms, uint64_t wait_ms, uint32_t threads)
{
	const struct qrt_sched_usage usage = {
		.run_ns = run_ms * MS, .wait_ns = wait_ms * MS, .threads = threads};

	CU_ASSERT_EQUAL(qrt_sched_governor_account(governor, group, now, &usage), 0);
}

/* Some ms later a group of one thread has used so many in all. Returns how many verdicts changed. */
static int after(uint64_t ms, int group, uint64_t run_ms)
{
	now += ms * MS;
	account(group, run_ms, 0, 1);
	return qrt_sched_governor_decide(governor, now);
}

/* A new governor with one group. */
static int begin_with(const char *budget)
{
	begin();
	return add(budget, 0, NULL, -1);
}

static struct qrt_sched_verdict verdict(int group)
{
	struct qrt_sched_verdict verdict = {0};

	CU_ASSERT_EQUAL(qrt_sched_governor_get(governor, group, &verdict), 0);
	return verdict;
}

static uint64_t next(void)
{
	return qrt_sched_governor_get_next(governor, now);
}

/* ---- budgets ---- */

static void a_group_over_its_budget_is_over_until_its_window_ends(void)
{
	struct qrt_sched_verdict v;
	int group = begin_with("30%/100ms");

	CU_ASSERT_EQUAL(after(0, group, 500), 0);
	CU_ASSERT_EQUAL(next(), START + 30 * MS);
	CU_ASSERT_EQUAL(after(30, group, 529), 0);
	CU_ASSERT_EQUAL(verdict(group).used_ns, 29 * MS);
	CU_ASSERT_EQUAL(next(), now + MS);
	CU_ASSERT_EQUAL(after(1, group, 530), 1);
	v = verdict(group);
	CU_ASSERT(v.over == 1 && v.reason == QRT_SCHED_OVER_BUDGET && v.throttled == 1);
	CU_ASSERT_EQUAL(v.until_ns, START + 100 * MS);
	CU_ASSERT_EQUAL(next(), START + 100 * MS);
	CU_ASSERT_EQUAL(after(69, group, 599), 1);
	v = verdict(group);
	CU_ASSERT(v.over == 0 && v.until_ns == 0 && v.used_ns == 0 && v.throttled == 1);
	CU_ASSERT_EQUAL(next(), now + 30 * MS);
	end();
}

static void what_time_sharing_used_does_not_count(void)
{
	int group = begin_with("10%/100ms");

	after(0, group, 0);
	after(10, group, 10);
	CU_ASSERT_EQUAL(verdict(group).over, 1);
	after(40, group, 50);
	CU_ASSERT_EQUAL(verdict(group).used_ns, 10 * MS);
	after(51, group, 101);
	CU_ASSERT(verdict(group).over == 0 && verdict(group).used_ns == 0);
	end();
}

static void a_late_look_counts_what_can_have_been_in_the_new_window(void)
{
	int group = begin_with("30%/100ms");

	account(group, 0, 0, 2);
	qrt_sched_governor_decide(governor, now);
	now += 205 * MS;
	account(group, 25, 0, 2);
	qrt_sched_governor_decide(governor, now);
	CU_ASSERT_EQUAL(verdict(group).used_ns, 10 * MS);
	end();
}

static void more_threads_use_it_up_sooner_but_not_than_there_are_cpus(void)
{
	int group;

	begin();
	group = add("60%/100ms", 0, "0-2", -1);
	account(group, 0, 0, 4);
	qrt_sched_governor_decide(governor, now);
	CU_ASSERT_EQUAL(next(), now + 20 * MS);
	account(group, 0, 0, 2);
	qrt_sched_governor_decide(governor, now);
	CU_ASSERT_EQUAL(next(), now + 30 * MS);
	account(group, 0, 0, 0);
	qrt_sched_governor_decide(governor, now);
	CU_ASSERT_EQUAL(next(), 0);
	end();
}

static void a_parents_budget_counts_and_ends_all_below(void)
{
	int vm, vcpus, disks;

	begin();
	vm = add("50%/100ms", 0, NULL, -1);
	vcpus = add("40%/50ms", 0, NULL, vm);
	disks = add(NULL, 0, NULL, vm);
	account(vm, 0, 0, 1);
	account(vcpus, 0, 0, 1);
	account(disks, 0, 0, 1);
	qrt_sched_governor_decide(governor, now);
	CU_ASSERT_EQUAL(next(), now + 50 * MS / 3);
	now += 20 * MS;
	account(vm, 10, 0, 1);
	account(vcpus, 20, 0, 1);
	account(disks, 15, 0, 1);
	CU_ASSERT_EQUAL(qrt_sched_governor_decide(governor, now), 1);
	CU_ASSERT_EQUAL(verdict(vcpus).reason, QRT_SCHED_OVER_BUDGET);
	CU_ASSERT_EQUAL(verdict(vm).used_ns, 45 * MS);
	now += 5 * MS;
	account(vm, 12, 0, 1);
	account(vcpus, 25, 0, 1); /* by time sharing */
	account(disks, 18, 0, 1);
	CU_ASSERT_EQUAL(qrt_sched_governor_decide(governor, now), 2);
	CU_ASSERT_EQUAL(verdict(vm).used_ns, 50 * MS);
	CU_ASSERT_EQUAL(verdict(vm).reason, QRT_SCHED_OVER_BUDGET);
	CU_ASSERT_EQUAL(verdict(disks).reason, QRT_SCHED_OVER_PARENT);
	CU_ASSERT_EQUAL(verdict(disks).until_ns, START + 100 * MS);
	CU_ASSERT_EQUAL(verdict(vcpus).reason, QRT_SCHED_OVER_BUDGET);
	CU_ASSERT_EQUAL(verdict(vcpus).until_ns, START + 100 * MS);
	end();
}

static void a_smaller_value_is_a_new_start(void)
{
	int group = begin_with("30%/100ms");

	after(0, group, 1000);
	after(50, group, 2);
	CU_ASSERT_EQUAL(verdict(group).used_ns, 0);
	after(0, group, 5);
	CU_ASSERT_EQUAL(verdict(group).used_ns, 3 * MS);
	end();
}

/* ---- weights ---- */

/* Goes on to the time given, with so many percent of a CPU used and waited for. */
static void go_on(uint64_t until, const int *groups, const uint64_t *run, const uint64_t *wait, int count)
{
	static uint64_t runs[8], waits[8];
	int i;

	if (now == START)
		memset(runs, 0, sizeof(runs)), memset(waits, 0, sizeof(waits));
	for (; now <= until; now += 10 * MS) {
		for (i = 0; i < count; i++) {
			const struct qrt_sched_usage usage = {
				.run_ns = runs[i], .wait_ns = waits[i], .threads = 1};

			qrt_sched_governor_account(governor, groups[i], now, &usage);
			runs[i] += run[i] * 10 * MS / 100;
			waits[i] += wait[i] * 10 * MS / 100;
		}
		qrt_sched_governor_decide(governor, now);
	}
}

static void alone_a_group_keeps_its_setting(void)
{
	const uint64_t run[2] = {100, 0}, wait[2] = {0, 0};
	int groups[2];

	begin();
	groups[0] = add(NULL, 1, "0", -1);
	groups[1] = add(NULL, 10000, "0", -1);
	go_on(START + 10000 * MS, groups, run, wait, 2);
	CU_ASSERT_EQUAL(verdict(groups[0]).throttled, 0);
	end();
}

static void who_is_above_its_share_drops_as_soon_as_another_waits(void)
{
	const uint64_t run[2] = {100, 0}, idle[2] = {0, 0}, wait[2] = {0, 100};
	int groups[2];

	begin();
	groups[0] = add(NULL, 100, "0", -1);
	groups[1] = add(NULL, 300, "0", -1);
	go_on(START + 2000 * MS, groups, run, idle, 2);
	CU_ASSERT_EQUAL(verdict(groups[0]).over, 0);
	go_on(now + 20 * MS, groups, run, wait, 2);
	CU_ASSERT_EQUAL(verdict(groups[0]).reason, QRT_SCHED_OVER_SHARE);
	CU_ASSERT_EQUAL(verdict(groups[1]).over, 0);
	CU_ASSERT(verdict(groups[0]).until_ns > now);
	CU_ASSERT(verdict(groups[0]).share == 250 && verdict(groups[1]).share == 750);
	CU_ASSERT(verdict(groups[0]).average > 900 && verdict(groups[1]).average == 0);
	/* It stays so for a second after the other one was active last, and is as planned then. */
	go_on(now + 300 * MS, groups, run, idle, 2);
	CU_ASSERT_EQUAL(verdict(groups[0]).over, 1);
	go_on(now + 3000 * MS, groups, run, idle, 2);
	CU_ASSERT_EQUAL(verdict(groups[0]).over, 0);
	CU_ASSERT_EQUAL(verdict(groups[0]).throttled, 1);
	end();
}

static void groups_without_common_cpus_are_no_rivals(void)
{
	const uint64_t run[2] = {100, 100}, wait[2] = {100, 100};
	int groups[2];

	begin();
	groups[0] = add(NULL, 1, "0", -1);
	groups[1] = add(NULL, 100, "1-3", -1);
	go_on(START + 3000 * MS, groups, run, wait, 2);
	CU_ASSERT_EQUAL(verdict(groups[0]).throttled, 0);
	CU_ASSERT_EQUAL(verdict(groups[1]).throttled, 0);
	end();
}

static void without_a_weight_there_is_no_share(void)
{
	const uint64_t run[2] = {100, 0}, wait[2] = {0, 100};
	int groups[2];

	begin();
	groups[0] = add(NULL, 0, "0", -1);
	groups[1] = add(NULL, 100, "0", -1);
	go_on(START + 3000 * MS, groups, run, wait, 2);
	CU_ASSERT_EQUAL(verdict(groups[0]).over, 0);
	CU_ASSERT(verdict(groups[0]).share == 0 && verdict(groups[0]).average == 0);
	CU_ASSERT_EQUAL(qrt_sched_governor_get_next(governor, now), 0);
	end();
}

static void roles_below_share_the_verdict_on_their_vm(void)
{
	const uint64_t run[3] = {0, 0, 100}, wait[3] = {0, 100, 0};
	int groups[3];

	begin();
	groups[0] = add(NULL, 100, "0", -1);
	groups[1] = add(NULL, 100, "0", -1);
	groups[2] = add(NULL, 0, NULL, groups[0]);
	go_on(START + 2000 * MS, groups, run, wait, 3);
	CU_ASSERT_EQUAL(verdict(groups[0]).reason, QRT_SCHED_OVER_SHARE);
	CU_ASSERT_EQUAL(verdict(groups[2]).reason, QRT_SCHED_OVER_SHARE);
	CU_ASSERT_EQUAL(verdict(groups[1]).over, 0);
	end();
}

/* ---- configuration ---- */

static void configurations_are_checked(void)
{
	struct qrt_sched_group_config good = make_config("30%", 5, "0"), bad;
	struct qrt_sched_error error;
	int group;

	begin();
#define REFUSED(change, code)                                                                                \
	do {                                                                                                 \
		bad = good;                                                                                  \
		change;                                                                                      \
		error.message[0] = '\0';                                                                     \
		CU_ASSERT_EQUAL(qrt_sched_governor_add(governor, &bad, &error), code);                       \
		CU_ASSERT(strlen(error.message) > 10);                                                       \
	} while (0)
	REFUSED(bad.size = 0, -EINVAL);
	REFUSED(bad.weight = 10001, -ERANGE);
	REFUSED(bad.cpus = (struct qrt_sched_cpus){0}, -EINVAL);
	REFUSED(bad.budget.window_ns = MS - 1, -ERANGE);
	REFUSED(bad.budget.window_ns = 10000 * MS + 1, -ERANGE);
	REFUSED(bad.parent = 3, -EINVAL);
	REFUSED(bad.parent = -2, -EINVAL);
	REFUSED(bad.reserved = 1, -EINVAL);
	group = qrt_sched_governor_add(governor, &good, NULL);
	CU_ASSERT(group >= 0);
	good.parent = group;
	CU_ASSERT_EQUAL(qrt_sched_governor_change(governor, group, &good, &error), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_governor_change(governor, group + 1, &good, NULL), -ENOENT);
	end();
}

static void groups_below_each_other_are_refused(void)
{
	struct qrt_sched_group_config config = make_config("30%", 0, NULL);
	int a, b, c;

	begin();
	a = add("30%", 0, NULL, -1);
	b = add("30%", 0, NULL, a);
	c = add("30%", 0, NULL, b);
	config.parent = c;
	CU_ASSERT_EQUAL(qrt_sched_governor_change(governor, a, &config, NULL), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_governor_remove(governor, b), 0);
	CU_ASSERT_EQUAL(qrt_sched_governor_change(governor, a, &config, NULL), 0);
	end();
}

static void numbers_run_out_and_are_used_again(void)
{
	struct qrt_sched_verdict v;
	int i;

	begin();
	for (i = 0; i < QRT_SCHED_GROUPS_MAX; i++)
		CU_ASSERT_EQUAL(add("30%", 0, NULL, -1), i);
	CU_ASSERT_EQUAL(add("30%", 0, NULL, -1), -ENOSPC);
	CU_ASSERT_EQUAL(qrt_sched_governor_remove(governor, 17), 0);
	CU_ASSERT_EQUAL(qrt_sched_governor_remove(governor, 17), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_governor_get(governor, 17, &v), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_governor_get(governor, -1, &v), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_governor_get(governor, QRT_SCHED_GROUPS_MAX, &v), -ENOENT);
	CU_ASSERT_EQUAL(add("30%", 0, NULL, -1), 17);
	end();
}

static void a_change_keeps_what_was_used_and_takes_effect_at_once(void)
{
	struct qrt_sched_group_config config;
	int group = begin_with("30%/100ms");

	after(0, group, 0);
	after(20, group, 20);
	config = make_config("15%/100ms", 0, NULL);
	CU_ASSERT_EQUAL(qrt_sched_governor_change(governor, group, &config, NULL), 0);
	qrt_sched_governor_decide(governor, now);
	CU_ASSERT(verdict(group).over == 1 && verdict(group).used_ns == 20 * MS);
	config = make_config(NULL, 0, NULL);
	CU_ASSERT_EQUAL(qrt_sched_governor_change(governor, group, &config, NULL), 0);
	qrt_sched_governor_decide(governor, now);
	CU_ASSERT_EQUAL(verdict(group).over, 0);
	CU_ASSERT_EQUAL(next(), 0);
	end();
}

static void the_arithmetic_is_exact_enough(void)
{
	static const double halves[][2] = {
		{0, 1}, {1, 0.5}, {0.5, 0.70710678118654752}, {2.25, 0.21022410381342863}, {80, 0}};
	static const double logs[][2] = {
		{1, 0}, {2, 1}, {3, 1.5849625007211562}, {1.000001, 1.4426943e-6}, {1e6, 19.931568569324174}};
	size_t i;

	for (i = 0; i < 5; i++) {
		CU_ASSERT_DOUBLE_EQUAL(qrt_sched_p_half_to(halves[i][0]), halves[i][1], 1e-9);
		CU_ASSERT_DOUBLE_EQUAL(qrt_sched_p_log2(logs[i][0]), logs[i][1], 1e-9);
	}
}

static const struct tap_test tests[] = {
	{"a group over its budget is over until its window ends",
	 a_group_over_its_budget_is_over_until_its_window_ends},
	{"what time sharing used does not count", what_time_sharing_used_does_not_count},
	{"a late look counts what can have been in the new window",
	 a_late_look_counts_what_can_have_been_in_the_new_window},
	{"more threads use it up sooner, but not than there are CPUs",
	 more_threads_use_it_up_sooner_but_not_than_there_are_cpus},
	{"a parent's budget counts, and ends all below", a_parents_budget_counts_and_ends_all_below},
	{"a smaller value is a new start", a_smaller_value_is_a_new_start},
	{"alone a group keeps its setting", alone_a_group_keeps_its_setting},
	{"who is above its share drops as soon as another waits",
	 who_is_above_its_share_drops_as_soon_as_another_waits},
	{"groups without common CPUs are no rivals", groups_without_common_cpus_are_no_rivals},
	{"without a weight there is no share", without_a_weight_there_is_no_share},
	{"roles below share the verdict on their VM", roles_below_share_the_verdict_on_their_vm},
	{"configurations are checked", configurations_are_checked},
	{"groups below each other are refused", groups_below_each_other_are_refused},
	{"numbers run out and are used again", numbers_run_out_and_are_used_again},
	{"a change keeps what was used and takes effect at once",
	 a_change_keeps_what_was_used_and_takes_effect_at_once},
	{"the arithmetic is exact enough", the_arithmetic_is_exact_enough},
};

TAP_MAIN("governor", tests)
