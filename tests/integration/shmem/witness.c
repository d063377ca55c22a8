/* SPDX-License-Identifier: MIT */
/*
 * Two peers of a layout. `witness write SOCKET`: says states, publishes values and sends messages of which
 * each shows by itself whether it is right, until something comes on its standard input. `witness read SOCKET
 * SLOT`: reads what that one writes, until its standard input ends, and prints how much of it was right, was
 * refused, was wrong.
 */
#include <errno.h>
#include <poll.h>
#include <qrt/ivshmem.h>
#include <qrt/shmem_ring.h>
#include <qrt/shmem_value.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS  (QRT_SHMEM_DATA_MAX / 8)
#define FACTOR 0x9e3779b97f4a7c15ull
#define LENGTH 64 /* of a message */

static struct qrt_shmem_view view;
static uint32_t own_slot;
static unsigned long right, refused, wrong;

static struct qrt_ivshmem_peer *join(const char *path)
{
	struct qrt_ivshmem_peer_config config = {.size = sizeof(config), .path = path, .peers_max = 64};
	struct qrt_ivshmem_peer *peer = NULL;
	uint64_t length = 0;
	void *memory;

	if (qrt_ivshmem_peer_open(&config, &peer, NULL) < 0 ||
	    qrt_ivshmem_peer_wait_ready(peer, 1, 10000, NULL) < 0)
		return NULL;
	memory = qrt_ivshmem_peer_get_memory(peer, &length);
	own_slot = (uint32_t)qrt_ivshmem_peer_get_id(peer);
	return qrt_shmem_attach(&view, memory, length) < 0 ? NULL : peer;
}

static int is_over(int wait_ms)
{
	struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&fd, 1, wait_ms) > 0;
}

/* ---- who writes ---- */

static void fill(uint64_t *words, int count, uint64_t from)
{
	int i;

	for (i = 0; i < count; i++)
		words[i] = (from + (uint64_t)i) * FACTOR;
}

static void publish(uint32_t index, uint64_t n)
{
	struct qrt_shmem_value value = {.name = "n", .type = QRT_SHMEM_U64, .size = QRT_SHMEM_DATA_MAX};

	fill(value.is.u64, WORDS, n);
	qrt_shmem_publish(&view, own_slot, index, &value);
}

/* The upper half of the values once, all else again and again. */
static void write_on(struct qrt_shmem_writer *writer, uint64_t n)
{
	struct qrt_shmem_state said = {.life = qrt_shmem_get_life(&view, own_slot),
				       .state = QRT_SHMEM_STATE_READY};
	uint64_t content[LENGTH / 8];

	said.beat = (uint32_t)n;
	said.flags = said.beat * 2;
	if (said.life)
		qrt_shmem_say_state(&view, own_slot, &said);
	publish((uint32_t)(n % (view.values / 2)), n);
	fill(content, LENGTH / 8, n);
	qrt_shmem_send(writer, QRT_SHMEM_TO_ALL, 7, content, LENGTH);
}

static int run_writer(void)
{
	struct qrt_shmem_writer writer;
	uint32_t index;
	uint64_t n;

	if (qrt_shmem_begin_writing(&writer, &view, own_slot, 12345, QRT_SHMEM_TO_ALL) < 0)
		return 1;
	for (index = view.values / 2; index < view.values; index++)
		publish(index, index);
	printf("%u %llu %llu\n", own_slot,
	       (unsigned long long)(qrt_shmem_value_of(&view, own_slot, view.values / 2) - view.base),
	       (unsigned long long)(qrt_shmem_value_of(&view, own_slot, view.values) - view.base));
	fflush(stdout);
	for (n = 0; !is_over(0); n++)
		write_on(&writer, n);
	/* Once more, when nobody disturbs it any more; with the end of its input it leaves. */
	for (index = 0; index < view.values; index++)
		publish(index, index);
	puts("calm");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

/* ---- who reads ---- */

static void judge(int rc, const uint64_t *words, int count)
{
	int i, is_right = 1;

	if (rc < 0) {
		refused++;
		return;
	}
	for (i = 1; i < count; i++)
		is_right &= words[i] == words[0] + (uint64_t)i * FACTOR;
	*(is_right ? &right : &wrong) += 1;
}

static void read_values(uint32_t slot)
{
	struct qrt_shmem_value value;
	uint32_t index;
	int rc;

	for (index = 0; index < view.values; index++) {
		rc = qrt_shmem_read_value(&view, slot, index, &value);
		if (index >= view.values / 2 && (rc < 0 || value.is.u64[0] != index * FACTOR))
			wrong++; /* nobody touches those */
		else
			judge(rc, value.is.u64, WORDS);
	}
}

static void read_messages(struct qrt_shmem_reader *reader, uint64_t *content, uint32_t size)
{
	struct qrt_shmem_message message;
	int i, rc = 1;

	for (i = 0; i < 64 && rc; i++) {
		rc = qrt_shmem_receive(reader, &message, content, size);
		if (rc > 0 && (message.length != LENGTH || message.type != 7))
			wrong++;
		else if (rc)
			judge(rc, content, LENGTH / 8);
	}
	qrt_shmem_acknowledge(reader);
}

static void read_state(uint32_t slot)
{
	struct qrt_shmem_state said;
	int rc = qrt_shmem_read_state(&view, slot, &said);

	if (rc < 0)
		refused++;
	else
		*(said.flags == said.beat * 2 ? &right : &wrong) += 1;
}

static int run_reader(uint32_t slot)
{
	uint32_t size = qrt_shmem_length_max(&view) + 8;
	uint64_t *content = malloc(size);
	struct qrt_shmem_reader reader;

	if (!content || qrt_shmem_begin_reading(&reader, &view, slot, own_slot, 0) < 0) {
		free(content);
		return 1;
	}
	puts("reading");
	fflush(stdout);
	do {
		read_state(slot);
		read_values(slot);
		read_messages(&reader, content, size);
	} while (!is_over(1));
	free(content);
	printf("%lu %lu %lu\n", right, refused, wrong);
	return 0;
}

int main(int argc, char **argv)
{
	struct qrt_ivshmem_peer *peer;
	int code;

	if (argc < 3)
		return 2;
	peer = join(argv[2]);
	if (!peer)
		return 1;
	code = strcmp(argv[1], "write") == 0 ? run_writer()
					     : run_reader((uint32_t)strtoul(argv[3], NULL, 10));
	qrt_ivshmem_peer_close(peer);
	return code;
}
