/* SPDX-License-Identifier: MIT */
/*
 * What a hostile guest says as its agent, as the launcher reads it: what it is at, how it fares, what it
 * answers. Whatever lies in the memory, numbers are finite and within their limits, texts end and are
 * printable, and each question ends once.
 *
 * The input is a list of steps of 20 bytes: what is done, and with what. After each all is read.
 */
#include "fuzz.h"

#include "agent_load.h"
#include "agent_values.h"
#include "guest_ask.h"
#include "lifecycle.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#define PEERS  2
#define GUEST  1
#define RING   16384
#define STEP   20
#define STEPS  200
#define SECOND UINT64_C(1000000000)
#define VALUES (QRT_SHMEM_AGENT_VALUES + 8) /* some are other programs' */
#define COUNT  8                            /* wake-ups of a probe */

struct world {
	unsigned char *memory;
	struct qrt_shmem_view view;
	struct qrt_shmem_writer writer;
	struct guest_ask *ask;
	struct lifecycle life;
	uint64_t now, ping, probe; /* cookies */
	uint32_t open;             /* questions */
};

/* ---- what is asked ---- */

static void check_result(const struct qrt_shmem_agent_result *result)
{
	uint64_t count = 0;
	uint32_t i;

	if (result->error) {
		PROMISE(result->error < 0 && result->error > -4096 && strerror(-result->error));
		return;
	}
	for (i = 0; i < QRT_SHMEM_AGENT_BUCKETS; i++)
		count += result->buckets[i];
	PROMISE(result->count == COUNT && count == COUNT && result->max_ns <= 20 * SECOND);
	PROMISE(result->min_ns <= result->sum_ns / COUNT && result->sum_ns / COUNT <= result->max_ns);
}

static void on_told(const struct guest_ask_answer *answer, void *data)
{
	struct world *world = data;

	PROMISE(world->open-- > 0);
	PROMISE(answer->end <= GUEST_ASK_NONSENSE && answer->ns <= 20 * SECOND);
	PROMISE(!answer->result || answer->end == GUEST_ASK_ANSWERED);
	if (answer->result)
		check_result(answer->result);
}

/* The cookie is read as the guest reads it. */
static uint64_t hear(struct qrt_shmem_reader *reader)
{
	uint64_t content[RING / 8 / 8];
	struct qrt_shmem_message message;

	return qrt_shmem_receive(reader, &message, content, sizeof(content)) == 1 ? content[0] : 0;
}

static void ring(void *data)
{
	(void)data;
}

static void ask_both(struct world *world)
{
	const struct qrt_shmem_agent_probe probe = {.interval_us = 1000, .count = COUNT};
	struct qrt_shmem_reader reader;

	PROMISE(qrt_shmem_begin_reading(&reader, &world->view, QRT_SHMEM_HOST, GUEST, 0) == 0);
	if (guest_ask_ping(world->ask, SECOND, world->now, on_told, world) >= 0) {
		world->open++;
		world->ping = hear(&reader);
	}
	if (guest_ask_probe(world->ask, &probe, world->now, on_told, world) >= 0) {
		world->open++;
		world->probe = hear(&reader);
	}
	PROMISE(world->open <= GUEST_ASK_MAX);
}

/* ---- what the guest does ---- */

static uint32_t word_of(const uint8_t *step)
{
	return step[0] | step[1] << 8 | (uint32_t)step[2] << 16 | (uint32_t)step[3] << 24;
}

static void damage(const struct world *world, const uint8_t *step)
{
	uint64_t from = qrt_shmem_lives_at();

	memcpy(world->memory + from + word_of(step) % (world->view.length - from - 8), step + 4, 8);
}

static void publish(const struct world *world, const uint8_t *step)
{
	struct qrt_shmem_value value = {.type = step[1] & 7, .size = step[2]};
	size_t i;

	for (i = 0; i < sizeof(value.is.data); i++)
		value.is.data[i] = step[3 + i % (STEP - 4)];
	if (step[1] & 8)
		memcpy(value.name, step + 3, STEP - 4);
	qrt_shmem_publish(&world->view, GUEST, step[0] % VALUES, &value);
}

static void say_state(const struct world *world, const uint8_t *step)
{
	const struct qrt_shmem_state said = {.life = qrt_shmem_get_life(&world->view, GUEST),
					     .state = step[0] & 1 ? step[1] : word_of(step + 1),
					     .beat = word_of(step + 5)};

	qrt_shmem_say_state(&world->view, GUEST, &said);
}

static void send_any(struct world *world, const uint8_t *step)
{
	static const unsigned char much[RING / 8];

	qrt_shmem_send(&world->writer, step[0] & 3, step[1] & 7, much, word_of(step + 2) % (RING / 8));
}

static void send_pong(struct world *world, const uint8_t *step)
{
	const struct qrt_shmem_agent_ping pong = {.cookie = world->ping ^ (step[0] & 1)};

	qrt_shmem_send(&world->writer, QRT_SHMEM_HOST, QRT_SHMEM_AGENT_PONG, &pong, sizeof(pong));
}

/* A sound one, of which one number may be another. */
static void send_result(struct world *world, const uint8_t *step)
{
	struct qrt_shmem_agent_result result = {.cookie = world->probe, .min_ns = UINT64_MAX};
	uint64_t late;
	int i;

	for (i = 0; i < COUNT; i++) {
		late = (uint64_t)step[6 + i] << (step[5] & 31);
		result.count++;
		result.sum_ns += late;
		result.min_ns = MIN(result.min_ns, late);
		result.max_ns = MAX(result.max_ns, late);
		result.buckets[qrt_shmem_agent_bucket(late)]++;
	}
	if (step[0] & 1)
		memcpy((unsigned char *)&result + word_of(step + 1) % (sizeof(result) - 3), step + 14, 4);
	qrt_shmem_send(&world->writer, QRT_SHMEM_HOST, QRT_SHMEM_AGENT_RESULT, &result, sizeof(result));
}

static void begin_agent(struct world *world, uint32_t epoch)
{
	PROMISE(qrt_shmem_begin_writing(&world->writer, &world->view, GUEST, epoch, QRT_SHMEM_TO_ALL) == 0);
}

static void reset(struct world *world, const uint8_t *step)
{
	PROMISE(qrt_shmem_begin_life(&world->view, GUEST, word_of(step)) == 0);
	guest_ask_begin_anew(world->ask, step[4] & 1 ? GUEST_ASK_RESET : GUEST_ASK_GONE);
	PROMISE(world->open == 0);
	if (step[4] & 1)
		lifecycle_reset(&world->life, "guest-reset", world->now);
	else
		lifecycle_shut_down(&world->life, "guest-shutdown", world->now);
}

static void take_step(struct world *world, const uint8_t *step)
{
	switch (step[0] % 9) {
	case 0:
		return damage(world, step + 1);
	case 1:
		return publish(world, step + 1);
	case 2:
		return say_state(world, step + 1);
	case 3:
		return send_any(world, step + 1);
	case 4:
		return send_pong(world, step + 1);
	case 5:
		return send_result(world, step + 1);
	case 6:
		return begin_agent(world, word_of(step + 1));
	case 7:
		return reset(world, step + 1);
	default:
		world->now += (uint64_t)word_of(step + 1) * 3;
		ask_both(world);
	}
}

/* ---- what the launcher reads ---- */

static void check_text(const char *text, size_t size)
{
	size_t i, length = strnlen(text, size);

	PROMISE(length < size);
	for (i = 0; i < length; i++)
		PROMISE(text[i] > ' ' && text[i] < 127);
}

static void check_real(double number, double most)
{
	PROMISE(isfinite(number) && number <= most && (number >= 0 || number == -1));
}

static void check_cpus(const struct agent_load *load)
{
	int64_t i;

	PROMISE(load->cpus >= -1 && load->listed >= -1 && load->listed <= QRT_SHMEM_AGENT_CPUS_MAX);
	for (i = 0; i < QRT_SHMEM_AGENT_CPUS_MAX; i++) {
		check_real(load->each[i], 1);
		PROMISE(i < load->listed || load->each[i] < 0);
	}
}

/* It is one line of JSON that others read again. */
static void check_values(const struct world *world)
{
	g_autoptr(JsonNode) node = json_node_new(JSON_NODE_ARRAY);
	JsonArray *values = agent_values_list(&world->view, GUEST);
	g_autofree char *text = NULL;
	JsonObject *value;
	const char *name;
	guint i;

	PROMISE(json_array_get_length(values) <= VALUES - QRT_SHMEM_AGENT_VALUES);
	for (i = 0; i < json_array_get_length(values); i++) {
		value = json_array_get_object_element(values, i);
		name = json_object_get_string_member(value, "name");
		for (; *name; name++)
			PROMISE(*name >= ' ' && *name < 127);
		PROMISE(json_object_has_member(value, "numbers") + json_object_has_member(value, "text") +
				json_object_has_member(value, "base64") ==
			1);
	}
	json_node_take_array(node, values);
	text = json_to_string(node, FALSE);
	PROMISE(text && g_utf8_validate(text, -1, NULL) && !strchr(text, '\n'));
}

static void check_load(const struct world *world)
{
	struct agent_load load;

	memset(&load, 0x55, sizeof(load));
	agent_load_read(&world->view, GUEST, &load);
	check_real(load.cpu, 1);
	check_cpus(&load);
	check_real(load.interrupts, 1e12);
	check_real(load.uptime, 1e12);
	PROMISE(load.runnable >= -1 && load.runnable <= load.tasks);
	PROMISE(load.available >= -1 && load.available <= load.memory);
	PROMISE(load.interval_ms >= -1 && load.interval_ms <= AGENT_LOAD_INTERVAL_MAX);
	check_text(load.kernel, sizeof(load.kernel));
	check_text(load.version, sizeof(load.version));
}

static void check_life(struct world *world)
{
	const struct lifecycle_limits limits = {.boot_ns = 120 * SECOND, .silence_ns = 2 * SECOND};
	struct lifecycle *life = &world->life;
	struct qrt_shmem_state said;

	lifecycle_set_running(life, true);
	if (qrt_shmem_read_state(&world->view, GUEST, &said) >= 0)
		lifecycle_hear(life, said.state, said.beat, world->now);
	lifecycle_pass(life, &limits, world->now);
	PROMISE(life->state <= LIFECYCLE_LOST && lifecycle_name(life->state));
	PROMISE(life->since_ns <= world->now);
	PROMISE(!lifecycle_is_lowered(life) || !life->is_over);
	check_text(life->why, sizeof(life->why));
}

static void read_all(struct world *world)
{
	check_load(world);
	check_values(world);
	check_life(world);
	guest_ask_look(world->ask, world->now);
	guest_ask_take(world->ask, world->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t length = qrt_shmem_layout_bytes(PEERS, VALUES, RING);
	struct world world = {.memory = aligned_alloc(4096, length), .now = SECOND};
	int i;

	g_random_set_seed(1);
	PROMISE(world.memory && qrt_shmem_make(world.memory, length, PEERS, VALUES, RING, 42) == 0);
	PROMISE(qrt_shmem_attach(&world.view, world.memory, length) == 0);
	PROMISE(qrt_shmem_begin_life(&world.view, GUEST, 5) == 0);
	world.ask = guest_ask_open(&world.view, GUEST, ring, NULL);
	lifecycle_begin(&world.life, world.now);
	begin_agent(&world, 7);
	ask_both(&world);
	for (i = 0; i < STEPS && size >= STEP; i++, size -= STEP, data += STEP) {
		take_step(&world, data);
		read_all(&world);
	}
	guest_ask_close(world.ask);
	PROMISE(world.open == 0);
	free(world.memory);
	return 0;
}
