/* SPDX-License-Identifier: MIT */
#include "launch.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process of its own, whose memory it is. Returns its exit code: what bind returned, or 200 where no policy
 * names the node. */
static int bind_in_child(const char *nodes, const char *policy)
{
	struct qrt_sched_cpus set = {0};
	char map[256] = "";
	int status = -1, code;
	FILE *maps;
	pid_t pid;

	if (*nodes)
		CU_ASSERT_EQUAL_FATAL(qrt_sched_cpus_parse(nodes, &set), 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		code = launch_bind_memory(&set);
		maps = fopen("/proc/self/numa_maps", "re");
		if (code == 0 && maps && fgets(map, sizeof(map), maps) && !strstr(map, policy))
			code = 200;
		_exit(code);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int has_nodes(void)
{
	if (access("/proc/self/numa_maps", R_OK) == 0)
		return 1;
	tap_skip("this kernel knows of no nodes");
	return 0;
}

static void nothing_is_bound_unless_it_is_said(void)
{
	if (has_nodes())
		CU_ASSERT_EQUAL(bind_in_child("", " default"), 0);
}

static void memory_is_bound_to_nodes(void)
{
	if (has_nodes())
		CU_ASSERT_EQUAL(bind_in_child("0", " bind:0"), 0);
}

static void a_node_that_is_not_there_is_an_error(void)
{
	if (has_nodes())
		CU_ASSERT_EQUAL(bind_in_child("1023", ""), EINVAL);
}

static const struct tap_test tests[] = {
	{"nothing is bound unless it is said", nothing_is_bound_unless_it_is_said},
	{"memory is bound to nodes", memory_is_bound_to_nodes},
	{"a node that is not there is an error", a_node_that_is_not_there_is_an_error},
};

TAP_MAIN("launch_memory", tests)
