/* SPDX-License-Identifier: MIT */
/* CPUs that threads choose while a shield is up, on kernels that forget them and on others. */
#include <errno.h>
#include <string.h>

#include "host_tree_p.h"
#include "hostfs_p.h"
#include "shield_help.h"
#include "sys_p.h"
#include "tap.h"

static void choose(pid_t tid, const char *list)
{
	struct qrt_sched_cpus cpus = fake_kernel_cpus(list);

	CU_ASSERT_EQUAL_FATAL(qrt_sched_p_sys->set_cpus(tid, &cpus), 0);
}

static void expect(pid_t tid, const char *cpus, const char *when)
{
	char now[128] = "";

	qrt_sched_cpus_format(&host_tree_find(tid)->cpus, now, sizeof(now));
	if (!host_tree_runs_on(tid, cpus))
		tap_note("%s: %d is on %s, expected %s", when, (int)tid, now, cpus);
	CU_ASSERT(host_tree_runs_on(tid, cpus));
}

static void begin(struct shield_help *up, int version, int forgets, const char *cpus)
{
	shield_help_begin(version);
	host_tree.forgets = forgets;
	shield_help_prepare(up, cpus, 0);
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(up), version);
}

static void end(struct shield_help *up)
{
	shield_help_finish(up);
	host_tree_end();
}

static void each(int first, void (*test)(int version, int forgets))
{
	int version, forgets;

	for (version = first; version <= 2; version++) {
		for (forgets = 0; forgets <= 1; forgets++)
			test(version, forgets);
	}
}

/* ---- lowered ------------------------------------------------------------------------------------- */

static void lower(struct shield_help *up, int by_text)
{
	if (by_text)
		shield_help_restore(up);
	else
		CU_ASSERT(qrt_sched_saved_restore(up->saved, NULL) > 0);
}

static void chosen_and_lowered(int version, int forgets)
{
	struct shield_help up;
	int by_text;

	for (by_text = 0; by_text <= 1; by_text++) {
		begin(&up, version, forgets, "1");
		choose(101, "2");
		/* It had CPU 1 before. */
		choose(200, "0");
		lower(&up, by_text);
		expect(101, "2", "lowered");
		expect(200, "0", "lowered");
		expect(1, "0-3", "lowered");
		expect(100, "0-3", "lowered");
		expect(16, "0-3", "lowered");
		end(&up);
	}
}

static void what_was_chosen_meanwhile_stays(void)
{
	each(0, chosen_and_lowered);
}

/* A disk that is full keeps nobody from lowering. */
static void what_cannot_be_kept_is_put_back_all_the_same(void)
{
	struct shield_help up;

	begin(&up, 1, 1, "1");
	choose(101, "2");
	up.kept.refuse = -ENOSPC;
	lower(&up, 0);
	expect(101, "2", "lowered");
	end(&up);
}

/* ---- raised again -------------------------------------------------------------------------------- */

static void chosen_and_raised_again(int version, int forgets)
{
	struct shield_help up;

	begin(&up, version, forgets, "1");
	choose(101, "2");
	choose(200, "3");
	up.config.cpus = fake_kernel_cpus("0");
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), version);
	expect(101, "2", "shield 0");
	expect(200, "3", "shield 0");
	up.config.cpus = fake_kernel_cpus("2");
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), version);
	expect(101, "0-1,3", "shield 2");
	expect(200, "3", "shield 2");
	lower(&up, 1);
	expect(101, "2", "lowered");
	expect(200, "3", "lowered");
	expect(100, "0-3", "lowered");
	end(&up);
}

static void what_was_chosen_outlives_other_cpus(void)
{
	each(1, chosen_and_raised_again);
}

static void chosen_in_the_shield(int version, int forgets)
{
	struct shield_help up;

	begin(&up, version, forgets, "0,3");
	CU_ASSERT_EQUAL_FATAL(qrt_sched_shield_enter(NULL, 101, NULL, &up.error), 0);
	choose(101, "3");
	up.config.cpus = fake_kernel_cpus("0-1,3");
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), version);
	expect(101, "3", "a wider shield");
	lower(&up, 1);
	expect(101, "3", "lowered");
	end(&up);
}

static void who_is_in_the_shield_stays_where_it_is(void)
{
	each(1, chosen_in_the_shield);
}

/* ---- in a cpuset of its own ---------------------------------------------------------------------- */

/* A cpuset of CPUs 1-3, with two threads. */
static void add_cpuset(int version)
{
	const char *file = version == 1 ? "/cg/wide/tasks" : "/cg/wide/cgroup.procs";

	CU_ASSERT_EQUAL_FATAL(qrt_sched_p_hostfs->make("/cg/wide"), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_p_hostfs->write("/cg/wide/cpuset.cpus", "1-3\n"), 0);
	host_tree_add_thread(402, 402, 0, "wide", "1-3");
	host_tree_add_thread(403, 403, 0, "wide", "1-3");
	CU_ASSERT_EQUAL_FATAL(qrt_sched_p_hostfs->write(file, "402\n"), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_p_hostfs->write(file, "403\n"), 0);
	choose(402, "2");
}

static void chosen_in_a_cpuset(int version, int forgets)
{
	struct shield_help up;

	shield_help_begin(version);
	add_cpuset(version);
	host_tree.forgets = forgets;
	shield_help_prepare(&up, "1", 0);
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), version);
	expect(402, "2", "raised");
	expect(403, "2-3", "raised");
	choose(403, "3");
	lower(&up, 1);
	expect(402, "2", "lowered");
	expect(403, "3", "lowered");
	end(&up);
}

static void choices_in_other_cpusets_stay(void)
{
	each(1, chosen_in_a_cpuset);
}

/* By somebody else, while the shield is up: to where it cannot have what it had. */
static void moved_to_a_cpuset(int version, int forgets)
{
	struct shield_help up;

	shield_help_begin(version);
	add_cpuset(version);
	host_tree.forgets = forgets;
	shield_help_prepare(&up, "1", 0);
	choose(101, "0");
	CU_ASSERT_EQUAL_FATAL(shield_help_raise(&up), version);
	CU_ASSERT_EQUAL(qrt_sched_p_hostfs->write(version == 1 ? "/cg/wide/tasks" : "/cg/wide/cgroup.threads",
						  "101\n"),
			0);
	expect(101, "2-3", "moved");
	CU_ASSERT(qrt_sched_saved_restore(up.saved, &up.error) > 0);
	CU_ASSERT(host_tree_runs_on(101, "2-3") || host_tree_runs_on(101, "1-3"));
	CU_ASSERT_EQUAL(qrt_sched_saved_restore(up.saved, &up.error), 0);
	end(&up);
}

static void who_was_moved_elsewhere_is_let_alone(void)
{
	each(1, moved_to_a_cpuset);
}

static const struct tap_test tests[] = {
	{"what was chosen meanwhile stays", what_was_chosen_meanwhile_stays},
	{"what cannot be kept is put back all the same", what_cannot_be_kept_is_put_back_all_the_same},
	{"what was chosen outlives other CPUs of the shield", what_was_chosen_outlives_other_cpus},
	{"who is in the shield stays where it is", who_is_in_the_shield_stays_where_it_is},
	{"choices in other cpusets stay", choices_in_other_cpusets_stay},
	{"who was moved elsewhere is let alone", who_was_moved_elsewhere_is_let_alone},
};

TAP_MAIN("shield_choice", tests)
