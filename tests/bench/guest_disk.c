/* SPDX-License-Identifier: MIT */
/* First process of a guest that measures its disks. A line on the console, "DEVICE read|write DEPTH SECONDS":
 * random 4 KiB requests to that device, so many at a time; meanwhile a real-time thread sleeps until the next
 * millisecond again and again, and sees how late it is woken. The answer is a line "QRT disk ...". */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BLOCK     4096u
#define DEPTH_MAX 64u
#define PERIOD_NS 1000000u
#define LATE_MAX  400000u /* us */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- how late a thread is woken ---- */

static struct {
	_Atomic int is_over;
	uint32_t counts[LATE_MAX + 1]; /* of so many us; the last one of more, too */
	uint32_t samples, max;
} timer;

static void *sleep_again_and_again(void *unused)
{
	uint64_t next = now_ns();

	(void)unused;
	while (!timer.is_over) {
		struct timespec until;
		uint64_t late;

		next += PERIOD_NS;
		until.tv_sec = (time_t)(next / 1000000000u);
		until.tv_nsec = (long)(next % 1000000000u);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		late = (now_ns() - next) / 1000;
		timer.counts[late < LATE_MAX ? late : LATE_MAX]++;
		timer.samples++;
		timer.max = late > timer.max ? (uint32_t)late : timer.max;
		if (late > PERIOD_NS / 1000)
			next = now_ns(); /* what was slept through is not made up for */
	}
	return NULL;
}

static uint32_t percentile(uint32_t of_1000)
{
	uint64_t rank = ((uint64_t)timer.samples * of_1000 + 999) / 1000, seen = 0;
	uint32_t late = 0;

	for (; late < LATE_MAX; late++) {
		seen += timer.counts[late];
		if (seen >= rank)
			break;
	}
	return late;
}

static int start_timer(pthread_t *thread)
{
	struct sched_param param = {.sched_priority = 99};
	pthread_attr_t attr;

	memset(&timer, 0, sizeof(timer));
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	return -pthread_create(thread, &attr, sleep_again_and_again, NULL);
}

/* ---- requests ---- */

struct job {
	aio_context_t context;
	int fd, is_write;
	uint64_t blocks, seed, done;
	struct iocb requests[DEPTH_MAX];
	char *memory;
};

static uint64_t draw(struct job *job)
{
	job->seed ^= job->seed << 13;
	job->seed ^= job->seed >> 7;
	job->seed ^= job->seed << 17;
	return job->seed;
}

static int ask(struct job *job, struct iocb *request)
{
	uint64_t index = (uint64_t)(request - job->requests);

	memset(request, 0, sizeof(*request));
	request->aio_lio_opcode = job->is_write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
	request->aio_fildes = (uint32_t)job->fd;
	request->aio_buf = (uint64_t)(uintptr_t)(job->memory + index * BLOCK);
	request->aio_nbytes = BLOCK;
	request->aio_offset = (int64_t)(draw(job) % job->blocks * BLOCK);
	request->aio_data = (uint64_t)(uintptr_t)request;
	return syscall(SYS_io_submit, job->context, 1L, &request) == 1 ? 0 : -errno;
}

/* Each that ends is followed by the next one, until the time is over. */
static int answer(struct job *job, uint64_t end, uint32_t *out)
{
	struct io_event events[DEPTH_MAX];
	long count = syscall(SYS_io_getevents, job->context, 1L, (long)DEPTH_MAX, events, NULL), i;
	int is_over = now_ns() >= end, rc = 0;

	for (i = 0; i < count && rc >= 0; i++) {
		job->done++;
		(*out)--;
		if (events[i].res != BLOCK)
			return events[i].res < 0 ? (int)events[i].res : -EIO;
		if (is_over)
			continue;
		rc = ask(job, (struct iocb *)(uintptr_t)events[i].data);
		*out += rc >= 0;
	}
	return count < 0 ? -errno : rc;
}

static int run(struct job *job, uint32_t depth, uint64_t end)
{
	uint32_t out = 0;
	int rc = 0;

	while (out < depth && rc >= 0) {
		rc = ask(job, &job->requests[out]);
		out += rc >= 0;
	}
	while (out && rc >= 0)
		rc = answer(job, end, &out);
	return rc;
}

static int begin(struct job *job, const char *device, const char *kind)
{
	uint64_t bytes = 0;

	memset(job, 0, sizeof(*job));
	job->seed = 88172645463325252u;
	job->is_write = !strcmp(kind, "write");
	job->memory = mmap(NULL, DEPTH_MAX * BLOCK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	job->fd = open(device, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (job->fd < 0 || ioctl(job->fd, BLKGETSIZE64, &bytes) < 0)
		return -errno;
	job->blocks = bytes / BLOCK;
	return syscall(SYS_io_setup, DEPTH_MAX, &job->context) < 0 ? -errno : 0;
}

static void end(struct job *job)
{
	syscall(SYS_io_destroy, job->context);
	close(job->fd);
	munmap(job->memory, DEPTH_MAX * BLOCK);
}

static void measure(const char *device, const char *kind, uint32_t depth, uint32_t seconds)
{
	static struct job job;
	int rc = begin(&job, device, kind);
	pthread_t thread;
	uint64_t start;

	if (rc >= 0)
		rc = start_timer(&thread);
	if (rc < 0) {
		printf("QRT fault %s: %s\n", device, strerror(-rc));
		return;
	}
	start = now_ns();
	rc = run(&job, depth, start + seconds * 1000000000ull);
	start = now_ns() - start;
	timer.is_over = 1;
	pthread_join(thread, NULL);
	end(&job);
	if (rc < 0)
		printf("QRT fault %s: %s\n", device, strerror(-rc));
	else
		printf("QRT disk requests=%llu ns=%llu samples=%u p50=%u p99=%u p999=%u max=%u\n",
		       (unsigned long long)job.done, (unsigned long long)start, timer.samples,
		       percentile(500), percentile(990), percentile(999), timer.max);
}

/* ---- the guest ---- */

static void load_modules(void)
{
	FILE *order = fopen("/lib/qrt-modules/order", "r");
	char name[128], path[192];

	while (order && fscanf(order, "%127s", name) == 1) {
		int fd;

		snprintf(path, sizeof(path), "/lib/qrt-modules/%s", name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
			printf("QRT fault cannot load %s: %s\n", name, strerror(errno));
		close(fd);
	}
	if (order)
		fclose(order);
}

int main(void)
{
	char line[128], device[64], kind[16];
	unsigned depth, seconds;

	setvbuf(stdout, NULL, _IONBF, 0);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	load_modules();
	mlockall(MCL_CURRENT | MCL_FUTURE);
	printf("QRT ready\n");
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%63s %15s %u %u", device, kind, &depth, &seconds) != 4 || !depth ||
		    depth > DEPTH_MAX)
			break;
		measure(device, kind, depth, seconds);
	}
	printf("QRT off\n");
	reboot(RB_POWER_OFF);
	return 0;
}
