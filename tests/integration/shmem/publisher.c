/* SPDX-License-Identifier: MIT */
/* A peer, or one who has the memory's file and a slot, and no server: it says its state, publishes a value of
 * each type, and counts what it reads in one more, until its standard input ends. */
#include <qrt/ivshmem.h>
#include <qrt/shmem_value.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct qrt_shmem_view view;
static uint32_t own, next;

static void publish(const char *name, uint16_t type, const void *data, uint16_t size)
{
	struct qrt_shmem_value value;

	memset(&value, 0, sizeof(value));
	strcpy(value.name, name);
	value.type = type;
	value.size = size;
	memcpy(value.is.data, data, size);
	qrt_shmem_publish(&view, own, next++, &value);
}

static void publish_all(void)
{
	const uint64_t counts[2] = {7, UINT64_MAX};
	const int64_t level = -3;
	const double load = 0.5;

	publish("counts", QRT_SHMEM_U64, counts, sizeof(counts));
	publish("level", QRT_SHMEM_I64, &level, sizeof(level));
	publish("load", QRT_SHMEM_DOUBLE, &load, sizeof(load));
	publish("greeting", QRT_SHMEM_TEXT, "hello", 5);
	publish("key", QRT_SHMEM_BYTES, "\x01\xff", 2);
}

static int join(struct qrt_ivshmem_peer **ret_peer, const char *path)
{
	struct qrt_ivshmem_peer_config config = {.size = sizeof(config), .path = path};
	uint64_t length = 0;
	void *memory;

	if (qrt_ivshmem_peer_open(&config, ret_peer, NULL) < 0 ||
	    qrt_ivshmem_peer_wait_ready(*ret_peer, 1, 10000, NULL) < 0)
		return -1;
	memory = qrt_ivshmem_peer_get_memory(*ret_peer, &length);
	own = (uint32_t)qrt_ivshmem_peer_get_id(*ret_peer);
	return qrt_shmem_attach(&view, memory, length);
}

static int open_file(const char *path, const char *slot)
{
	const struct qrt_shmem_memory_config config = {
		.size = sizeof(config), .kind = QRT_SHMEM_MEMORY_FILE, .path = path};
	struct qrt_shmem_memory *memory;

	if (qrt_shmem_memory_open(&config, &memory, NULL) < 0)
		return -1;
	own = (uint32_t)strtoul(slot, NULL, 10);
	return qrt_shmem_attach(&view, qrt_shmem_memory_get_data(memory),
				qrt_shmem_memory_get_length(memory));
}

static void count_bytes(void)
{
	uint32_t index = next;
	uint64_t count = 0;
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0) {
		count++;
		next = index;
		publish("read", QRT_SHMEM_U64, &count, sizeof(count));
	}
}

int main(int argc, char **argv)
{
	struct qrt_shmem_state state = {
		.state = QRT_SHMEM_STATE_BOOTING, .beat = 5, .flags = QRT_SHMEM_POLLS};
	struct qrt_ivshmem_peer *peer = NULL;

	if (argc < 2 || argc > 3 || (argc == 2 ? join(&peer, argv[1]) : open_file(argv[1], argv[2])) < 0)
		return 1;
	state.life = qrt_shmem_get_life(&view, own);
	qrt_shmem_say_state(&view, own, &state);
	publish_all();
	puts("ready");
	fflush(stdout);
	count_bytes();
	qrt_ivshmem_peer_close(peer);
	return 0;
}
