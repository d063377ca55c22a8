/* SPDX-License-Identifier: MIT */
#include "agent_values.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH (256u << 10)
#define VALUES 64

static struct qrt_shmem_view view;
static void *memory;

static void begin(void)
{
	memory = aligned_alloc(QRT_SHMEM_PAGE, LENGTH);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_make(memory, LENGTH, 2, VALUES, 4096, 4711), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_attach(&view, memory, LENGTH), 0);
}

static void publish(uint32_t index, const char *name, uint16_t type, const void *data, size_t size)
{
	struct qrt_shmem_value value = {.type = type, .size = (uint16_t)size};

	g_strlcpy(value.name, name, sizeof(value.name));
	memcpy(value.is.data, data, size);
	CU_ASSERT_EQUAL(qrt_shmem_publish(&view, 1, index, &value), 0);
}

static char *list(void)
{
	g_autoptr(JsonNode) node = json_node_new(JSON_NODE_ARRAY);

	json_node_take_array(node, agent_values_list(&view, 1));
	return json_to_string(node, FALSE);
}

static void expect(const char *wanted)
{
	g_autofree char *text = list();

	if (strcmp(text, wanted) != 0)
		tap_note("%s", text);
	CU_ASSERT_STRING_EQUAL(text, wanted);
}

static void values_of_each_type(void)
{
	const uint64_t numbers[] = {5, UINT64_MAX};
	const int64_t number = -3;
	const double reals[] = {0.5, NAN, INFINITY};

	begin();
	expect("[]");
	publish(16, "a", QRT_SHMEM_U64, numbers, sizeof(numbers));
	publish(17, "b", QRT_SHMEM_I64, &number, sizeof(number));
	publish(18, "c", QRT_SHMEM_DOUBLE, reals, sizeof(reals));
	publish(20, "d", QRT_SHMEM_TEXT, "on the way", 10);
	publish(63, "e", 70, "\1", 1);
	expect("[{\"index\":16,\"name\":\"a\",\"type\":\"u64\",\"turn\":1,\"numbers\":[5,"
	       "\"18446744073709551615\"]},"
	       "{\"index\":17,\"name\":\"b\",\"type\":\"i64\",\"turn\":1,\"numbers\":[-3]},"
	       "{\"index\":18,\"name\":\"c\",\"type\":\"double\",\"turn\":1,\"numbers\":[0.5,null,null]},"
	       "{\"index\":20,\"name\":\"d\",\"type\":\"text\",\"turn\":1,\"text\":\"on the way\"},"
	       "{\"index\":63,\"name\":\"e\",\"type\":\"user\",\"turn\":1,\"base64\":\"AQ==\"}]");
	free(memory);
}

static void the_agents_are_not_among_them(void)
{
	const double number = 1;

	begin();
	publish(QRT_SHMEM_AGENT_CPU, "qrt.cpu", QRT_SHMEM_DOUBLE, &number, sizeof(number));
	publish(QRT_SHMEM_AGENT_CPUS, "qrt.cpus", QRT_SHMEM_DOUBLE, &number, sizeof(number));
	expect("[]");
	free(memory);
}

static void what_is_withdrawn_is_gone(void)
{
	begin();
	publish(16, "a", QRT_SHMEM_TEXT, "x", 1);
	CU_ASSERT_EQUAL(qrt_shmem_withdraw(&view, 1, 16), 0);
	expect("[]");
	CU_ASSERT_EQUAL(qrt_shmem_withdraw(&view, 1, VALUES), -EINVAL);
	CU_ASSERT_EQUAL(qrt_shmem_withdraw(&view, 2, 16), -EINVAL);
	free(memory);
}

static void what_is_printed_is_printable(void)
{
	begin();
	publish(16, "\033[2J\xff", QRT_SHMEM_TEXT, "\033[2J", 4);
	publish(17, "", QRT_SHMEM_U64, "1234567", 7);
	expect("[{\"index\":16,\"name\":\"?[2J?\",\"type\":\"text\",\"turn\":1,\"base64\":\"G1sySg==\"},"
	       "{\"index\":17,\"name\":\"\",\"type\":\"u64\",\"turn\":1,\"text\":\"1234567\"}]");
	free(memory);
}

/* A guest may write whatever it likes to all of it. */
static void random_memory(void)
{
	unsigned char *bytes;
	uint32_t i, round;

	begin();
	bytes = memory;
	srand(1);
	for (i = 16; i < VALUES; i++)
		publish(i, "n", QRT_SHMEM_TEXT, "text", 4);
	for (round = 0; round < 100; round++) {
		g_autofree char *text = NULL;

		for (i = 0; i < 512; i++)
			bytes[(uint32_t)rand() % LENGTH] = (unsigned char)rand();
		text = list();
		CU_ASSERT_TRUE(g_utf8_validate(text, -1, NULL) && !strchr(text, '\n'));
	}
	free(memory);
}

static const struct tap_test tests[] = {
	{"values of each type", values_of_each_type},
	{"the agent's are not among them", the_agents_are_not_among_them},
	{"what is withdrawn is gone", what_is_withdrawn_is_gone},
	{"what is printed is printable", what_is_printed_is_printable},
	{"memory of any content", random_memory},
};

TAP_MAIN("agent_values", tests)
