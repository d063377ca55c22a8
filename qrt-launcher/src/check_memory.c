/* SPDX-License-Identifier: MIT */
/* Probes of what the kernel does to memory behind a VM's back. */
#include "check_item.h"

#include <ctype.h>
#include <string.h>

void check_huge_pages(const struct check_host *host, struct check_item *item)
{
	char text[128];

	if (check_read(host, "sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text)) < 0) {
		check_absent(host, item, CHECK_OK, "sys/kernel/mm");
	} else if (strstr(text, "[never]")) {
		check_found(item, CHECK_OK, "never");
	} else if (strstr(text, "[madvise]")) {
		check_found(item, CHECK_OK, "madvise");
	} else {
		check_found(item, CHECK_WARNING, "%s", strstr(text, "[always]") ? "always" : text);
		check_remedy(item, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
	}
}

static int count_lines(const char *text)
{
	int lines = *text ? 1 : 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

void check_swap(const struct check_host *host, struct check_item *item)
{
	char text[4096];
	int areas;

	if (check_read(host, "proc/swaps", text, sizeof(text)) < 0) {
		check_absent(host, item, CHECK_OK, "proc/sys");
		return;
	}
	areas = count_lines(text) - 1; /* the first line is the heading */
	if (areas < 1) {
		check_found(item, CHECK_OK, "none");
	} else if (host->wants_lock) {
		check_found(item, CHECK_OK, "%d in use; the plan locks the VM's memory", areas);
	} else {
		check_found(item, CHECK_WARNING, "%d in use, and the plan does not lock the VM's memory",
			    areas);
		check_remedy(item, "-rt mlock=onfault, or swapoff -a");
	}
}

void check_ksm(const struct check_host *host, struct check_item *item)
{
	int64_t run;

	if (check_read_number(host, "sys/kernel/mm/ksm/run", &run) < 0) {
		check_absent(host, item, CHECK_OK, "sys/kernel/mm");
	} else if (run != 1) {
		check_found(item, CHECK_OK, "off");
	} else {
		check_found(item, CHECK_WARNING, "on");
		check_remedy(item, "-machine mem-merge=off for this VM, or echo 2 > /sys/kernel/mm/ksm/run");
	}
}

void check_numa_balancing(const struct check_host *host, struct check_item *item)
{
	int64_t on;
	char nodes[64] = "";

	if (check_read_number(host, "proc/sys/kernel/numa_balancing", &on) < 0) {
		check_absent(host, item, CHECK_OK, "proc/sys/kernel");
		return;
	}
	check_read(host, "sys/devices/system/node/online", nodes, sizeof(nodes));
	if (on == 0) {
		check_found(item, CHECK_OK, "off");
	} else if (nodes[0] && !strpbrk(nodes, "-,")) {
		check_found(item, CHECK_OK, "on, but there is one node only");
	} else {
		check_found(item, CHECK_WARNING, "on");
		check_remedy(item, "sysctl kernel.numa_balancing=0");
	}
}
