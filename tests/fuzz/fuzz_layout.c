/* SPDX-License-Identifier: MIT */
/*
 * A shared memory as a hostile peer writes it: whoever attaches stays within it, each call ends, and what is
 * read is sound in itself.
 *
 * The first byte says whether the input is all of the memory, or what is written into a sound layout: steps
 * of 10 bytes then, an offset and 8 bytes, with all that a reader does after each.
 */
#include "fuzz.h"

#include <errno.h>
#include <qrt/shmem_ring.h>
#include <qrt/shmem_value.h>
#include <string.h>

#define PEERS  2
#define VALUES 2
#define RING   1024
#define STEP   10
#define STEPS  64

static void check_value(const struct qrt_shmem_value *value)
{
	PROMISE(value->size <= QRT_SHMEM_DATA_MAX);
	PROMISE(memchr(value->name, 0, sizeof(value->name)) != NULL);
}

static void read_messages(struct qrt_shmem_reader *reader, uint32_t size)
{
	struct qrt_shmem_message message;
	unsigned char *buf = malloc(size);
	int i, rc = 1;

	PROMISE(buf != NULL);
	for (i = 0; i < 8 && rc != 0; i++) {
		rc = qrt_shmem_receive(reader, &message, buf, size);
		PROMISE(rc == 1 || rc == 0 || rc == -EBADMSG || rc == -EAGAIN || rc == -EMSGSIZE);
		if (rc == 1)
			PROMISE(message.length <= size);
	}
	qrt_shmem_acknowledge(reader);
	free(buf);
}

static void read_all(const struct qrt_shmem_view *view, struct qrt_shmem_reader *readers)
{
	struct qrt_shmem_value value;
	struct qrt_shmem_state said;
	uint32_t slot, index;

	for (slot = 0; slot < view->peers && slot < PEERS; slot++) {
		qrt_shmem_read_state(view, slot, &said);
		for (index = 0; index < view->values && index < VALUES; index++) {
			if (qrt_shmem_read_value(view, slot, index, &value) >= 0)
				check_value(&value);
		}
		qrt_shmem_look_bell(view, slot, 0);
		read_messages(&readers[slot], qrt_shmem_length_max(view));
	}
}

static void begin_readers(const struct qrt_shmem_view *view, struct qrt_shmem_reader *readers)
{
	uint32_t slot;

	for (slot = 0; slot < view->peers && slot < PEERS; slot++)
		PROMISE(qrt_shmem_begin_reading(&readers[slot], view, slot, 0, slot & 1) == 0);
}

/* As it stands: mostly none. */
static void take_as_memory(const uint8_t *data, size_t size)
{
	struct qrt_shmem_reader readers[PEERS];
	struct qrt_shmem_view view;
	unsigned char *memory = aligned_alloc(64, (size / 64 + 1) * 64);

	PROMISE(memory != NULL);
	memcpy(memory, data, size);
	if (qrt_shmem_attach(&view, memory, size) >= 0) {
		PROMISE(qrt_shmem_layout_bytes(view.peers, view.values, view.ring_bytes) <= size);
		begin_readers(&view, readers);
		read_all(&view, readers);
	}
	free(memory);
}

static void write_step(const struct qrt_shmem_view *view, unsigned char *memory, const uint8_t *step)
{
	uint64_t at = (uint64_t)(step[0] | step[1] << 8) % (view->length - 7);

	/* Near a ring's first lines, where it hurts. */
	if (step[0] & 1)
		at = qrt_shmem_sections_at(PEERS) + (step[1] & 1) * view->section_bytes + (step[1] & 0xf8);
	memcpy(memory + at, step + 2, 8);
}

static void take_as_steps(const uint8_t *data, size_t size)
{
	uint64_t length = qrt_shmem_layout_bytes(PEERS, VALUES, RING);
	unsigned char *memory = aligned_alloc(4096, length);
	struct qrt_shmem_reader readers[PEERS];
	struct qrt_shmem_writer writer;
	struct qrt_shmem_view view;
	int i;

	PROMISE(memory != NULL && qrt_shmem_make(memory, length, PEERS, VALUES, RING, 42) == 0);
	PROMISE(qrt_shmem_attach(&view, memory, length) == 0);
	begin_readers(&view, readers);
	PROMISE(qrt_shmem_begin_writing(&writer, &view, 1, 7, 0) == 0);
	for (i = 0; i < STEPS && size >= STEP; i++, size -= STEP, data += STEP) {
		write_step(&view, memory, data);
		/* The writer's own ring is being written over, too: it stays within it. */
		qrt_shmem_send(&writer, 0, data[2], data, data[3] % STEP);
		read_all(&view, readers);
	}
	free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & 1)
		take_as_memory(data + 1, size - 1);
	else
		take_as_steps(data + 1, size - 1);
	return 0;
}
