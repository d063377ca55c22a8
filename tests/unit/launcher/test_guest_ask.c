/* SPDX-License-Identifier: MIT */
/* The guest is played by a peer at the other end of the link, and reads and writes its messages by itself. */
#include "agent_link.h"
#include "command.h"
#include "guest_ask.h"
#include "tap.h"

#include <errno.h>
#include <qrt/ivshmem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define GUEST   1
#define SECOND  UINT64_C(1000000000)
#define LENGTH  32744 /* the longest message */
#define ANOTHER 1024  /* a type of message that nobody knows here */

static struct agent_link *own;
static struct guest_ask *ask;
static struct qrt_ivshmem_peer *guest;
static struct qrt_shmem_view view; /* the guest's */
static struct qrt_shmem_reader reader;
static struct qrt_shmem_writer writer;
static uint64_t now;

/* What was told last, and how often. */
static struct guest_ask_answer told;
static struct qrt_shmem_agent_result told_result;
static unsigned int tellings;
static void *told_data;

void complain(const char *format, ...)
{
	tap_note("%s", format);
}

static void on_told(const struct guest_ask_answer *answer, void *data)
{
	told = *answer;
	told_data = data;
	if (answer->result)
		told_result = *answer->result;
	tellings++;
}

static void ring(void *data)
{
	agent_link_ring(data);
}

/* As an agent does when it starts, and when its guest was reset. */
static void begin_agent(uint32_t epoch)
{
	CU_ASSERT_EQUAL(qrt_shmem_begin_writing(&writer, &view, GUEST, epoch, QRT_SHMEM_TO_ALL), 0);
	CU_ASSERT_EQUAL(qrt_shmem_begin_reading(&reader, &view, QRT_SHMEM_HOST, GUEST, 0), 0);
}

static void begin(void)
{
	struct qrt_ivshmem_peer_config config = {.size = sizeof(config), .flags = QRT_IVSHMEM_PEER_SEALED};
	struct qrt_ivshmem_event events[8];
	uint64_t length;
	int i;

	CU_ASSERT_EQUAL_FATAL(agent_link_open("vm", &own), 0);
	config.fd = agent_link_get_far_fd(own);
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_peer_open(&config, &guest, NULL), 0);
	for (i = 0; i < 32; i++) {
		agent_link_serve(own);
		qrt_ivshmem_peer_harvest(guest, events, 8);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(qrt_ivshmem_peer_get_memory(guest, &length));
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_attach(&view, qrt_ivshmem_peer_get_memory(guest, &length), length),
			      0);
	now = 100 * SECOND;
	tellings = 0;
	ask = guest_ask_open(agent_link_get_view(own), GUEST, ring, own);
	begin_agent(5);
}

static void end(void)
{
	ask = guest_ask_close(ask);
	agent_link_close_far_fd(own);
	guest = qrt_ivshmem_peer_close(guest);
	own = agent_link_close(own);
}

/* The next message of the host's, which is of that type and size. */
static void hear(uint16_t type, void *content, uint32_t size)
{
	static uint64_t buf[LENGTH / 8];
	struct qrt_shmem_message message = {0};

	CU_ASSERT_EQUAL_FATAL(qrt_shmem_receive(&reader, &message, buf, sizeof(buf)), 1);
	CU_ASSERT_TRUE_FATAL(message.type == type && message.to == GUEST && message.length == size);
	memcpy(content, buf, size);
}

static void answer(uint16_t type, const void *content, uint32_t size)
{
	CU_ASSERT_EQUAL(qrt_shmem_send(&writer, QRT_SHMEM_HOST, type, content, size), 0);
}

static struct qrt_shmem_agent_ping ping(uint64_t timeout_ns)
{
	struct qrt_shmem_agent_ping heard = {0};

	CU_ASSERT_EQUAL(guest_ask_ping(ask, timeout_ns, now, on_told, &told), 0);
	hear(QRT_SHMEM_AGENT_PING, &heard, sizeof(heard));
	return heard;
}

static struct qrt_shmem_agent_probe probe(void)
{
	const struct qrt_shmem_agent_probe wanted = {
		.interval_us = 1000, .count = 2, .priority = 7, .cpu = QRT_SHMEM_AGENT_ANY_CPU};
	struct qrt_shmem_agent_probe heard = {0};

	CU_ASSERT_EQUAL(guest_ask_probe(ask, &wanted, now, on_told, &told), 0);
	hear(QRT_SHMEM_AGENT_PROBE, &heard, sizeof(heard));
	CU_ASSERT_TRUE(heard.interval_us == 1000 && heard.count == 2 && heard.priority == 7 &&
		       heard.cpu == QRT_SHMEM_AGENT_ANY_CPU);
	return heard;
}

static struct qrt_shmem_agent_result result_of(uint64_t cookie)
{
	struct qrt_shmem_agent_result result = {
		.cookie = cookie, .count = 2, .min_ns = 5, .max_ns = 1000, .sum_ns = 1005};

	result.buckets[qrt_shmem_agent_bucket(5)] = result.buckets[qrt_shmem_agent_bucket(1000)] = 1;
	return result;
}

static void check_told(unsigned int times, enum guest_ask_end wanted)
{
	CU_ASSERT_EQUAL(tellings, times);
	CU_ASSERT_EQUAL(told.end, wanted);
	CU_ASSERT_PTR_EQUAL(told_data, &told);
}

static void a_ping(void)
{
	struct qrt_ivshmem_event event;
	struct qrt_shmem_agent_ping heard;

	begin();
	while (qrt_ivshmem_peer_harvest(guest, &event, 1) > 0)
		;
	heard = ping(SECOND);
	CU_ASSERT_TRUE(qrt_ivshmem_peer_harvest(guest, &event, 1) > 0); /* it was rung */
	guest_ask_take(ask, now);
	CU_ASSERT_EQUAL(tellings, 0);
	answer(QRT_SHMEM_AGENT_PONG, &heard, sizeof(heard));
	answer(QRT_SHMEM_AGENT_PONG, &heard, sizeof(heard));
	guest_ask_take(ask, now + 1234567);
	check_told(1, GUEST_ASK_ANSWERED);
	CU_ASSERT_EQUAL(told.ns, 1234567);
	CU_ASSERT_PTR_NULL(told.result);
	guest_ask_look(ask, now + 5 * SECOND);
	CU_ASSERT_EQUAL(tellings, 1);
	end();
}

static void a_probe(void)
{
	struct qrt_shmem_agent_result result;

	begin();
	result = result_of(probe().cookie);
	answer(QRT_SHMEM_AGENT_RESULT, &result, sizeof(result));
	guest_ask_look(ask, now + SECOND);
	check_told(1, GUEST_ASK_ANSWERED);
	CU_ASSERT_PTR_NOT_NULL_FATAL(told.result);
	CU_ASSERT_EQUAL(memcmp(&told_result, &result, sizeof(result)), 0);
	memset(&result, 0, sizeof(result));
	result.cookie = probe().cookie;
	result.error = -EPERM;
	answer(QRT_SHMEM_AGENT_RESULT, &result, sizeof(result));
	guest_ask_take(ask, now);
	check_told(2, GUEST_ASK_ANSWERED);
	CU_ASSERT_EQUAL(told_result.error, -EPERM);
	end();
}

static void probes_that_cannot_be(void)
{
	static const struct qrt_shmem_agent_probe wrong[] = {
		{.interval_us = 99, .count = 1},
		{.interval_us = 1000001, .count = 1},
		{.interval_us = 1000},
		{.interval_us = 100, .count = 1000001},
		{.interval_us = 1000, .count = 600001},
		{.interval_us = 1000, .count = 1, .priority = 100},
	};
	size_t i;

	begin();
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT_EQUAL(guest_ask_probe(ask, &wrong[i], now, on_told, NULL), -EINVAL);
	end();
	CU_ASSERT_EQUAL(tellings, 0);
}

static void answers_to_something_else(void)
{
	struct qrt_shmem_agent_ping heard, other;
	struct qrt_shmem_agent_result result;

	begin();
	heard = other = ping(SECOND);
	other.cookie++;
	answer(QRT_SHMEM_AGENT_PONG, &other, sizeof(other));
	answer(QRT_SHMEM_AGENT_PONG, &heard, sizeof(heard) - 1);
	answer(QRT_SHMEM_AGENT_PONG, &result, sizeof(result));
	answer(QRT_SHMEM_AGENT_PING, &heard, sizeof(heard));
	answer(ANOTHER, &heard, sizeof(heard));
	result = result_of(heard.cookie);
	answer(QRT_SHMEM_AGENT_RESULT, &result, sizeof(result));
	CU_ASSERT_EQUAL(qrt_shmem_send(&writer, GUEST, QRT_SHMEM_AGENT_PONG, &heard, sizeof(heard)), 0);
	guest_ask_take(ask, now);
	CU_ASSERT_EQUAL(tellings, 0);
	answer(QRT_SHMEM_AGENT_PONG, &heard, sizeof(heard));
	guest_ask_take(ask, now);
	check_told(1, GUEST_ASK_ANSWERED);
	end();
}

static void nonsense(void)
{
	struct qrt_shmem_agent_result result;

	begin();
	result = result_of(probe().cookie);
	result.max_ns = UINT64_MAX;
	answer(QRT_SHMEM_AGENT_RESULT, &result, sizeof(result));
	guest_ask_take(ask, now);
	check_told(1, GUEST_ASK_NONSENSE);
	result = result_of(result.cookie);
	answer(QRT_SHMEM_AGENT_RESULT, &result, sizeof(result));
	guest_ask_take(ask, now);
	CU_ASSERT_EQUAL(tellings, 1);
	end();
}

static void no_answer(void)
{
	struct qrt_shmem_agent_ping heard;
	struct qrt_shmem_agent_probe asked;
	uint64_t patience;

	begin();
	heard = ping(SECOND);
	guest_ask_look(ask, now + SECOND - 1);
	CU_ASSERT_EQUAL(tellings, 0);
	guest_ask_look(ask, now + SECOND);
	check_told(1, GUEST_ASK_TIMEOUT);
	asked = probe();
	answer(QRT_SHMEM_AGENT_PONG, &heard, sizeof(heard)); /* too late */
	patience = guest_ask_get_patience(&asked);
	CU_ASSERT_EQUAL(patience, 10 * SECOND + 2000000);
	guest_ask_look(ask, now + patience - 1);
	CU_ASSERT_EQUAL(tellings, 1);
	guest_ask_look(ask, now + patience);
	check_told(2, GUEST_ASK_TIMEOUT);
	end();
}

/* What lies before an answer is read by and by, and the supervisor is not kept. */
static void a_flood(void)
{
	static unsigned char much[LENGTH];
	struct qrt_shmem_agent_ping heard;
	int i, looks;

	begin();
	heard = ping(SECOND);
	for (i = 0; i < 5; i++)
		answer(ANOTHER, much, LENGTH);
	answer(QRT_SHMEM_AGENT_PONG, &heard, sizeof(heard));
	for (i = 0; i < 100; i++)
		guest_ask_take(ask, now);
	CU_ASSERT_EQUAL(tellings, 0);
	guest_ask_look(ask, now);
	check_told(1, GUEST_ASK_ANSWERED);
	heard = ping(SECOND);
	for (i = 0; i < 20000; i++)
		answer(ANOTHER, NULL, 0);
	answer(QRT_SHMEM_AGENT_PONG, &heard, sizeof(heard));
	for (looks = 0; looks < 100 && tellings == 1; looks++)
		guest_ask_look(ask, now);
	CU_ASSERT_TRUE(looks > 2 && looks < 20);
	check_told(2, GUEST_ASK_ANSWERED);
	end();
}

static void a_reset_in_between(void)
{
	struct qrt_shmem_agent_ping before, after;

	begin();
	before = ping(SECOND);
	agent_link_renew(own);
	guest_ask_begin_anew(ask, GUEST_ASK_RESET);
	check_told(1, GUEST_ASK_RESET);
	begin_agent(6);
	after = ping(SECOND);
	CU_ASSERT_NOT_EQUAL(after.cookie, before.cookie);
	answer(QRT_SHMEM_AGENT_PONG, &before, sizeof(before));
	guest_ask_take(ask, now);
	CU_ASSERT_EQUAL(tellings, 1);
	answer(QRT_SHMEM_AGENT_PONG, &after, sizeof(after));
	guest_ask_take(ask, now);
	check_told(2, GUEST_ASK_ANSWERED);
	ping(SECOND);
	guest_ask_begin_anew(ask, GUEST_ASK_GONE);
	check_told(3, GUEST_ASK_GONE);
	end();
}

/* An agent that was started again answers what is asked from then on. */
static void another_agent(void)
{
	struct qrt_shmem_agent_ping heard;

	begin();
	ping(SECOND);
	begin_agent(9);
	heard = ping(SECOND);
	answer(QRT_SHMEM_AGENT_PONG, &heard, sizeof(heard));
	guest_ask_look(ask, now);
	check_told(1, GUEST_ASK_ANSWERED);
	guest_ask_look(ask, now + SECOND);
	check_told(2, GUEST_ASK_TIMEOUT);
	end();
}

static void nobody_wants_to_know(void)
{
	struct qrt_shmem_agent_ping heard;

	begin();
	heard = ping(SECOND);
	guest_ask_cancel(ask, &told);
	answer(QRT_SHMEM_AGENT_PONG, &heard, sizeof(heard));
	guest_ask_look(ask, now + 5 * SECOND);
	CU_ASSERT_EQUAL(tellings, 0);
	end();
	CU_ASSERT_EQUAL(tellings, 0);
	CU_ASSERT_PTR_NULL(guest_ask_close(NULL));
}

static void too_many(void)
{
	unsigned int i;

	begin();
	for (i = 0; i < GUEST_ASK_MAX; i++)
		ping(SECOND);
	CU_ASSERT_EQUAL(guest_ask_ping(ask, SECOND, now, on_told, NULL), -EBUSY);
	guest_ask_look(ask, now + SECOND);
	check_told(GUEST_ASK_MAX, GUEST_ASK_TIMEOUT);
	ping(SECOND);
	end();
	check_told(GUEST_ASK_MAX + 1, GUEST_ASK_GONE);
}

/* All of the memory is the guest's, also the host's own ring. */
static void a_guest_that_writes_everywhere(void)
{
	unsigned int round, i;

	begin();
	srand(7);
	for (round = 0; round < 300; round++) {
		CU_ASSERT_EQUAL(guest_ask_ping(ask, SECOND, now, on_told, &told), 0);
		for (i = 0; i < 2000; i++)
			view.base[(uint64_t)rand() % view.length] = (unsigned char)rand();
		begin_agent(round + 1);
		view.base[qrt_shmem_sections_at(2) + view.section_bytes + (uint64_t)rand() % 128] ^= 1;
		guest_ask_look(ask, now);
		guest_ask_look(ask, now + SECOND);
		check_told(round + 1, GUEST_ASK_TIMEOUT);
	}
	end();
}

static const struct tap_test tests[] = {
	{"a ping is answered", a_ping},
	{"a probe is answered", a_probe},
	{"probes that cannot be are not asked", probes_that_cannot_be},
	{"answers to something else are none", answers_to_something_else},
	{"an answer that cannot be is none", nonsense},
	{"who does not answer is given up", no_answer},
	{"a flood of messages is read by and by", a_flood},
	{"a reset ends what was asked", a_reset_in_between},
	{"another agent answers", another_agent},
	{"nobody wants to know any more", nobody_wants_to_know},
	{"too many questions", too_many},
	{"a guest that writes everywhere", a_guest_that_writes_everywhere},
};

TAP_MAIN("guest_ask", tests)
