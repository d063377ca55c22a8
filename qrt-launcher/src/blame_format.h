/* SPDX-License-Identifier: MIT */
/* Times, roles and names in the words of blame's report. All but the last return buf. */
#ifndef QRT_LAUNCHER_BLAME_FORMAT_H
#define QRT_LAUNCHER_BLAME_FORMAT_H

#include "blame_report.h"

/* "870 us", "5.20 ms", "1.25 s" */
const char *blame_format_time(uint64_t ns, char *buf, size_t size);
/* As it was asked for: "500 us", "1 ms", "2 s" */
const char *blame_format_limit(uint64_t ns, char *buf, size_t size);
/* "vcpu 0", "main" */
const char *blame_format_role(enum qrt_sched_role role, int32_t index, char *buf, size_t size);
/* "control", "process 4242": what was watched */
const char *blame_format_subject(const struct blame_facts *facts, char *buf, size_t size);
double blame_format_percent(uint64_t part, uint64_t whole);

#endif
