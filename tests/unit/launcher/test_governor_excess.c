/* SPDX-License-Identifier: MIT */
/* What the governor has no room for is said once, and shown. */
#include "tap.h"

#include "command.h"
#include "court_help.h"
#include "governor.h"
#include "governor_p.h"
#include "json_limit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char said[1024];
static int times;

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	times++;
}

const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}

static void begin(void)
{
	governor = make_governor(NULL, NULL, 100);
	pthread_mutex_init(&governor->lock, NULL);
	governor->rivals[governor->rivals_count++] = make_party(100);
	times = 0;
}

static void end(void)
{
	pthread_mutex_destroy(&governor->lock);
	free_governor(governor);
}

/* How often something is said of what there is now; it has to have these words. */
static int say(const char *words)
{
	struct governor_excess excess;
	int before = times;

	governor_excess_read(governor, &excess);
	governor_excess_say(governor, &excess);
	if (times > before)
		CU_ASSERT_PTR_NOT_NULL(strstr(said, words));
	return times - before;
}

static void test_said(void)
{
	begin();
	CU_ASSERT_EQUAL(say(""), 0);
	governor->own->excess = 3;
	CU_ASSERT_EQUAL(say("3 threads of this VM more than the 1280"), 1);
	governor->own->excess = 4;
	CU_ASSERT_EQUAL(say(""), 0);
	governor->rivals[0]->excess = 1;
	governor->rivals[0]->lacks_files = true;
	CU_ASSERT_EQUAL(say("no file can be opened for 1 thread of other VMs"), 1);
	governor->rivals_excess = 1;
	CU_ASSERT_EQUAL(say("1 VM more than the 64"), 1);
	CU_ASSERT_EQUAL(say(""), 0);
	end();
}

/* The line of `status`, by way of the JSON. */
static char *show(void)
{
	JsonBuilder *builder = json_builder_new();
	JsonNode *root;
	char *line;

	json_builder_begin_object(builder);
	governor_build(governor, builder);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	line = governor_format(json_limit_get_object(json_node_get_object(root), "governor"));
	json_node_unref(root);
	g_object_unref(builder);
	return line;
}

static void expect_shown(const char *words, bool is_there)
{
	char *line = show();

	CU_ASSERT_EQUAL(strstr(line, words) != NULL, is_there);
	g_free(line);
}

static void test_shown(void)
{
	begin();
	expect_shown("NOT GOVERNED", false);
	governor->own->excess = 1;
	governor->rivals[0]->excess = 2;
	governor->rivals_excess = 2;
	expect_shown("; NOT GOVERNED: 1 thread; NOT GOVERNED: 2 threads of other VMs; NOT GOVERNED: 2 VMs "
		     "beside it",
		     true);
	governor->own->excess = 0;
	expect_shown("NOT GOVERNED: 1 thread", false);
	end();
}

static void test_shares(void)
{
	const struct governor_usage used = {MS, 0};
	struct governor_task *vcpu;
	int cpu;

	begin();
	vcpu = add_task(governor->own, QRT_SCHED_ROLE_VCPU, "0", true);
	for (cpu = 0; cpu < GOVERNOR_SHARES + 2; cpu++) {
		vcpu->cpu = cpu;
		governor_court_charge(governor, governor->own, vcpu, &used);
		CU_ASSERT_EQUAL(governor->own->shares_count, (size_t)MIN(cpu + 1, GOVERNOR_SHARES));
	}
	CU_ASSERT_EQUAL(say("CPUs 256-257 are not shared by weight"), 1);
	expect_shown("; NOT GOVERNED: shares of CPUs 256-257", true);
	governor_court_leave(governor, governor->own);
	expect_shown("NOT GOVERNED", false);
	end();
}

/* The VM leaves CPUs, and with that there is room for those that had none. */
static void test_shares_again(void)
{
	const struct governor_usage used = {MS, 0};
	struct governor_task *vcpu;
	int cpu;

	begin();
	vcpu = add_task(governor->own, QRT_SCHED_ROLE_VCPU, "0", true);
	for (cpu = 0; cpu <= GOVERNOR_SHARES; cpu++) {
		vcpu->cpu = cpu;
		governor_court_charge(governor, governor->own, vcpu, &used);
	}
	governor_court_place(governor, governor->own, 1000 * MS);
	governor_court_charge(governor, governor->own, vcpu, &used);
	expect_shown("; NOT GOVERNED: shares of CPUs 256", true);
	governor_court_place(governor, governor->own, 100000 * MS);
	governor_court_charge(governor, governor->own, vcpu, &used);
	CU_ASSERT_EQUAL(governor->own->shares_count, 1);
	expect_shown("NOT GOVERNED", false);
	end();
}

/* As many VMs as there are, on as many CPUs as most hosts have. */
static void test_room(void)
{
	const struct governor_usage used = {MS, 0};
	struct governor_task *vcpu;
	int i, cpu;

	begin();
	while (governor->rivals_count < GOVERNOR_RIVALS)
		governor->rivals[governor->rivals_count++] = make_party(100);
	for (i = 0; i < GOVERNOR_RIVALS; i++) {
		vcpu = add_task(governor->rivals[i], -1, "0", true);
		for (cpu = 0; cpu < 48; cpu++) {
			vcpu->cpu = cpu;
			governor_court_charge(governor, governor->rivals[i], vcpu, &used);
		}
	}
	CU_ASSERT_EQUAL(say(""), 0);
	end();
}

static const struct tap_test tests[] = {
	{"what there is no room for is said, each once", test_said},
	{"it is shown as long as it is so", test_shown},
	{"CPUs without shares are named", test_shares},
	{"and no more when they have one", test_shares_again},
	{"there is room for 64 VMs on 48 CPUs", test_room},
};

TAP_MAIN("governor_excess", tests)
