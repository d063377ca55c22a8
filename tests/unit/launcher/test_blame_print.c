/* SPDX-License-Identifier: MIT */
#include "blame_report.h"
#include "command.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MS 1000000u

const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}

/* A VM of one thread, this one, which is vcpu 0, and what was found of it. */
static struct world {
	struct blame_names *names;
	struct blame_model *model;
	struct blame_threads *threads;
	struct blame_report report;
	struct blame_facts facts;
	int32_t tid;
} world;

static void ignore(void *context, const struct blame_delay *delay)
{
	(void)context;
	(void)delay;
}

static void open_world(uint32_t roles)
{
	struct blame_thread told = {.role = QRT_SCHED_ROLE_VCPU, .name = "CPU 0/\033KVM"};

	memset(&world, 0, sizeof(world));
	world.tid = told.tid = (int32_t)gettid();
	world.names = blame_names_new();
	world.model = blame_model_new(MS, ignore, NULL);
	world.threads = blame_threads_new((int32_t)getpid(), NULL);
	blame_threads_tell(world.threads, world.model, &told);
	blame_report_init(&world.report, roles, world.names, world.threads);
	blame_names_set(world.names, 900000017, 900000004, "spin\nner");
	world.facts = (struct blame_facts){.name = "control",
					   .pid = 42,
					   .start_ns = 5000 * (uint64_t)MS,
					   .over_ns = MS,
					   .mutexes = true};
	world.facts.end_ns = world.facts.start_ns + 10000 * (uint64_t)MS;
}

static void close_world(void)
{
	blame_report_clear(&world.report);
	blame_threads_free(world.threads);
	blame_model_free(world.model);
	blame_names_free(world.names);
}

static void check_text(size_t top, const char *wanted)
{
	char *text = NULL;
	size_t size = 0, shown = blame_report_finish(&world.report, top);
	FILE *out = open_memstream(&text, &size);

	blame_print_text(out, &world.report, &world.facts, shown);
	fclose(out);
	CU_ASSERT_STRING_EQUAL(text, wanted);
	if (strcmp(text, wanted) != 0)
		tap_note("it says:\n%s", text);
	free(text);
}

static struct blame_delay make_delay(enum blame_kind kind, uint64_t at_ns, uint64_t ns)
{
	struct blame_delay delay = {.kind = kind, .tid = world.tid, .cpu = 1, .ns = ns, .least_ns = ns};

	delay.start_ns = world.facts.start_ns + at_ns;
	if (kind != BLAME_MUTEX) {
		delay.culprits_count = 2;
		delay.culprits[0] = (struct blame_culprit){.tid = 900000017, .ns = ns / 4 * 3};
		delay.culprits[1] = (struct blame_culprit){.tid = BLAME_TID_IDLE, .ns = ns / 4};
	}
	return delay;
}

static void test_preempted(void)
{
	struct blame_delay delay;

	open_world(0xff);
	delay = make_delay(BLAME_PREEMPTED, 1500 * MS, 4 * MS);
	blame_report_add(&world.report, &delay);
	check_text(20, "   1.5000 s  CPU 0/?KVM (vcpu 0) waited 4.00 ms\n"
		       "             kept from running on CPU 1, where it had run before, by\n"
		       "                75 %  spin?ner, thread 900000017 of process 900000004\n"
		       "                25 %  idle\n"
		       "\n"
		       "  role   delays  worst      sum        most of it by\n"
		       "  vcpu        1  4.00 ms    4.00 ms    spin?ner 75 %, idle 25 %\n"
		       "\n"
		       "In 10.0 s a thread of control waited 1 time for 1 ms or more: 1 time after it was "
		       "preempted.\n");
	close_world();
}

static void test_woken(void)
{
	struct blame_delay delay;

	open_world(0xff);
	delay = make_delay(BLAME_WOKEN, 2000 * MS, 4 * MS);
	delay.least_ns = 2 * MS;
	delay.wakes = 3;
	delay.lasts = true;
	blame_report_add(&world.report, &delay);
	check_text(20, "   2.0000 s  CPU 0/?KVM (vcpu 0) has waited 2.00 ms to 4.00 ms and waits still\n"
		       "             kept from running on CPU 1, after one of 3 wake-ups, by\n"
		       "                75 %  spin?ner, thread 900000017 of process 900000004\n"
		       "                25 %  idle\n"
		       "\n"
		       "  role   delays  worst      sum        most of it by\n"
		       "  vcpu        1  2.00 ms    2.00 ms    spin?ner 75 %, idle 25 %\n"
		       "\n"
		       "In 10.0 s a thread of control waited 1 time for 1 ms or more: 1 time after it was "
		       "woken.\n");
	close_world();
}

/* The holder is the thread itself, which a real one never is: so it is known here. */
static void test_mutex(void)
{
	char wanted[1024], name[17] = "", policy[48];
	struct blame_delay delay;

	open_world(0xff);
	delay = make_delay(BLAME_MUTEX, 0, 6 * MS);
	delay.mutex = 0x7f12;
	delay.owner = world.tid;
	blame_names_look(world.names, world.tid);
	blame_report_add(&world.report, &delay);
	delay.start_ns += MS;
	delay.owner = 0;
	blame_report_add(&world.report, &delay);
	prctl(PR_GET_NAME, name);
	blame_names_policy(blame_names_get(world.names, world.tid), policy, sizeof(policy));
	snprintf(wanted, sizeof(wanted),
		 "   0.0000 s  CPU 0/?KVM (vcpu 0) waited 6.00 ms\n"
		 "             for the mutex at 0x7f12, held by\n"
		 "               %s (vcpu 0), thread %d, %s\n"
		 "\n"
		 "   0.0010 s  CPU 0/?KVM (vcpu 0) waited 6.00 ms\n"
		 "             for the mutex at 0x7f12, held by\n"
		 "               an unknown thread\n"
		 "\n"
		 "  role   delays  worst      sum        most of it by\n"
		 "  vcpu        2  6.00 ms    12.00 ms   %s 100 %%\n"
		 "\n"
		 "In 10.0 s a thread of control waited 2 times for 1 ms or more: 2 times for a mutex.\n",
		 name, world.tid, policy, name);
	check_text(20, wanted);
	close_world();
}

/* Of each role the longest, and by whom; who is not known is apart. */
static void test_holds(void)
{
	struct blame_delay wait = {.kind = BLAME_MUTEX, .mutex = 0x7f12, .ns = 6 * MS};

	open_world(0xff);
	wait.tid = world.tid;
	wait.owner = 900000017;
	wait.start_ns = world.facts.start_ns;
	blame_report_note_wait(&world.report, &wait);
	wait.start_ns += 10 * MS;
	wait.ns = 2 * MS;
	blame_report_note_wait(&world.report, &wait);
	/* Another thread's, which nobody asked for: it has waited for ours. */
	wait.tid = 900000017;
	wait.owner = world.tid;
	wait.start_ns += 10 * MS;
	blame_report_note_wait(&world.report, &wait);
	wait.tid = world.tid;
	wait.owner = 0;
	wait.ns = MS / 2;
	wait.start_ns += 10 * MS;
	blame_report_note_wait(&world.report, &wait);
	blame_report_sum_holds(&world.report, MS);
	check_text(20, "no thread of control waited longer than 1 ms in 10.0 s\n"
		       "\n"
		       "  role    holds  longest    sum        the longest by\n"
		       "  unknown     2  6.00 ms    8.00 ms    spin?ner, the mutex at 0x7f12\n");
	close_world();
}

/* All three causes; the two longest are listed, in the order of time. */
static void test_conclusion(void)
{
	struct blame_delay delay;
	int i;

	open_world(0xff);
	world.facts.over_ns = 500000;
	for (i = 1; i <= 6; i++) {
		delay = make_delay(i == 6  ? BLAME_MUTEX
				   : i % 2 ? BLAME_PREEMPTED
					   : BLAME_WOKEN,
				   (uint64_t)(7 - i) * MS, (uint64_t)i * MS);
		delay.culprits_count = 0;
		blame_report_add(&world.report, &delay);
	}
	check_text(2, "   0.0010 s  CPU 0/?KVM (vcpu 0) waited 6.00 ms\n"
		      "             for the mutex at 0x0, held by\n"
		      "               an unknown thread\n"
		      "\n"
		      "   0.0020 s  CPU 0/?KVM (vcpu 0) waited 5.00 ms\n"
		      "             kept from running on CPU 1, where it had run before, by\n"
		      "\n"
		      "  role   delays  worst      sum        most of it by\n"
		      "  vcpu        6  6.00 ms    21.00 ms   \n"
		      "\n"
		      "In 10.0 s a thread of control waited 6 times for 500 us or more: 3 times after it was "
		      "preempted, 2 times after it was woken and 1 time for a mutex; the longest 2 are "
		      "listed.\n");
	close_world();
}

static void test_nothing(void)
{
	open_world((1u << QRT_SCHED_ROLES) - 1);
	check_text(20, "no thread of control waited longer than 1 ms in 10.0 s\n");
	world.facts.name = NULL;
	world.facts.over_ns = 2000 * (uint64_t)MS;
	check_text(20, "no thread of process 42 waited longer than 2 s in 10.0 s\n");
	world.report.roles = 1u << QRT_SCHED_ROLE_VCPU | 1u << QRT_SCHED_ROLE_MAIN;
	check_text(20, "no vcpu or main thread of process 42 waited longer than 2 s in 10.0 s\n");
	close_world();
}

static void test_doubts(void)
{
	open_world((1u << QRT_SCHED_ROLES) - 1);
	world.facts.vm_ended = true;
	world.facts.mutexes = false;
	world.facts.counts = (struct blame_counts){.possible = 1, .broken = 2, .lost = 1};
	check_text(
		20,
		"no thread of control waited longer than 1 ms in 10.0 s\n"
		"The VM ended in this time.\n"
		"1 time several short waits came together, of which one may have reached 1 ms: not counted "
		"above.\n"
		"There may have been more: 1 switch record was lost, and 2 stretches of a thread's time "
		"given up.\n"
		"Waits for mutexes are not known: there is no recorder, as qrt-launcher run has one.\n");
	close_world();
}

/* On a host that forks without end the rest is one. */
static void test_suspects(void)
{
	const GArray *suspects;
	struct blame_delay delay;
	uint64_t sum_ns = 0;
	int32_t i;

	open_world(0xff);
	for (i = 1; i <= 3000; i++) {
		delay = make_delay(BLAME_PREEMPTED, 0, 4 * MS);
		delay.culprits_count = 1;
		delay.culprits[0] = (struct blame_culprit){.tid = 900000100 + i, .ns = 4 * MS};
		blame_report_add(&world.report, &delay);
	}
	suspects = world.report.sums[QRT_SCHED_ROLE_VCPU].suspects;
	CU_ASSERT_TRUE(suspects->len <= BLAME_SUSPECTS_MAX + 1);
	for (i = 0; i < (int32_t)suspects->len; i++)
		sum_ns += g_array_index(suspects, struct blame_suspect, (guint)i).ns;
	CU_ASSERT_EQUAL(sum_ns, 3000 * (uint64_t)4 * MS);
	blame_report_finish(&world.report, 1);
	CU_ASSERT_STRING_EQUAL(g_array_index(suspects, struct blame_suspect, 0).name.comm, "others");
	CU_ASSERT_EQUAL(world.report.kinds[BLAME_PREEMPTED], 3000);
	close_world();
}

static const struct tap_test tests[] = {
	{"who ran instead of a preempted thread", test_preempted},
	{"a wait after one of several wake-ups is a range", test_woken},
	{"who held the mutex", test_mutex},
	{"who held mutexes for how long", test_holds},
	{"a closing sentence counts the causes", test_conclusion},
	{"nothing that long is one sentence", test_nothing},
	{"what limits the answer is said", test_doubts},
	{"names without end are counted together", test_suspects},
};

TAP_MAIN("blame_print", tests)
