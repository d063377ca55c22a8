/* SPDX-License-Identifier: MIT */
#include "plan_help.h"
#include "role_p.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

static void names_are_the_documented_ones(void)
{
	static const char *const names[] = {"vcpu", "main", "paio", "vncm", "vncs", "ioth", "kio", "othr"};
	int i;

	for (i = 0; i < QRT_SCHED_ROLES; i++) {
		CU_ASSERT_STRING_EQUAL(qrt_sched_role_name(i), names[i]);
		CU_ASSERT_EQUAL(qrt_sched_role_parse(names[i]), i);
	}
	CU_ASSERT_PTR_NULL(qrt_sched_role_name(QRT_SCHED_ROLES));
	CU_ASSERT_PTR_NULL(qrt_sched_role_name((enum qrt_sched_role) - 1));
	CU_ASSERT_EQUAL(qrt_sched_role_parse("VCPU"), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_role_parse(""), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_role_parse("vcpu "), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_role_parse(NULL), -ENOENT);
}

static const struct {
	const char *name;
	enum qrt_sched_role role;
	int32_t index;
} known[] = {
	{"CPU 0/KVM", QRT_SCHED_ROLE_VCPU, 0},
	{"CPU 3/KVM", QRT_SCHED_ROLE_VCPU, 3},
	{"CPU 0/TCG", QRT_SCHED_ROLE_VCPU, 0},
	{"CPU 1/HVF", QRT_SCHED_ROLE_VCPU, 1},
	{"CPU 12/KVM", QRT_SCHED_ROLE_VCPU, 12},
	{"CPU 255/KVM", QRT_SCHED_ROLE_VCPU, 255},
	{"CPU 65535/KVM", QRT_SCHED_ROLE_VCPU, 65535},
	{"ALL CPUs/TCG", QRT_SCHED_ROLE_VCPU, 0},
	{"IO disk0", QRT_SCHED_ROLE_IOTH, -1},
	{"IO io0", QRT_SCHED_ROLE_IOTH, -1},
	{"IO a-very-long-n", QRT_SCHED_ROLE_IOTH, -1},
	{"IO mon_iothread", QRT_SCHED_ROLE_MAIN, 1},
	{"worker", QRT_SCHED_ROLE_PAIO, -1},
	{"vnc_worker", QRT_SCHED_ROLE_VNCS, -1},
	{"kvm-nx-lpage-re", QRT_SCHED_ROLE_KIO, -1},
	{"kvm-nx-lpage-recovery", QRT_SCHED_ROLE_KIO, -1},
	{"kvm-nx-lpage-recovery-4711", QRT_SCHED_ROLE_KIO, -1},
	{"vhost-4194304", QRT_SCHED_ROLE_KIO, -1},
	{"vhost-4711", QRT_SCHED_ROLE_KIO, -1},
	{"iou-wrk-4711", QRT_SCHED_ROLE_KIO, -1},
	{"iou-sqp-4711", QRT_SCHED_ROLE_KIO, -1},
	{"kvm-pit/4711", QRT_SCHED_ROLE_KIO, -1},
};

static const char *const others[] = {
	"",
	"call_rcu",
	"CPU x/KVM",
	"CPU 3",
	"CPU /KVM",
	"CPU 99999999999/KVM",
	"CPU 65536/KVM",
	"CPU -1/KVM",
	"CPU 1x/KVM",
	"CPU  1/KVM",
	"cpu 1/KVM",
	" CPU 1/KVM",
	"ALL CPUs",
	"IO",
	"IO ",
	"IOX",
	"workers",
	"worker1",
	"pool-worker",
	"vnc_workers",
	"vhost-",
	"vhost-x",
	"vhost-12x",
	"iou-wrk-",
	"iou-",
	"vhost-0",
	"vhost-4294967296",
	"vhost-99999999999999999999",
	"kvm-nx",
	"kvm-nx-lpage-r",
	"kvm-nx-lpage-red",
	"kvm-nx-lpage-recovery-",
	"kvm-nx-lpage-recovery-x",
	"kvm-pit/",
	"qemu-system-x86",
	"gmain",
	"SPICE Worker",
	"\x01\x02",
	"\xff\xfe",
};

static void qemus_names_have_their_roles(void)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		int32_t index = 77;

		CU_ASSERT_EQUAL(qrt_sched_plan_classify(NULL, known[i].name, &index), (int)known[i].role);
		CU_ASSERT_EQUAL(index, known[i].index);
	}
}

static void kernel_threads_say_whom_they_serve(void)
{
	static const struct {
		const char *name;
		pid_t served;
	} cases[] = {
		{"vhost-4711", 4711},
		{"kvm-pit/4711", 4711},
		{"kvm-nx-lpage-recovery-4194304", 4194304},
		{"iou-wrk-12", 12},
		{"iou-sqp-13", 13},
		{"kvm-nx-lpage-re", 0}, /* before 5.17, and as a thread of QEMU */
		{"kvm-nx-lpage-recovery", 0},
	};
	pid_t served;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		served = -1;
		CU_ASSERT_EQUAL(qrt_sched_role_get_served(cases[i].name, &served), 0);
		CU_ASSERT_EQUAL(served, cases[i].served);
	}
	served = -1;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CU_ASSERT_EQUAL(qrt_sched_role_get_served(others[i], &served), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_role_get_served("CPU 0/KVM", &served), -ENOENT);
	CU_ASSERT_EQUAL(qrt_sched_role_get_served(NULL, &served), -ENOENT);
	CU_ASSERT_EQUAL(served, -1);
}

static void all_other_names_are_helpers(void)
{
	int32_t index = 77;
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		index = 77;
		CU_ASSERT_EQUAL(qrt_sched_plan_classify(NULL, others[i], &index), QRT_SCHED_ROLE_OTHR);
		CU_ASSERT_EQUAL(index, -1);
	}
	CU_ASSERT_EQUAL(qrt_sched_plan_classify(NULL, NULL, &index), QRT_SCHED_ROLE_OTHR);
	CU_ASSERT_EQUAL(index, -1);
}

static void patterns_match_whole_names(void)
{
	static const struct {
		const char *pattern, *name;
		int does;
	} cases[] = {
		{"a", "a", 1},        {"a", "b", 0},
		{"a", "ab", 0},       {"ab", "a", 0},
		{"", "", 1},          {"*", "", 1},
		{"*", "abc", 1},      {"**", "abc", 1},
		{"?", "a", 1},        {"?", "", 0},
		{"?", "ab", 0},       {"a*", "abc", 1},
		{"*c", "abc", 1},     {"a*c", "abc", 1},
		{"a*c", "ac", 1},     {"a*c", "acb", 0},
		{"*b*", "abc", 1},    {"a?c", "abc", 1},
		{"*a*b", "aab", 1},   {"*ab", "aaab", 1},
		{"*aab", "aaaab", 1}, {"a*b*c", "aXbYbZc", 1},
		{"*?", "a", 1},       {"*?", "", 0},
		{"[a]", "a", 0},      {"[a]", "[a]", 1},
		{"\\*", "*", 0},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CU_ASSERT_EQUAL(qrt_sched_p_name_matches(cases[i].pattern, cases[i].name), cases[i].does);
}

static void a_plans_patterns_come_first(void)
{
	struct qrt_sched_plan *plan =
		plan_of("ioth_name=worker,disk* vcpu_name=vcpu?,vcpu*,fc_vcpu* main_name=CPU*");
	int32_t index = 77;

	CU_ASSERT_EQUAL(qrt_sched_plan_classify(plan, "worker", &index), QRT_SCHED_ROLE_IOTH);
	CU_ASSERT_EQUAL(index, -1);
	CU_ASSERT_EQUAL(qrt_sched_plan_classify(plan, "disk7", &index), QRT_SCHED_ROLE_IOTH);
	CU_ASSERT_EQUAL(index, -1);
	CU_ASSERT_EQUAL(qrt_sched_plan_classify(plan, "vcpu3", &index), QRT_SCHED_ROLE_VCPU);
	CU_ASSERT_EQUAL(index, 3);
	CU_ASSERT_EQUAL(qrt_sched_plan_classify(plan, "vcpu12", &index), QRT_SCHED_ROLE_VCPU);
	CU_ASSERT_EQUAL(index, 12);
	CU_ASSERT_EQUAL(qrt_sched_plan_classify(plan, "vcpux", &index), QRT_SCHED_ROLE_VCPU);
	CU_ASSERT_EQUAL(index, -1);
	CU_ASSERT_EQUAL(qrt_sched_plan_classify(plan, "vcpu999999999999", &index), QRT_SCHED_ROLE_VCPU);
	CU_ASSERT_EQUAL(index, -1);
	CU_ASSERT_EQUAL(qrt_sched_plan_classify(plan, "CPU 1/KVM", &index), QRT_SCHED_ROLE_MAIN);
	CU_ASSERT_EQUAL(index, -1);
	CU_ASSERT_EQUAL(qrt_sched_plan_classify(plan, "vnc_worker", &index), QRT_SCHED_ROLE_VNCS);
	qrt_sched_plan_close(plan);
}

static void a_vcpu_pattern_keeps_qemus_number(void)
{
	struct qrt_sched_plan *plan = plan_of("vcpu_name=*/KVM");
	int32_t index = 77;

	CU_ASSERT_EQUAL(qrt_sched_plan_classify(plan, "CPU 5/KVM", &index), QRT_SCHED_ROLE_VCPU);
	CU_ASSERT_EQUAL(index, 5);
	qrt_sched_plan_close(plan);
}

static const struct tap_test tests[] = {
	{"roles have the documented names, and no others", names_are_the_documented_ones},
	{"QEMU's thread names have their roles and numbers", qemus_names_have_their_roles},
	{"a kernel thread's name says whom it serves", kernel_threads_say_whom_they_serve},
	{"every other name is a helper's", all_other_names_are_helpers},
	{"* and ? match, over the whole name", patterns_match_whole_names},
	{"a plan's patterns come before the known names", a_plans_patterns_come_first},
	{"a vCPU that a pattern matches keeps the number in its name", a_vcpu_pattern_keeps_qemus_number},
};

TAP_MAIN("role", tests)
