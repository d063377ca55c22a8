/* SPDX-License-Identifier: MIT */
/*
 * The memory of a lock table, as a hostile process writes it: the keeper touches no thread that it was not
 * told of, gives none anything but what it was told, raises none, and each of its calls ends.
 *
 * The input is a list of steps of 10 bytes: an offset into the memory and 8 bytes to write there; the keeper
 * works after each. The process may write while the keeper changes a thread, too.
 */
#include "fuzz.h"

#include "lock_p.h"
#include "sys_p.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#define THREADS 8
#define TGID    77
#define STEP    10
#define NOW     1000000000ull

static struct qrt_sched_lock_table *table;
static const uint8_t *input;
static size_t left;
static uint32_t priorities[4]; /* of threads 1..4; 1 and 2 were told of */
static int changes;

static void write_once(void)
{
	size_t room = table->size - sizeof(uint64_t), at;
	uint8_t *memory = (uint8_t *)table->shared;

	if (left < STEP)
		return;
	at = ((size_t)input[0] | (size_t)input[1] << 8) % (room + 1);
	memcpy(memory + at, input + 2, 8);
	input += STEP;
	left -= STEP;
}

static int set_scheduler(pid_t tid, int policy, int priority)
{
	PROMISE(tid == 1 || tid == 2);
	PROMISE(policy == (tid == 1 ? SCHED_FIFO : SCHED_OTHER) && priority == (tid == 1 ? 10 : 0));
	PROMISE(priorities[tid - 1] > (uint32_t)priority);
	priorities[tid - 1] = (uint32_t)priority;
	changes++;
	write_once();
	return 0;
}

static int is_thread_of(pid_t tgid, pid_t tid)
{
	PROMISE(tgid == TGID);
	return tid >= 1 && tid <= 3;
}

static void *no_rseq(size_t *ret_size)
{
	(void)ret_size;
	return NULL;
}

static int refuse(void)
{
	return -EINVAL;
}

static const struct qrt_sched_p_lock_sys lock_sys = {set_scheduler, is_thread_of, no_rseq, refuse, refuse};

static int get_attr(pid_t tid, struct qrt_sched_p_attr *ret_attr)
{
	PROMISE(tid == 1 || tid == 2);
	memset(ret_attr, 0, sizeof(*ret_attr));
	ret_attr->priority = priorities[tid - 1];
	ret_attr->policy = ret_attr->priority ? SCHED_FIFO : SCHED_OTHER;
	return 0;
}

static uint64_t now(void)
{
	return NOW;
}

static void begin(void)
{
	static struct qrt_sched_p_sys sys;
	static const struct qrt_sched_lock_config config = {
		.size = sizeof(config), .threads = THREADS, .priority = 90};
	struct qrt_sched_setting base = {.set = QRT_SCHED_SET_POLICY | QRT_SCHED_SET_PRIORITY};

	sys = qrt_sched_p_kernel;
	sys.get_attr = get_attr;
	sys.now = now;
	qrt_sched_p_sys = &sys;
	qrt_sched_p_lock_sys = &lock_sys;
	PROMISE(qrt_sched_lock_table_new(&config, &table, NULL) == 0);
	PROMISE(qrt_sched_lock_table_tell(table, 2, &base, 0) == 0);
	base.policy = QRT_SCHED_POLICY_FIFO;
	base.priority = 10;
	PROMISE(qrt_sched_lock_table_tell(table, 1, &base, 0) == 0);
}

static void look(void)
{
	struct qrt_sched_lock_holder holders[THREADS + 1];
	int i, count = qrt_sched_lock_table_list(table, holders, THREADS);
	int ended;

	PROMISE(count >= 0 && count <= THREADS);
	for (i = 0; i < count; i++) {
		PROMISE(holders[i].tid > 0 && holders[i].slot < THREADS);
		PROMISE(holders[i].since_ns <= NOW && NOW - holders[i].since_ns < 1000000);
	}
	changes = 0;
	ended = qrt_sched_lock_table_enforce(table, TGID);
	PROMISE(ended >= 0 && ended <= 2 * THREADS);
	PROMISE(changes <= 2 * THREADS);
	qrt_sched_lock_table_get_count(table);
}

/* Another process may open what this one wrote. */
static void open_it(void)
{
	struct qrt_sched_lock_table *other = NULL;

	if (qrt_sched_lock_table_open(qrt_sched_lock_table_get_fd(table), &other) < 0)
		return;
	PROMISE(other->threads == THREADS && other->priority >= 1 && other->priority <= 99);
	PROMISE(other->max_ns >= 1000 && other->max_ns <= QRT_SCHED_LOCK_MAX_NS);
	qrt_sched_lock_table_close(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t i;

	input = data;
	left = size < 64 * STEP ? size : 64 * STEP;
	begin();
	while (left >= STEP) {
		for (i = 0; i < 4; i++)
			priorities[i] = 90;
		write_once();
		look();
	}
	open_it();
	table = qrt_sched_lock_table_close(table);
	return 0;
}
