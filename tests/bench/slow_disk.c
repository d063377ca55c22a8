/* SPDX-License-Identifier: MIT */
/*
 * A file whose every read takes some time, one after the other in the order of their coming: a device for
 * measurements, which each program sees alike. It speaks FUSE to the kernel without a library, whose threads
 * would have an order of their own. Usage: slow_disk FILE BYTES MICROSECONDS [LATE];
 * as root; ends with SIGTERM. To the file LATE it says when it should have answered and when it did, in ns of
 * CLOCK_MONOTONIC, where it was late itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define DATA_MAX (1u << 20)
#define ROOM     (DATA_MAX + 4096u)
#define AT_ONCE  1000   /* requests that the kernel may hand over */
#define LATE_NS  100000 /* what counts as late */

static int fuse, late = -1;
static uint64_t bytes;
static long delay_us;
static char zeroes[DATA_MAX];
static volatile sig_atomic_t is_over;

static void end(int signal_number)
{
	(void)signal_number;
	is_over = 1;
}

static void answer(const struct fuse_in_header *in, int error, const void *data, size_t length)
{
	struct fuse_out_header out = {.unique = in->unique, .error = error};
	struct iovec parts[2] = {{&out, sizeof(out)}, {(void *)(uintptr_t)data, length}};

	out.len = (uint32_t)(sizeof(out) + length);
	if (writev(fuse, parts, length ? 2 : 1) < 0 && errno != ENOENT)
		perror("slow_disk: an answer");
}

static void begin(const struct fuse_in_header *in)
{
	struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION,
				    .minor = FUSE_KERNEL_MINOR_VERSION,
				    .flags = FUSE_ASYNC_READ | FUSE_ASYNC_DIO,
				    .max_background = AT_ONCE,
				    .congestion_threshold = AT_ONCE,
				    .max_readahead = DATA_MAX,
				    .max_write = DATA_MAX,
				    .time_gran = 1};

	answer(in, 0, &out, sizeof(out));
}

static void say_what_it_is(const struct fuse_in_header *in)
{
	struct fuse_attr_out out = {
		.attr_valid = 3600,
		.attr = {.ino = FUSE_ROOT_ID, .size = bytes, .mode = S_IFREG | 0444, .nlink = 1}};

	answer(in, 0, &out, sizeof(out));
}

static void open_it(const struct fuse_in_header *in)
{
	struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO};

	answer(in, 0, &out, sizeof(out));
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void say_if_late(uint64_t due_ns)
{
	uint64_t now = now_ns();

	if (late >= 0 && now > due_ns + LATE_NS &&
	    dprintf(late, "%llu %llu\n", (unsigned long long)due_ns, (unsigned long long)now) < 0)
		perror("slow_disk: what was late");
}

static void read_it(const struct fuse_in_header *in, const struct fuse_read_in *wanted)
{
	struct timespec pause = {.tv_sec = delay_us / 1000000, .tv_nsec = delay_us % 1000000 * 1000};
	uint64_t due_ns = now_ns() + (uint64_t)delay_us * 1000;
	uint64_t left = wanted->offset < bytes ? bytes - wanted->offset : 0;
	uint64_t length = wanted->size < left ? wanted->size : left;

	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	answer(in, 0, zeroes, length < DATA_MAX ? length : DATA_MAX);
	say_if_late(due_ns);
}

static void serve(const struct fuse_in_header *in)
{
	switch (in->opcode) {
	case FUSE_INIT:
		begin(in);
		break;
	case FUSE_GETATTR:
		say_what_it_is(in);
		break;
	case FUSE_OPEN:
		open_it(in);
		break;
	case FUSE_READ:
		read_it(in, (const struct fuse_read_in *)(in + 1));
		break;
	case FUSE_RELEASE:
	case FUSE_DESTROY:
		answer(in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break; /* nobody waits for an answer */
	default:
		answer(in, -ENOSYS, NULL, 0);
	}
}

/* EINTR: a signal, or a request that was given up before it was read (ENOENT). ENODEV: it was unmounted. */
static int serve_all(void)
{
	struct fuse_in_header *in = malloc(ROOM);
	ssize_t got = 0;

	while (in && !is_over) {
		got = read(fuse, in, ROOM);
		if (got >= (ssize_t)sizeof(*in))
			serve(in);
		else if (got >= 0 || (errno != EINTR && errno != ENOENT && errno != EAGAIN))
			break;
	}
	free(in);
	return is_over || (got < 0 && errno == ENODEV) ? 0 : 1;
}

static int mount_on(const char *path)
{
	char options[128];

	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fuse < 0)
		return -1;
	snprintf(options, sizeof(options), "fd=%d,rootmode=100000,user_id=0,group_id=0", fuse);
	return mount("slow_disk", path, "fuse.slow_disk", MS_NOSUID | MS_NODEV | MS_RDONLY, options);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = end};
	int code;

	bytes = argc == 4 || argc == 5 ? strtoull(argv[2], NULL, 10) : 0;
	delay_us = bytes ? strtol(argv[3], NULL, 10) : 0;
	if (!bytes || delay_us < 0) {
		fprintf(stderr, "usage: slow_disk FILE BYTES MICROSECONDS [LATE]\n");
		return 2;
	}
	if (argc == 5)
		late = open(argv[4], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (argc == 5 && late < 0) {
		perror(argv[4]);
		return 1;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	prctl(PR_SET_TIMERSLACK, 1);
	if (mount_on(argv[1]) < 0) {
		perror("slow_disk: mount");
		return 1;
	}
	code = serve_all();
	umount2(argv[1], MNT_DETACH);
	return code;
}
