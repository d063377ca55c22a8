/* SPDX-License-Identifier: MIT */
/* Programs of a guest and their values, by the header alone; a file stands for the device's memory. */
#include "tap.h"

#include <qrt/shmem_guest.h>
#include <signal.h>
#include <sys/wait.h>

#define PEERS  3
#define VALUES (QRT_SHMEM_AGENT_VALUES + 4)
#define RING   4096
#define SLOT   0u /* 0 is a guest's, too */

static char folder[64], file[96], claims[96];
static uint64_t length;

static void write_memory(uint64_t nonce)
{
	void *memory;
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	length = qrt_shmem_layout_bytes(PEERS, VALUES, RING);
	CU_ASSERT_EQUAL_FATAL(ftruncate(fd, (off_t)length), 0);
	memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CU_ASSERT_TRUE_FATAL(memory != MAP_FAILED);
	if (nonce)
		CU_ASSERT_EQUAL(qrt_shmem_make(memory, length, PEERS, VALUES, RING, nonce), 0);
	munmap(memory, length);
	close(fd);
}

static void begin(void)
{
	snprintf(folder, sizeof(folder), "/tmp/qrt-guest-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/memory", folder);
	snprintf(claims, sizeof(claims), "%s/claims", folder);
	write_memory(4711);
}

static void end(void)
{
	char path[128];
	unsigned int i;

	for (i = 0; i < VALUES; i++) {
		snprintf(path, sizeof(path), "%s/%u", claims, i);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/lock", claims);
	unlink(path);
	rmdir(claims);
	unlink(file);
	CU_ASSERT_EQUAL(rmdir(folder), 0);
}

static struct qrt_shmem_guest_config make_config(void)
{
	const struct qrt_shmem_guest_config config = {.size = sizeof(config),
						      .set = QRT_SHMEM_GUEST_SET_SLOT,
						      .slot = SLOT,
						      .file = file,
						      .folder = claims};

	return config;
}

static void open_guest(struct qrt_shmem_guest *ret_guest)
{
	const struct qrt_shmem_guest_config config = make_config();

	memset(ret_guest, 0, sizeof(*ret_guest));
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_guest_open(&config, ret_guest), 0);
}

static void expect_refusal(const struct qrt_shmem_guest_config *config, int wanted)
{
	struct qrt_shmem_guest guest;
	unsigned char before[sizeof(guest)];
	int rc;

	memset(&guest, 0x55, sizeof(guest));
	memcpy(before, &guest, sizeof(guest));
	rc = qrt_shmem_guest_open(config, &guest);
	if (rc != wanted)
		tap_note("%d, wanted %d", rc, wanted);
	CU_ASSERT_EQUAL(rc, wanted);
	CU_ASSERT_EQUAL(memcmp((const unsigned char *)&guest, before, sizeof(guest)), 0);
}

static void what_cannot_be_opened(void)
{
	struct qrt_shmem_guest_config config;
	char other[128];

	begin();
	config = make_config();
	config.set = 0;
	expect_refusal(&config, -ENXIO);
	config.set = 6;
	expect_refusal(&config, -EINVAL);
	config = make_config();
	config.size--;
	expect_refusal(&config, -EINVAL);
	config.size += 9;
	expect_refusal(&config, -E2BIG);
	config = make_config();
	config.reserved = 1;
	expect_refusal(&config, -EINVAL);
	config = make_config();
	config.slot = PEERS;
	expect_refusal(&config, -ERANGE);
	config = make_config();
	config.file = NULL;
	config.device = "ffff:ff:1f.7";
	expect_refusal(&config, -ENODEV);
	config.device = "../../devices";
	expect_refusal(&config, -ENODEV);
	config = make_config();
	snprintf(other, sizeof(other), "%s/none", folder);
	config.file = other;
	expect_refusal(&config, -ENOENT);
	write_memory(0);
	config.file = file;
	expect_refusal(&config, -EAGAIN);
	end();
}

static void a_value_is_published(void)
{
	struct qrt_shmem_guest_value a = {.claim = -1}, b = {.claim = -1};
	struct qrt_shmem_guest guest;
	struct qrt_shmem_value read = {.turn = 0};

	begin();
	open_guest(&guest);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_guest_claim(&guest, "temperature", &a), 0);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_guest_claim(&guest, "phase", &b), 0);
	CU_ASSERT_TRUE(a.index >= QRT_SHMEM_AGENT_VALUES && b.index >= QRT_SHMEM_AGENT_VALUES &&
		       a.index != b.index);
	CU_ASSERT_EQUAL(qrt_shmem_find_value(&guest.view, SLOT, "temperature", &read), -ENOENT);
	CU_ASSERT_EQUAL(qrt_shmem_guest_publish_double(&guest, &a, 41.5), 0);
	CU_ASSERT_EQUAL(qrt_shmem_guest_publish_text(&guest, &b, "ascent"), 0);
	CU_ASSERT_EQUAL(qrt_shmem_find_value(&guest.view, SLOT, "temperature", &read), (int)a.index);
	CU_ASSERT_TRUE(read.type == QRT_SHMEM_DOUBLE && read.size == 8 && read.is.real[0] == 41.5);
	CU_ASSERT_EQUAL(qrt_shmem_guest_publish_u64(&guest, &a, 7), 0);
	CU_ASSERT_EQUAL(qrt_shmem_find_value(&guest.view, SLOT, "temperature", &read), (int)a.index);
	CU_ASSERT_TRUE(read.type == QRT_SHMEM_U64 && read.is.u64[0] == 7 && read.turn == 2);
	CU_ASSERT_EQUAL(qrt_shmem_find_value(&guest.view, SLOT, "phase", &read), (int)b.index);
	CU_ASSERT_TRUE(read.type == QRT_SHMEM_TEXT && read.size == 6 && !memcmp(read.is.data, "ascent", 6));
	CU_ASSERT_EQUAL(qrt_shmem_guest_publish(&guest, &a, QRT_SHMEM_BYTES, &read, QRT_SHMEM_DATA_MAX + 1),
			-EINVAL);
	CU_ASSERT_EQUAL(qrt_shmem_guest_withdraw(&guest, &a), 0);
	CU_ASSERT_EQUAL(qrt_shmem_find_value(&guest.view, SLOT, "temperature", &read), -ENOENT);
	qrt_shmem_guest_release(&a);
	qrt_shmem_guest_release(&a);
	CU_ASSERT_EQUAL(qrt_shmem_guest_publish_u64(&guest, &a, 7), -EBADF);
	CU_ASSERT_EQUAL(qrt_shmem_guest_withdraw(&guest, &a), -EBADF);
	qrt_shmem_guest_release(&b);
	qrt_shmem_guest_close(&guest);
	qrt_shmem_guest_close(&guest);
	qrt_shmem_guest_close(NULL);
	end();
}

static void a_name_is_claimed_once(void)
{
	struct qrt_shmem_guest_value a = {.claim = -1}, b = {.claim = -1}, again = {.claim = -1};
	struct qrt_shmem_guest guest, other;

	begin();
	open_guest(&guest);
	open_guest(&other);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_guest_claim(&guest, "a", &a), 0);
	CU_ASSERT_EQUAL(qrt_shmem_guest_claim(&guest, "a", &again), -EBUSY);
	CU_ASSERT_EQUAL(qrt_shmem_guest_claim(&other, "a", &again), -EBUSY);
	CU_ASSERT_EQUAL_FATAL(qrt_shmem_guest_claim(&other, "b", &b), 0);
	CU_ASSERT_EQUAL(qrt_shmem_guest_publish_u64(&guest, &a, 1), 0);
	CU_ASSERT_EQUAL(qrt_shmem_guest_publish_u64(&other, &b, 2), 0);
	qrt_shmem_guest_release(&b);
	qrt_shmem_guest_release(&a);
	/* Of the last word it has the place. */
	CU_ASSERT_EQUAL(qrt_shmem_guest_claim(&other, "b", &again), 0);
	CU_ASSERT_EQUAL(again.index, b.index);
	qrt_shmem_guest_release(&again);
	qrt_shmem_guest_close(&other);
	qrt_shmem_guest_close(&guest);
	end();
}

static void names(void)
{
	static const char *const bad[] = {"",         "a b",     "a\n",  "\x7f",
					  "\xc3\xa4", "qrt.cpu", "qrt.", "12345678901234567890123456789012"};
	struct qrt_shmem_guest_value value = {.claim = -1};
	struct qrt_shmem_guest guest;
	size_t i;

	begin();
	open_guest(&guest);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(qrt_shmem_guest_claim(&guest, bad[i], &value), -EINVAL);
	CU_ASSERT_EQUAL(qrt_shmem_guest_claim(&guest, "1234567890123456789012345678901", &value), 0);
	qrt_shmem_guest_release(&value);
	qrt_shmem_guest_close(&guest);
	end();
}

static void no_more_than_there_are(void)
{
	struct qrt_shmem_guest_value values[4] = {{.claim = -1}}, more = {.claim = -1};
	struct qrt_shmem_guest guest;
	char name[8];
	int i;

	begin();
	open_guest(&guest);
	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		CU_ASSERT_EQUAL(qrt_shmem_guest_claim(&guest, name, &values[i]), 0);
		CU_ASSERT_EQUAL(qrt_shmem_guest_publish_u64(&guest, &values[i], 1), 0);
	}
	CU_ASSERT_EQUAL(qrt_shmem_guest_claim(&guest, "more", &more), -ENOSPC);
	/* A last word makes room where nothing else does. */
	qrt_shmem_guest_release(&values[2]);
	CU_ASSERT_EQUAL(qrt_shmem_guest_claim(&guest, "more", &more), 0);
	CU_ASSERT_EQUAL(more.index, values[2].index);
	qrt_shmem_guest_release(&more);
	for (i = 0; i < 4; i++)
		qrt_shmem_guest_release(&values[i]);
	qrt_shmem_guest_close(&guest);
	end();
}

/* In a process of its own; says so by a byte. */
static void live_and_wait(const char *name, uint64_t number, int said)
{
	const struct qrt_shmem_guest_config config = make_config();
	struct qrt_shmem_guest_value value = {.claim = -1};
	struct qrt_shmem_guest guest;
	int is_good = qrt_shmem_guest_open(&config, &guest) >= 0 &&
		      qrt_shmem_guest_claim(&guest, name, &value) >= 0 &&
		      qrt_shmem_guest_publish_u64(&guest, &value, number) >= 0;

	if (write(said, is_good ? "+" : "-", 1) == 1)
		pause();
	_exit(0);
}

static pid_t start(const char *name, uint64_t number, char wanted)
{
	char said = 0;
	int both[2];
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(both), 0);
	pid = fork();
	if (pid == 0)
		live_and_wait(name, number, both[1]);
	close(both[1]);
	CU_ASSERT_EQUAL(read(both[0], &said, 1), 1);
	CU_ASSERT_EQUAL(said, wanted);
	close(both[0]);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_claim_ends_with_its_program(void)
{
	struct qrt_shmem_guest guest;
	struct qrt_shmem_guest_value value = {.claim = -1};
	struct qrt_shmem_value read = {.turn = 0};
	pid_t first, second;
	int index;

	begin();
	open_guest(&guest);
	first = start("a", 5, '+');
	second = start("a", 6, '-');
	CU_ASSERT_EQUAL(qrt_shmem_guest_claim(&guest, "a", &value), -EBUSY);
	index = qrt_shmem_find_value(&guest.view, SLOT, "a", &read);
	CU_ASSERT_TRUE(index >= 0 && read.is.u64[0] == 5);
	stop(first);
	CU_ASSERT_EQUAL(qrt_shmem_find_value(&guest.view, SLOT, "a", &read), index);
	CU_ASSERT_EQUAL(read.is.u64[0], 5);
	CU_ASSERT_EQUAL(qrt_shmem_guest_claim(&guest, "a", &value), 0);
	CU_ASSERT_EQUAL((int)value.index, index);
	qrt_shmem_guest_release(&value);
	stop(second);
	qrt_shmem_guest_close(&guest);
	end();
}

static void programs_at_the_same_time(void)
{
	static const char *const all[] = {"a", "b", "c", "d"};
	struct qrt_shmem_guest guest;
	struct qrt_shmem_value value;
	pid_t pids[4];
	int both[2], i;
	char said;

	begin();
	open_guest(&guest);
	CU_ASSERT_EQUAL_FATAL(pipe(both), 0);
	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			live_and_wait(all[i], (uint64_t)i, both[1]);
	}
	for (i = 0; i < 4; i++)
		CU_ASSERT_TRUE(read(both[0], &said, 1) == 1 && said == '+');
	for (i = 0; i < 4; i++) {
		CU_ASSERT_TRUE(qrt_shmem_find_value(&guest.view, SLOT, all[i], &value) >= 0);
		CU_ASSERT_EQUAL(value.is.u64[0], (uint64_t)i);
		stop(pids[i]);
	}
	close(both[0]);
	close(both[1]);
	qrt_shmem_guest_close(&guest);
	end();
}

static const struct tap_test tests[] = {
	{"what cannot be opened", what_cannot_be_opened},
	{"a value is published, changed and withdrawn", a_value_is_published},
	{"a name is claimed once", a_name_is_claimed_once},
	{"names", names},
	{"no more values than there are", no_more_than_there_are},
	{"a claim ends with its program", a_claim_ends_with_its_program},
	{"programs at the same time", programs_at_the_same_time},
};

TAP_MAIN("shmem_guest", tests)
