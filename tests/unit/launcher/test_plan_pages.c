/* SPDX-License-Identifier: MIT */
/* Guest memory of huge pages, on a host that has four of 2 MiB. */
#include "tap.h"

#include "command.h"
#include "plan_request.h"

#include <stdio.h>
#include <string.h>

/* Parts of the launcher say things; here nobody listens. */
void complain(const char *format, ...)
{
	(void)format;
}

const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}

static struct plan_request request;

/* Judges a plan of one option for a VM with these arguments. */
static void judge(const char *option, const char *const *words)
{
	static char *argv[16];
	int r, argc = 0;

	CU_ASSERT_EQUAL_FATAL(plan_request_open(&request, "test"), 0);
	argv[argc++] = (char *)"qemu";
	for (; *words; words++)
		argv[argc++] = (char *)*words;
	request.vm_argv = argv;
	request.vm_argc = argc;
	request.host.flags = QRT_SCHED_HOST_CAP_NICE | QRT_SCHED_HOST_CAP_LOCK | QRT_SCHED_HOST_MEMORY |
			     QRT_SCHED_HOST_THP;
	request.host.rt_runtime_us = -1;
	request.host.free_2m = 4;
	qrt_sched_cpus_add(&request.host.online, 0);
	qrt_sched_cpus_add(&request.host.allowed, 0);
	qrt_sched_cpus_add(&request.host.nodes, 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_parse_option(request.plan, option, NULL), 0);
	CU_ASSERT_EQUAL(plan_request_read_vm(&request), EXIT_OK);
	r = qrt_sched_plan_lint(request.plan, &request.host, &request.vm, request.findings,
				PLAN_FINDINGS_MAX);
	CU_ASSERT_FATAL(r >= 0 && r < PLAN_FINDINGS_MAX);
	request.findings_count = (size_t)r;
	plan_judge_pages(&request);
}

#define JUDGE(option, ...) judge(option, (const char *const[]){__VA_ARGS__, NULL})

static void expect(const char *code, int severity, const char *part)
{
	const struct qrt_sched_finding *finding = plan_finding_find(&request, code);

	CU_ASSERT_EQUAL(finding ? (int)finding->severity : -1, severity);
	if (finding && part && !strstr(finding->message, part) && !strstr(finding->remedy, part))
		CU_FAIL(part);
	plan_request_close(&request);
}

static void enough_pages_are_no_finding(void)
{
	JUDGE("hugepages=2M", "-m", "8");
	CU_ASSERT_EQUAL(request.findings_count, 0);
	expect("no-hugepages", -1, NULL);
}

static void too_few_pages_are_a_fault_that_says_how_many(void)
{
	JUDGE("hugepages=2M", "-m", "64");
	expect("no-hugepages", QRT_SCHED_FAULT, "64 MiB takes 32 huge pages, this host has 4 free");
	JUDGE("hugepages=2M", "-m", "64");
	expect("no-hugepages", QRT_SCHED_FAULT, "nr_hugepages");
	JUDGE("hugepages=1G", "-m", "2G");
	expect("no-hugepages", QRT_SCHED_FAULT, "hugepagesz=1G hugepages=2");
	JUDGE("hugepages=1G", "-m", "2G");
	CU_ASSERT_EQUAL(request.findings_count, 1);
	expect("no-hugepages", QRT_SCHED_FAULT, "this host has 0 free");
}

static void pages_are_counted_where_memory_shall_be(void)
{
	JUDGE("hugepages=1G numa=0", "-m", "64G");
	expect("no-hugepages", QRT_SCHED_FAULT, "numa's nodes have");
	JUDGE("hugepages=1G numa=0", "-m", "64G");
	expect("no-hugepages", QRT_SCHED_FAULT, "/sys/devices/system/node/node0/hugepages/");
}

static void the_size_has_to_be_known_and_fit(void)
{
	JUDGE("hugepages=2M", "-S");
	expect("memory-size", QRT_SCHED_FAULT, "do not say how much");
	JUDGE("hugepages=2M", "-m", "7");
	expect("memory-size", QRT_SCHED_FAULT, "-m 8M");
	JUDGE("hugepages=1G", "-m", "1536");
	expect("memory-size", QRT_SCHED_FAULT, "-m 2048M");
}

static void what_is_the_users_stays(void)
{
	JUDGE("hugepages=2M", "-m", "64", "-mem-path", "/dev/hugepages");
	CU_ASSERT_EQUAL(request.findings_count, 1);
	expect("own-memory", QRT_SCHED_WARNING, "hugepages=2M is not applied");
	JUDGE("hugepages=1G", "-machine", "q35,memory-backend=ram");
	CU_ASSERT_EQUAL(request.findings_count, 1);
	expect("own-memory", QRT_SCHED_WARNING, "-machine memory-backend");
	JUDGE("hugepages=thp", "-m", "64", "-mem-path", "/dev/shm");
	expect("own-memory", QRT_SCHED_WARNING, "hugepages=thp");
	JUDGE("hugepages=off", "-m", "64", "-mem-path", "/dev/shm");
	expect("own-memory", -1, NULL);
}

static void findings_stay_in_order(void)
{
	JUDGE("hugepages=2M timerprio=5", "-m", "64");
	CU_ASSERT_EQUAL_FATAL(request.findings_count, 2);
	CU_ASSERT_STRING_EQUAL(request.findings[0].code, "no-hugepages");
	CU_ASSERT_STRING_EQUAL(request.findings[1].code, "timerprio-unused");
	plan_finding_add(&request, QRT_SCHED_WARNING, "between");
	CU_ASSERT_STRING_EQUAL(request.findings[1].code, "between");
	plan_finding_remove(&request, "no-hugepages");
	plan_finding_remove(&request, "nothing of this name");
	CU_ASSERT_EQUAL(request.findings_count, 2);
	CU_ASSERT_STRING_EQUAL(request.findings[0].code, "between");
	plan_request_close(&request);
}

static const struct tap_test tests[] = {
	{"enough pages are no finding", enough_pages_are_no_finding},
	{"too few pages are a fault that says how many", too_few_pages_are_a_fault_that_says_how_many},
	{"pages are counted where memory shall be", pages_are_counted_where_memory_shall_be},
	{"the size has to be known, and to fit", the_size_has_to_be_known_and_fit},
	{"what is the user's stays", what_is_the_users_stays},
	{"findings stay in order", findings_stay_in_order},
};

TAP_MAIN("plan_pages", tests)
