/* SPDX-License-Identifier: MIT */
#include "lint_help.h"

#include "plan_help.h"
#include "tap.h"

#include <string.h>

struct qrt_sched_finding lint_findings[LINT_MAX];
int lint_count;

void lint_with(const char *options, const struct qrt_sched_host *host, const struct qrt_sched_vm *vm)
{
	struct qrt_sched_plan *plan = plan_of(options);

	memset(lint_findings, 0, sizeof(lint_findings));
	CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
	lint_count = qrt_sched_plan_lint(plan, host, vm, lint_findings, LINT_MAX);
	qrt_sched_plan_close(plan);
}

void lint_on(const char *options, const char *online, uint32_t vcpus, uint32_t iothreads)
{
	struct qrt_sched_host host = host_of(online);
	struct qrt_sched_vm vm = vm_of(vcpus, iothreads);

	lint_with(options, &host, &vm);
}

const struct qrt_sched_finding *lint_found(const char *code)
{
	int i;

	for (i = 0; i < lint_count && i < LINT_MAX; i++) {
		if (!strcmp(lint_findings[i].code, code))
			return &lint_findings[i];
	}
	return NULL;
}

/* The severity of a finding, -1 where it is not among them. */
static int severity(const char *code)
{
	return lint_found(code) ? (int)lint_found(code)->severity : -1;
}

void lint_expect(const char *what, const char *code, int expected)
{
	int i;

	if (severity(code) != expected) {
		tap_note("%s: %s is %d, expected %d; lint_findings:", what, code, severity(code), expected);
		for (i = 0; i < lint_count && i < LINT_MAX; i++)
			tap_note("  %u %s: %s", lint_findings[i].severity, lint_findings[i].code,
				 lint_findings[i].message);
	}
	CU_ASSERT_EQUAL(severity(code), expected);
}

void lint_expect_clean(const char *what)
{
	int i;

	for (i = 0; i < lint_count && i < LINT_MAX; i++)
		tap_note("%s: %u %s: %s", what, lint_findings[i].severity, lint_findings[i].code,
			 lint_findings[i].message);
	CU_ASSERT_EQUAL(lint_count, 0);
}
