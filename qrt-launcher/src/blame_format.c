/* SPDX-License-Identifier: MIT */
#include "blame_format.h"

#include <inttypes.h>
#include <stdio.h>

const char *blame_format_time(uint64_t ns, char *buf, size_t size)
{
	if (ns < 1000000)
		snprintf(buf, size, "%" PRIu64 " us", ns / 1000);
	else if (ns < 1000000000)
		snprintf(buf, size, "%.2f ms", (double)ns / 1e6);
	else
		snprintf(buf, size, "%.2f s", (double)ns / 1e9);
	return buf;
}

const char *blame_format_limit(uint64_t ns, char *buf, size_t size)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
	size_t i = 0;

	while (ns % units[i].ns != 0)
		i++;
	snprintf(buf, size, "%" PRIu64 " %s", ns / units[i].ns, units[i].unit);
	return buf;
}

const char *blame_format_role(enum qrt_sched_role role, int32_t index, char *buf, size_t size)
{
	if (index < 0 || role == QRT_SCHED_ROLE_MAIN)
		snprintf(buf, size, "%s", qrt_sched_role_name(role));
	else
		snprintf(buf, size, "%s %d", qrt_sched_role_name(role), index);
	return buf;
}

const char *blame_format_subject(const struct blame_facts *facts, char *buf, size_t size)
{
	if (facts->name)
		snprintf(buf, size, "%s", facts->name);
	else
		snprintf(buf, size, "process %d", facts->pid);
	return buf;
}

double blame_format_percent(uint64_t part, uint64_t whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}
