/* SPDX-License-Identifier: MIT */
/* What Linux >= 6.7 has and the headers of Debian 12 have not: the kernel's Documentation/admin-guide/mm,
 * pagemap.rst and userfaultfd.rst, and PAGEMAP_SCAN(2const). The names are ours, so that newer headers do not
 * get in the way. */
#ifndef QRT_VNC_PAGES_ABI_P_H
#define QRT_VNC_PAGES_ABI_P_H

#include <stdint.h>
#include <sys/ioctl.h>

struct qrt_vnc_p_page_region {
	uint64_t start, end; /* addresses */
	uint64_t categories;
};

struct qrt_vnc_p_page_scan {
	uint64_t size;
	uint64_t flags;
	uint64_t start, end;
	uint64_t walk_end; /* out: where it stopped */
	uint64_t vec;      /* address of regions */
	uint64_t vec_len;
	uint64_t max_pages;
	/* A page is taken when (categories ^ inverted) has all of mask, and any of anyof_mask. */
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define QRT_VNC_P_PAGEMAP_SCAN _IOWR('f', 16, struct qrt_vnc_p_page_scan)

/* Flags. */
#define QRT_VNC_P_SCAN_PROTECT 1u /* PM_SCAN_WP_MATCHING: in one step with the look at it, page by page */
#define QRT_VNC_P_SCAN_CHECK   2u /* PM_SCAN_CHECK_WPASYNC: -EPERM where it is not registered */

/* Categories. */
#define QRT_VNC_P_PAGE_WRITTEN 2u /* PAGE_IS_WRITTEN */
#define QRT_VNC_P_PAGE_PRESENT 8u /* PAGE_IS_PRESENT */

#define QRT_VNC_P_UFFD_WP_ANY_SHMEM   (1ull << 12) /* UFFD_FEATURE_WP_HUGETLBFS_SHMEM */
#define QRT_VNC_P_UFFD_WP_UNPOPULATED (1ull << 13) /* UFFD_FEATURE_WP_UNPOPULATED */
#define QRT_VNC_P_UFFD_WP_ASYNC       (1ull << 15) /* UFFD_FEATURE_WP_ASYNC */
#define QRT_VNC_P_UFFD_USER_MODE_ONLY 1u           /* UFFD_USER_MODE_ONLY */

#endif
