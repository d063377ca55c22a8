/* SPDX-License-Identifier: MIT */
/* Locks: between devices of ours, and with a real QEMU's tools on the same file, both ways. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block_help.h"

#define SIZE MIB

static const struct variant threads = {"threads", QRT_BLOCK_ENGINE_THREADS, 0, 0};

static struct qrt_block_device *open_with(const struct block *block, uint32_t flags, int want)
{
	struct qrt_block_device_config config = {.size = sizeof(config),
						 .engine = QRT_BLOCK_ENGINE_THREADS,
						 .flags = flags,
						 .path = block->path};
	struct qrt_block_device *device = NULL;
	struct qrt_block_error error;
	int rc = qrt_block_device_open(&config, &device, &error);

	CU_ASSERT_EQUAL(rc, want);
	if (rc < 0)
		CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "another process"));
	return device;
}

/* The image is there, and nobody has it open. */
static void make(struct block *block)
{
	block_prepare(block, &threads, SIZE);
	CU_ASSERT_FATAL(block_begin(block));
	block->queue = qrt_block_queue_close(block->queue);
	block->device = qrt_block_device_close(block->device);
}

#define READ_ONLY QRT_BLOCK_DEVICE_READ_ONLY
#define SHARE     QRT_BLOCK_DEVICE_SHARE

static void writers_are_alone_and_readers_are_not(void)
{
	struct qrt_block_device *first, *second;
	struct block block;

	make(&block);
	first = open_with(&block, 0, 0);
	open_with(&block, 0, -EAGAIN);
	open_with(&block, READ_ONLY, -EAGAIN);
	second = open_with(&block, READ_ONLY | SHARE, 0);
	qrt_block_device_close(second);
	qrt_block_device_close(first);
	first = open_with(&block, READ_ONLY, 0);
	second = open_with(&block, READ_ONLY, 0);
	open_with(&block, 0, -EAGAIN);
	qrt_block_device_close(second);
	qrt_block_device_close(first);
	first = open_with(&block, SHARE, 0);
	second = open_with(&block, SHARE, 0);
	open_with(&block, 0, -EAGAIN);
	qrt_block_device_close(second);
	qrt_block_device_close(first);
	first = open_with(&block, 0, 0); /* nothing of all that was left behind */
	qrt_block_device_close(first);
	block_end(&block);
}

static void without_locks_nobody_is_in_the_way(void)
{
	struct qrt_block_device_info info = {.size = sizeof(info)};
	struct qrt_block_device *first, *second, *third;
	struct block block;

	make(&block);
	first = open_with(&block, 0, 0);
	second = open_with(&block, QRT_BLOCK_DEVICE_NO_LOCKS, 0);
	CU_ASSERT_EQUAL(qrt_block_device_get_info(second, &info), 0);
	CU_ASSERT_EQUAL(info.lock, QRT_BLOCK_LOCK_NONE);
	open_with(&block, 0, -EAGAIN);
	qrt_block_device_close(first);
	third = open_with(&block, 0, 0);
	qrt_block_device_close(second);
	open_with(&block, 0, -EAGAIN); /* the third one still has its own */
	qrt_block_device_close(third);
	block_end(&block);
}

static void a_descriptor_that_stays_keeps_no_lock(void)
{
	struct qrt_block_device_config config = {.size = sizeof(config), .engine = QRT_BLOCK_ENGINE_THREADS};
	struct qrt_block_device *device;
	struct block block;

	make(&block);
	config.fd = open(block.path, O_RDWR | O_CLOEXEC);
	CU_ASSERT_EQUAL_FATAL(qrt_block_device_open(&config, &device, NULL), 0);
	qrt_block_device_close(device);
	device = open_with(&block, 0, 0);
	qrt_block_device_close(device);
	close(config.fd);
	block_end(&block);
}

/* ---- a process that is killed ---- */

/* Opens it, does a request, tells, and waits for its end. */
static void hold(const struct block *block, uint32_t engine, int tell)
{
	struct qrt_block_device_config config = {
		.size = sizeof(config), .engine = engine, .path = block->path};
	struct block own = {.queue_config.size = sizeof(own.queue_config)};
	static char bytes[4096];
	char answer = 'n';

	if (qrt_block_device_open(&config, &own.device, &own.error) >= 0 &&
	    qrt_block_queue_open(own.device, &own.queue_config, &own.queue, &own.error) >= 0 &&
	    block_write(&own, 0, bytes, sizeof(bytes)) == sizeof(bytes) &&
	    block_read(&own, 0, bytes, sizeof(bytes)) == sizeof(bytes))
		answer = 'y';
	if (write(tell, &answer, 1) == 1)
		pause();
	_exit(1);
}

/* 0: this machine has no such engine. */
static int kill_one(const struct block *block, uint32_t engine)
{
	char answer = 'n';
	int told[2], status;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(told), 0);
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0)
		hold(block, engine, told[1]);
	close(told[1]);
	CU_ASSERT_EQUAL(read(told[0], &answer, 1), 1);
	close(told[0]);
	kill(pid, SIGKILL);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	return answer == 'y';
}

static void kill_some(uint32_t engine)
{
	struct qrt_block_device *device;
	struct block block;
	int round;

	make(&block);
	for (round = 0; round < 5; round++) {
		if (!kill_one(&block, engine)) {
			CU_ASSERT(engine == QRT_BLOCK_ENGINE_IO_URING && round == 0);
			tap_note("no io_uring here");
			break;
		}
		device = open_with(&block, 0, 0);
		qrt_block_device_close(device);
	}
	block_end(&block);
}

static void who_was_killed_keeps_no_lock(void)
{
	kill_some(QRT_BLOCK_ENGINE_IO_URING);
	kill_some(QRT_BLOCK_ENGINE_THREADS);
}

/* What another one of the same descriptor does takes no lock away from this one. */
static int are_kept(const struct block *block, int want_second)
{
	struct qrt_block_device_config config = {.size = sizeof(config), .engine = QRT_BLOCK_ENGINE_THREADS};
	struct qrt_block_device_config by_path = config, wrong = config;
	struct qrt_block_device *device, *other = NULL;
	int is_good;

	wrong.engine = QRT_BLOCK_ENGINE_LIBAIO; /* which needs DIRECT */
	by_path.path = block->path;
	config.fd = wrong.fd = open(by_path.path, O_RDWR | O_CLOEXEC);
	is_good = qrt_block_device_open(&config, &device, NULL) == 0;
	is_good &= qrt_block_device_open(&wrong, &other, NULL) == -EINVAL;
	is_good &= qrt_block_device_open(&by_path, &other, NULL) == -EAGAIN;
	is_good &= qrt_block_device_open(&config, &other, NULL) == want_second;
	if (want_second == 0)
		other = qrt_block_device_close(other);
	device = qrt_block_device_close(device);
	close(config.fd);
	is_good &= qrt_block_device_open(&by_path, &device, NULL) == 0;
	qrt_block_device_close(device);
	return is_good;
}

static void devices_of_one_descriptor_have_their_own_locks(void)
{
	struct block block;

	make(&block);
	CU_ASSERT(are_kept(&block, -EAGAIN));
	block_end(&block);
}

/* Where the file is not opened again: one that fails to open takes nothing away all the same. */
static void without_proc_one_that_fails_takes_no_lock_away(void)
{
	struct block block;
	int status = -1;
	pid_t pid;

	make(&block);
	pid = fork();
	if (pid == 0) {
		if (chroot(".") < 0 || chdir("/") < 0 || access("/proc", F_OK) == 0)
			_exit(77);
		_exit(!are_kept(&block, 0));
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		tap_skip("the root directory cannot be changed here");
	else
		CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
	block_end(&block);
}

static void a_descriptor_for_appending_is_refused(void)
{
	struct qrt_block_device_config config = {.size = sizeof(config), .engine = QRT_BLOCK_ENGINE_THREADS};
	struct qrt_block_device *device = NULL;
	struct qrt_block_error error;
	struct block block;

	make(&block);
	config.fd = open(block.path, O_RDWR | O_APPEND | O_CLOEXEC);
	CU_ASSERT_EQUAL(qrt_block_device_open(&config, &device, &error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "O_APPEND"));
	CU_ASSERT_PTR_NULL(device);
	config.flags = QRT_BLOCK_DEVICE_READ_ONLY;
	CU_ASSERT_EQUAL(qrt_block_device_open(&config, &device, &error), 0);
	qrt_block_device_close(device);
	close(config.fd);
	block_end(&block);
}

/* ---- QEMU ---- */

static int has_qemu(void)
{
	return system("qemu-io --version >/dev/null 2>&1 </dev/null && "
		      "qemu-system-x86_64 --version >/dev/null 2>&1 </dev/null") == 0;
}

/* The exit code of a command on the image; 124: it did not end. */
static int run(const struct block *block, const char *command)
{
	char line[256];
	int status;

	snprintf(line, sizeof(line), "timeout 20 %s%s >/dev/null 2>&1 </dev/null", command, block->path);
	status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define WRITER "qemu-io -f raw -c 'write 0 4k' "
#define READER "qemu-io -r -f raw -c 'read 0 4k' "
#define MACHINE                                                                                              \
	"qemu-system-x86_64 -accel tcg -nodefaults -display none -S -qmp stdio -drive if=virtio,format=raw"
#define FORCED "qemu-img info -U -f raw "

static void qemu_sees_our_locks(void)
{
	struct qrt_block_device *device;
	struct block block;

	if (!has_qemu()) {
		tap_skip("no QEMU");
		return;
	}
	make(&block);
	CU_ASSERT_EQUAL(run(&block, WRITER), 0);
	device = open_with(&block, 0, 0);
	CU_ASSERT_EQUAL(run(&block, WRITER), 1);
	CU_ASSERT_EQUAL(run(&block, MACHINE ",readonly=on,file="), 1);
	CU_ASSERT_EQUAL(run(&block, FORCED), 0);
	qrt_block_device_close(device);
	device = open_with(&block, READ_ONLY, 0);
	CU_ASSERT_EQUAL(run(&block, WRITER), 1);
	CU_ASSERT_EQUAL(run(&block, READER), 0);
	qrt_block_device_close(device);
	CU_ASSERT_EQUAL(run(&block, WRITER), 0);
	block_end(&block);
}

/* A machine that has the image as its disk, and does not run. */
struct peer {
	pid_t pid;
	int in, out;
};

static void exec_peer(const int *in, const int *out, const char *drive)
{
	dup2(in[0], 0);
	dup2(out[1], 1);
	close(in[1]);
	close(out[0]);
	execlp("qemu-system-x86_64", "qemu-system-x86_64", "-accel", "tcg", "-nodefaults", "-display", "none",
	       "-S", "-qmp", "stdio", "-drive", drive, (char *)NULL);
	_exit(127);
}

/* It greets before it has its disk, and answers after that. */
static void wait_for_answer(const struct peer *peer)
{
	static const char hello[] = "{'execute':'qmp_capabilities'}";
	char text[1024] = "";
	size_t count = 0;
	ssize_t got = 1;

	CU_ASSERT_EQUAL(write(peer->in, hello, sizeof(hello) - 1), sizeof(hello) - 1);
	while (got > 0 && count < sizeof(text) - 1 && !strstr(text, "\"return\"")) {
		got = read(peer->out, text + count, sizeof(text) - 1 - count);
		count += got > 0 ? (size_t)got : 0;
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"return\""));
}

static struct peer start_peer(const struct block *block, const char *options)
{
	char drive[160];
	struct peer peer;
	int in[2], out[2];

	snprintf(drive, sizeof(drive), "if=virtio,format=raw,%sfile=%s", options, block->path);
	CU_ASSERT_EQUAL_FATAL(pipe(in), 0);
	CU_ASSERT_EQUAL_FATAL(pipe(out), 0);
	peer.pid = fork();
	if (peer.pid == 0)
		exec_peer(in, out, drive);
	close(in[0]);
	close(out[1]);
	peer.in = in[1];
	peer.out = out[0];
	wait_for_answer(&peer);
	return peer;
}

static void end_peer(const struct peer *peer)
{
	static const char quit[] = "{'execute':'quit'}";
	int status;

	CU_ASSERT_EQUAL(write(peer->in, quit, sizeof(quit) - 1), sizeof(quit) - 1);
	CU_ASSERT_EQUAL(waitpid(peer->pid, &status, 0), peer->pid);
	CU_ASSERT_EQUAL(status, 0);
	close(peer->in);
	close(peer->out);
}

static void we_see_the_locks_of_qemu(void)
{
	struct qrt_block_device *device;
	struct block block;
	struct peer peer;

	if (!has_qemu()) {
		tap_skip("no QEMU");
		return;
	}
	make(&block);
	peer = start_peer(&block, "");
	open_with(&block, 0, -EAGAIN);
	open_with(&block, READ_ONLY, -EAGAIN);
	device = open_with(&block, READ_ONLY | SHARE, 0);
	qrt_block_device_close(device);
	end_peer(&peer);
	peer = start_peer(&block, "readonly=on,");
	open_with(&block, 0, -EAGAIN);
	device = open_with(&block, READ_ONLY, 0);
	qrt_block_device_close(device);
	end_peer(&peer);
	device = open_with(&block, 0, 0);
	qrt_block_device_close(device);
	block_end(&block);
}

static const struct tap_test tests[] = {
	{"writers are alone and readers are not", writers_are_alone_and_readers_are_not},
	{"without locks nobody is in the way", without_locks_nobody_is_in_the_way},
	{"a descriptor that stays keeps no lock", a_descriptor_that_stays_keeps_no_lock},
	{"who was killed keeps no lock", who_was_killed_keeps_no_lock},
	{"devices of one descriptor have their own locks", devices_of_one_descriptor_have_their_own_locks},
	{"without /proc one that fails takes no lock away", without_proc_one_that_fails_takes_no_lock_away},
	{"a descriptor for appending is refused", a_descriptor_for_appending_is_refused},
	{"QEMU sees our locks", qemu_sees_our_locks},
	{"we see the locks of QEMU", we_see_the_locks_of_qemu},
};

TAP_MAIN("block lock", tests)
