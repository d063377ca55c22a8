/* SPDX-License-Identifier: MIT */
/* Which threads are over, by budget and share, at chosen moments. */
#include "tap.h"

#include "court_help.h"
#include "governor_p.h"

#include <string.h>

static struct governor_party *rival;

static void begin(const char *vm_budget, const char *vcpu_budget, uint32_t weight)
{
	governor = make_governor(vm_budget, vcpu_budget, weight);
	now = 1000 * MS;
}

static void end(void)
{
	free_governor(governor);
}

static void place_all(void)
{
	size_t i;

	governor_court_place(governor, governor->own, now);
	for (i = 0; i < governor->rivals_count; i++)
		governor_court_place(governor, governor->rivals[i], now);
}

static void use(struct governor_party *party, struct governor_task *task, uint64_t run_ms, uint64_t wait_ms)
{
	const struct governor_usage used = {run_ms * MS, wait_ms * MS};

	task->clock.at_ns = now;
	governor_court_charge(governor, party, task, &used);
}

static void decide(uint64_t passed_ms)
{
	size_t i;

	now += passed_ms * MS;
	governor_court_decide(governor, now);
	for (i = 0; i < governor->own->count; i++)
		governor->own->tasks[i].over = governor_court_judge(governor, &governor->own->tasks[i]);
}

static void test_vm_budget(void)
{
	struct governor_task *vcpu, *loop;

	begin("30%/100ms", NULL, 0);
	vcpu = add_task(governor->own, QRT_SCHED_ROLE_VCPU, "0", true);
	loop = add_task(governor->own, QRT_SCHED_ROLE_MAIN, "1", true);
	place_all();
	CU_ASSERT_TRUE(governor_court_sits(governor, GOVERNOR_BUDGET));
	decide(0);
	use(governor->own, vcpu, 20, 0);
	use(governor->own, loop, 9, 0);
	decide(20);
	CU_ASSERT(!vcpu->over && !loop->over);
	use(governor->own, loop, 1, 0);
	decide(1);
	CU_ASSERT(vcpu->over == 1u << GOVERNOR_BUDGET && loop->over == vcpu->over);
	decide(78);
	CU_ASSERT(vcpu->over && loop->over);
	decide(1);
	CU_ASSERT(!vcpu->over && !loop->over);
	end();
}

static void test_role_budget(void)
{
	struct governor_task *vcpu, *loop;

	begin(NULL, "20%/100ms", 0);
	vcpu = add_task(governor->own, QRT_SCHED_ROLE_VCPU, "0", true);
	loop = add_task(governor->own, QRT_SCHED_ROLE_MAIN, "1", true);
	place_all();
	decide(0);
	use(governor->own, vcpu, 20, 0);
	use(governor->own, loop, 20, 0);
	decide(20);
	CU_ASSERT(vcpu->over && !loop->over);
	end();
}

/* Runs the own vCPU without a pause, beside a rival that waits for all that time. */
static void run_beside(struct governor_task *own, struct governor_task *other, unsigned ms)
{
	unsigned i;

	for (i = 0; i < ms; i += 10) {
		use(governor->own, own, 10, 0);
		if (other)
			use(rival, other, 0, 10);
		decide(10);
	}
}

static void test_share(void)
{
	struct governor_task *vcpu, *loop, *other;

	begin(NULL, NULL, 100);
	rival = governor->rivals[governor->rivals_count++] = make_party(100);
	vcpu = add_task(governor->own, QRT_SCHED_ROLE_VCPU, "1", true);
	loop = add_task(governor->own, QRT_SCHED_ROLE_MAIN, "0-1", true);
	other = add_task(rival, -1, "1", true);
	place_all();
	CU_ASSERT_TRUE(governor_court_sits(governor, GOVERNOR_SHARE));
	decide(0);
	run_beside(vcpu, NULL, 2000);
	CU_ASSERT_FALSE(vcpu->over);
	use(governor->own, loop, 1, 0);
	run_beside(vcpu, other, 50);
	CU_ASSERT_EQUAL(vcpu->over, 1u << GOVERNOR_SHARE);
	CU_ASSERT_FALSE(loop->over);
	CU_ASSERT_EQUAL(governor->own->shares_count, 2);
	/* It may be on both, and of both its VM uses no more than its share. */
	loop->cpu = 1;
	decide(1);
	CU_ASSERT_FALSE(loop->over);
	loop->cpus = cpus_of("1");
	decide(1);
	CU_ASSERT_TRUE(loop->over);
	place_all();
	decide(1);
	CU_ASSERT_TRUE(vcpu->over);
	governor_court_leave(governor, rival);
	decide(1);
	CU_ASSERT_FALSE(vcpu->over);
	end();
}

static void test_forgotten_cpus(void)
{
	struct governor_task *vcpu;

	begin(NULL, NULL, 100);
	vcpu = add_task(governor->own, QRT_SCHED_ROLE_VCPU, "0-1", true);
	place_all();
	use(governor->own, vcpu, 1, 0);
	decide(5000);
	vcpu->cpu = 1;
	use(governor->own, vcpu, 1, 0);
	place_all();
	CU_ASSERT_EQUAL(governor->own->shares_count, 2);
	decide(5000);
	place_all();
	CU_ASSERT_EQUAL_FATAL(governor->own->shares_count, 1);
	CU_ASSERT_EQUAL(governor->own->shares[0].cpu, 1);
	end();
}

/* A VM without real-time threads wants CPUs, too. */
static void test_timeshared_rival(void)
{
	struct governor_task *vcpu, *other;

	begin(NULL, NULL, 100);
	rival = governor->rivals[governor->rivals_count++] = make_party(300);
	vcpu = add_task(governor->own, QRT_SCHED_ROLE_VCPU, "1", true);
	other = add_task(rival, -1, "0-1", false);
	other->cpu = 1;
	place_all();
	decide(0);
	run_beside(vcpu, other, 500);
	CU_ASSERT_TRUE(vcpu->over);
	end();
}

static void test_share_and_budget(void)
{
	struct governor_task *vcpu, *other;

	begin("50%/100ms", NULL, 100);
	rival = governor->rivals[governor->rivals_count++] = make_party(100);
	vcpu = add_task(governor->own, QRT_SCHED_ROLE_VCPU, "1", true);
	other = add_task(rival, -1, "1", true);
	place_all();
	decide(0);
	vcpu->over = 1u << GOVERNOR_SHARE;
	use(governor->own, vcpu, 60, 0);
	(void)other;
	CU_ASSERT_EQUAL(governor->vm.run_ns, 0);
	CU_ASSERT_EQUAL(governor->own->shares[0].account.run_ns, 60 * MS);
	vcpu->over = 0;
	use(governor->own, vcpu, 60, 0);
	decide(60);
	CU_ASSERT_EQUAL(vcpu->over, 1u << GOVERNOR_BUDGET);
	end();
}

static void test_weight_changes(void)
{
	struct governor_task *vcpu;

	begin(NULL, NULL, 0);
	vcpu = add_task(governor->own, QRT_SCHED_ROLE_VCPU, "1", true);
	place_all();
	use(governor->own, vcpu, 1, 0);
	CU_ASSERT_EQUAL(governor->own->shares_count, 0);
	governor->own->weight = 5;
	use(governor->own, vcpu, 1, 0);
	CU_ASSERT_EQUAL(governor->own->shares_count, 1);
	CU_ASSERT_FALSE(governor_court_sits(governor, GOVERNOR_SHARE));
	end();
}

static void host_of(struct qrt_sched_host *host, uint32_t flags, int64_t runtime_us, const char *server)
{
	memset(host, 0, sizeof(*host));
	host->flags = flags;
	host->rt_runtime_us = runtime_us;
	host->rt_period_us = 1000000;
	host->online = cpus_of("0-3");
	if (server)
		host->fair_server = cpus_of(server);
}

static void test_held_hosts(void)
{
	const uint32_t server = QRT_SCHED_HOST_FAIR_SERVER, groups = QRT_SCHED_HOST_RT_GROUPS;
	struct qrt_sched_cpus kept;
	struct qrt_sched_host host;

	host_of(&host, 0, 950000, NULL);
	host.isolated = cpus_of("2-3");
	governor_plan_get_kept(&host, &kept);
	CU_ASSERT(qrt_sched_cpus_count(&kept) == 2 && qrt_sched_cpus_has(&kept, 0));
	CU_ASSERT_FALSE(governor_plan_is_unheld(&host, &kept));
	host_of(&host, 0, -1, NULL);
	CU_ASSERT_TRUE(governor_plan_is_unheld(&host, &kept));
	host_of(&host, 0, 1000000, NULL);
	CU_ASSERT_TRUE(governor_plan_is_unheld(&host, &kept));
	/* A kernel that has servers throttles only groups. */
	host_of(&host, server, 950000, NULL);
	CU_ASSERT_TRUE(governor_plan_is_unheld(&host, &kept));
	host_of(&host, server | groups, 950000, NULL);
	CU_ASSERT_FALSE(governor_plan_is_unheld(&host, &kept));
	host_of(&host, server, -1, "1-3");
	CU_ASSERT_FALSE(governor_plan_is_unheld(&host, &kept));
	host_of(&host, server, -1, "2-3");
	CU_ASSERT_TRUE(governor_plan_is_unheld(&host, &kept));
	host.isolated = host.online;
	governor_plan_get_kept(&host, &kept);
	CU_ASSERT_EQUAL(qrt_sched_cpus_count(&kept), 4);
}

static void test_cover(void)
{
	struct qrt_sched_cpus everywhere = cpus_of("0-3"), cover = {{0}}, kept = cpus_of("0-1");
	struct qrt_sched_plan *plan = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&plan), 0);
	CU_ASSERT_EQUAL(governor_plan_cover(plan, 2, &everywhere, &cover), -1);
	qrt_sched_plan_parse_option(plan, "vcpu_bias=0,1 vcpu_prio=10 vcpu_sched=other,fifo", NULL);
	CU_ASSERT_EQUAL(governor_plan_cover(plan, 2, &everywhere, &cover), QRT_SCHED_ROLE_VCPU);
	CU_ASSERT_FALSE(governor_plan_has_all(&cover, &kept));
	qrt_sched_plan_parse_option(plan, "main_prio=11", NULL);
	CU_ASSERT_EQUAL(governor_plan_cover(plan, 2, &everywhere, &cover), QRT_SCHED_ROLE_MAIN);
	CU_ASSERT_TRUE(governor_plan_has_all(&cover, &kept));
	/* More iothreads than vCPUs: the last one counts, too. A third vCPU is not there. */
	qrt_sched_plan_parse_option(plan, "ioth_bias=0,0,0,0,3 ioth_prio=1,1,1,1,50 vcpu_prio=10,10,90",
				    NULL);
	CU_ASSERT_EQUAL(governor_plan_cover(plan, 2, &everywhere, &cover), QRT_SCHED_ROLE_IOTH);
	CU_ASSERT_TRUE(qrt_sched_cpus_has(&cover, 3));
	qrt_sched_plan_close(plan);
}

static void check_needed(const char *vm_budget, const char *vcpu_budget, uint32_t weight, bool has_rival,
			 bool is_needed)
{
	begin(vm_budget, vcpu_budget, weight);
	if (has_rival)
		governor->rivals[governor->rivals_count++] = make_party(100);
	CU_ASSERT_EQUAL(governor_is_needed(governor), is_needed);
	governor_guard_sit(governor, 2, now);
	CU_ASSERT_TRUE(governor_is_needed(governor));
	governor_guard_sit(governor, 0, now);
	CU_ASSERT_EQUAL(governor_is_needed(governor), is_needed);
	end();
}

static void test_needed(void)
{
	check_needed(NULL, NULL, 0, false, false);
	check_needed("30%/100ms", NULL, 0, false, true);
	check_needed(NULL, "30%/100ms", 0, false, true);
	check_needed(NULL, NULL, 100, false, false);
	check_needed(NULL, NULL, 100, true, true);
	check_needed(NULL, NULL, 0, true, false);
}

static const struct tap_test tests[] = {
	{"a VM's budget counts all its threads, and ends all", test_vm_budget},
	{"a role's budget ends the role alone", test_role_budget},
	{"a share is one of each CPU, and others have to want it", test_share},
	{"CPUs that were left are forgotten", test_forgotten_cpus},
	{"a VM in time sharing is a rival", test_timeshared_rival},
	{"time sharing by one verdict uses up no budget", test_share_and_budget},
	{"who has no weight has no share", test_weight_changes},
	{"only a budget, a rival in weight or a guard needs a governor", test_needed},
	{"hosts that hold real-time threads back, and that do not", test_held_hosts},
	{"where a plan's real-time threads can be", test_cover},
};

TAP_MAIN("governor_court", tests)
