/* SPDX-License-Identifier: MIT */
/* What several VMs leave to a host that nothing else holds. */
#include "tap.h"

#include "court_help.h"
#include "governor_p.h"

#define VMS_MAX 3
#define WINDOW  (50 * MS)
#define PERIOD  (10 * MS)
#define STEP    (MS / 4)
#define LOOK    (20 * MS)
#define HOLD    (10 * MS)
#define LATE    4 /* steps, fewer than */

/* ---- one VM ---- */

static void use(struct governor_task *task, uint64_t run_ms)
{
	const struct governor_usage used = {run_ms * MS, 0};

	task->clock.at_ns = now;
	governor_court_charge(governor, governor->own, task, &used);
}

static void decide(uint64_t passed_ms)
{
	size_t i;

	now += passed_ms * MS;
	governor_court_decide(governor, now);
	for (i = 0; i < governor->own->count; i++)
		governor->own->tasks[i].over = governor_court_judge(governor, &governor->own->tasks[i]);
}

static void test_guard(void)
{
	struct governor_task *vcpu, *other, *isolated;

	now = 1000 * MS;
	governor = make_governor(NULL, NULL, 0);
	vcpu = add_task(governor->own, QRT_SCHED_ROLE_VCPU, "0-1", true);
	other = add_task(governor->own, QRT_SCHED_ROLE_OTHR, "0-1", false);
	isolated = add_task(governor->own, QRT_SCHED_ROLE_VCPU, "2", true);
	decide(0);
	use(vcpu, 200);
	decide(95);
	CU_ASSERT_FALSE(governor_court_sits(governor, GOVERNOR_GUARD));
	CU_ASSERT_FALSE(vcpu->over);
	governor_guard_sit(governor, 2, now);
	CU_ASSERT_TRUE(governor_court_sits(governor, GOVERNOR_GUARD));
	decide(5);
	use(vcpu, 84);
	use(other, 50);
	use(isolated, 45);
	decide(45);
	CU_ASSERT_FALSE(vcpu->over);
	CU_ASSERT_EQUAL(governor_guard_get(governor).used_ns, 84 * MS);
	use(vcpu, 1);
	decide(1);
	CU_ASSERT_EQUAL(vcpu->over, 1u << GOVERNOR_GUARD);
	CU_ASSERT(!other->over && !isolated->over);
	decide(4);
	CU_ASSERT_FALSE(vcpu->over);
	use(vcpu, 85);
	decide(46);
	CU_ASSERT_TRUE(vcpu->over);
	governor_guard_sit(governor, 0, now);
	decide(1);
	CU_ASSERT_FALSE(vcpu->over);
	free_governor(governor);
}

/* ---- several VMs, each with a launcher, on the one CPU of a host ---- */

struct vm {
	struct governor *governor; /* its launcher's */
	uint64_t next_ns;
	uint32_t percent;          /* what it wants of each period */
	uint64_t wish_ns;          /* what is left of that */
	uint32_t over;             /* as its launcher decided last */
	uint64_t run_ns;           /* in real time */
	uint64_t seen_ns[VMS_MAX]; /* what its launcher saw of the run_ns of each */
	uint64_t drops;
};

static struct vm vms[VMS_MAX];
static uint64_t host_ns, least_host_ns; /* in this window; in any */
static uint32_t vms_count, running, seed;

static void begin(const uint32_t *percents, const uint32_t *weights, uint32_t count)
{
	uint32_t i, k;

	now = 1003 * MS;
	seed = 1;
	running = 0;
	host_ns = 0;
	vms_count = count;
	for (i = 0; i < count; i++) {
		vms[i] = (struct vm){.governor = make_governor(NULL, NULL, weights[i]),
				     .percent = percents[i]};
		vms[i].governor->own->weight = 0;
		vms[i].governor->kept = cpus_of("0");
		add_task(vms[i].governor->own, QRT_SCHED_ROLE_VCPU, "0", true);
		for (k = 0; k < count; k++) {
			if (k == i)
				continue;
			vms[i].governor->rivals[vms[i].governor->rivals_count] = make_party(weights[k]);
			vms[i].governor->rivals[vms[i].governor->rivals_count]->weight = 0;
			add_task(vms[i].governor->rivals[vms[i].governor->rivals_count++], -1, "0", true);
		}
	}
}

static void end(void)
{
	uint32_t i;

	for (i = 0; i < vms_count; i++)
		free_governor(vms[i].governor);
}

static uint32_t below(uint32_t limit)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % limit;
}

static struct governor_party *party_of(const struct vm *vm, uint32_t which)
{
	uint32_t own = (uint32_t)(vm - vms);

	return which == own ? vm->governor->own : vm->governor->rivals[which < own ? which : which - 1];
}

static void look(struct vm *vm)
{
	struct governor_usage used = {0, 0};
	struct governor_party *party;
	uint32_t i, over = vm->over;

	/* They were not started at the same moment. */
	if (!vm->governor->guarded)
		governor_guard_sit(vm->governor, 1, now);
	for (i = 0; i < vms_count; i++) {
		party = party_of(vm, i);
		used.run_ns = vms[i].run_ns - vm->seen_ns[i];
		vm->seen_ns[i] = vms[i].run_ns;
		party->tasks[0].clock.at_ns = now;
		if (!party->is_own)
			governor_guard_note(&party->tasks[0], vms[i].over != 0);
		governor_court_charge(vm->governor, party, &party->tasks[0], &used);
	}
	vm->next_ns = governor_court_decide(vm->governor, now) ?: now + LOOK;
	vm->over = vm->governor->own->tasks[0].over = governor_court_judge(vm->governor,
									   &vm->governor->own->tasks[0]);
	vm->drops += vm->over && !over;
	vm->next_ns = MIN(vm->next_ns, now + (vm->over ? HOLD : LOOK)) + below(LATE) * STEP;
}

static bool wants(const struct vm *vm)
{
	return !vm->over && vm->wish_ns >= STEP;
}

/* Who wants less is above who wants more. Of equals who runs goes on until it is dropped or sleeps. */
static void run(void)
{
	uint32_t i, which, best = vms_count;

	for (i = 0; i < vms_count; i++) {
		which = (running + i) % vms_count;
		if (wants(&vms[which]) && (best == vms_count || vms[which].percent < vms[best].percent))
			best = which;
	}
	if (best == vms_count) {
		host_ns += STEP;
		return;
	}
	running = best;
	vms[best].run_ns += STEP;
	vms[best].wish_ns -= STEP;
}

static void tick(void)
{
	uint32_t i;

	if (now % WINDOW == 0) {
		least_host_ns = MIN(least_host_ns, host_ns);
		host_ns = 0;
	}
	for (i = 0; i < vms_count && now % PERIOD == 0; i++)
		vms[i].wish_ns = MIN(vms[i].wish_ns + PERIOD * vms[i].percent / 100, 2 * PERIOD);
}

static void go_on(uint64_t ms)
{
	uint64_t end_ns = now + ms * MS;
	uint32_t i;

	least_host_ns = WINDOW;
	host_ns = WINDOW; /* not of a part of a window */
	for (; now < end_ns; now += STEP) {
		tick();
		for (i = 0; i < vms_count; i++) {
			if (now >= vms[i].next_ns && now >= 1000 * MS + i * 17 * MS)
				look(&vms[i]);
		}
		run();
	}
}

/* Percent of the CPU in the next two seconds. */
static void measure(double *ret_percents)
{
	uint64_t before[VMS_MAX] = {0};
	uint32_t i;

	for (i = 0; i < vms_count; i++)
		before[i] = vms[i].run_ns, vms[i].drops = 0;
	go_on(2000);
	for (i = 0; i < vms_count; i++) {
		ret_percents[i] = (double)(vms[i].run_ns - before[i]) / (20.0 * MS);
		tap_note("VM %u: %.1f %%, dropped %llu times", i, ret_percents[i],
			 (unsigned long long)vms[i].drops);
	}
	tap_note("left to the host: %.2f ms of a window at least", (double)least_host_ns / MS);
}

static void test_two_that_spin(void)
{
	static const uint32_t percents[] = {100, 100}, even[] = {100, 100}, uneven[] = {300, 100};
	double had[VMS_MAX] = {0};

	begin(percents, even, 2);
	go_on(1000);
	/* Also while they get to know each other. */
	CU_ASSERT(least_host_ns >= 2 * MS);
	measure(had);
	CU_ASSERT(least_host_ns >= 3 * MS);
	CU_ASSERT(had[0] + had[1] <= 90);
	CU_ASSERT(had[0] > 35 && had[1] > 35);
	end();
	begin(percents, uneven, 2);
	go_on(1000);
	measure(had);
	CU_ASSERT(least_host_ns >= 3 * MS);
	CU_ASSERT(had[0] > 55 && had[1] > 15 && had[1] < 30);
	end();
}

static void test_modest(void)
{
	static const uint32_t percents[] = {100, 20, 100}, even[] = {100, 100, 100};
	double had[VMS_MAX] = {0};

	begin(percents, even, 2);
	go_on(1000);
	measure(had);
	CU_ASSERT_EQUAL(vms[1].drops, 0);
	CU_ASSERT(had[0] > 55 && had[1] >= 15);
	CU_ASSERT(least_host_ns >= 3 * MS);
	end();
	begin(percents, even, 3);
	go_on(1000);
	measure(had);
	CU_ASSERT(had[0] > 22 && had[2] > 22);
	CU_ASSERT(least_host_ns >= 3 * MS);
	end();
}

static void test_room(void)
{
	static const uint32_t percents[] = {60, 20}, alone[] = {80, 0}, hog[] = {100, 0}, even[] = {100, 100};
	double had[VMS_MAX] = {0};

	begin(percents, even, 2);
	go_on(1000);
	measure(had);
	CU_ASSERT(vms[0].drops == 0 && vms[1].drops == 0);
	end();
	begin(alone, even, 2);
	go_on(1000);
	measure(had);
	CU_ASSERT(vms[0].drops == 0 && had[0] > 79);
	end();
	begin(hog, even, 2);
	go_on(1000);
	measure(had);
	CU_ASSERT(had[0] > 84 && had[0] < 90);
	CU_ASSERT(least_host_ns >= 5 * MS);
	end();
}

static void test_leave(void)
{
	static const uint32_t percents[] = {100, 100}, even[] = {100, 100};
	double had[VMS_MAX] = {0};

	begin(percents, even, 2);
	go_on(1000);
	vms[1].percent = 0;
	governor_guard_leave(vms[0].governor, vms[0].governor->rivals[0]);
	g_free(vms[0].governor->rivals[0]);
	vms[0].governor->rivals_count = 0;
	vms_count = 1;
	go_on(100);
	measure(had);
	CU_ASSERT(had[0] > 84 && had[0] < 90);
	vms_count = 2;
	end();
}

static const struct tap_test tests[] = {
	{"the guard counts real-time threads on the host's CPUs", test_guard},
	{"VMs that spin leave the host its part together, and share the rest", test_two_that_spin},
	{"who wants little is not dropped for who takes all", test_modest},
	{"nobody is dropped while the host has its part", test_room},
	{"who has left takes nothing any more", test_leave},
};

TAP_MAIN("governor_guard", tests)
