/* SPDX-License-Identifier: MIT */
/*
 * Writers of a layout, killed one after another at any instruction, beside a reader: no read is torn, none is
 * stuck, and the next writer goes on. Usage: kill_writer KILLS SEED; prints TAP.
 */
#include <errno.h>
#include <qrt/shmem_ring.h>
#include <qrt/shmem_value.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PEERS  2
#define VALUES 2
#define RING   4096
#define LIFE   77
#define WORDS  (QRT_SHMEM_DATA_MAX / 8)

static struct qrt_shmem_view view;
static struct qrt_shmem_reader reader;
static unsigned long states, values, messages, wrong, damaged, hurried;

static void complain(const char *what, long a, long b)
{
	if (wrong++ < 10)
		fprintf(stderr, "kill_writer: %s: %ld, %ld\n", what, a, b);
}

/* ---- the writer ---- */

static void write_one(struct qrt_shmem_writer *writer, uint64_t n)
{
	struct qrt_shmem_state said = {.life = LIFE, .state = QRT_SHMEM_STATE_READY, .beat = (uint32_t)n};
	struct qrt_shmem_value value = {.name = "n", .type = QRT_SHMEM_U64, .size = QRT_SHMEM_DATA_MAX};
	uint64_t content[6];
	uint32_t i;

	said.flags = said.beat * 3;
	for (i = 0; i < WORDS; i++)
		value.is.u64[i] = n + i;
	for (i = 0; i < 6; i++)
		content[i] = n * 31 + i;
	qrt_shmem_say_state(&view, 1, &said);
	qrt_shmem_publish(&view, 1, 0, &value);
	qrt_shmem_send(writer, 0, (uint16_t)n, content, (uint32_t)(8 * (1 + n % 6)));
}

static void write_on(uint64_t from)
{
	struct qrt_shmem_writer writer;
	uint32_t epoch = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getrandom(&epoch, sizeof(epoch), 0) != sizeof(epoch) ||
	    qrt_shmem_begin_writing(&writer, &view, 1, epoch, QRT_SHMEM_TO_ALL) < 0)
		_exit(1);
	for (;; from++)
		write_one(&writer, from);
}

/* ---- the reader ---- */

static uint32_t read_state(void)
{
	struct qrt_shmem_state said = {.beat = 0};
	int rc = qrt_shmem_read_state(&view, 1, &said);

	hurried += rc == -EAGAIN;
	if (rc == -EAGAIN || rc == -ENOENT)
		return 0;
	states++;
	if (rc < 0 || said.flags != said.beat * 3)
		complain("a state is torn", rc, said.beat);
	return said.beat;
}

static uint64_t read_value(void)
{
	struct qrt_shmem_value value = {.turn = 0};
	int rc = qrt_shmem_read_value(&view, 1, 0, &value);
	uint32_t i;

	hurried += rc == -EAGAIN;
	if (rc == -EAGAIN || rc == -ENOENT)
		return 0;
	values++;
	for (i = 0; rc >= 0 && i < WORDS; i++)
		rc = value.is.u64[i] == value.is.u64[0] + i ? 0 : -EBADMSG;
	if (rc >= 0)
		return value.is.u64[0];
	complain("a value is torn", rc, (long)value.turn);
	return 0;
}

/* -EBADMSG: what a writer left that was killed between giving room up and being done is none, and is passed.
 */
static uint64_t read_message(void)
{
	struct qrt_shmem_message message;
	uint64_t content[RING / 8], n;
	uint32_t i;
	int rc = qrt_shmem_receive(&reader, &message, content, sizeof(content));

	damaged += rc == -EBADMSG;
	hurried += rc == -EAGAIN;
	if (rc <= 0)
		return 0;
	messages++;
	n = content[0] / 31;
	if (message.type != (uint16_t)n || message.length != 8 * (1 + n % 6))
		complain("a message is torn", (long)n, message.length);
	for (i = 0; i < message.length / 8; i++) {
		if (content[i] != n * 31 + i)
			complain("a message is torn", (long)n, i);
	}
	return n;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void read_for(uint64_t us)
{
	uint64_t until = now_us() + us;

	do {
		read_state();
		read_value();
		read_message();
	} while (now_us() < until);
}

/* It has begun once something of its own is there. */
static void await_writer(uint64_t from)
{
	uint64_t until = now_us() + 5000000, n = 0, beat = 0, value = 0;

	while ((n < from || value < from || beat < (uint32_t)from) && now_us() < until) {
		beat = read_state();
		value = read_value();
		n = read_message();
	}
	if (n < from || value < from)
		complain("the next writer is not read", (long)n, (long)value);
}

/* Nobody writes: what is there is whole. */
static void read_what_is_left(void)
{
	unsigned long hurried_before = hurried;
	int i;

	if (!read_state() || !read_value())
		complain("nothing is left", 0, 0);
	for (i = 0; i < RING && read_message(); i++)
		;
	if (hurried != hurried_before)
		complain("a reader is stuck", (long)(hurried - hurried_before), 0);
}

static void kill_one(uint64_t from, uint64_t after_us)
{
	pid_t writer = fork();

	if (!writer)
		write_on(from);
	await_writer(from);
	read_for(after_us);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	read_what_is_left();
}

int main(int argc, char **argv)
{
	uint64_t length = qrt_shmem_layout_bytes(PEERS, VALUES, RING);
	unsigned long kills = argc > 1 ? strtoul(argv[1], NULL, 10) : 100, i;
	unsigned seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || qrt_shmem_make(memory, length, PEERS, VALUES, RING, 1234567) < 0 ||
	    qrt_shmem_attach(&view, memory, length) < 0 || qrt_shmem_begin_life(&view, 1, LIFE) < 0 ||
	    qrt_shmem_begin_reading(&reader, &view, 1, 0, 1) < 0) {
		fprintf(stderr, "kill_writer: no memory\n");
		return 1;
	}
	for (i = 0; i < kills && !wrong; i++)
		kill_one((i + 1) * 1000000, (uint64_t)rand_r(&seed) % 1000);
	printf("1..1\n# %lu writers killed; read: %lu states, %lu values, %lu messages, %lu lost; passed as "
	       "damaged: %lu; "
	       "faster than the reader: %lu; wrong: %lu\n%sok 1 - writers that are killed leave nothing "
	       "torn\n",
	       i, states, values, messages, (unsigned long)reader.lost, damaged, hurried, wrong,
	       wrong ? "not " : "");
	return wrong ? 1 : 0;
}
