/* SPDX-License-Identifier: MIT */
/* Registers of the ivshmem device. */
#include <errno.h>
#include <pthread.h>
#include <qrt/ivshmem.h>
#include <sched.h>

#include "tap.h"

static struct qrt_ivshmem_device device;
static uint32_t rang[3]; /* how often, peer, vector */
static int level, msix = -1;

static void ring(void *data, uint32_t peer, uint32_t vector)
{
	(void)data;
	rang[0]++;
	rang[1] = peer;
	rang[2] = vector;
}

static void set_line(void *data, int is_high)
{
	(void)data;
	level = is_high;
}

static void send_msix(void *data, uint32_t vector)
{
	(void)data;
	msix = (int)vector;
}

static const struct qrt_ivshmem_device_operations operations = {ring, set_line, send_msix};

static void begin(uint32_t flags, uint32_t vectors)
{
	struct qrt_ivshmem_device_config config = {
		.size = sizeof(config), .flags = flags, .vectors = vectors, .operations = &operations};

	rang[0] = 0;
	level = 0;
	msix = -1;
	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_device_init(&device, &config), 0);
}

static uint64_t look(uint64_t offset)
{
	return qrt_ivshmem_device_read(&device, offset, 4);
}

static void put(uint64_t offset, uint64_t value)
{
	qrt_ivshmem_device_write(&device, offset, value, 4);
}

static void the_id_is_the_servers(void)
{
	begin(QRT_IVSHMEM_DEVICE_MSIX, 1);
	CU_ASSERT_EQUAL(look(QRT_IVSHMEM_IV_POSITION), 0xffffffff);
	qrt_ivshmem_device_set_position(&device, 5);
	CU_ASSERT_EQUAL(look(QRT_IVSHMEM_IV_POSITION), 5);
	put(QRT_IVSHMEM_IV_POSITION, 9);
	CU_ASSERT_EQUAL(look(QRT_IVSHMEM_IV_POSITION), 5);
	qrt_ivshmem_device_reset(&device);
	CU_ASSERT_EQUAL(look(QRT_IVSHMEM_IV_POSITION), 5);
}

static void the_doorbell_names_peer_and_vector(void)
{
	begin(QRT_IVSHMEM_DEVICE_MSIX, 1);
	put(QRT_IVSHMEM_DOORBELL, 0x12345678);
	CU_ASSERT_EQUAL(rang[0], 1);
	CU_ASSERT_EQUAL(rang[1], 0x1234);
	CU_ASSERT_EQUAL(rang[2], 0x5678);
	CU_ASSERT_EQUAL(look(QRT_IVSHMEM_DOORBELL), 0);
}

static void only_aligned_words_mean_something(void)
{
	begin(QRT_IVSHMEM_DEVICE_MSIX, 1);
	qrt_ivshmem_device_set_position(&device, 5);
	qrt_ivshmem_device_write(&device, QRT_IVSHMEM_DOORBELL, 0x10000, 2);
	qrt_ivshmem_device_write(&device, QRT_IVSHMEM_DOORBELL, 0x10000, 8);
	put(QRT_IVSHMEM_DOORBELL + 1, 0x10000);
	put(0x10, 0x10000);
	put(252, 0x10000);
	put(UINT64_MAX - 3, 0x10000);
	CU_ASSERT_EQUAL(rang[0], 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_device_read(&device, QRT_IVSHMEM_IV_POSITION, 1), 0);
	CU_ASSERT_EQUAL(qrt_ivshmem_device_read(&device, QRT_IVSHMEM_IV_POSITION, 8), 0);
	CU_ASSERT_EQUAL(look(9), 0);
	CU_ASSERT_EQUAL(look(UINT64_MAX), 0);
}

static void without_msix_the_line_is_status_and_mask(void)
{
	begin(0, 1);
	qrt_ivshmem_device_interrupt(&device, 0);
	CU_ASSERT_EQUAL(level, 0);
	put(QRT_IVSHMEM_INTR_MASK, 0xffffffff);
	CU_ASSERT_EQUAL(level, 1);
	CU_ASSERT_EQUAL(look(QRT_IVSHMEM_INTR_STATUS), 1);
	CU_ASSERT_EQUAL(level, 0);
	CU_ASSERT_EQUAL(look(QRT_IVSHMEM_INTR_STATUS), 0);
	qrt_ivshmem_device_interrupt(&device, 0);
	CU_ASSERT_EQUAL(level, 1);
	qrt_ivshmem_device_reset(&device);
	CU_ASSERT_EQUAL(level, 0);
	CU_ASSERT_EQUAL(look(QRT_IVSHMEM_INTR_MASK), 0);
	CU_ASSERT_EQUAL(msix, -1);
}

#define ROUNDS 3000

static pthread_barrier_t barrier;
static int inside, at_once;

/* Slow, as a system call is. */
static void set_line_slowly(void *data, int is_high)
{
	(void)data;
	at_once += __atomic_add_fetch(&inside, 1, __ATOMIC_ACQ_REL) > 1;
	sched_yield();
	level = is_high;
	__atomic_sub_fetch(&inside, 1, __ATOMIC_ACQ_REL);
}

static void *interrupt(void *unused)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		qrt_ivshmem_device_interrupt(&device, 0);
		pthread_barrier_wait(&barrier);
	}
	return unused;
}

static void what_was_shown_last_is_what_is_so(void)
{
	static const struct qrt_ivshmem_device_operations slow = {.set_line = set_line_slowly};
	struct qrt_ivshmem_device_config config = {.size = sizeof(config), .vectors = 1, .operations = &slow};
	pthread_t thread;
	int i, wrong = 0;

	CU_ASSERT_EQUAL_FATAL(qrt_ivshmem_device_init(&device, &config), 0);
	put(QRT_IVSHMEM_INTR_MASK, 1);
	pthread_barrier_init(&barrier, NULL, 2);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, interrupt, NULL), 0);
	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		if (i % 2)
			sched_yield();
		look(QRT_IVSHMEM_INTR_STATUS);
		pthread_barrier_wait(&barrier);
		wrong += level != (int)(device.status & 1);
	}
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&barrier);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(at_once, 0);
}

static void with_msix_each_vector_is_one(void)
{
	begin(QRT_IVSHMEM_DEVICE_MSIX, 3);
	qrt_ivshmem_device_interrupt(&device, 1);
	CU_ASSERT_EQUAL(msix, -1); /* the guest has not switched it on */
	qrt_ivshmem_device_set_msix(&device, 1);
	qrt_ivshmem_device_interrupt(&device, 2);
	CU_ASSERT_EQUAL(msix, 2);
	qrt_ivshmem_device_interrupt(&device, 3);
	CU_ASSERT_EQUAL(msix, 2);
	CU_ASSERT_EQUAL(level, 0);
}

static void what_is_no_device_is_not_made(void)
{
	struct qrt_ivshmem_device_config config = {.size = sizeof(config)};

	CU_ASSERT_EQUAL(qrt_ivshmem_device_init(&device, &config), -EINVAL);
	config.vectors = QRT_IVSHMEM_VECTORS_MAX + 1;
	CU_ASSERT_EQUAL(qrt_ivshmem_device_init(&device, &config), -EINVAL);
	config.vectors = 1;
	config.flags = 2;
	CU_ASSERT_EQUAL(qrt_ivshmem_device_init(&device, &config), -EINVAL);
	config.flags = 0;
	CU_ASSERT_EQUAL(qrt_ivshmem_device_init(&device, &config), 0);
	/* Without operations nothing is done, and nothing happens. */
	put(QRT_IVSHMEM_DOORBELL, 1);
	qrt_ivshmem_device_interrupt(&device, 0);
}

static const struct tap_test tests[] = {
	{"the id is the server's", the_id_is_the_servers},
	{"the doorbell names peer and vector", the_doorbell_names_peer_and_vector},
	{"only aligned words mean something", only_aligned_words_mean_something},
	{"without MSI-X the line is status and mask", without_msix_the_line_is_status_and_mask},
	{"what was shown last is what is so", what_was_shown_last_is_what_is_so},
	{"with MSI-X each vector is one", with_msix_each_vector_is_one},
	{"what is no device is not made", what_is_no_device_is_not_made},
};

TAP_MAIN("ivshmem device", tests)
