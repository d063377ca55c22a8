/* SPDX-License-Identifier: MIT */
/* Pages that were written to, by asynchronous write protection: the kernel itself ends the protection of a
 * page at the first write, without a message to anybody, and the scan takes the pages that have none and
 * protects them again, page by page in one step. So whatever is written after the scan's look at a page is
 * seen by the next scan, and what came before it by the look at the pixels that follows. */
#include "pages_p.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mapping_p.h"

static int check_mapping(const struct qrt_vnc_p_pages *pages, bool is_sole, const char **ret_why)
{
	struct qrt_vnc_p_mapping mapping = {0};
	FILE *maps = fopen("/proc/self/maps", "re");
	int rc = maps ? qrt_vnc_p_mapping_look(maps, pages->begin, pages->end, &mapping) : -errno;

	if (maps)
		fclose(maps);
	if (rc < 0) {
		*ret_why = rc == -ENXIO   ? "not all of the surface is mapped"
			   : rc == -EXDEV ? "the surface is in memory of several kinds"
					  : "/proc/self/maps cannot be read";
		return rc;
	}
	if (!is_sole && (mapping.is_shared || mapping.is_file)) {
		*ret_why = "the memory is a file's or shared: writes of others would not be seen; "
			   "QRT_VNC_TRACKER_SOLE says that there are none";
		return -EPERM;
	}
	return 0;
}

/* Faults of the kernel's own, KVM's too, are resolved without a handler: so the unprivileged kind does. */
static int open_uffd(const char **ret_why)
{
	struct uffdio_api api = {.api = UFFD_API,
				 .features = QRT_VNC_P_UFFD_WP_ASYNC | QRT_VNC_P_UFFD_WP_UNPOPULATED |
					     QRT_VNC_P_UFFD_WP_ANY_SHMEM};
	int rc, fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | QRT_VNC_P_UFFD_USER_MODE_ONLY);

	if (fd < 0) {
		rc = -errno;
		*ret_why = rc == -EPERM ? "userfaultfd is not allowed (a sandbox?)"
					: "this kernel has no userfaultfd";
		return rc;
	}
	if (ioctl(fd, UFFDIO_API, &api) < 0) {
		rc = -errno;
		*ret_why = "this kernel has no asynchronous write protection (Linux 6.7 has)";
		close(fd);
		return rc;
	}
	return fd;
}

static int protect(const struct qrt_vnc_p_pages *pages, uint64_t begin, uint64_t end)
{
	struct uffdio_register range = {.range = {begin, end - begin}, .mode = UFFDIO_REGISTER_MODE_WP};

	return ioctl(pages->uffd, UFFDIO_REGISTER, &range) < 0 ? -errno : 0;
}

/* One page first: of huge pages of hugetlbfs the kernel takes no part, and those are not scanned: kernels
 * have had faults there, and a page would be the whole screen. */
static int protect_all(const struct qrt_vnc_p_pages *pages, const char **ret_why)
{
	int rc = protect(pages, pages->begin, pages->begin + pages->size);

	if (rc == -EINVAL) {
		*ret_why = "the memory is in huge pages of hugetlbfs, or cannot be write-protected";
		return rc;
	}
	if (rc >= 0)
		rc = protect(pages, pages->begin, pages->end);
	if (rc < 0)
		*ret_why = rc == -EBUSY   ? "another userfaultfd has this memory"
			   : rc == -EPERM ? "the memory cannot be written to"
					  : "the memory cannot be write-protected";
	return rc;
}

/* Takes what is written, and what is not there: memory that was given back reads as zeroes from then on, and
 * not every kernel calls that written. */
static int scan(struct qrt_vnc_p_pages *pages, uint64_t start, uint64_t *ret_walk_end)
{
	struct qrt_vnc_p_page_scan request = {
		.size = sizeof(request),
		.flags = QRT_VNC_P_SCAN_PROTECT | QRT_VNC_P_SCAN_CHECK,
		.start = start,
		.end = pages->end,
		.vec = (uintptr_t)pages->regions,
		.vec_len = QRT_VNC_P_REGIONS,
		.category_inverted = QRT_VNC_P_PAGE_PRESENT,
		.category_anyof_mask = QRT_VNC_P_PAGE_WRITTEN | QRT_VNC_P_PAGE_PRESENT,
		.return_mask = QRT_VNC_P_PAGE_WRITTEN,
	};
	int count = ioctl(pages->pagemap, QRT_VNC_P_PAGEMAP_SCAN, &request);

	if (count < 0)
		return -errno;
	/* It cannot stand still: with room in the vector it ends at the end. */
	if ((uint32_t)count > QRT_VNC_P_REGIONS || request.walk_end <= start)
		return -EPROTO;
	*ret_walk_end = request.walk_end;
	return count;
}

int64_t qrt_vnc_p_pages_take(struct qrt_vnc_p_pages *pages, const struct qrt_vnc_p_layout *layout,
			     struct qrt_vnc_p_cells *cells)
{
	uint64_t at = pages->begin, written = 0;
	int i, count;

	while (at < pages->end) {
		count = scan(pages, at, &at);
		if (count < 0)
			return count;
		for (i = 0; i < count; i++) {
			const struct qrt_vnc_p_page_region *region = &pages->regions[i];
			uint64_t begin = region->start > layout->begin ? region->start - layout->begin : 0;

			qrt_vnc_p_cells_set_bytes(cells, layout, begin, region->end - layout->begin);
			written += (region->end - region->start) / pages->size;
		}
	}
	return (int64_t)written;
}

static int start(struct qrt_vnc_p_pages *pages, const char **ret_why)
{
	uint64_t end;
	int rc;

	pages->uffd = open_uffd(ret_why);
	if (pages->uffd < 0)
		return pages->uffd;
	pages->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pages->pagemap < 0) {
		rc = -errno;
		*ret_why = "/proc/self/pagemap cannot be opened";
		return rc;
	}
	rc = protect_all(pages, ret_why);
	if (rc < 0)
		return rc;
	rc = scan(pages, pages->begin, &end);
	if (rc < 0)
		*ret_why = "PAGEMAP_SCAN does not work on this memory";
	return rc;
}

int qrt_vnc_p_pages_open(struct qrt_vnc_p_pages *pages, const struct qrt_vnc_p_layout *layout, bool is_sole,
			 const char **ret_why)
{
	uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE);
	int rc;

	pages->uffd = pages->pagemap = -1;
	pages->size = size;
	pages->begin = layout->begin / size * size;
	pages->end = (layout->begin + layout->bytes + size - 1) / size * size;
	pages->count = (pages->end - pages->begin) / size;
	rc = check_mapping(pages, is_sole, ret_why);
	if (rc >= 0)
		rc = start(pages, ret_why);
	if (rc >= 0)
		return 0;
	qrt_vnc_p_pages_close(pages);
	return rc;
}

/* With its descriptor the registration ends, and all protection with it. */
void qrt_vnc_p_pages_close(struct qrt_vnc_p_pages *pages)
{
	if (pages->uffd >= 0)
		close(pages->uffd);
	if (pages->pagemap >= 0)
		close(pages->pagemap);
	pages->uffd = pages->pagemap = -1;
}
