/* SPDX-License-Identifier: MIT */
/* Births under DEADLINE, with what happens where the kernel refuses it, with quanta and I/O priorities. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "placer_help.h"
#include "placer_p.h"
#include "tap.h"

#define PLAN                                                                                                 \
	"vcpu_sched=deadline\nvcpu_runtime=2000\nvcpu_period=10000\nvcpu_prio=30\n"                          \
	"main_prio=40\nmain_ioprio=rt:0\nvncs_nice=0\n"
#define QUANTA "vcpu_sched=rr\nvcpu_nice=19,0\nmain_sched=rr\npaio_sched=fifo\npaio_nice=5\n"

static void a_vcpu_is_born_into_deadline(void)
{
	placer_begin_plan(PLAN, 1, 0);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 0/KVM", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_DEADLINE);
	CU_ASSERT_EQUAL(fake_kernel.attr.runtime, 2000000);
	CU_ASSERT_EQUAL(fake_kernel.attr.period, 10000000);
	CU_ASSERT_EQUAL(fake_kernel.attr.flags, 1);
	CU_ASSERT_EQUAL(placer_receive().flags, 0);
	placer_end();
}

static void where_the_cpus_are_used_up_it_falls_back_and_says_so(void)
{
	struct qrt_sched_error error = {0};
	struct qrt_sched_broker_message m;

	placer_begin_plan(PLAN, 1, 0);
	fake_kernel.refuse_dl = -EBUSY;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 0/KVM", &error), QRT_SCHED_PLACED_FALLBACK);
	CU_ASSERT_EQUAL(error.code, -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "deadline 2ms/10ms/10ms"));
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 30);
	m = placer_receive();
	CU_ASSERT_EQUAL(m.op, QRT_SCHED_BROKER_PLACED);
	CU_ASSERT_EQUAL(m.flags, QRT_SCHED_BROKER_FALLBACK);
	CU_ASSERT(placer_is_silent());
	placer_end();
}

static void alone_it_falls_back_whatever_the_reason(void)
{
	placer_begin_plan(PLAN, 0, 0);
	fake_kernel.refuse_dl = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 0/KVM", NULL), QRT_SCHED_PLACED_FALLBACK);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 30);
	placer_end();
}

static void where_nothing_is_allowed_the_error_says_so(void)
{
	struct qrt_sched_error error = {0};

	placer_begin_plan(PLAN, 0, 0);
	fake_kernel.refuse_set = fake_kernel.refuse_dl = -EPERM;
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 0/KVM", &error), -EPERM);
	CU_ASSERT_EQUAL(error.code, -EPERM);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "");
	placer_end();
}

static uint32_t answer_flags;

static void *answer_once(void *arg)
{
	struct qrt_sched_broker_message *m = arg;

	if (recv(line, m, sizeof(*m), 0) == sizeof(*m)) {
		m->flags = answer_flags;
		m->result = 0;
		send(line, m, sizeof(*m), MSG_NOSIGNAL);
	}
	return NULL;
}

/* Only its supervisor knows whether a right is missing or the CPUs are: it decides, and says what came of
 * it. Other threads go on placing themselves. */
static void a_missing_right_is_the_supervisors_matter(void)
{
	struct qrt_sched_broker_message m = {0};
	pthread_t thread;

	placer_begin_plan(PLAN, 1, 0);
	fake_kernel.refuse_dl = -EPERM;
	answer_flags = QRT_SCHED_BROKER_FALLBACK;
	pthread_create(&thread, NULL, answer_once, &m);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 0/KVM", NULL), QRT_SCHED_PLACED_BROKER);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(m.op, QRT_SCHED_BROKER_PLACE);
	CU_ASSERT_STRING_EQUAL(fake_kernel.log, "");
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, QRT_SCHED_PLACER_MAIN, NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 40);
	placer_end();
}

/* ---- I/O priorities ---- */

static void a_role_has_its_io_priority_and_only_it(void)
{
	placer_begin_plan(PLAN, 0, 0);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, QRT_SCHED_PLACER_MAIN, NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.ioprio, QRT_SCHED_IOPRIO(QRT_SCHED_IOPRIO_RT, 0));
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "vnc_worker", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.ioprio, 0);
	placer_end();
}

/* ---- quanta ---- */

static void who_makes_slices_is_fifo_and_the_supervisor_knows(void)
{
	struct qrt_sched_broker_message m;

	placer_begin_plan(QUANTA, 1, QRT_SCHED_PLACER_QUANTUM);
	CU_ASSERT_EQUAL(qrt_sched_placer_get_quantum(placer), 0);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 0/KVM", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_FIFO);
	CU_ASSERT_EQUAL(fake_kernel.attr.priority, 1);
	CU_ASSERT_EQUAL(placer_receive().flags, QRT_SCHED_BROKER_QUANTUM);
	CU_ASSERT_EQUAL(qrt_sched_placer_get_quantum(placer), 4000000);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 7/KVM", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(qrt_sched_placer_get_quantum(placer), 100000000);
	placer_receive();
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, QRT_SCHED_PLACER_MAIN, NULL), QRT_SCHED_PLACED_SELF);
	m = placer_receive();
	CU_ASSERT_EQUAL(m.flags, 0);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_RR);
	CU_ASSERT_EQUAL(qrt_sched_placer_get_quantum(placer), 0);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "worker", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(qrt_sched_placer_get_quantum(placer), 0);
	qrt_sched_placer_leave(placer);
	CU_ASSERT_EQUAL(qrt_sched_placer_get_quantum(placer), 0);
	placer_end();
}

static void who_is_placed_for_says_it_too(void)
{
	struct qrt_sched_broker_message m = {0};
	pthread_t thread;

	placer_begin_plan(QUANTA, 1, QRT_SCHED_PLACER_QUANTUM);
	fake_kernel.refuse_set = -EPERM;
	answer_flags = 0;
	pthread_create(&thread, NULL, answer_once, &m);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 0/KVM", NULL), QRT_SCHED_PLACED_BROKER);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(qrt_sched_placer_get_quantum(placer), 4000000);
	placer_end();
}

static void without_the_flag_the_kernel_makes_the_slices(void)
{
	placer_begin_plan(QUANTA, 1, 0);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 0/KVM", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_RR);
	CU_ASSERT_EQUAL(placer_receive().flags, 0);
	CU_ASSERT_EQUAL(qrt_sched_placer_get_quantum(placer), 4000000);
	placer_end();
}

static void who_has_none_after_all_gets_the_kernels_slices(void)
{
	placer_begin_plan(QUANTA, 1, QRT_SCHED_PLACER_QUANTUM);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 0/KVM", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(placer_receive().flags, QRT_SCHED_BROKER_QUANTUM);
	qrt_sched_p_placer_refuse_quanta(placer);
	/* It still runs under FIFO. */
	CU_ASSERT_EQUAL(qrt_sched_placer_get_quantum(placer), 4000000);
	CU_ASSERT_EQUAL(qrt_sched_placer_enter(placer, "CPU 0/KVM", NULL), QRT_SCHED_PLACED_SELF);
	CU_ASSERT_EQUAL(fake_kernel.attr.policy, QRT_SCHED_POLICY_RR);
	CU_ASSERT_EQUAL(placer_receive().flags, 0);
	CU_ASSERT_EQUAL(qrt_sched_placer_get_quantum(placer), 0);
	placer_end();
}

static void unknown_flags_are_refused(void)
{
	struct qrt_sched_placer_config config = {.size = sizeof(config), .broker_fd = -1, .flags = 2};
	struct qrt_sched_placer *none = NULL;
	struct qrt_sched_error error = {0};

	placer_begin(0);
	config.plan = plan;
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&config, &none, &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "0x2"));
	config.flags = 0;
	config.reserved = 1;
	CU_ASSERT_EQUAL(qrt_sched_placer_open(&config, &none, NULL), -EINVAL);
	CU_ASSERT_PTR_NULL(none);
	placer_end();
}

static const struct tap_test tests[] = {
	{"a vCPU is born into DEADLINE", a_vcpu_is_born_into_deadline},
	{"where the CPUs are used up it falls back and says so",
	 where_the_cpus_are_used_up_it_falls_back_and_says_so},
	{"alone it falls back whatever the reason", alone_it_falls_back_whatever_the_reason},
	{"where nothing is allowed the error says so", where_nothing_is_allowed_the_error_says_so},
	{"a missing right is the supervisor's matter", a_missing_right_is_the_supervisors_matter},
	{"a role has its I/O priority, and only it", a_role_has_its_io_priority_and_only_it},
	{"who makes slices is FIFO, and the supervisor knows",
	 who_makes_slices_is_fifo_and_the_supervisor_knows},
	{"who is placed for says it too", who_is_placed_for_says_it_too},
	{"without the flag the kernel makes the slices", without_the_flag_the_kernel_makes_the_slices},
	{"who has none after all gets the kernel's slices", who_has_none_after_all_gets_the_kernels_slices},
	{"unknown flags are refused", unknown_flags_are_refused},
};

TAP_MAIN("placer and deadline", tests)
