/* SPDX-License-Identifier: MIT */
/* Two peers of a layout in a memory without a name: states, a value, a message.
 * cc layout.c $(pkg-config --cflags --libs libqrt-shmem) */
#include <qrt/shmem.h>
#include <qrt/shmem_ring.h>
#include <qrt/shmem_value.h>
#include <stdio.h>
#include <sys/random.h>

#define PEERS  2
#define VALUES 4
#define RING   4096

static uint64_t draw(void)
{
	uint64_t number = 0;

	while (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number) || !(number & 0xffffff))
		;
	return number;
}

static struct qrt_shmem_memory *open_memory(void)
{
	struct qrt_shmem_memory_config config;
	struct qrt_shmem_memory *memory = NULL;
	struct qrt_shmem_error error;

	memset(&config, 0, sizeof(config));
	config.size = sizeof(config);
	config.kind = QRT_SHMEM_MEMORY_MEMFD;
	config.flags = QRT_SHMEM_MEMORY_FIXED;
	config.length = qrt_shmem_layout_bytes(PEERS, VALUES, RING);
	if (qrt_shmem_memory_open(&config, &memory, &error) < 0)
		fprintf(stderr, "%s\n", error.message);
	return memory;
}

/* What the keeper does, which is the server where it is asked to (QRT_IVSHMEM_SERVER_CLEAN). */
static int begin(const struct qrt_shmem_memory *memory, struct qrt_shmem_view *ret_view)
{
	void *at = qrt_shmem_memory_get_data(memory);
	const uint64_t length = qrt_shmem_memory_get_length(memory);
	uint32_t slot;
	int rc = qrt_shmem_make(at, length, PEERS, VALUES, RING, draw());

	if (rc >= 0)
		rc = qrt_shmem_attach(ret_view, at, length);
	for (slot = 0; slot < PEERS && rc >= 0; slot++)
		rc = qrt_shmem_begin_life(ret_view, slot, (uint32_t)draw());
	return rc;
}

static int exchange_states(const struct qrt_shmem_view *view)
{
	struct qrt_shmem_state said = {qrt_shmem_get_life(view, 0), QRT_SHMEM_STATE_READY, 1, 0},
			       read = {0, 0, 0, 0};
	int rc = qrt_shmem_say_state(view, 0, &said);

	if (rc >= 0)
		rc = qrt_shmem_read_state(view, 0, &read);
	if (rc >= 0)
		printf("peer 0 is in state %u, beat %u\n", read.state, read.beat);
	return rc;
}

static int exchange_a_value(const struct qrt_shmem_view *view)
{
	struct qrt_shmem_value value, read;
	int rc;

	memset(&value, 0, sizeof(value));
	strcpy(value.name, "load");
	value.type = QRT_SHMEM_DOUBLE;
	value.size = sizeof(double);
	value.is.real[0] = 0.25;
	rc = qrt_shmem_publish(view, 0, 0, &value);
	if (rc >= 0)
		rc = qrt_shmem_find_value(view, 0, "load", &read);
	if (rc >= 0)
		printf("%s of peer 0 is %g\n", read.name, read.is.real[0]);
	return rc;
}

static int exchange_a_message(const struct qrt_shmem_view *view)
{
	struct qrt_shmem_message message;
	struct qrt_shmem_writer writer;
	struct qrt_shmem_reader reader;
	char text[RING / 8];
	int rc = qrt_shmem_begin_reading(&reader, view, 0, 1, 0);

	if (rc >= 0)
		rc = qrt_shmem_begin_writing(&writer, view, 0, (uint32_t)draw(), 1);
	if (rc >= 0)
		rc = qrt_shmem_send(&writer, 1, 0, "hello", sizeof("hello"));
	if (rc >= 0)
		rc = qrt_shmem_receive(&reader, &message, text, sizeof(text)) == 1 ? 0 : -EIO;
	if (rc < 0)
		return rc;
	printf("message %llu of peer 0: %s\n", (unsigned long long)message.number, text);
	qrt_shmem_acknowledge(&reader);
	return 0;
}

int main(void)
{
	struct qrt_shmem_memory *memory = open_memory();
	struct qrt_shmem_view view;
	int rc = memory ? begin(memory, &view) : -ENOMEM;

	if (rc >= 0)
		rc = exchange_states(&view);
	if (rc >= 0)
		rc = exchange_a_value(&view);
	if (rc >= 0)
		rc = exchange_a_message(&view);
	if (rc < 0)
		fprintf(stderr, "layout: %s\n", strerror(-rc));
	qrt_shmem_memory_close(memory);
	return rc < 0;
}
