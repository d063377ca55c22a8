/* SPDX-License-Identifier: MIT */
#include "json_limit.h"
#include "status_globals.h"
#include "supervisor.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The line for people, by way of the JSON. */
static char *format(const struct status_globals *globals)
{
	JsonBuilder *builder = json_builder_new();
	JsonObject *object;
	JsonNode *root;
	char *text, *line;

	json_builder_begin_object(builder);
	status_globals_build(globals, builder);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	text = json_to_string(root, FALSE);
	object = json_limit_parse(text, -1);
	line = status_globals_format(json_limit_get_object(object, "globals"));
	json_object_unref(object);
	g_free(text);
	json_node_unref(root);
	g_object_unref(builder);
	return line;
}

static void check_line(const struct status_globals *globals, const char *wanted)
{
	char *line = format(globals);

	CU_ASSERT_STRING_EQUAL(line, wanted);
	if (strcmp(line, wanted) != 0)
		tap_note("%s", line);
	g_free(line);
}

static const struct status_globals all_planned = {
	.planned = {.mlock = QRT_SCHED_MLOCK_PREFAULT, .pi_mutexes = 1, .pool_min = 4, .advance_us = 100},
	.inside = 1,
	.pool = 1,
	.memory = {.is_known = true, .locked = 1288490189, .least = 60u << 20},
};

static void test_in_force(void)
{
	check_line(&all_planned, "whole VM: mlock=prefault with 1.2 GiB locked, pi=on, pool=4, advance=100");
}

/* What the plan says, and nothing that it leaves open. */
static void test_around(void)
{
	struct status_globals globals = all_planned;

	globals.planned.weight = 7;
	globals.planned.set = QRT_SCHED_GLOBAL_CSTATE;
	globals.planned.hugepages = QRT_SCHED_HUGEPAGES_THP;
	CU_ASSERT_TRUE(qrt_sched_cpus_parse("0-1", &globals.planned.numa_nodes) >= 0);
	check_line(&globals,
		   "whole VM: mlock=prefault with 1.2 GiB locked, pi=on, pool=4, advance=100, weight=7, "
		   "cstate=0, hugepages=thp, numa=0-1");
}

static void test_not_in_force(void)
{
	struct status_globals globals = all_planned;

	globals.inside = 0;
	globals.pool = 0;
	globals.memory.locked = 0;
	check_line(&globals,
		   "whole VM: mlock=prefault NOT IN FORCE, pi=on NOT IN FORCE, pool=4 NOT IN FORCE, "
		   "advance=100 NOT IN FORCE");
	/* QEMU's own libraries lock a page or two for their secrets. */
	globals.memory.locked = 32768;
	globals.inside = globals.pool = 1;
	check_line(&globals,
		   "whole VM: mlock=prefault NOT IN FORCE with 32.0 KiB locked, pi=on, pool=4, advance=100");
}

static void test_not_known(void)
{
	struct status_globals globals = all_planned;

	globals.inside = globals.pool = -1;
	globals.memory = (struct status_memory){.is_known = false};
	check_line(&globals,
		   "whole VM: mlock=prefault not confirmed, pi=on not confirmed, pool=4 not confirmed, "
		   "advance=100 not confirmed");
}

/* What the plan does not ask for nobody has to do. */
static void test_nothing_planned(void)
{
	struct status_globals globals = {.inside = 0, .pool = -1, .memory = {.is_known = true}};

	check_line(&globals, "whole VM: mlock=off, pi=off, pool=0, advance=0");
	globals.memory.locked = 5u << 20;
	check_line(&globals, "whole VM: mlock=off with 5.0 MiB locked, pi=off, pool=0, advance=0");
}

/* Whatever a supervisor of another version says, it is no crash. */
static void test_strange(void)
{
	static const char *const texts[] = {"{}", "{\"mlock\":5,\"pi\":[],\"pool\":{\"in_force\":{}}}",
					    "{\"pi\":{\"planned\":[1],\"in_force\":\"x\"}}"};
	size_t i;

	g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL);
	for (i = 0; i < G_N_ELEMENTS(texts); i++) {
		JsonObject *object = json_limit_parse(texts[i], -1);
		char *line = status_globals_format(object);

		CU_ASSERT_EQUAL(strncmp(line, "whole VM: mlock=", 16), 0);
		g_free(line);
		json_object_unref(object);
	}
}

static void test_parse(void)
{
	struct status_memory memory;

	status_globals_parse_memory(
		"Name:\tVmLck: 7\nVmLck:\t  100 kB\nVmStk:\t 1 kB\nVmExe:\t 20 kB\nVmLib:\t 3 kB\n", &memory);
	CU_ASSERT_TRUE(memory.is_known);
	CU_ASSERT_EQUAL(memory.locked, 100 * 1024);
	CU_ASSERT_EQUAL(memory.least, 24 * 1024);
	status_globals_parse_memory("Name:\tkthreadd\n", &memory);
	CU_ASSERT_FALSE(memory.is_known);
}

/* This process, before and after it locks itself. */
static void test_read(void)
{
	struct watched watched = {.placed_by = PLACED_BY_SUPERVISOR};
	struct supervisor supervisor = {.library = LIBRARY_PRELOADED, .pool = -1};
	struct qrt_sched_plan *plan;
	struct status_globals globals;
	bool locked;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&plan), 0);
	CU_ASSERT_EQUAL(qrt_sched_plan_parse_option(plan, "mlock=onfault", NULL), 0);
	supervisor.plan = plan;
	supervisor.record.qemu_pid = getpid();
	supervisor.watch.threads = g_hash_table_new(NULL, NULL);
	g_hash_table_insert(supervisor.watch.threads, GINT_TO_POINTER(1), &watched);
	status_globals_read(&supervisor, &globals);
	CU_ASSERT_EQUAL(globals.planned.mlock, QRT_SCHED_MLOCK_ONFAULT);
	CU_ASSERT_EQUAL(globals.inside, -1);
	CU_ASSERT_TRUE(globals.memory.is_known && globals.memory.locked < globals.memory.least);
	watched.placed_by = PLACED_BY_SELF;
	/* By its number: sanitizers make nothing of the function. */
	locked = syscall(SYS_mlockall, MCL_CURRENT | MCL_ONFAULT) == 0;
	status_globals_read(&supervisor, &globals);
	syscall(SYS_munlockall);
	CU_ASSERT_EQUAL(globals.inside, 1);
	if (locked) {
		CU_ASSERT_TRUE(globals.memory.locked >= globals.memory.least);
	} else {
		tap_note("memory cannot be locked here: that part is left out");
	}
	supervisor.library = LIBRARY_NONE;
	status_globals_read(&supervisor, &globals);
	CU_ASSERT_EQUAL(globals.inside, 0);
	g_hash_table_destroy(supervisor.watch.threads);
	qrt_sched_plan_close(plan);
}

static const struct tap_test tests[] = {
	{"what is in force is shown as planned", test_in_force},
	{"what is planned around the VM", test_around},
	{"what is not in force says so", test_not_in_force},
	{"what is not known is not claimed", test_not_known},
	{"what is not planned is in force", test_nothing_planned},
	{"strange answers are printed", test_strange},
	{"locked memory is read from /proc", test_parse},
	{"a VM is read", test_read},
};

TAP_MAIN("status_globals", tests)
