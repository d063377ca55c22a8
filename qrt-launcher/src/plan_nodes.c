/* SPDX-License-Identifier: MIT */
/* Whether vCPUs run where the memory is. */
#include "plan_request.h"

#include <stdio.h>
#include <string.h>

/* False where that cannot be found out. */
static bool read_cpus(const char *root, int node, struct qrt_sched_cpus *ret_cpus)
{
	g_autofree char *path = g_strdup_printf("%s/sys/devices/system/node/node%d/cpulist", root, node);
	g_autofree char *text = NULL;

	memset(ret_cpus, 0, sizeof(*ret_cpus));
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return false;
	g_strstrip(text);
	return !*text || qrt_sched_cpus_parse(text, ret_cpus) >= 0;
}

/* CPUs of all these nodes. */
static bool read_near(const char *root, const struct qrt_sched_cpus *nodes, struct qrt_sched_cpus *ret_near)
{
	struct qrt_sched_cpus cpus;
	size_t n;
	int node;

	memset(ret_near, 0, sizeof(*ret_near));
	for (node = qrt_sched_cpus_next(nodes, -1); node >= 0; node = qrt_sched_cpus_next(nodes, node)) {
		if (!read_cpus(root, node, &cpus))
			return false;
		for (n = 0; n < G_N_ELEMENTS(cpus.bits); n++)
			ret_near->bits[n] |= cpus.bits[n];
	}
	return true;
}

/* A CPU of this host that the vCPU may run on and that is in none of the nodes, -ENOENT: there is none. */
static int find_far(const struct plan_request *request, uint32_t index, const struct qrt_sched_cpus *near)
{
	struct qrt_sched_setting vcpu = {0};
	struct qrt_sched_cpus far;
	size_t n;

	qrt_sched_plan_get(request->plan, QRT_SCHED_ROLE_VCPU, index, &vcpu);
	far = vcpu.set & QRT_SCHED_SET_CPUS ? vcpu.cpus : request->host.allowed;
	for (n = 0; n < G_N_ELEMENTS(far.bits); n++)
		far.bits[n] &= request->host.online.bits[n] & ~near->bits[n];
	return qrt_sched_cpus_next(&far, -1);
}

static void say_far(struct plan_request *request, uint32_t vcpu, int cpu, const struct qrt_sched_cpus *nodes,
		    const struct qrt_sched_cpus *near)
{
	struct qrt_sched_finding *finding = plan_finding_add(request, QRT_SCHED_WARNING, "numa-remote");
	char node_list[64], cpu_list[96];

	if (!finding)
		return;
	if (qrt_sched_cpus_format(nodes, node_list, sizeof(node_list)) < 0)
		g_strlcpy(node_list, "...", sizeof(node_list));
	if (qrt_sched_cpus_format(near, cpu_list, sizeof(cpu_list)) < 0)
		g_strlcpy(cpu_list, "these nodes", sizeof(cpu_list));
	finding->role = QRT_SCHED_ROLE_VCPU;
	snprintf(finding->message, sizeof(finding->message),
		 "numa=%s: vcpu %u may run on CPU %d, which is in another node: its memory is far away there",
		 node_list, vcpu, cpu);
	snprintf(finding->remedy, sizeof(finding->remedy), "give vcpu_bias CPUs out of %s, or numa that node",
		 cpu_list);
}

void plan_judge_nodes(struct plan_request *request, const char *root)
{
	uint32_t i, count = plan_request_count_threads(request, QRT_SCHED_ROLE_VCPU);
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct qrt_sched_cpus near;
	int cpu;

	if (qrt_sched_plan_get_globals(request->plan, &globals) < 0 ||
	    qrt_sched_cpus_count(&globals.numa_nodes) == 0 || !read_near(root, &globals.numa_nodes, &near))
		return;
	for (i = 0; i < count; i++) {
		cpu = find_far(request, i, &near);
		if (cpu >= 0) {
			say_far(request, i, cpu, &globals.numa_nodes, &near);
			return; /* said once */
		}
	}
}
