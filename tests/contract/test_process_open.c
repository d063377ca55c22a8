/* SPDX-License-Identifier: MIT */
/* A program under its own plan: what it is opened with. */
#include <errno.h>
#include <fcntl.h>
#include <qrt/sched_record.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apart.h"
#include "process_help.h"
#include "tap.h"

/* ---- opening ---- */

APART(bad_configurations_are_refused)
{
	struct qrt_sched_process_config config = process_config(NULL);
	struct qrt_sched_process *const before = (struct qrt_sched_process *)&config;
	struct {
		struct qrt_sched_process_config known;
		uint64_t tail;
	} newer = {.tail = 1};
	struct qrt_sched_process *process = before;
	struct qrt_sched_error error = {0};

	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, &error), -EINVAL);
	CU_ASSERT(error.code == -EINVAL && error.message[0]);
	config.plan = apart_plan("paio_ioprio=be:5");
	config.flags = 2;
	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, NULL), -EINVAL);
	config.flags = config.size = 0;
	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, NULL), -EINVAL);
	newer.known = process_config(config.plan);
	newer.known.size = sizeof(newer);
	CU_ASSERT_EQUAL(qrt_sched_process_open(&newer.known, &process, NULL), -E2BIG);
	CU_ASSERT_PTR_EQUAL(process, before);
	newer.tail = 0;
	CU_ASSERT_EQUAL(qrt_sched_process_open(&newer.known, &process, NULL), 0);
}

APART(there_is_one_handle_a_process)
{
	struct qrt_sched_process *process = process_open("paio_ioprio=be:5"), *other = NULL;
	struct qrt_sched_process_config config = process_config(apart_plan("paio_ioprio=be:6"));
	struct qrt_sched_error error = {0};

	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &other, &error), -EBUSY);
	CU_ASSERT(error.code == -EBUSY && error.message[0]);
	CU_ASSERT_PTR_NULL(other);
	CU_ASSERT_EQUAL(qrt_sched_process_enter(process, "worker"), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(apart_setting(0).ioprio, BE(5));
}

APART(a_plan_that_cannot_work_places_nothing)
{
	struct qrt_sched_process_config config =
		process_config(apart_plan("paio_ioprio=be:5 vcpu_bias=1000"));
	struct qrt_sched_process *process = NULL;
	struct qrt_sched_error error = {0};

	config.flags = QRT_SCHED_PROCESS_CHECK;
	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "1000"));
	CU_ASSERT_PTR_NULL(process);
	qrt_sched_process_begin_thread("worker");
	CU_ASSERT_EQUAL(apart_setting(0).ioprio, 0);
	/* It is no handle that would be in the way of another one. */
	config.plan = apart_plan("paio_ioprio=be:5");
	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, &error), 0);
	config.plan = apart_plan("paio_ioprio=be:6 paio_bias=1000");
	CU_ASSERT_EQUAL(qrt_sched_process_change(process, config.plan, &error), -EINVAL);
}

APART(what_harms_is_said)
{
	struct qrt_sched_process_config config =
		process_config(apart_plan("othr_sched=idle othr_runtime=5000"));
	struct qrt_sched_process *process = NULL;
	struct qrt_sched_error error;

	config.flags = QRT_SCHED_PROCESS_CHECK;
	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, &error), 0);
	CU_ASSERT_EQUAL(said_count("othr"), 1);
}

/* Of several CPUs, with none that others have to themselves: only then the host is in danger. */
static int has_all_cpus(void)
{
	struct qrt_sched_setting own = apart_setting(0);
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online > 1 && qrt_sched_cpus_count(&own.cpus) == online;
}

/* What harms would be held by a supervisor, and there is none. */
APART(a_budget_that_nobody_holds_prevents_nothing)
{
	struct qrt_sched_process_config config = process_config(
		apart_plan("vcpu_sched=rr vcpu_prio=1 main_sched=rr main_prio=1 budget=10%/50ms"));
	struct qrt_sched_process *process = NULL;
	struct qrt_sched_error error = {0};
	int rc;

	config.flags = QRT_SCHED_PROCESS_CHECK;
	rc = qrt_sched_process_open(&config, &process, &error);
	CU_ASSERT(rc == 0 || strstr(error.message, "CAP_SYS_NICE"));
	CU_ASSERT(rc < 0 || !has_all_cpus() || said_count("real-time vCPUs can take every CPU") == 1);
}

/* ---- what the environment hands on ---- */

static void export_number(const char *name, int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	setenv(name, text, 1);
}

APART(descriptors_of_the_environment_are_taken)
{
	struct qrt_sched_process_config config = process_config(NULL);
	int pair[2], closed = dup(0);

	CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	close(closed);
	export_number("QRT_SCHED_BROKER", pair[0]);
	setenv("QRT_SCHED_RECORD", "7x", 1);
	export_number("QRT_SCHED_LOCKS", closed + 100);
	CU_ASSERT_EQUAL(qrt_sched_process_take_environment(&config), 1);
	CU_ASSERT_EQUAL(config.broker_fd, pair[0]);
	CU_ASSERT(config.recorder_fd == -1 && config.locks_fd == -1);
	CU_ASSERT_EQUAL(fcntl(pair[0], F_GETFD), FD_CLOEXEC);
	CU_ASSERT(!getenv("QRT_SCHED_BROKER") && !getenv("QRT_SCHED_RECORD") && !getenv("QRT_SCHED_LOCKS"));
	CU_ASSERT(said_count("QRT_SCHED_RECORD='7x'") == 1 && said_count("QRT_SCHED_LOCKS=") == 1);
	CU_ASSERT_EQUAL(said_count(""), 2);
	CU_ASSERT_EQUAL(qrt_sched_process_take_environment(&config), 0);
	CU_ASSERT_EQUAL(config.broker_fd, -1);
	CU_ASSERT_EQUAL(said_count(""), 2);
}

APART(a_brokers_descriptor_is_the_handles)
{
	struct qrt_sched_process_config config = process_config(apart_plan("paio_ioprio=be:5"));
	struct qrt_sched_process *process = NULL;
	struct qrt_sched_error error;
	int pair[2];

	CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	config.broker_fd = pair[0];
	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, &error), 0);
	CU_ASSERT_EQUAL(fcntl(config.broker_fd, F_GETFD), -1);
	CU_ASSERT_EQUAL(said_count(""), 0);
	CU_ASSERT_EQUAL(qrt_sched_process_change(process, config.plan, &error), -EBUSY);
}

APART(a_recorders_descriptor_is_the_handles)
{
	struct qrt_sched_process_config config = process_config(apart_plan("paio_ioprio=be:5"));
	struct qrt_sched_recorder *recorder = NULL;
	struct qrt_sched_process *process = NULL;

	CU_ASSERT_EQUAL(qrt_sched_recorder_new(64, &recorder), 0);
	config.recorder_fd = dup(qrt_sched_recorder_get_fd(recorder));
	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, NULL), 0);
	CU_ASSERT_EQUAL(fcntl(config.recorder_fd, F_GETFD), -1);
	CU_ASSERT_EQUAL(said_count(""), 0);
}

APART(descriptors_of_no_use_are_said)
{
	struct qrt_sched_process_config config = process_config(apart_plan("paio_ioprio=be:5"));
	struct qrt_sched_process *process = NULL;
	struct qrt_sched_error error;

	config.broker_fd = dup(1);
	config.recorder_fd = dup(1);
	config.locks_fd = dup(1);
	CU_ASSERT_EQUAL(qrt_sched_process_open(&config, &process, &error), 0);
	CU_ASSERT_EQUAL(said_count("QRT_SCHED_BROKER"), 1);
	CU_ASSERT_EQUAL(said_count("QRT_SCHED_RECORD"), 1);
	CU_ASSERT_EQUAL(said_count("QRT_SCHED_LOCKS"), 1);
	CU_ASSERT_EQUAL(qrt_sched_process_enter(process, "worker"), QRT_SCHED_PLACED_SELF);
}

static const struct tap_test tests[] = {
	{"bad configurations are refused", bad_configurations_are_refused},
	{"there is one handle a process", there_is_one_handle_a_process},
	{"a plan that cannot work places nothing", a_plan_that_cannot_work_places_nothing},
	{"what harms is said", what_harms_is_said},
	{"a budget that nobody holds prevents nothing", a_budget_that_nobody_holds_prevents_nothing},
	{"descriptors of the environment are taken", descriptors_of_the_environment_are_taken},
	{"a broker's descriptor is the handle's", a_brokers_descriptor_is_the_handles},
	{"a recorder's descriptor is the handle's", a_recorders_descriptor_is_the_handles},
	{"descriptors of no use are said", descriptors_of_no_use_are_said},
};

TAP_MAIN("contract of processes, opening", tests)
