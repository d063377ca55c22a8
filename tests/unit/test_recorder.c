/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <qrt/sched_record.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

static struct qrt_sched_recorder *make(uint32_t records, uint64_t threshold)
{
	struct qrt_sched_recorder *recorder = NULL;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_recorder_new(records, &recorder), 0);
	CU_ASSERT_EQUAL(qrt_sched_recorder_get_threshold(recorder), 0);
	CU_ASSERT_EQUAL(qrt_sched_recorder_set_threshold(recorder, threshold), 0);
	return recorder;
}

static void write_one(struct qrt_sched_recorder *recorder, uint64_t number)
{
	struct qrt_sched_record r = {.start_ns = number,
				     .wait_ns = 1000 + number,
				     .mutex = number * 3,
				     .caller = ~number,
				     .tid = (int32_t)number,
				     .owner = -(int32_t)number};

	qrt_sched_recorder_write(recorder, &r);
}

static int is_whole(const struct qrt_sched_record *r)
{
	return r->wait_ns == 1000 + r->start_ns && r->mutex == r->start_ns * 3 && r->caller == ~r->start_ns &&
	       r->tid == (int32_t)r->start_ns && r->owner == -(int32_t)r->start_ns;
}

static void waits_below_the_threshold_are_not_recorded(void)
{
	struct qrt_sched_recorder *recorder = make(64, 0);
	struct qrt_sched_record r;
	uint64_t lost = 9;

	write_one(recorder, 1);
	CU_ASSERT_EQUAL(qrt_sched_recorder_read(recorder, &r, 1, &lost), 0);
	CU_ASSERT_EQUAL(lost, 0);
	qrt_sched_recorder_set_threshold(recorder, 1005);
	write_one(recorder, 4);
	write_one(recorder, 5);
	CU_ASSERT_EQUAL(qrt_sched_recorder_read(recorder, &r, 1, &lost), 1);
	CU_ASSERT_EQUAL(r.start_ns, 5);
	CU_ASSERT_EQUAL(qrt_sched_recorder_read(recorder, &r, 1, &lost), 0);
	qrt_sched_recorder_close(recorder);
}

static void both_sides_see_the_same(void)
{
	struct qrt_sched_recorder *reader = make(64, 1), *writer = NULL;
	struct qrt_sched_record r[4];

	CU_ASSERT_EQUAL_FATAL(qrt_sched_recorder_open(qrt_sched_recorder_get_fd(reader), &writer), 0);
	CU_ASSERT_NOT_EQUAL(qrt_sched_recorder_get_fd(writer), qrt_sched_recorder_get_fd(reader));
	CU_ASSERT_EQUAL(fcntl(qrt_sched_recorder_get_fd(writer), F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(fcntl(qrt_sched_recorder_get_fd(reader), F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(qrt_sched_recorder_get_threshold(writer), 1);
	write_one(writer, 1);
	write_one(writer, 2);
	write_one(writer, 3);
	CU_ASSERT_EQUAL(qrt_sched_recorder_read(reader, r, 2, NULL), 2);
	CU_ASSERT(is_whole(&r[0]) && r[0].start_ns == 1 && is_whole(&r[1]) && r[1].start_ns == 2);
	CU_ASSERT_EQUAL(qrt_sched_recorder_read(reader, r, 4, NULL), 1);
	CU_ASSERT_EQUAL(r[0].start_ns, 3);
	CU_ASSERT_EQUAL(qrt_sched_recorder_read(writer, r, 4, NULL), 3);
	CU_ASSERT_PTR_NULL(qrt_sched_recorder_close(writer));
	CU_ASSERT_PTR_NULL(qrt_sched_recorder_close(reader));
	CU_ASSERT_PTR_NULL(qrt_sched_recorder_close(NULL));
}

static void what_was_overwritten_is_counted(void)
{
	struct qrt_sched_recorder *recorder = make(64, 1);
	struct qrt_sched_record r[100];
	uint64_t lost = 0;
	int i;

	for (i = 0; i < 100; i++)
		write_one(recorder, (uint64_t)i);
	CU_ASSERT_EQUAL(qrt_sched_recorder_read(recorder, r, 100, &lost), 64);
	CU_ASSERT_EQUAL(lost, 36);
	CU_ASSERT_EQUAL(r[0].start_ns, 36);
	qrt_sched_recorder_close(recorder);
}

static void sizes_that_are_none_are_refused(void)
{
	static const uint32_t sizes[] = {0, 1, 32, 65, 100, 131072, UINT32_MAX};
	struct qrt_sched_recorder *recorder = NULL;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		CU_ASSERT_EQUAL(qrt_sched_recorder_new(sizes[i], &recorder), -EINVAL);
	CU_ASSERT_PTR_NULL(recorder);
}

static void descriptors_that_are_none_are_refused(void)
{
	struct qrt_sched_recorder *recorder = NULL;
	int unsealed = memfd_create("x", MFD_CLOEXEC),
	    odd = memfd_create("y", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CU_ASSERT_EQUAL(ftruncate(unsealed, 1 << 20), 0);
	CU_ASSERT_EQUAL(ftruncate(odd, 12345), 0);
	CU_ASSERT_EQUAL(fcntl(odd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	CU_ASSERT_EQUAL(qrt_sched_recorder_open(-1, &recorder), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_recorder_open(0, &recorder), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_recorder_open(unsealed, &recorder), -EINVAL);
	CU_ASSERT_EQUAL(qrt_sched_recorder_open(odd, &recorder), -EINVAL);
	CU_ASSERT_PTR_NULL(recorder);
	close(unsealed);
	close(odd);
}

static void nobody_can_take_the_pages_away(void)
{
	struct qrt_sched_recorder *recorder = make(64, 1);

	CU_ASSERT_EQUAL(ftruncate(qrt_sched_recorder_get_fd(recorder), 0), -1);
	CU_ASSERT_EQUAL(errno, EPERM);
	qrt_sched_recorder_close(recorder);
}

/* The other side fills the memory with anything: reading stays within its bounds and comes back. */
static void a_hostile_writer_does_no_harm(void)
{
	struct qrt_sched_recorder *recorder = make(64, 1);
	struct qrt_sched_record r[256];
	off_t size = lseek(qrt_sched_recorder_get_fd(recorder), 0, SEEK_END);
	unsigned char *bytes = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
				    qrt_sched_recorder_get_fd(recorder), 0);
	uint64_t lost, seed = 1;
	int round, n;
	off_t i;

	CU_ASSERT_FATAL(bytes != MAP_FAILED);
	for (round = 0; round < 300; round++) {
		for (i = 0; i < size; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			bytes[i] = round % 3 == 0 ? 0xff : (unsigned char)(seed >> 56);
		}
		n = qrt_sched_recorder_read(recorder, r, 256, &lost);
		CU_ASSERT(n >= 0 && n <= 64);
		write_one(recorder, 1);
	}
	munmap(bytes, (size_t)size);
	qrt_sched_recorder_close(recorder);
}

#define WRITERS 4
#define EACH    20000

static void *write_many(void *arg)
{
	struct qrt_sched_recorder *recorder = arg;
	uint64_t i;

	for (i = 0; i < EACH; i++)
		write_one(recorder, i);
	return NULL;
}

static void no_record_is_ever_mixed_of_two(void)
{
	struct qrt_sched_recorder *reader = make(64, 1), *writer = NULL;
	struct qrt_sched_record r[32];
	uint64_t got = 0, lost = 0, now_lost, mixed = 0;
	pthread_t threads[WRITERS];
	int i, n, rest;

	CU_ASSERT_EQUAL_FATAL(qrt_sched_recorder_open(qrt_sched_recorder_get_fd(reader), &writer), 0);
	for (i = 0; i < WRITERS; i++)
		pthread_create(&threads[i], NULL, write_many, writer);
	for (rest = 3; rest; rest -= got + lost >= (uint64_t)WRITERS * EACH) {
		n = qrt_sched_recorder_read(reader, r, 32, &now_lost);
		for (i = 0; i < n; i++)
			mixed += !is_whole(&r[i]);
		got += (uint64_t)n;
		lost += now_lost;
	}
	for (i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(mixed, 0);
	CU_ASSERT_EQUAL(got + lost, (uint64_t)WRITERS * EACH);
	tap_note("%llu read, %llu lost", (unsigned long long)got, (unsigned long long)lost);
	qrt_sched_recorder_close(writer);
	qrt_sched_recorder_close(reader);
}

static const struct tap_test tests[] = {
	{"waits below the threshold are not recorded", waits_below_the_threshold_are_not_recorded},
	{"both sides see the same", both_sides_see_the_same},
	{"what was overwritten is counted", what_was_overwritten_is_counted},
	{"sizes that are none are refused", sizes_that_are_none_are_refused},
	{"descriptors that are none are refused", descriptors_that_are_none_are_refused},
	{"nobody can take the pages away", nobody_can_take_the_pages_away},
	{"a hostile writer does no harm", a_hostile_writer_does_no_harm},
	{"no record is ever mixed of two", no_record_is_ever_mixed_of_two},
};

TAP_MAIN("recorder", tests)
