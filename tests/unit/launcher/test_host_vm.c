/* SPDX-License-Identifier: MIT */
/* Plans that are looked at beside a shield, on a host that is made up: VMs of many threads. */
#include "host_tree.h"
#include "tap.h"

#include "command.h"
#include "host.h"
#include "plan_request.h"

#include <glib/gstdio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char said[512];

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
}

const char *plural(unsigned long long count)
{
	return count == 1 ? "" : "s";
}

static struct plan_request request;

static void begin(uint32_t vcpus)
{
	host_tree_begin();
	host_tree_add_v1();
	CU_ASSERT_EQUAL_FATAL(plan_request_open(&request, "test"), 0);
	request.vm.vcpus = vcpus;
	said[0] = '\0';
}

static void end(void)
{
	plan_request_close(&request);
	host_tree_end();
}

static void say(const char *option)
{
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_parse_option(request.plan, option, NULL), 0);
}

/* Threads 0..69 of a role are on these CPUs, number 70 is elsewhere. */
static void say_biases(const char *role, const char *cpus, const char *last)
{
	g_autoptr(GString) text = g_string_new(NULL);
	int i;

	g_string_printf(text, "%s_bias=", role);
	for (i = 0; i < 70; i++)
		g_string_append_printf(text, "%s,", cpus);
	g_string_append(text, last);
	say(text->str);
}

static void a_late_thread_astride_the_vms_shield_is_refused(void)
{
	begin(1);
	say("shield=on");
	say("vcpu_bias=3");
	say_biases("paio", "0", "0+3");
	CU_ASSERT_EQUAL(host_check_plan(&request), EXIT_LAUNCHER);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "paio 70"));
	say_biases("paio", "0", "1");
	CU_ASSERT_EQUAL(host_check_plan(&request), EXIT_OK);
	end();
}

static void a_late_vcpu_astride_anothers_shield_is_said(void)
{
	struct qrt_sched_shield_config config = {.size = sizeof(config), .cpus = fake_kernel_cpus("3")};
	struct qrt_sched_saved *saved = NULL;

	begin(71);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_saved_new(NULL, NULL, &saved), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_shield_raise(&config, saved, NULL, 0, NULL, NULL),
			      QRT_SCHED_CGROUP_V1);
	say_biases("vcpu", "3", "3");
	CU_ASSERT_EQUAL(host_check_plan(&request), EXIT_OK);
	CU_ASSERT_STRING_EQUAL(said, "");
	say_biases("vcpu", "3", "2+3");
	CU_ASSERT_EQUAL(host_check_plan(&request), EXIT_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "vcpu 70"));
	qrt_sched_saved_restore(saved, NULL);
	qrt_sched_saved_close(saved);
	end();
}

#define POLL "/sys/module/kvm/parameters/halt_poll_ns"

/* In a run directory where the file of what one thing was like is junk. Returns its descriptor. */
static int begin_damaged(void)
{
	g_autofree char *path = g_dir_make_tmp("qrt-test-XXXXXX", NULL);
	struct host host;
	int run_fd;

	begin(1);
	fake_kernel_file(POLL, "200000\n");
	setenv("QRT_RUN_DIR", path, 1);
	run_fd = state_open_run(true);
	CU_ASSERT_EQUAL_FATAL(host_open(run_fd, true, &host), 0);
	CU_ASSERT_EQUAL(host_write(&host, "saved.resctrl", "junk\n"), 0);
	host_close(&host);
	return run_fd;
}

static void end_damaged(int run_fd)
{
	struct host host;

	CU_ASSERT_EQUAL_FATAL(host_open(run_fd, false, &host), 0);
	host_remove(&host, "saved.resctrl");
	host_close(&host);
	CU_ASSERT_EQUAL(g_rmdir(g_getenv("QRT_RUN_DIR")), 0);
	state_close_run(run_fd);
	end();
}

static void what_a_vm_does_not_need_does_not_refuse_it(void)
{
	int run_fd = begin_damaged();
	struct host_claim claim;

	say("haltpoll=0");
	CU_ASSERT_EQUAL(host_claim_vm(run_fd, "vm", &request, &claim), EXIT_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "saved.resctrl"));
	CU_ASSERT_STRING_EQUAL(host_tree_read(POLL), "0");
	host_release_vm(run_fd, &claim);
	CU_ASSERT_STRING_EQUAL(host_tree_read(POLL), "200000");
	say("resctrl=L3:0=f");
	CU_ASSERT_EQUAL(host_claim_vm(run_fd, "vm", &request, &claim), EXIT_LAUNCHER);
	CU_ASSERT_STRING_EQUAL(host_tree_read(POLL), "200000");
	end_damaged(run_fd);
}

static const struct tap_test tests[] = {
	{"a late thread astride the VM's shield is refused", a_late_thread_astride_the_vms_shield_is_refused},
	{"a late vCPU astride another's shield is said", a_late_vcpu_astride_anothers_shield_is_said},
	{"a thing that a VM does not need does not refuse it", what_a_vm_does_not_need_does_not_refuse_it},
};

TAP_MAIN("host_vm", tests)
