/* SPDX-License-Identifier: MIT */
#include "guest_ask.h"

#include "guest_result.h"

#include <glib.h>

#define MESSAGE_COST 64u /* bytes that reading one is worth, besides its content */

struct question {
	guest_ask_told *told; /* NULL: this place is free */
	void *data;
	uint64_t cookie, asked_ns, timeout_ns;
	uint32_t count; /* of wake-ups; 0: a ping */
};

struct guest_ask {
	struct qrt_shmem_view view;
	struct qrt_shmem_writer writer;
	struct qrt_shmem_reader reader;
	void (*ring)(void *data);
	void *data;
	struct question questions[GUEST_ASK_MAX];
	uint32_t slot;
	uint32_t left; /* bytes that are read until the next look */
	uint32_t size;
	unsigned char *buf; /* for any message */
};

/* ---- its life ---- */

/* No reader is waited for: what the guest does not read is lost to it alone. */
static void begin_writing(struct guest_ask *ask)
{
	qrt_shmem_begin_writing(&ask->writer, &ask->view, QRT_SHMEM_HOST, g_random_int(), QRT_SHMEM_TO_ALL);
}

struct guest_ask *guest_ask_open(const struct qrt_shmem_view *view, uint32_t slot, void (*ring)(void *data),
				 void *data)
{
	struct guest_ask *ask = g_new0(struct guest_ask, 1);

	ask->view = *view;
	ask->slot = slot;
	ask->ring = ring;
	ask->data = data;
	ask->size = qrt_shmem_length_max(view);
	ask->buf = g_malloc(ask->size);
	ask->left = GUEST_ASK_BYTES;
	begin_writing(ask);
	return ask;
}

static bool is_idle(const struct guest_ask *ask)
{
	size_t i;

	for (i = 0; i < GUEST_ASK_MAX; i++) {
		if (ask->questions[i].told)
			return false;
	}
	return true;
}

static void end(struct question *question, enum guest_ask_end how, uint64_t answered_ns,
		const struct qrt_shmem_agent_result *result)
{
	const struct guest_ask_answer answer = {
		how, how == GUEST_ASK_ANSWERED ? answered_ns - question->asked_ns : 0, result};
	guest_ask_told *told = question->told;

	question->told = NULL;
	told(&answer, question->data);
}

static void end_all(struct guest_ask *ask, enum guest_ask_end how)
{
	struct question *question = ask->questions;

	for (; question < ask->questions + GUEST_ASK_MAX; question++) {
		if (question->told)
			end(question, how, 0, NULL);
	}
}

struct guest_ask *guest_ask_close(struct guest_ask *ask)
{
	if (!ask)
		return NULL;
	end_all(ask, GUEST_ASK_GONE);
	g_free(ask->buf);
	g_free(ask);
	return NULL;
}

void guest_ask_begin_anew(struct guest_ask *ask, enum guest_ask_end how)
{
	begin_writing(ask);
	end_all(ask, how);
}

/* ---- questions ---- */

static struct question *find_place(struct guest_ask *ask)
{
	size_t i;

	for (i = 0; i < GUEST_ASK_MAX; i++) {
		if (!ask->questions[i].told)
			return &ask->questions[i];
	}
	return NULL;
}

/* What was said before the first question answers none. */
static int send_question(struct guest_ask *ask, const struct question *question, uint16_t type,
			 const void *content, uint32_t size)
{
	struct question *place = find_place(ask);
	int r;

	if (!place)
		return -EBUSY;
	if (is_idle(ask))
		qrt_shmem_begin_reading(&ask->reader, &ask->view, ask->slot, QRT_SHMEM_HOST, 0);
	r = qrt_shmem_send(&ask->writer, ask->slot, type, content, size);
	if (r < 0)
		return r;
	*place = *question;
	ask->ring(ask->data);
	return 0;
}

static uint64_t draw_cookie(void)
{
	return (uint64_t)g_random_int() << 32 | g_random_int();
}

int guest_ask_ping(struct guest_ask *ask, uint64_t timeout_ns, uint64_t now_ns, guest_ask_told *told,
		   void *data)
{
	const struct qrt_shmem_agent_ping ping = {.cookie = draw_cookie()};
	const struct question question = {.told = told,
					  .data = data,
					  .cookie = ping.cookie,
					  .asked_ns = now_ns,
					  .timeout_ns = timeout_ns};

	return send_question(ask, &question, QRT_SHMEM_AGENT_PING, &ping, sizeof(ping));
}

uint64_t guest_ask_get_patience(const struct qrt_shmem_agent_probe *probe)
{
	return (uint64_t)probe->interval_us * probe->count * 1000 + GUEST_ASK_PROBE_LATE;
}

bool guest_ask_is_possible(const struct qrt_shmem_agent_probe *probe)
{
	return probe->interval_us >= GUEST_ASK_INTERVAL_MIN && probe->interval_us <= GUEST_ASK_INTERVAL_MAX &&
	       probe->count >= 1 && probe->count <= GUEST_ASK_COUNT_MAX && probe->priority <= 99 &&
	       (uint64_t)probe->interval_us * probe->count <= GUEST_ASK_LENGTH_MAX;
}

int guest_ask_probe(struct guest_ask *ask, const struct qrt_shmem_agent_probe *probe, uint64_t now_ns,
		    guest_ask_told *told, void *data)
{
	struct qrt_shmem_agent_probe content = *probe;
	struct question question = {.told = told, .data = data, .asked_ns = now_ns, .count = probe->count};

	if (!guest_ask_is_possible(probe))
		return -EINVAL;
	content.cookie = question.cookie = draw_cookie();
	question.timeout_ns = guest_ask_get_patience(probe);
	return send_question(ask, &question, QRT_SHMEM_AGENT_PROBE, &content, sizeof(content));
}

void guest_ask_cancel(struct guest_ask *ask, const void *data)
{
	size_t i;

	for (i = 0; i < GUEST_ASK_MAX; i++) {
		if (ask->questions[i].data == data)
			ask->questions[i].told = NULL;
	}
}

/* ---- answers ---- */

static struct question *find_question(struct guest_ask *ask, uint64_t cookie, bool is_ping)
{
	size_t i;

	for (i = 0; i < GUEST_ASK_MAX; i++) {
		if (ask->questions[i].told && ask->questions[i].cookie == cookie &&
		    (ask->questions[i].count == 0) == is_ping)
			return &ask->questions[i];
	}
	return NULL;
}

static void take_pong(struct guest_ask *ask, uint64_t now_ns)
{
	struct qrt_shmem_agent_ping pong;
	struct question *question;

	memcpy(&pong, ask->buf, sizeof(pong));
	question = find_question(ask, pong.cookie, true);
	if (question)
		end(question, GUEST_ASK_ANSWERED, now_ns, NULL);
}

static void take_result(struct guest_ask *ask, uint64_t now_ns)
{
	struct qrt_shmem_agent_result result;
	struct question *question;

	memcpy(&result, ask->buf, sizeof(result));
	question = find_question(ask, result.cookie, false);
	if (!question)
		return;
	if (guest_result_is_sane(&result, question->count, question->timeout_ns))
		end(question, GUEST_ASK_ANSWERED, now_ns, &result);
	else
		end(question, GUEST_ASK_NONSENSE, 0, NULL);
}

static void take_message(struct guest_ask *ask, const struct qrt_shmem_message *message, uint64_t now_ns)
{
	if (message->to != QRT_SHMEM_HOST)
		return;
	if (message->type == QRT_SHMEM_AGENT_PONG && message->length == sizeof(struct qrt_shmem_agent_ping))
		take_pong(ask, now_ns);
	if (message->type == QRT_SHMEM_AGENT_RESULT &&
	    message->length == sizeof(struct qrt_shmem_agent_result))
		take_result(ask, now_ns);
}

/* A ring that changes while it is read, or is damaged, is left alone until the next look. */
void guest_ask_take(struct guest_ask *ask, uint64_t now_ns)
{
	struct qrt_shmem_message message;
	uint32_t cost;
	int r;

	while (ask->left > 0 && !is_idle(ask)) {
		r = qrt_shmem_receive(&ask->reader, &message, ask->buf, ask->size);
		if (r == 0)
			return;
		cost = r > 0 ? message.length + MESSAGE_COST : ask->left;
		ask->left -= MIN(cost, ask->left);
		if (r > 0)
			take_message(ask, &message, now_ns);
	}
}

void guest_ask_look(struct guest_ask *ask, uint64_t now_ns)
{
	struct question *question = ask->questions;

	ask->left = GUEST_ASK_BYTES;
	guest_ask_take(ask, now_ns);
	for (; question < ask->questions + GUEST_ASK_MAX; question++) {
		if (question->told && now_ns - question->asked_ns >= question->timeout_ns)
			end(question, GUEST_ASK_TIMEOUT, 0, NULL);
	}
}
