/* SPDX-License-Identifier: MIT */
#include "blame_perf.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <qrt/sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Bytes of a ring, a power of two; the largest has room for some 20,000 switches. */
#define RING_MOST      (2u << 20)
#define RING_LEAST     (256u << 10)
#define RINGS_TOGETHER (64u << 20)
/* Of rings that are overwritten, which are there for the VM's whole life. */
#define LAST_MOST     (2u << 20)
#define LAST_TOGETHER (8u << 20)
/* The kernel publishes a record when it is whole: so much may be on its way. */
#define ON_ITS_WAY 4096u

struct ring {
	int fd;
	uint32_t cpu;
	struct perf_event_mmap_page *page;
	size_t offset, size; /* of the data; the size is a power of two */
};

struct blame_perf {
	size_t count;
	struct ring *rings;
	bool is_last;     /* the rings are overwritten, the newest record is the first */
	uint64_t *record; /* room for the longest record, for those that wrap around; of last ones NULL */
	uint64_t opened_ns;
};

static int open_event(uint32_t cpu, bool is_last)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU,
		.disabled = 1,
		.sample_id_all = 1,
		.context_switch = 1,
		.comm = 1,
		.task = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		/* Nobody polls: the reader comes by itself. */
		.watermark = 1,
		.wakeup_watermark = UINT32_MAX,
		.write_backward = is_last,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int open_ring(struct ring *ring, uint32_t cpu, size_t size, bool is_last)
{
	/* Where a reader could say what it has read the kernel would wait for that. */
	int fd = open_event(cpu, is_last), access = is_last ? PROT_READ : PROT_READ | PROT_WRITE;
	void *memory;

	if (fd < 0)
		return fd;
	ring->size = size;
	ring->offset = (size_t)sysconf(_SC_PAGESIZE);
	memory = mmap(NULL, ring->offset + ring->size, access, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		int r = -errno;

		close(fd);
		return r;
	}
	ring->fd = fd;
	ring->cpu = cpu;
	ring->page = memory;
	return 0;
}

static size_t size_of_ring(size_t rings, bool is_last)
{
	size_t size = is_last ? LAST_MOST : RING_MOST, together = is_last ? LAST_TOGETHER : RINGS_TOGETHER;

	while (size > RING_LEAST && size * rings > together)
		size /= 2;
	return size;
}

static int read_online(struct qrt_sched_cpus *ret_cpus)
{
	char text[1024] = "";
	FILE *file = fopen("/sys/devices/system/cpu/online", "re");

	if (file) {
		if (!fgets(text, sizeof(text), file))
			text[0] = '\0';
		fclose(file);
		text[strcspn(text, "\n")] = '\0';
	}
	return qrt_sched_cpus_parse(text, ret_cpus);
}

static int open_rings(struct blame_perf *perf, const struct qrt_sched_cpus *cpus)
{
	size_t size = size_of_ring((size_t)qrt_sched_cpus_count(cpus), perf->is_last);
	int cpu = -1, r;

	perf->rings = g_new0(struct ring, qrt_sched_cpus_count(cpus));
	while ((cpu = qrt_sched_cpus_next(cpus, cpu)) >= 0) {
		r = open_ring(&perf->rings[perf->count], (uint32_t)cpu, size, perf->is_last);
		if (r < 0)
			return r;
		perf->count++;
	}
	return perf->count > 0 ? 0 : -ENODEV;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int open_all(const struct qrt_sched_cpus *cpus, bool is_last, struct blame_perf **ret_perf)
{
	struct blame_perf *perf = g_new0(struct blame_perf, 1);
	size_t i;
	int r;

	perf->is_last = is_last;
	r = open_rings(perf, cpus);
	if (r < 0) {
		blame_perf_close(perf);
		return r;
	}
	perf->record = is_last ? NULL : g_malloc(UINT16_MAX + 1);
	for (i = 0; i < perf->count; i++)
		ioctl(perf->rings[i].fd, PERF_EVENT_IOC_ENABLE, 0);
	perf->opened_ns = now();
	*ret_perf = perf;
	return 0;
}

int blame_perf_open(struct blame_perf **ret_perf)
{
	struct qrt_sched_cpus cpus;
	int r = read_online(&cpus);

	return r < 0 ? r : open_all(&cpus, false, ret_perf);
}

int blame_perf_open_last(const struct qrt_sched_cpus *cpus, struct blame_perf **ret_perf)
{
	return open_all(cpus, true, ret_perf);
}

struct blame_perf *blame_perf_close(struct blame_perf *perf)
{
	size_t i;

	if (!perf)
		return NULL;
	for (i = 0; i < perf->count; i++) {
		munmap(perf->rings[i].page, perf->rings[i].offset + perf->rings[i].size);
		close(perf->rings[i].fd);
	}
	g_free(perf->rings);
	g_free(perf->record);
	g_free(perf);
	return NULL;
}

static void copy_out(const struct ring *ring, uint64_t from, void *to, size_t size)
{
	const char *data = (const char *)ring->page + ring->offset;
	size_t start = from & (ring->size - 1), first = ring->size - start;

	if (first > size)
		first = size;
	memcpy(to, data + start, first);
	memcpy((char *)to + first, data, size - first);
}

static void read_ring(struct blame_perf *perf, const struct ring *ring, GArray *events)
{
	/* Pairs with the kernel's barrier between the data and data_head. */
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE),
		 tail = ring->page->data_tail;
	struct perf_event_header header;
	struct blame_event event;

	while (tail < head) {
		copy_out(ring, tail, &header, sizeof(header));
		if (header.size < sizeof(header) || header.size > head - tail)
			break;
		copy_out(ring, tail, perf->record, header.size);
		if (blame_perf_decode(perf->record, header.size, ring->cpu, &event))
			g_array_append_val(events, event);
		tail += header.size;
	}
	/* The data was read before the kernel may overwrite it. */
	__atomic_store_n(&ring->page->data_tail, head, __ATOMIC_RELEASE);
}

void blame_perf_read(struct blame_perf *perf, GArray *events)
{
	size_t i;

	for (i = 0; i < perf->count; i++)
		read_ring(perf, &perf->rings[i], events);
}

/* The head of such a ring falls. Copies from the newest record on, as much as stayed whole meanwhile. */
static void copy_last(const struct blame_perf *perf, const struct ring *ring,
		      struct blame_copy_ring *ret_copied)
{
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE), written = 0 - head, fresh;
	size_t size = written < ring->size ? (size_t)written : ring->size;

	*ret_copied = (struct blame_copy_ring){.cpu = ring->cpu, .bytes = g_malloc(size)};
	if (size > 0)
		copy_out(ring, head, ret_copied->bytes, size);
	/* The data was read before the head is read again. */
	__sync_synchronize();
	fresh = head - __atomic_load_n(&ring->page->data_head, __ATOMIC_RELAXED) + ON_ITS_WAY;
	ret_copied->is_overwritten = written + fresh > ring->size;
	if (size + fresh > ring->size)
		size = fresh < ring->size ? (size_t)(ring->size - fresh) : 0;
	ret_copied->size = size;
	ret_copied->since_ns = ret_copied->is_overwritten ? now() : perf->opened_ns;
}

struct blame_copy *blame_perf_copy_last(const struct blame_perf *perf)
{
	struct blame_copy *copy = blame_copy_new();
	struct blame_copy_ring copied;
	size_t i;

	for (i = 0; i < perf->count; i++) {
		copy_last(perf, &perf->rings[i], &copied);
		blame_copy_add(copy, &copied);
	}
	return copy;
}

uint64_t blame_perf_get_written(const struct blame_perf *perf)
{
	uint64_t most = 0, written;
	size_t i;

	for (i = 0; i < perf->count; i++) {
		written = 0 - __atomic_load_n(&perf->rings[i].page->data_head, __ATOMIC_RELAXED);
		most = written > most ? written : most;
	}
	return most;
}
