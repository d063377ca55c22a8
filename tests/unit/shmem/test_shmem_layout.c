/* SPDX-License-Identifier: MIT */
/* States, values and bells of a layout. */
#include <errno.h>
#include <qrt/shmem_layout.h>
#include <qrt/shmem_value.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define PEERS  3
#define VALUES 4
#define RING   4096

static unsigned char *memory;
static uint64_t length;
static struct qrt_shmem_view view;

static void begin(void)
{
	uint32_t slot;

	length = qrt_shmem_layout_bytes(PEERS, VALUES, RING);
	memory = aligned_alloc(4096, length);
	memset(memory, 0x5a, length);
	CU_ASSERT_EQUAL(qrt_shmem_make(memory, length, PEERS, VALUES, RING, 0x1234567890abcdefull), 0);
	CU_ASSERT_EQUAL(qrt_shmem_attach(&view, memory, length), 0);
	for (slot = 0; slot < PEERS; slot++)
		CU_ASSERT_EQUAL(qrt_shmem_begin_life(&view, slot, 100 + slot), 0);
}

static void end(void)
{
	free(memory);
}

static void who_attaches_gets_what_was_made(void)
{
	begin();
	CU_ASSERT_EQUAL(view.peers, PEERS);
	CU_ASSERT_EQUAL(view.values, VALUES);
	CU_ASSERT_EQUAL(view.ring_bytes, RING);
	CU_ASSERT_EQUAL(qrt_shmem_sections_at(PEERS) + PEERS * view.section_bytes, length);
	CU_ASSERT_EQUAL(qrt_shmem_ring_at(PEERS, VALUES) + RING <= view.section_bytes, 1);
	end();
}

static void what_cannot_be_is_not_made(void)
{
	length = qrt_shmem_layout_bytes(2, 4, 1024);
	memory = aligned_alloc(4096, length);
	memset(memory, 0x5a, length);
	CU_ASSERT_EQUAL(qrt_shmem_make(memory, length, 0, 4, 1024, 1), -EINVAL);
	CU_ASSERT_EQUAL(qrt_shmem_make(memory, length, 2, 4, 1000, 1), -EINVAL);
	CU_ASSERT_EQUAL(qrt_shmem_make(memory, length, 2, 4, 512, 1), -EINVAL);
	CU_ASSERT_EQUAL(qrt_shmem_make(memory, length, 3, 4, 1024, 1), -ENOSPC);
	CU_ASSERT_EQUAL(memory[0], 0x5a);
	CU_ASSERT_EQUAL(memory[length - 1], 0x5a);
	CU_ASSERT_EQUAL(qrt_shmem_make(memory, length, 2, 4, 1024, 1), 0);
	end();
}

static void what_is_no_layout_is_not_attached(void)
{
	begin();
	CU_ASSERT_EQUAL(qrt_shmem_attach(&view, memory, length - 4096), -EPROTO);
	CU_ASSERT_EQUAL(qrt_shmem_attach(&view, memory, 16), -EPROTO);
	memory[20]++; /* the number of peers */
	CU_ASSERT_EQUAL(qrt_shmem_attach(&view, memory, length), -EBADMSG);
	memset(memory, 0, 8);
	CU_ASSERT_EQUAL(qrt_shmem_attach(&view, memory, length), -EAGAIN);
	end();
}

/* ---- states ---- */

static void a_state_is_what_was_said_last(void)
{
	struct qrt_shmem_state said = {.life = 101}, have;
	uint32_t i;

	begin();
	CU_ASSERT_EQUAL(qrt_shmem_read_state(&view, 1, &have), -ENOENT);
	for (i = 1; i < 10; i++) {
		said.state = QRT_SHMEM_STATE_READY;
		said.beat = i;
		CU_ASSERT_EQUAL(qrt_shmem_say_state(&view, 1, &said), 0);
		CU_ASSERT_EQUAL(qrt_shmem_read_state(&view, 1, &have), 0);
		CU_ASSERT_EQUAL(memcmp(&said, &have, sizeof(have)), 0);
	}
	CU_ASSERT_EQUAL(qrt_shmem_read_state(&view, 2, &have), -ENOENT);
	CU_ASSERT_EQUAL(qrt_shmem_read_state(&view, 3, &have), -EINVAL);
	CU_ASSERT_EQUAL(qrt_shmem_say_state(&view, 3, &said), -EINVAL);
	end();
}

static void an_earlier_life_is_not_believed(void)
{
	struct qrt_shmem_state said = {.life = 101, .state = QRT_SHMEM_STATE_READY}, have;

	begin();
	qrt_shmem_say_state(&view, 1, &said);
	CU_ASSERT_EQUAL(qrt_shmem_begin_life(&view, 1, 777), 0);
	CU_ASSERT_EQUAL(qrt_shmem_read_state(&view, 1, &have), -ENOENT);
	CU_ASSERT_EQUAL(qrt_shmem_get_life(&view, 1), 777);
	/* One of before that still writes. */
	qrt_shmem_say_state(&view, 1, &said);
	CU_ASSERT_EQUAL(qrt_shmem_read_state(&view, 1, &have), -ESTALE);
	said.life = 777;
	qrt_shmem_say_state(&view, 1, &said);
	CU_ASSERT_EQUAL(qrt_shmem_read_state(&view, 1, &have), 0);
	/* Nobody is there any more. */
	qrt_shmem_begin_life(&view, 1, 0);
	said.life = 0;
	qrt_shmem_say_state(&view, 1, &said);
	CU_ASSERT_EQUAL(qrt_shmem_read_state(&view, 1, &have), -ESTALE);
	end();
}

/* A writer that ended between any two of its stores: what was there before is there. */
static void half_a_state_is_none(void)
{
	struct qrt_shmem_state said = {.life = 101, .state = 2, .beat = 1}, have;
	unsigned char *at, before[64], after[64];
	int i;

	begin();
	at = qrt_shmem_state_of(&view, 1);
	qrt_shmem_say_state(&view, 1, &said);
	memcpy(before, at, 64);
	said.beat = 2;
	qrt_shmem_say_state(&view, 1, &said);
	memcpy(after, at, 64);
	/* Words of the new one, from behind: the turn, at the beginning, is the last to be written. */
	for (i = 60; i > 0; i -= 4) {
		memcpy(at, before, 64);
		memcpy(at + i, after + i, (size_t)(64 - i));
		CU_ASSERT_EQUAL(qrt_shmem_read_state(&view, 1, &have), 0);
		CU_ASSERT_EQUAL(have.beat, 1);
		said.beat = 3;
		qrt_shmem_say_state(&view, 1, &said);
		CU_ASSERT_EQUAL(qrt_shmem_read_state(&view, 1, &have), 0);
		CU_ASSERT_EQUAL(have.beat, 3);
	}
	end();
}

/* ---- values ---- */

static struct qrt_shmem_value value_of(const char *name, uint64_t number)
{
	struct qrt_shmem_value value = {.type = QRT_SHMEM_U64, .size = 8};

	strcpy(value.name, name);
	value.is.u64[0] = number;
	return value;
}

static void a_value_is_what_was_published_last(void)
{
	struct qrt_shmem_value load = value_of("load", 1), heat = value_of("heat", 2), have;
	uint32_t i;

	begin();
	CU_ASSERT_EQUAL(qrt_shmem_read_value(&view, 0, 0, &have), -ENOENT);
	CU_ASSERT_EQUAL(qrt_shmem_publish(&view, 0, 0, &load), 0);
	CU_ASSERT_EQUAL(qrt_shmem_publish(&view, 0, 2, &heat), 0);
	for (i = 0; i < 100; i++) {
		load.is.u64[0] = i;
		CU_ASSERT_EQUAL(qrt_shmem_publish(&view, 0, 0, &load), 0);
		CU_ASSERT_EQUAL(qrt_shmem_read_value(&view, 0, 0, &have), 0);
		CU_ASSERT_EQUAL(have.is.u64[0], i);
		CU_ASSERT_EQUAL(have.turn, i + 2);
	}
	CU_ASSERT_EQUAL(qrt_shmem_find_value(&view, 0, "heat", &have), 2);
	CU_ASSERT_EQUAL(have.is.u64[0], 2);
	CU_ASSERT_EQUAL(qrt_shmem_find_value(&view, 0, "cold", &have), -ENOENT);
	CU_ASSERT_EQUAL(qrt_shmem_find_value(&view, 1, "heat", &have), -ENOENT);
	end();
}

/* The last turn before 0, which is nothing: no copy is written that still counts. */
static void turns_go_round(void)
{
	struct qrt_shmem_state said = {.life = 101, .state = QRT_SHMEM_STATE_READY}, seen;
	struct qrt_shmem_value value = {.name = "n", .type = QRT_SHMEM_U64, .size = 8}, read;
	uint32_t i;

	begin();
	qrt_shmem_store(qrt_shmem_state_of(&view, 1), 0xfffffffe);
	qrt_shmem_store(qrt_shmem_value_of(&view, 1, 0), 0xfffffffe);
	for (i = 0; i < 4; i++) {
		said.beat = i;
		value.is.u64[0] = i;
		CU_ASSERT_EQUAL(qrt_shmem_say_state(&view, 1, &said), 0);
		CU_ASSERT_EQUAL(qrt_shmem_read_state(&view, 1, &seen), 0);
		CU_ASSERT_EQUAL(seen.beat, i);
		CU_ASSERT_EQUAL(qrt_shmem_publish(&view, 1, 0, &value), 0);
		CU_ASSERT_EQUAL(qrt_shmem_read_value(&view, 1, 0, &read), 0);
		CU_ASSERT_EQUAL(read.is.u64[0], i);
	}
	CU_ASSERT_EQUAL(qrt_shmem_next_turn(0xffffffff), 2);
	end();
}

static void nothing_but_the_value_is_published(void)
{
	struct qrt_shmem_value value, read;
	uint32_t i;

	begin();
	memset(&value, 0x77, sizeof(value)); /* what lay on a stack */
	strcpy(value.name, "n");
	value.name[QRT_SHMEM_NAME_MAX] = 0;
	value.size = 3;
	CU_ASSERT_EQUAL(qrt_shmem_publish(&view, 1, 0, &value), 0);
	CU_ASSERT_EQUAL(qrt_shmem_read_value(&view, 1, 0, &read), 0);
	for (i = 2; i < sizeof(read.name); i++)
		CU_ASSERT_EQUAL(read.name[i], 0);
	for (i = 0; i < QRT_SHMEM_DATA_MAX; i++)
		CU_ASSERT_EQUAL(read.is.data[i], i < 3 ? 0x77 : 0);
	CU_ASSERT_EQUAL(read.reserved_too, 0);
	end();
}

static void what_is_no_value_is_not_published(void)
{
	struct qrt_shmem_value value = value_of("load", 1);

	begin();
	CU_ASSERT_EQUAL(qrt_shmem_publish(&view, PEERS, 0, &value), -EINVAL);
	CU_ASSERT_EQUAL(qrt_shmem_publish(&view, 0, VALUES, &value), -EINVAL);
	value.size = QRT_SHMEM_DATA_MAX + 1;
	CU_ASSERT_EQUAL(qrt_shmem_publish(&view, 0, 0, &value), -EINVAL);
	value.size = 8;
	memset(value.name, 'x', sizeof(value.name));
	CU_ASSERT_EQUAL(qrt_shmem_publish(&view, 0, 0, &value), -EINVAL);
	CU_ASSERT_EQUAL(qrt_shmem_read_value(&view, PEERS, 0, &value), -EINVAL);
	CU_ASSERT_EQUAL(qrt_shmem_read_value(&view, 0, VALUES, &value), -EINVAL);
	end();
}

/* Each byte of it, changed by whoever may write there. */
static void a_damaged_value_is_seen(void)
{
	struct qrt_shmem_value value = value_of("load", 5), have;
	unsigned char *at;
	int i, rc, wrong = 0;

	begin();
	at = qrt_shmem_value_of(&view, 1, 1);
	qrt_shmem_publish(&view, 1, 1, &value);
	value.is.u64[0] = 6;
	qrt_shmem_publish(&view, 1, 1, &value);
	for (i = 0; i < 256; i++) {
		at[i] ^= 0x40;
		rc = qrt_shmem_read_value(&view, 1, 1, &have);
		/* The one before, where the turn says so, or this one: but nothing else. */
		wrong += rc < 0 ? rc != -EBADMSG && rc != -ENOENT : have.is.u64[0] != 6;
		at[i] ^= 0x40;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(qrt_shmem_read_value(&view, 1, 1, &have), 0);
	/* A copy of it elsewhere is none. */
	memcpy(qrt_shmem_value_of(&view, 2, 1), at, 256);
	CU_ASSERT_EQUAL(qrt_shmem_read_value(&view, 2, 1, &have), -EBADMSG);
	memcpy(qrt_shmem_value_of(&view, 1, 2), at, 256);
	CU_ASSERT_EQUAL(qrt_shmem_read_value(&view, 1, 2, &have), -EBADMSG);
	end();
}

static void bells_are_counted(void)
{
	begin();
	CU_ASSERT_EQUAL(qrt_shmem_look_bell(&view, 0, 2), 0);
	qrt_shmem_ring_bell(&view, 0, 2);
	qrt_shmem_ring_bell(&view, 0, 2);
	qrt_shmem_ring_bell(&view, 2, 0);
	CU_ASSERT_EQUAL(qrt_shmem_look_bell(&view, 0, 2), 2);
	CU_ASSERT_EQUAL(qrt_shmem_look_bell(&view, 2, 0), 1);
	CU_ASSERT_EQUAL(qrt_shmem_look_bell(&view, 1, 0), 0);
	end();
}

/* Whatever is in the memory: every call ends, and stays within it. */
static void random_bytes_mislead_nobody(void)
{
	struct qrt_shmem_value have;
	struct qrt_shmem_state said;
	unsigned seed = 1;
	uint32_t slot, i, believed = 0;
	uint64_t k;

	begin();
	for (i = 0; i < 200; i++) {
		for (k = qrt_shmem_states_at(PEERS); k < length; k++)
			memory[k] = (unsigned char)rand_r(&seed);
		for (slot = 0; slot < PEERS; slot++) {
			believed += qrt_shmem_read_state(&view, slot, &said) >= 0;
			for (k = 0; k < VALUES; k++)
				believed += qrt_shmem_read_value(&view, slot, (uint32_t)k, &have) >= 0;
		}
	}
	CU_ASSERT_EQUAL(believed, 0);
	end();
}

static const struct tap_test tests[] = {
	{"who attaches gets what was made", who_attaches_gets_what_was_made},
	{"what cannot be is not made", what_cannot_be_is_not_made},
	{"what is no layout is not attached", what_is_no_layout_is_not_attached},
	{"a state is what was said last", a_state_is_what_was_said_last},
	{"an earlier life is not believed", an_earlier_life_is_not_believed},
	{"half a state is none", half_a_state_is_none},
	{"a value is what was published last", a_value_is_what_was_published_last},
	{"turns go round", turns_go_round},
	{"nothing but the value is published", nothing_but_the_value_is_published},
	{"what is no value is not published", what_is_no_value_is_not_published},
	{"a damaged value is seen", a_damaged_value_is_seen},
	{"bells are counted", bells_are_counted},
	{"random bytes mislead nobody", random_bytes_mislead_nobody},
};

TAP_MAIN("shmem layout", tests)
