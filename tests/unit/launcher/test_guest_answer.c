/* SPDX-License-Identifier: MIT */
/* A guest is asked by a line, and its answer is one. */
#include "guest.h"
#include "guest_p.h"
#include "json_limit.h"
#include "supervisor.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH (128u << 10)
#define RING   16384
#define SECOND UINT64_C(1000000000)

static void *memory;
static struct supervisor supervisor;
static struct guest guest;
static char *told; /* the last answer */

static void ring(void *data)
{
	(*(unsigned int *)data)++;
}

static void on_told(const struct guest_ask_answer *answer, void *data)
{
	g_free(told);
	told = guest_answer_format(data, answer);
}

static void begin(unsigned int *rings)
{
	struct qrt_shmem_view view;

	memset(&supervisor, 0, sizeof(supervisor));
	memset(&guest, 0, sizeof(guest));
	memory = aligned_alloc(QRT_SHMEM_PAGE, LENGTH);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_make(memory, LENGTH, 2, QRT_SHMEM_AGENT_VALUES, RING, 4711), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_attach(&view, memory, LENGTH), 0);
	strcpy(supervisor.guest_state, "paused");
	guest.supervisor = &supervisor;
	guest.life.is_known = guest.life.is_running = true;
	guest.ask = guest_ask_open(&view, AGENT_LINK_GUEST, ring, rings);
}

static void end(void)
{
	guest.ask = guest_ask_close(guest.ask);
	g_clear_pointer(&told, g_free);
	free(memory);
}

/* NULL: it comes later. */
static char *ask(struct guest *whom, const char *members)
{
	g_autofree char *line = g_strdup_printf("{\"command\":\"guest\",%s}", members);
	JsonObject *request = json_limit_parse(line, -1);
	char *text;

	CU_ASSERT_PTR_NOT_NULL_FATAL(request);
	text = guest_answer(whom, request, on_told, &guest);
	json_object_unref(request);
	return text;
}

/* It is a line of JSON in which this stands. */
static void check_line(const char *line, const char *why, const char *error)
{
	JsonObject *answer;

	CU_ASSERT_PTR_NOT_NULL_FATAL(line);
	CU_ASSERT_PTR_EQUAL(strchr(line, '\n'), line + strlen(line) - 1);
	answer = json_limit_parse(line, -1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
	CU_ASSERT_EQUAL(json_limit_get_bool(answer, "answered"), !*why && !*error);
	CU_ASSERT_STRING_EQUAL(json_limit_get_string(answer, "why"), why);
	CU_ASSERT_PTR_NOT_NULL(strstr(json_limit_get_string(answer, "error"), error));
	json_object_unref(answer);
}

static void check_refused(struct guest *whom, const char *members, const char *why, const char *error)
{
	g_autofree char *text = ask(whom, members);

	check_line(text, why, error);
}

static void nobody_to_ask(void)
{
	unsigned int rings = 0;

	check_refused(NULL, "\"ask\":\"ping\"", "", "without --agent");
	begin(&rings);
	guest.life.is_known = false;
	check_refused(&guest, "\"ask\":\"ping\"", "silent", "said nothing yet");
	guest.life.is_down = true;
	check_refused(&guest, "\"ask\":\"ping\"", "gone", "has shut down");
	CU_ASSERT_EQUAL(rings, 0);
	end();
}

static void questions_that_cannot_be(void)
{
	static const char *const wrong[] = {
		"\"ask\":1",
		"\"ask\":\"\"",
		"\"ask\":\"pong\"",
		"\"ask\":\"ping\",\"timeout_ms\":0",
		"\"ask\":\"ping\",\"timeout_ms\":-1",
		"\"ask\":\"ping\",\"timeout_ms\":60001",
		"\"ask\":\"ping\",\"timeout_ms\":4294967297",
		"\"ask\":\"ping\",\"timeout_ms\":\"5\"",
		"\"ask\":\"ping\",\"timeout_ms\":1.5",
		"\"ask\":\"ping\",\"timeout_ms\":[]",
		"\"ask\":\"ping\",\"timeout_ms\":null",
		"\"ask\":\"probe\"",
		"\"ask\":\"probe\",\"interval_us\":1000",
		"\"ask\":\"probe\",\"interval_us\":99,\"count\":1",
		"\"ask\":\"probe\",\"interval_us\":1000,\"count\":4294967297",
		"\"ask\":\"probe\",\"interval_us\":1000,\"count\":600001",
		"\"ask\":\"probe\",\"interval_us\":1000,\"count\":1,\"priority\":100",
		"\"ask\":\"probe\",\"interval_us\":1000,\"count\":1,\"cpu\":1024",
		"\"ask\":\"probe\",\"interval_us\":1000,\"count\":1,\"cpu\":{}",
	};
	unsigned int rings = 0;
	size_t i;

	begin(&rings);
	for (i = 0; i < G_N_ELEMENTS(wrong); i++)
		check_refused(&guest, wrong[i], "", "no such question");
	CU_ASSERT_EQUAL(rings, 0);
	end();
}

static void a_timeout(void)
{
	unsigned int rings = 0, i;

	begin(&rings);
	CU_ASSERT_PTR_NULL(ask(&guest, "\"ask\":\"ping\""));
	CU_ASSERT_EQUAL(rings, 1);
	guest_ask_look(guest.ask, guest_now_ns() + SECOND);
	check_line(told, "timeout", "did not answer in time");
	guest.life.is_running = false;
	CU_ASSERT_PTR_NULL(ask(&guest, "\"ask\":\"ping\",\"timeout_ms\":60000"));
	guest_ask_look(guest.ask, guest_now_ns() + 60 * SECOND);
	check_line(told, "timeout", "the VM is paused");
	for (i = 0; i < GUEST_ASK_MAX; i++)
		CU_ASSERT_PTR_NULL(
			ask(&guest, "\"ask\":\"probe\",\"interval_us\":100,\"count\":1,\"cpu\":0"));
	check_refused(&guest, "\"ask\":\"ping\"", "", "too much at a time");
	guest_answer_forget(&guest, &guest);
	CU_ASSERT_PTR_NULL(ask(&guest, "\"ask\":\"ping\""));
	end();
}

static void check_answer(const struct guest_ask_answer *answer, const char *why, const char *error)
{
	g_autofree char *text = guest_answer_format(&guest, answer);

	check_line(text, why, error);
}

static void answers(void)
{
	struct qrt_shmem_agent_result result = {.error = -EBUSY};
	struct guest_ask_answer answer = {.end = GUEST_ASK_RESET, .result = &result};
	unsigned int rings = 0;

	begin(&rings);
	check_answer(&answer, "reset", "was reset");
	answer.end = GUEST_ASK_GONE;
	check_answer(&answer, "gone", "has shut down");
	answer.end = GUEST_ASK_NONSENSE;
	check_answer(&answer, "nonsense", "what cannot be");
	answer.end = GUEST_ASK_ANSWERED;
	check_answer(&answer, "refused", "another measurement runs");
	result.error = -EPERM;
	check_answer(&answer, "refused", "it takes root there");
	result.error = -EINVAL;
	check_answer(&answer, "refused", "no such CPU");
	result.error = -4000;
	check_answer(&answer, "refused", "4000");
	result.error = 0;
	check_answer(&answer, "", "");
	end();
}

static void numbers(void)
{
	struct qrt_shmem_agent_result result = {.count = 3, .min_ns = 1, .max_ns = 9, .sum_ns = 11};
	const struct guest_ask_answer pong = {.ns = 77}, both = {.ns = 78, .result = &result};
	g_autofree char *short_text = guest_answer_format(&guest, &pong);
	g_autofree char *text = NULL;
	JsonObject *answer;

	CU_ASSERT_STRING_EQUAL(short_text, "{\"answered\":true,\"ns\":77}\n");
	result.buckets[319] = UINT32_MAX;
	text = guest_answer_format(&guest, &both);
	answer = json_limit_parse(text, -1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
	CU_ASSERT_EQUAL(json_limit_get_int(answer, "count"), 3);
	CU_ASSERT_EQUAL(json_limit_get_int(answer, "sum_ns"), 11);
	CU_ASSERT_EQUAL(json_array_get_length(json_limit_get_array(answer, "buckets")), 320);
	CU_ASSERT_EQUAL(json_array_get_int_element(json_limit_get_array(answer, "buckets"), 319), UINT32_MAX);
	json_object_unref(answer);
}

static const struct tap_test tests[] = {
	{"nobody to ask", nobody_to_ask},
	{"questions that cannot be", questions_that_cannot_be},
	{"who does not answer, and who is asked too much", a_timeout},
	{"why there is no answer", answers},
	{"the numbers of an answer", numbers},
};

TAP_MAIN("guest_answer", tests)
