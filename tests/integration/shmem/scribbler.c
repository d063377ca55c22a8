/* SPDX-License-Identifier: MIT */
/*
 * A peer that writes all over a shared memory: noise, numbers that hurt, pieces of it elsewhere, other
 * headers, and in the ring of its own slot messages that are whole but for one thing. Usage: scribbler FILE
 * SLOT SECONDS SEED FROM TO; what lies in FROM..TO stays as it is. Prints "writing", and in the end how often
 * it wrote.
 */
#include <fcntl.h>
#include <qrt/shmem_ring.h>
#include <qrt/shmem_value.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static unsigned char *memory;
static uint64_t length, spared_from, spared_to, random_state;
static uint32_t own_slot;
static struct qrt_shmem_view view;
static struct qrt_shmem_header sound;

static const uint64_t painful[] = {0,
				   1,
				   2,
				   0xffff,
				   0x10000,
				   0x7fffffff,
				   0x80000000u,
				   0xfffffffe,
				   0xffffffff,
				   0xffffffffull << 32,
				   0x7fffffffffffffffull,
				   0x8000000000000000ull,
				   0xffffffffffffffffull,
				   0x100000001ull,
				   QRT_SHMEM_MAGIC,
				   0x7ff0000000000000ull,
				   0x7ff8000000000000ull};

/* splitmix64 */
static uint64_t draw(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void put(uint64_t at, const void *from, uint64_t count)
{
	if (at + count <= length && (at + count <= spared_from || at >= spared_to))
		memcpy(memory + at, from, count);
}

static uint64_t draw_word(void)
{
	switch (draw() % 4) {
	case 0:
		return painful[draw() % (sizeof(painful) / sizeof(*painful))];
	case 1:
		return draw() % 256;
	default:
		return draw();
	}
}

/* Half of them where sizes and places are: the first lines of lives, states and sections. */
static uint64_t draw_place(void)
{
	uint32_t slot = (uint32_t)(draw() % view.peers);

	switch (draw() % 8) {
	case 0:
		return qrt_shmem_lives_at() + slot * 4ull;
	case 1:
		return qrt_shmem_states_at(view.peers) + slot * 64ull + draw() % 8 * 8;
	case 2:
	case 3:
		return qrt_shmem_sections_at(view.peers) + slot * view.section_bytes + draw() % 32 * 8;
	default:
		return draw() % (length - 8);
	}
}

static void write_word(void)
{
	uint64_t word = draw_word();

	put(draw_place(), &word, draw() % 2 ? 8 : 4);
}

static void move_piece(void)
{
	static unsigned char piece[4096];
	uint64_t count = 8 * (1 + draw() % (sizeof(piece) / 8)), from = draw() % (length - count) & ~7ull;

	memcpy(piece, memory + from, count);
	put(draw_place() & ~7ull, piece, count);
}

/* The one that was there, or one that is sound in itself, and of no memory such as this one. */
static void write_header(void)
{
	struct qrt_shmem_header other = sound;
	struct qrt_shmem_sum sum = qrt_shmem_sum_begin(0, QRT_SHMEM_MAGIC);
	unsigned char unused[sizeof(other)];

	if (draw() % 2) {
		other.peers = (uint32_t)draw_word();
		other.ring_bytes = draw() % 2 ? QRT_SHMEM_RING_MAX : (uint32_t)draw_word() | 1;
		other.section_bytes = draw() % 2 ? draw_word() : sound.section_bytes;
		qrt_shmem_copy_in(unused, &other, offsetof(struct qrt_shmem_header, check) / 8, &sum);
		other.check = qrt_shmem_sum_end(&sum);
	}
	put(0, &other, sizeof(other));
}

/* Of its own it may say anything. */
static void write_own(void)
{
	static unsigned char content[4096];
	struct qrt_shmem_state said = {.life = qrt_shmem_get_life(&view, own_slot),
				       .state = (uint32_t)draw_word(),
				       .beat = (uint32_t)draw(),
				       .flags = (uint32_t)draw_word()};
	struct qrt_shmem_value value = {.type = (uint16_t)draw_word(), .size = (uint16_t)draw_word()};
	struct qrt_shmem_writer writer;
	int i;

	for (i = 0; i < (int)sizeof(value.name) - 1; i++)
		value.name[i] = (char)draw();
	for (i = 0; i < (int)(QRT_SHMEM_DATA_MAX / 8); i++)
		value.is.u64[i] = draw_word();
	qrt_shmem_say_state(&view, own_slot, &said);
	qrt_shmem_publish(&view, own_slot, (uint32_t)(draw() % view.values), &value);
	qrt_shmem_begin_writing(&writer, &view, own_slot, (uint32_t)draw(), QRT_SHMEM_TO_ALL);
	writer.number = draw_word();
	for (i = 0; i < 8; i++)
		qrt_shmem_send(&writer, (uint16_t)draw_word(), (uint16_t)draw(), content,
			       (uint32_t)(draw() % sizeof(content)));
}

static void scribble(void)
{
	unsigned what = (unsigned)(draw() % 1000);

	if (what == 0)
		write_header();
	else if (what < 10)
		move_piece();
	else if (what < 20)
		write_own();
	else
		write_word();
}

static int open_memory(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -1;
	length = (uint64_t)status.st_size;
	memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED || qrt_shmem_attach(&view, memory, length) < 0)
		return -1;
	memcpy(&sound, memory, sizeof(sound));
	return own_slot < view.peers ? 0 : -1;
}

int main(int argc, char **argv)
{
	unsigned long count = 0;
	time_t end;

	if (argc != 7)
		return 2;
	own_slot = (uint32_t)strtoul(argv[2], NULL, 10);
	random_state = strtoull(argv[4], NULL, 10);
	spared_from = strtoull(argv[5], NULL, 10);
	spared_to = strtoull(argv[6], NULL, 10);
	if (open_memory(argv[1]) < 0) {
		fprintf(stderr, "scribbler: %s: no layout\n", argv[1]);
		return 1;
	}
	puts("writing");
	fflush(stdout);
	for (end = time(NULL) + strtol(argv[3], NULL, 10); time(NULL) < end; count++)
		scribble();
	put(0, &sound, sizeof(sound));
	printf("%lu\n", count);
	return 0;
}
