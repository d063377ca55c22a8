/* SPDX-License-Identifier: MIT */
/* Where vCPUs and their memory are, on a host of two nodes with two CPUs each. */
#include "tap.h"

#include "command.h"
#include "plan_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Parts of the launcher say things; here nobody listens. */
void complain(const char *format, ...)
{
	(void)format;
}

const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}

static char root[] = "/tmp/qrt-nodes-XXXXXX";
static struct plan_request request;

static void make_node(int node, const char *cpus)
{
	g_autofree char *folder = g_strdup_printf("%s/sys/devices/system/node/node%d", root, node);
	g_autofree char *file = g_build_filename(folder, "cpulist", NULL);

	CU_ASSERT_EQUAL_FATAL(g_mkdir_with_parents(folder, 0700), 0);
	CU_ASSERT_TRUE_FATAL(g_file_set_contents(file, cpus, -1, NULL));
}

static void remove_node(int node)
{
	g_autofree char *file = g_strdup_printf("%s/sys/devices/system/node/node%d/cpulist", root, node);
	char *slash;

	unlink(file);
	while ((slash = strrchr(file, '/')) && slash - file > 4) {
		*slash = '\0';
		rmdir(file);
	}
}

static void judge(const char *options, uint32_t vcpus)
{
	CU_ASSERT_EQUAL_FATAL(plan_request_open(&request, "test"), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_cpus_parse("0-3", &request.host.online), 0);
	request.host.allowed = request.host.online;
	request.vm.vcpus = vcpus;
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_parse_option(request.plan, options, NULL), 0);
	plan_judge_nodes(&request, root);
}

static void expect(const char *message, const char *remedy)
{
	const struct qrt_sched_finding *finding = plan_finding_find(&request, "numa-remote");

	CU_ASSERT_EQUAL(finding != NULL, message != NULL);
	if (finding && message) {
		CU_ASSERT_EQUAL(finding->severity, QRT_SCHED_WARNING);
		CU_ASSERT_PTR_NOT_NULL(strstr(finding->message, message));
		CU_ASSERT_PTR_NOT_NULL(strstr(finding->remedy, remedy));
	}
	CU_ASSERT(request.findings_count <= 1);
	plan_request_close(&request);
}

static void vcpus_shall_run_where_their_memory_is(void)
{
	judge("numa=1 vcpu_bias=2,3", 2);
	expect(NULL, NULL);
	judge("numa=1 vcpu_bias=2,1", 2);
	expect("numa=1: vcpu 1 may run on CPU 1", "vcpu_bias CPUs out of 2-3");
	judge("numa=1 vcpu_bias=2", 1);
	expect(NULL, NULL);
	judge("numa=0 vcpu_prio=5", 1);
	expect("vcpu 0 may run on CPU 2", "out of 0-1");
	judge("numa=0-1 vcpu_prio=5", 1);
	expect(NULL, NULL);
	judge("vcpu_bias=0-3", 1);
	expect(NULL, NULL);
}

static void what_is_not_known_is_no_finding(void)
{
	judge("numa=2 vcpu_bias=0", 1);
	expect(NULL, NULL);
	make_node(3, "x\n");
	judge("numa=3 vcpu_bias=0", 1);
	expect(NULL, NULL);
	remove_node(3);
}

static void a_node_without_cpus_is_far_from_all(void)
{
	make_node(4, "\n");
	judge("numa=4 vcpu_bias=1", 1);
	expect("vcpu 0 may run on CPU 1", "numa that node");
	remove_node(4);
}

static void with_nodes(void (*test)(void))
{
	strcpy(root, "/tmp/qrt-nodes-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
	make_node(0, "0-1\n");
	make_node(1, "2-3\n");
	test();
	remove_node(0);
	remove_node(1);
}

static void near_and_far(void)
{
	with_nodes(vcpus_shall_run_where_their_memory_is);
}

static void unknown(void)
{
	with_nodes(what_is_not_known_is_no_finding);
}

static void without_cpus(void)
{
	with_nodes(a_node_without_cpus_is_far_from_all);
}

static const struct tap_test tests[] = {
	{"vCPUs shall run where their memory is", near_and_far},
	{"what is not known is no finding", unknown},
	{"a node without CPUs is far from all", without_cpus},
};

TAP_MAIN("plan_nodes", tests)
