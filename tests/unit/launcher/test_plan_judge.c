/* SPDX-License-Identifier: MIT */
/* What becomes of a plan beside other VMs, on a host with four CPUs, and what is said of it. */
#include "tap.h"

#include "command.h"
#include "plan_request.h"

#include <stdarg.h>
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

static void cpus_of(const char *text, struct qrt_sched_cpus *ret_cpus)
{
	CU_ASSERT_EQUAL_FATAL(qrt_sched_cpus_parse(text, ret_cpus), 0);
}

static void open_request(uint32_t vcpus)
{
	CU_ASSERT_EQUAL_FATAL(plan_request_open(&request, "test"), 0);
	cpus_of("0-3", &request.host.online);
	cpus_of("0-3", &request.host.allowed);
	request.host.flags = QRT_SCHED_HOST_CAP_NICE | QRT_SCHED_HOST_CAP_LOCK;
	request.host.rt_runtime_us = -1;
	request.host.rt_period_us = 1000000;
	request.vm.vcpus = vcpus;
}

/* A VM that runs and has these CPUs for its vCPUs; FIFO on CPUs of their own, or not. */
static void add_neighbour(const char *name, const char *cpus, bool is_fifo)
{
	struct neighbour *neighbour = &request.neighbours.list[request.neighbours.count++];
	size_t i;

	snprintf(neighbour->name, sizeof(neighbour->name), "%s", name);
	cpus_of(cpus, &neighbour->place.realtime);
	if (is_fifo)
		neighbour->place.fifo = neighbour->place.realtime;
	for (i = 0; i < QRT_SCHED_CPUS_MAX / 64; i++)
		request.neighbours.taken.bits[i] |= neighbour->place.realtime.bits[i];
}

static void say(const char *option)
{
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_parse_option(request.plan, option, NULL), 0);
	request.given = true;
	for (uint32_t role = 0; role < QRT_SCHED_ROLES; role++) {
		if (qrt_sched_plan_has(request.plan, role) > 0)
			request.said |= 1u << role;
	}
}

static void complete(void)
{
	CU_ASSERT_EQUAL_FATAL(plan_request_complete(&request, request.plan, NULL), 0);
}

static void judge(void)
{
	int r = qrt_sched_plan_lint(request.plan, &request.host, &request.vm, request.findings,
				    PLAN_FINDINGS_MAX);

	CU_ASSERT_FATAL(r >= 0 && r < PLAN_FINDINGS_MAX);
	request.findings_count = (size_t)r;
	plan_judge(&request);
}

/* The finding of that code, of which there is one at most. */
static const struct qrt_sched_finding *find(const char *code)
{
	const struct qrt_sched_finding *found = NULL;
	size_t i;

	for (i = 0; i < request.findings_count; i++) {
		if (strcmp(request.findings[i].code, code) != 0)
			continue;
		CU_ASSERT_PTR_NULL(found);
		found = &request.findings[i];
	}
	return found;
}

static void expect_cpus(enum qrt_sched_role role, uint32_t index, const char *wanted)
{
	struct qrt_sched_setting setting;
	char text[64] = "";

	qrt_sched_plan_get(request.plan, role, index, &setting);
	qrt_sched_cpus_format(&setting.cpus, text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, wanted);
}

static void expect_order(void)
{
	size_t i;

	for (i = 1; i < request.findings_count; i++)
		CU_ASSERT(request.findings[i].severity <= request.findings[i - 1].severity);
}

static void the_default_takes_the_next_free_cpu(void)
{
	open_request(1);
	complete();
	expect_cpus(QRT_SCHED_ROLE_VCPU, 0, "3");
	plan_request_close(&request);
	open_request(1);
	add_neighbour("a", "3", true);
	complete();
	judge();
	expect_cpus(QRT_SCHED_ROLE_VCPU, 0, "2");
	expect_cpus(QRT_SCHED_ROLE_MAIN, 0, "0-1");
	CU_ASSERT_PTR_NULL(find("shared-with-vm"));
	plan_request_close(&request);
	open_request(2);
	add_neighbour("a", "2", true);
	complete();
	expect_cpus(QRT_SCHED_ROLE_VCPU, 0, "1");
	expect_cpus(QRT_SCHED_ROLE_VCPU, 1, "3");
	expect_cpus(QRT_SCHED_ROLE_MAIN, 0, "0");
	plan_request_close(&request);
}

static void where_none_is_left_one_warning_names_the_vm(void)
{
	const struct qrt_sched_finding *finding;

	open_request(1);
	add_neighbour("a", "3", true);
	add_neighbour("b", "1-2", true);
	complete();
	judge();
	finding = find("shared-with-vm");
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_EQUAL(finding->severity, QRT_SCHED_WARNING);
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->message, "no CPU is left: on CPU 3 "));
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->message, "VM 'a' run"));
	CU_ASSERT_NOT_EQUAL(finding->remedy[0], '\0');
	expect_order();
	plan_request_close(&request);
}

/* The others' real-time vCPUs may take turns among themselves; a CPU of one's own it is not. */
static void vcpus_that_take_turns_count_for_a_default(void)
{
	const struct qrt_sched_finding *finding;

	open_request(1);
	add_neighbour("turns", "0-3", false);
	complete();
	judge();
	finding = find("shared-with-vm");
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->message, "'turns'"));
	plan_request_close(&request);
}

static void an_explicit_plan_is_warned_of_fifo_on_one_cpu(void)
{
	static const struct {
		const char *sched, *bias;
		bool is_warned;
	} cases[] = {{"vcpu_sched=fifo", "vcpu_bias=3", true},
		     {"vcpu_sched=rr", "vcpu_bias=3", false},
		     {"vcpu_sched=fifo", "vcpu_bias=2-3", false},
		     {"vcpu_sched=fifo", "vcpu_bias=2", false},
		     {"vcpu_sched=other", "vcpu_bias=3", false}};
	const struct qrt_sched_finding *finding;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_request(1);
		add_neighbour("a", "3", true);
		say(cases[i].sched);
		say(cases[i].bias);
		judge();
		finding = find("shared-with-vm");
		CU_ASSERT_EQUAL(finding != NULL, cases[i].is_warned);
		if (finding) {
			CU_ASSERT_PTR_NOT_NULL(strstr(finding->message, "'a'"));
			CU_ASSERT_PTR_NOT_NULL(strstr(finding->remedy, "vcpu_bias CPUs out of 0-2"));
		}
		expect_order();
		plan_request_close(&request);
	}
}

static void many_names_are_cut(void)
{
	const struct qrt_sched_finding *finding;
	char name[8];
	int i;

	open_request(1);
	for (i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "vm%d", i);
		add_neighbour(name, "0-3", true);
	}
	complete();
	judge();
	finding = find("shared-with-vm");
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->message, "'vm0', 'vm1', 'vm2', ... run"));
	plan_request_close(&request);
}

/* One option alone takes the place of all defaults; where they would have prevented the fault, it says so. */
static void a_fault_by_a_replaced_default_is_explained(void)
{
	const struct qrt_sched_finding *finding;

	open_request(1);
	say("vcpu_bias=0");
	say("vcpu_prio=20");
	say("main_bias=0");
	judge();
	CU_ASSERT_TRUE(plan_request_has_fault(&request));
	finding = find("default-replaced");
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->remedy, "-rt default"));
	expect_order();
	request.wants_default = true;
	complete();
	judge();
	CU_ASSERT_FALSE(plan_request_has_fault(&request));
	CU_ASSERT_PTR_NULL(find("default-replaced"));
	plan_request_close(&request);
}

static void a_fault_of_its_own_is_not_blamed_on_the_default(void)
{
	open_request(1);
	say("vcpu_bias=9");
	judge();
	CU_ASSERT_TRUE(plan_request_has_fault(&request));
	CU_ASSERT_PTR_NULL(find("default-replaced"));
	plan_request_close(&request);
}

static void memory_that_cannot_be_locked_names_the_user(void)
{
	const struct qrt_sched_finding *finding;

	open_request(1);
	complete();
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_parse_option(request.plan, "mlock=onfault", NULL), 0);
	request.host.flags = QRT_SCHED_HOST_CAP_NICE;
	request.user.set = true;
	snprintf(request.user.name, sizeof(request.user.name), "somebody");
	judge();
	finding = find("no-lock-privilege");
	CU_ASSERT_PTR_NOT_NULL_FATAL(finding);
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->message, "user somebody"));
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->message, "CAP_SYS_RESOURCE"));
	CU_ASSERT_PTR_NOT_NULL(strstr(finding->remedy, "mlock=off"));
	plan_request_close(&request);
}

static void a_full_list_of_findings_stays_within_bounds(void)
{
	size_t i;

	open_request(1);
	add_neighbour("a", "0-3", true);
	complete();
	request.findings_count = PLAN_FINDINGS_MAX;
	for (i = 0; i < PLAN_FINDINGS_MAX; i++)
		request.findings[i].severity = QRT_SCHED_FAULT;
	plan_judge(&request);
	CU_ASSERT_EQUAL(request.findings_count, PLAN_FINDINGS_MAX);
	plan_request_close(&request);
}

static const struct tap_test tests[] = {
	{"the default plan takes the next free CPU", the_default_takes_the_next_free_cpu},
	{"where none is left one warning names the VM", where_none_is_left_one_warning_names_the_vm},
	{"vCPUs that take turns count for a default plan", vcpus_that_take_turns_count_for_a_default},
	{"an explicit plan is warned of FIFO on one CPU", an_explicit_plan_is_warned_of_fifo_on_one_cpu},
	{"many names are cut", many_names_are_cut},
	{"a fault by a replaced default is explained", a_fault_by_a_replaced_default_is_explained},
	{"a fault of its own is not blamed on it", a_fault_of_its_own_is_not_blamed_on_the_default},
	{"memory that cannot be locked: whose, and why", memory_that_cannot_be_locked_names_the_user},
	{"a full list of findings stays within bounds", a_full_list_of_findings_stays_within_bounds},
};

TAP_MAIN("plan_judge", tests)
