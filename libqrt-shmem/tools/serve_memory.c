/* SPDX-License-Identifier: MIT */
/* The memory that all share. */
#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "serve.h"

static guint64 layout_bytes(const struct serve_memory_plan *plan)
{
	return qrt_shmem_layout_bytes((guint32)plan->peers, (guint32)plan->values, (guint32)plan->ring_bytes);
}

static gboolean is_power_of_two(guint64 number)
{
	return number && !(number & (number - 1));
}

static guint64 round_up(guint64 bytes)
{
	guint64 power = QRT_SHMEM_PAGE;

	while (power < bytes)
		power *= 2;
	return power;
}

/* ---- before ---- */

static int check_room(const struct serve_memory_plan *plan, guint64 size)
{
	if (!plan->has_layout || layout_bytes(plan) <= size)
		return EXIT_OK;
	complain("a layout of %" G_GUINT64_FORMAT " peers, %" G_GUINT64_FORMAT
		 " values and %" G_GUINT64_FORMAT " bytes of a ring takes %" G_GUINT64_FORMAT
		 " bytes: give --size %" G_GUINT64_FORMAT,
		 plan->peers, plan->values, plan->ring_bytes, layout_bytes(plan),
		 round_up(layout_bytes(plan)));
	return EXIT_USAGE;
}

static int check_size(const struct serve_memory_plan *plan, guint64 size)
{
	if (!is_power_of_two(size) || size < QRT_SHMEM_PAGE) {
		complain("%s%s%" G_GUINT64_FORMAT
			 " bytes: a PCI device's memory is a power of two, of 4096 bytes or "
			 "more",
			 plan->file ? plan->file : "--size ", plan->file ? ": " : "", size);
		return EXIT_USAGE;
	}
	if (plan->is_huge && plan->page_shift && size < G_GUINT64_CONSTANT(1) << plan->page_shift) {
		complain("--size %" G_GUINT64_FORMAT ": a huge page is larger; give --size %" G_GUINT64_FORMAT
			 " or more",
			 size, G_GUINT64_CONSTANT(1) << plan->page_shift);
		return EXIT_USAGE;
	}
	return check_room(plan, size);
}

/* Of a file that is there already; 0: of none. */
static guint64 find_length(const struct serve_memory_plan *plan)
{
	struct stat status;

	return plan->file && stat(plan->file, &status) == 0 && S_ISREG(status.st_mode)
		       ? (guint64)status.st_size
		       : 0;
}

/* It has its length, where none is asked for. */
static guint64 find_size(const struct serve_memory_plan *plan)
{
	guint64 length = plan->has_size ? 0 : find_length(plan);

	return length ? length : plan->size;
}

int serve_memory_check(const struct serve_memory_plan *plan)
{
	if (plan->file && plan->is_huge) {
		complain("--file and --hugetlb: give one of them; a file on hugetlbfs is in huge pages by "
			 "itself");
		return EXIT_USAGE;
	}
	return check_size(plan, find_size(plan));
}

/* ---- the memory ---- */

static const char *find_remedy(const struct serve_memory_plan *plan, int rc)
{
	if (plan->is_huge && (rc == -ENOSPC || rc == -ENOMEM))
		return "; so many huge pages are not free: see /proc/sys/vm/nr_hugepages";
	if (plan->is_locked && (rc == -ENOMEM || rc == -EPERM))
		return "; see the limit of locked memory, ulimit -l";
	if (plan->nodes && rc == -EINVAL)
		return "; see /sys/devices/system/node/online";
	return "";
}

static int open_memory(const struct serve_memory_plan *plan, struct qrt_shmem_memory_config *config,
		       struct serve_memory *memory)
{
	struct qrt_shmem_error error;
	int rc;

	config->size = sizeof(*config);
	config->flags |= (plan->is_locked ? QRT_SHMEM_MEMORY_LOCK : 0) |
			 (plan->is_populated ? QRT_SHMEM_MEMORY_POPULATE : 0);
	config->nodes = plan->nodes;
	rc = qrt_shmem_memory_open(config, &memory->memory, &error);
	if (rc < 0)
		complain("%s%s", error.message, find_remedy(plan, rc));
	return rc;
}

static void fill(const struct serve_memory_plan *plan, struct qrt_shmem_memory_config *config)
{
	config->kind = plan->file      ? QRT_SHMEM_MEMORY_FILE
		       : plan->is_huge ? QRT_SHMEM_MEMORY_HUGETLB
				       : QRT_SHMEM_MEMORY_MEMFD;
	config->flags = plan->file ? QRT_SHMEM_MEMORY_CLAIM : QRT_SHMEM_MEMORY_FIXED;
	config->page_shift = plan->page_shift;
	config->path = plan->file;
	config->length = find_size(plan);
}

/* Bytes; 0: it is not known. */
static guint64 find_available(void)
{
	g_autofree char *text = NULL;
	const char *line;

	if (!g_file_get_contents("/proc/meminfo", &text, NULL, NULL))
		return 0;
	line = strstr(text, "MemAvailable:");
	return line ? g_ascii_strtoull(line + strlen("MemAvailable:"), NULL, 10) * 1024 : 0;
}

static gboolean is_in_ram(const char *file)
{
	g_autofree char *folder = g_path_get_dirname(file);
	struct statfs status;

	return statfs(folder, &status) == 0 && status.f_type == TMPFS_MAGIC;
}

/* The kernel would not refuse what RAM cannot hold: it would kill processes until it can. */
static int check_ram(const struct serve_memory_plan *plan)
{
	guint64 available = find_available(), size = find_size(plan);
	gboolean is_taken = plan->file ? is_in_ram(plan->file) : plan->is_locked || plan->is_populated;

	if (!is_taken || plan->is_huge || !available || size <= available)
		return 0;
	complain("--size %" G_GUINT64_FORMAT ": %" G_GUINT64_FORMAT
		 " bytes of RAM are free; give a smaller one",
		 size, available);
	return -ENOMEM;
}

/* Nothing of it was changed but that. */
static void cut_back(const struct serve_memory *memory, guint64 length)
{
	if (length && length < qrt_shmem_memory_get_length(memory->memory) &&
	    ftruncate(qrt_shmem_memory_get_fd(memory->memory), (off_t)length) < 0)
		complain("the file stays longer: %s", g_strerror(errno));
}

int serve_memory_make(const struct serve_memory_plan *plan, struct serve_memory *memory)
{
	struct qrt_shmem_memory_config config = {.fd = -1};
	guint64 length = find_length(plan);
	int rc = check_ram(plan);

	fill(plan, &config);
	if (rc >= 0)
		rc = open_memory(plan, &config, memory);
	if (rc >= 0 && plan->has_layout) {
		rc = serve_layout_have(plan, memory);
		if (rc < 0)
			cut_back(memory, length);
	}
	if (rc < 0)
		serve_memory_close(memory);
	return rc;
}

/* ---- what was there before ---- */

static gboolean is_file(const char *path, int fd)
{
	struct stat one, other;

	return stat(path, &one) == 0 && fstat(fd, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

static gboolean is_huge(const struct serve_memory_plan *plan, int fd)
{
	struct statfs status;

	return fstatfs(fd, &status) == 0 && status.f_type == HUGETLBFS_MAGIC &&
	       (!plan->page_shift || (guint64)status.f_bsize == G_GUINT64_CONSTANT(1) << plan->page_shift);
}

/* What is asked for, and is not so; NULL: there is nothing of that kind. */
static const char *find_difference(const struct serve_memory_plan *plan, const struct serve_memory *memory,
				   int fd)
{
	if (plan->has_size && plan->size != qrt_shmem_memory_get_length(memory->memory))
		return "--size";
	if (plan->file && !is_file(plan->file, fd))
		return "--file";
	if (plan->is_huge && !is_huge(plan, fd))
		return "--hugetlb";
	return plan->has_layout && !serve_layout_is(plan, memory) ? "--layout" : NULL;
}

static int refuse(const struct serve_memory *memory, const char *option)
{
	g_autofree char *layout = serve_layout_describe(memory);

	complain("%s: the memory that clients of the server before have is another one: %" G_GUINT64_FORMAT
		 " bytes, with %s; leave it out, or end that server and its clients first",
		 option, qrt_shmem_memory_get_length(memory->memory), layout);
	return -EEXIST;
}

/* Peers use it: it stays as it is. */
int serve_memory_take(const struct serve_memory_plan *plan, int fd, int shape_fd, struct serve_memory *memory)
{
	struct qrt_shmem_memory_config config = {.kind = QRT_SHMEM_MEMORY_FD, .fd = fd};
	struct serve_memory_plan own = *plan;
	const char *option;
	int rc = shape_fd >= 0 ? serve_shape_restore_length(shape_fd, fd) : 0;

	own.nodes = 0;
	own.is_populated = FALSE;
	if (rc >= 0)
		rc = open_memory(&own, &config, memory);
	if (rc < 0)
		return rc;
	if (shape_fd < 0 || serve_shape_attach(shape_fd, memory) < 0)
		serve_layout_attach(memory); /* nothing else is known of it */
	option = find_difference(plan, memory, fd);
	return option ? refuse(memory, option) : 0;
}

void serve_memory_close(struct serve_memory *memory)
{
	memory->memory = qrt_shmem_memory_close(memory->memory);
	memory->has_view = FALSE;
}
