/* SPDX-License-Identifier: MIT */
/* Rings of messages. */
#include <errno.h>
#include <pthread.h>
#include <qrt/shmem_ring.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define PEERS 2
#define RING  4096

static unsigned char *memory;
static uint64_t length;
static struct qrt_shmem_view view;
static struct qrt_shmem_writer writer;
static struct qrt_shmem_reader reader;
static struct qrt_shmem_message message;
static unsigned char buf[RING];

static void begin_with(uint32_t waits_for)
{
	length = qrt_shmem_layout_bytes(PEERS, 0, RING);
	memory = aligned_alloc(4096, length);
	memset(memory, 0, length);
	CU_ASSERT_EQUAL(qrt_shmem_make(memory, length, PEERS, 0, RING, 99), 0);
	CU_ASSERT_EQUAL(qrt_shmem_attach(&view, memory, length), 0);
	CU_ASSERT_EQUAL(qrt_shmem_begin_reading(&reader, &view, 0, 1, 0), 0);
	CU_ASSERT_EQUAL(qrt_shmem_begin_writing(&writer, &view, 0, 4711, waits_for), 0);
}

static void begin(void)
{
	begin_with(QRT_SHMEM_TO_ALL);
}

static void end(void)
{
	free(memory);
}

static int send_text(const char *text)
{
	return qrt_shmem_send(&writer, 1, 7, text, (uint32_t)strlen(text));
}

static int receive(void)
{
	return qrt_shmem_receive(&reader, &message, buf, sizeof(buf));
}

static void messages_come_in_order(void)
{
	const char *text[] = {"", "a", "seven b", "eight by", "a bit more than that", NULL};
	int i;

	begin();
	CU_ASSERT_EQUAL(receive(), 0);
	for (i = 0; text[i]; i++)
		CU_ASSERT_EQUAL(send_text(text[i]), 0);
	for (i = 0; text[i]; i++) {
		CU_ASSERT_EQUAL(receive(), 1);
		CU_ASSERT_EQUAL(message.length, strlen(text[i]));
		CU_ASSERT_EQUAL(message.to, 1);
		CU_ASSERT_EQUAL(message.type, 7);
		CU_ASSERT_EQUAL(message.number, (uint64_t)i);
		CU_ASSERT_EQUAL(memcmp(buf, text[i], message.length), 0);
	}
	CU_ASSERT_EQUAL(receive(), 0);
	CU_ASSERT_EQUAL(reader.lost, 0);
	end();
}

static void messages_of_any_length_go_round(void)
{
	unsigned char out[RING / 8];
	uint32_t i, wrong = 0, max;

	begin();
	max = qrt_shmem_length_max(&view);
	for (i = 0; i < 20000; i++) {
		memset(out, (int)(i & 0xff), sizeof(out));
		wrong += qrt_shmem_send(&writer, 1, (uint16_t)i, out, i % (max + 1)) != 0;
		wrong += receive() != 1 || message.length != i % (max + 1) || message.type != (uint16_t)i ||
			 memcmp(buf, out, message.length) != 0;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(reader.lost, 0);
	CU_ASSERT_EQUAL(qrt_shmem_send(&writer, 1, 0, out, max + 1), -EMSGSIZE);
	end();
}

static void who_is_too_slow_is_told_how_many_it_lost(void)
{
	uint32_t i, got = 0;
	uint64_t last = 0;

	begin();
	CU_ASSERT_EQUAL(send_text("first"), 0);
	CU_ASSERT_EQUAL(receive(), 1);
	for (i = 0; i < 1000; i++)
		send_text("0123456789abcdef");
	while (receive() == 1) {
		CU_ASSERT(!got || message.number == last + 1);
		last = message.number;
		got++;
	}
	CU_ASSERT_EQUAL(last, 1000);
	CU_ASSERT_EQUAL(reader.lost + got, 1000);
	/* Nearly all that has room is still there. */
	CU_ASSERT(got >= RING / 40 * 3 / 4);
	end();
}

static void a_reader_from_the_oldest_on(void)
{
	struct qrt_shmem_reader late = {.at = 0};

	begin();
	send_text("one");
	send_text("two");
	CU_ASSERT_EQUAL(qrt_shmem_begin_reading(&late, &view, 0, 1, 1), 0);
	CU_ASSERT_EQUAL(qrt_shmem_receive(&late, &message, buf, sizeof(buf)), 1);
	CU_ASSERT_EQUAL(memcmp(buf, "one", 3), 0);
	CU_ASSERT_EQUAL(qrt_shmem_begin_reading(&late, &view, 0, 1, 0), 0);
	CU_ASSERT_EQUAL(qrt_shmem_receive(&late, &message, buf, sizeof(buf)), 0);
	send_text("three");
	CU_ASSERT_EQUAL(qrt_shmem_receive(&late, &message, buf, sizeof(buf)), 1);
	CU_ASSERT_EQUAL(late.lost, 0);
	end();
}

static void a_writer_can_wait_for_a_reader(void)
{
	uint32_t i, sent = 0;

	begin_with(1);
	while (send_text("0123456789abcdef") == 0)
		sent++;
	CU_ASSERT_EQUAL(sent, RING / 40);
	CU_ASSERT_EQUAL(send_text("0123456789abcdef"), -EAGAIN);
	CU_ASSERT_EQUAL(receive(), 1);
	CU_ASSERT_EQUAL(send_text("0123456789abcdef"), -EAGAIN);
	qrt_shmem_acknowledge(&reader);
	CU_ASSERT_EQUAL(send_text("0123456789abcdef"), 0);
	for (i = 0; i < sent; i++)
		CU_ASSERT_EQUAL(receive(), 1);
	CU_ASSERT_EQUAL(receive(), 0);
	CU_ASSERT_EQUAL(reader.lost, 0);
	/* What cannot be true does not count. */
	qrt_shmem_store(qrt_shmem_acknowledgement_of(&view, 1, 0), writer.head + 1000);
	for (i = 0; i < 10; i++)
		send_text("0123456789abcdef");
	CU_ASSERT_EQUAL(send_text("0123456789abcdef"), -EAGAIN);
	end();
}

/* Its machine was reset: slot and ring begin at 0 again, and the reader has not seen that yet. */
static void what_was_acknowledged_to_the_writer_before_does_not_count(void)
{
	uint32_t sent = 0;
	int i;

	begin_with(1);
	for (i = 0; i < 2 * RING / 40; i++) {
		CU_ASSERT_EQUAL(send_text("0123456789abcdef"), 0);
		CU_ASSERT_EQUAL(receive(), 1);
		qrt_shmem_acknowledge(&reader);
		if (i < RING / 80)
			continue;
		CU_ASSERT_EQUAL(qrt_shmem_begin_life(&view, 0, 7), 0);
		CU_ASSERT_EQUAL(qrt_shmem_begin_writing(&writer, &view, 0, 4712, 1), 0);
		qrt_shmem_acknowledge(&reader); /* of what it had */
		break;
	}
	while (send_text("0123456789abcdef") == 0 && sent < RING)
		sent++;
	CU_ASSERT_EQUAL(sent, RING / 40);
	for (i = 0; i < (int)sent; i++)
		CU_ASSERT_EQUAL(receive(), 1);
	CU_ASSERT_EQUAL(reader.lost, 0);
	CU_ASSERT_FALSE(qrt_shmem_is_acknowledged(&writer, 1));
	qrt_shmem_acknowledge(&reader);
	CU_ASSERT_TRUE(qrt_shmem_is_acknowledged(&writer, 1));
	CU_ASSERT_EQUAL(send_text("0123456789abcdef"), 0);
	CU_ASSERT_FALSE(qrt_shmem_is_acknowledged(&writer, 1));
	end();
}

static void a_writer_that_begins_again_is_followed(void)
{
	begin();
	send_text("before");
	send_text("before");
	CU_ASSERT_EQUAL(receive(), 1);
	CU_ASSERT_EQUAL(qrt_shmem_begin_writing(&writer, &view, 0, 4712, QRT_SHMEM_TO_ALL), 0);
	send_text("after");
	while (receive() == 1 && message.length != 5)
		;
	CU_ASSERT_EQUAL(memcmp(buf, "after", 5), 0);
	CU_ASSERT_EQUAL(message.number, 0);
	CU_ASSERT_EQUAL(receive(), 0);
	end();
}

static void a_damaged_message_is_seen_and_passed(void)
{
	unsigned char *at;
	int i, rc, wrong = 0;

	for (i = 0; i < 40; i++) {
		begin();
		send_text("0123456789abcdef");
		at = qrt_shmem_ring_of(&view, 0) + (uint64_t)((writer.head - 5) & (RING / 8 - 1)) * 8;
		at[i] ^= 0x10;
		rc = receive();
		wrong += rc != -EBADMSG;
		send_text("next");
		wrong += receive() != 1 || memcmp(buf, "next", 4) != 0 || !reader.lost;
		end();
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static void a_message_that_does_not_fit_stays(void)
{
	unsigned char small[8];

	begin();
	send_text("0123456789abcdef");
	CU_ASSERT_EQUAL(qrt_shmem_receive(&reader, &message, small, sizeof(small)), -EMSGSIZE);
	CU_ASSERT_EQUAL(receive(), 1);
	end();
}

static void a_message_can_be_left_out(void)
{
	begin();
	send_text("0123456789abcdef!");
	send_text("next");
	CU_ASSERT_EQUAL(qrt_shmem_receive(&reader, &message, buf, 8), -EMSGSIZE);
	CU_ASSERT_EQUAL(qrt_shmem_receive(&reader, &message, NULL, 0), 1);
	CU_ASSERT_EQUAL(message.length, 17);
	CU_ASSERT_EQUAL(receive(), 1);
	CU_ASSERT_EQUAL(memcmp(buf, "next", 4), 0);
	CU_ASSERT_EQUAL(reader.lost, 0);
	end();
}

/* Where it stands is the middle of another message by then, whose words look like a length. */
static void who_is_overtaken_with_a_small_buffer_goes_on(void)
{
	uint32_t words[16], size, sent, i;
	int wrong = 0, rc;

	for (i = 0; i < 16; i++)
		words[i] = 400;
	for (size = 8; size <= 64; size += 8) {
		begin();
		send_text("one");
		send_text("two");
		CU_ASSERT_EQUAL(receive(), 1);
		for (sent = 2; sent < 300; sent++)
			qrt_shmem_send(&writer, 1, 7, words, size);
		rc = qrt_shmem_receive(&reader, &message, buf, 64);
		wrong += rc != 1 || message.length != size || reader.lost != message.number - 1;
		end();
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

/* 16 GiB: where units are counted modulo 2^32, "before" and "behind" change places. */
static void who_is_overtaken_by_far_is_told(void)
{
	const uint32_t far = 0x90000000u;
	int i;

	begin();
	send_text("one");
	send_text("two");
	CU_ASSERT_EQUAL(receive(), 1);
	writer.head += far;
	writer.low = writer.acknowledged = writer.head;
	writer.begin[writer.head / (RING / 8 / 8) % 8] = writer.head;
	writer.number = 1000;
	qrt_shmem_store(qrt_shmem_section_of(&view, 0) + 64, writer.low);
	for (i = 0; i < 400; i++)
		send_text("far ahead, over and over");
	CU_ASSERT_EQUAL(receive(), 1);
	CU_ASSERT_EQUAL(reader.lost, message.number - 1);
	CU_ASSERT(message.number > 1000);
	end();
}

/* Whatever is in the section: every call ends, reads within the memory, and delivers nothing that nobody
 * sent. */
static void random_bytes_are_no_message(void)
{
	unsigned char *section;
	unsigned seed = 7;
	int i, rc, got = 0;
	uint64_t k;

	begin();
	section = qrt_shmem_section_of(&view, 0);
	for (i = 0; i < 3000; i++) {
		for (k = 0; k < 16; k++)
			section[(uint64_t)rand_r(&seed) % view.section_bytes] = (unsigned char)rand_r(&seed);
		if (i % 3 == 0) {
			for (k = 0; k < 12; k++)
				section[k] = (unsigned char)rand_r(&seed);
			for (k = 64; k < 68; k++)
				section[k] = (unsigned char)rand_r(&seed);
		}
		rc = receive();
		got += rc == 1;
		CU_ASSERT(rc == 0 || rc == 1 || rc == -EBADMSG || rc == -EAGAIN || rc == -EMSGSIZE);
	}
	CU_ASSERT_EQUAL(got, 0);
	end();
}

/* ---- at once ---- */

#define MANY 200000

static void *write_many(void *unused)
{
	uint64_t content[6], i, k;

	for (i = 0; i < MANY; i++) {
		for (k = 0; k < 6; k++)
			content[k] = i * 31 + k;
		while (qrt_shmem_send(&writer, 1, 0, content, (uint32_t)(8 * (1 + i % 6))) == -EAGAIN)
			;
	}
	return unused;
}

static uint64_t read_many(uint64_t *ret_wrong)
{
	uint64_t content[RING / 8], got = 0, k;
	int rc;

	*ret_wrong = 0;
	while (message.number != MANY - 1 || !got) {
		rc = qrt_shmem_receive(&reader, &message, content, sizeof(content));
		if (rc < 0)
			*ret_wrong += rc != -EAGAIN;
		if (rc <= 0)
			continue;
		got++;
		*ret_wrong += message.length != 8 * (1 + message.number % 6);
		for (k = 0; k < message.length / 8; k++)
			*ret_wrong += content[k] != message.number * 31 + k;
		if (writer.waits_for != QRT_SHMEM_TO_ALL)
			qrt_shmem_acknowledge(&reader);
	}
	return got;
}

static void read_beside(uint32_t waits_for)
{
	uint64_t wrong, got;
	pthread_t thread;

	begin_with(waits_for);
	memset(&message, 0, sizeof(message));
	pthread_create(&thread, NULL, write_many, NULL);
	got = read_many(&wrong);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(got + reader.lost, MANY);
	tap_note("%llu of %d messages read, %llu lost", (unsigned long long)got, MANY,
		 (unsigned long long)reader.lost);
	if (waits_for != QRT_SHMEM_TO_ALL)
		CU_ASSERT_EQUAL(reader.lost, 0);
	end();
}

static void nothing_read_beside_a_writer_is_torn(void)
{
	read_beside(QRT_SHMEM_TO_ALL);
}

static void nothing_is_lost_where_the_writer_waits(void)
{
	read_beside(1);
}

static const struct tap_test tests[] = {
	{"messages come in order", messages_come_in_order},
	{"messages of any length go round", messages_of_any_length_go_round},
	{"who is too slow is told how many it lost", who_is_too_slow_is_told_how_many_it_lost},
	{"a reader from the oldest on", a_reader_from_the_oldest_on},
	{"a writer can wait for a reader", a_writer_can_wait_for_a_reader},
	{"what was acknowledged to the writer before does not count",
	 what_was_acknowledged_to_the_writer_before_does_not_count},
	{"a writer that begins again is followed", a_writer_that_begins_again_is_followed},
	{"a damaged message is seen and passed", a_damaged_message_is_seen_and_passed},
	{"a message that does not fit stays", a_message_that_does_not_fit_stays},
	{"a message can be left out", a_message_can_be_left_out},
	{"who is overtaken with a small buffer goes on", who_is_overtaken_with_a_small_buffer_goes_on},
	{"who is overtaken by far is told", who_is_overtaken_by_far_is_told},
	{"random bytes are no message", random_bytes_are_no_message},
	{"nothing read beside a writer is torn", nothing_read_beside_a_writer_is_torn},
	{"nothing is lost where the writer waits", nothing_is_lost_where_the_writer_waits},
};

TAP_MAIN("shmem ring", tests)
