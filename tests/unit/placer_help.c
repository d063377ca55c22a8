/* SPDX-License-Identifier: MIT */
#include "placer_help.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "tap.h"

struct qrt_sched_plan *plan;
struct qrt_sched_placer *placer;
int line;

static void begin(const char *text, int with_broker, uint32_t timeout_ms, uint32_t flags)
{
	struct qrt_sched_placer_config config = {
		.size = sizeof(config), .broker_fd = -1, .timeout_ms = timeout_ms, .flags = flags};
	int pair[2] = {-1, -1};

	fake_kernel_begin();
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_new(&plan), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_sched_plan_parse_text(plan, text, strlen(text), NULL), 0);
	if (with_broker)
		CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	config.plan = plan;
	config.broker_fd = pair[0];
	CU_ASSERT_EQUAL_FATAL(qrt_sched_placer_open(&config, &placer, NULL), 0);
	if (with_broker)
		close(pair[0]);
	line = pair[1];
}

void placer_begin_with(int with_broker, uint32_t timeout_ms)
{
	begin("vcpu_sched=fifo\nvcpu_prio=10,20,30\nmain_sched=fifo\nmain_prio=40\nmain_bias=0\n"
	      "paio_prio=11,12,13\npaio_bias=0\nothr_sched=other\nothr_nice=3\n",
	      with_broker, timeout_ms, 0);
}

void placer_begin_plan(const char *text, int with_broker, uint32_t flags)
{
	begin(text, with_broker, 5000, flags);
}

void placer_begin(int with_broker)
{
	placer_begin_with(with_broker, 5000);
}

void placer_end(void)
{
	if (line >= 0)
		close(line);
	CU_ASSERT_PTR_NULL(qrt_sched_placer_close(placer));
	CU_ASSERT_PTR_NULL(qrt_sched_plan_close(plan));
	fake_kernel_end();
}

struct qrt_sched_broker_message placer_receive(void)
{
	struct qrt_sched_broker_message m = {0};

	CU_ASSERT_EQUAL(recv(line, &m, sizeof(m), MSG_DONTWAIT), sizeof(m));
	CU_ASSERT_EQUAL(m.magic, QRT_SCHED_BROKER_MAGIC);
	return m;
}

int placer_is_silent(void)
{
	char byte;

	return recv(line, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}
