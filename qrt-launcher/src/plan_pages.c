/* SPDX-License-Identifier: MIT */
/* Whether guest memory can be made of huge pages: how much it is, and how many are free where it shall be. */
#include "command.h"
#include "plan_around.h"
#include "plan_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

/* What the plan wants, and of what. */
struct wish {
	const char *name; /* "2M" */
	uint64_t page;    /* bytes */
	uint64_t pages;   /* that guest memory takes */
	struct qrt_sched_cpus nodes;
};

/* 0 where it cannot be read. */
static uint64_t read_number(const char *path)
{
	g_autofree char *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) ? g_ascii_strtoull(text, NULL, 10) : 0;
}

static uint64_t read_pages(const char *folder, const struct wish *wish, const char *file)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/hugepages/hugepages-%" PRIu64 "kB/%s", folder, wish->page / 1024,
		 file);
	return read_number(path);
}

/* Those of the nodes that guest memory is bound to. */
static uint64_t count_free(const struct plan_request *request, const struct wish *wish)
{
	uint64_t free_pages = 0;
	char folder[64];
	int node;

	if (qrt_sched_cpus_count(&wish->nodes) == 0)
		return wish->page == 2 * MIB ? request->host.free_2m : request->host.free_1g;
	for (node = qrt_sched_cpus_next(&wish->nodes, -1); node >= 0;
	     node = qrt_sched_cpus_next(&wish->nodes, node)) {
		snprintf(folder, sizeof(folder), "/sys/devices/system/node/node%d", node);
		free_pages += read_pages(folder, wish, "free_hugepages");
	}
	return free_pages;
}

/* vm.nr_hugepages is for one size alone. */
static bool is_default_size(const struct wish *wish)
{
	g_autofree char *text = NULL;
	const char *line;

	if (!g_file_get_contents("/proc/meminfo", &text, NULL, NULL))
		return false;
	line = strstr(text, "\nHugepagesize:");
	return line && g_ascii_strtoull(line + strlen("\nHugepagesize:"), NULL, 10) == wish->page / 1024;
}

/* So many that enough are free then. */
static void advise_pages(const struct wish *wish, uint64_t free_pages, struct qrt_sched_finding *finding)
{
	int node = qrt_sched_cpus_next(&wish->nodes, -1);
	uint64_t missing = wish->pages - free_pages, kib = wish->page / 1024;
	char folder[64] = "/sys/kernel/mm";

	if (node >= 0)
		snprintf(folder, sizeof(folder), "/sys/devices/system/node/node%d", node);
	missing += read_pages(folder, wish, "nr_hugepages");
	if (node < 0 && is_default_size(wish))
		snprintf(finding->remedy, sizeof(finding->remedy), "sysctl -w vm.nr_hugepages=%" PRIu64,
			 missing);
	else
		snprintf(finding->remedy, sizeof(finding->remedy),
			 "echo %" PRIu64 " > %s/hugepages/hugepages-%" PRIu64
			 "kB/nr_hugepages; where that is not "
			 "enough, boot with hugepagesz=%s hugepages=%" PRIu64,
			 missing, folder, kib, wish->name, missing);
}

static void judge_pages(struct plan_request *request, const struct wish *wish)
{
	uint64_t free_pages = count_free(request, wish);
	struct qrt_sched_finding *finding;
	uint32_t line = 0;

	finding = plan_finding_find(request, "no-hugepages");
	if (finding)
		line = finding->line;
	plan_finding_remove(request, "no-hugepages");
	if (wish->pages <= free_pages)
		return;
	finding = plan_finding_add(request, QRT_SCHED_FAULT, "no-hugepages");
	if (!finding)
		return;
	finding->line = line;
	snprintf(finding->message, sizeof(finding->message),
		 "hugepages=%s: guest memory of %" PRIu64 " MiB takes %" PRIu64 " huge page%s, %s %" PRIu64
		 " free",
		 wish->name, request->memory.size / MIB, wish->pages, plural(wish->pages),
		 qrt_sched_cpus_count(&wish->nodes) ? "numa's nodes have" : "this host has", free_pages);
	advise_pages(wish, free_pages, finding);
}

/* What was found of the host's pages says nothing where none are taken. */
static void judge_own(struct plan_request *request, const char *name)
{
	struct qrt_sched_finding *finding;

	plan_finding_remove(request, "no-hugepages");
	plan_finding_remove(request, "no-thp");
	plan_finding_remove(request, "huge-first-touch");
	finding = plan_finding_add(request, QRT_SCHED_WARNING, "own-memory");
	if (!finding)
		return;
	snprintf(finding->message, sizeof(finding->message),
		 "hugepages=%s is not applied: QEMU's arguments say themselves what guest memory is made of "
		 "(%s)",
		 name, request->memory.own);
	snprintf(finding->remedy, sizeof(finding->remedy), "leave out one of them");
}

static void judge_size(struct plan_request *request, const struct wish *wish)
{
	struct qrt_sched_finding *finding = plan_finding_add(request, QRT_SCHED_FAULT, "memory-size");
	uint64_t size = request->memory.size;

	if (!finding)
		return;
	if (!size)
		snprintf(finding->message, sizeof(finding->message),
			 "hugepages=%s: QEMU's arguments do not say how much memory the guest has",
			 wish->name);
	else
		snprintf(finding->message, sizeof(finding->message),
			 "hugepages=%s: guest memory of %" PRIu64 " bytes is no multiple of them", wish->name,
			 size);
	size = (size / wish->page + 1) * (wish->page / MIB);
	snprintf(finding->remedy, sizeof(finding->remedy), "give QEMU -m %" PRIu64 "M", size);
}

void plan_judge_pages(struct plan_request *request)
{
	struct qrt_sched_globals globals = {.size = sizeof(globals)};
	struct wish wish = {0};

	plan_judge_nodes(request, "");
	if (request->vm_argc == 0 || qrt_sched_plan_get_globals(request->plan, &globals) < 0 ||
	    globals.hugepages == QRT_SCHED_HUGEPAGES_OFF)
		return;
	wish.name = plan_around_hugepages(globals.hugepages);
	wish.page = vm_memory_get_page(globals.hugepages);
	wish.nodes = globals.numa_nodes;
	if (request->memory.own[0]) {
		judge_own(request, wish.name);
	} else if (wish.page && request->memory.size % wish.page == 0 && request->memory.size) {
		wish.pages = request->memory.size / wish.page;
		judge_pages(request, &wish);
	} else if (wish.page) {
		judge_size(request, &wish);
	}
}
