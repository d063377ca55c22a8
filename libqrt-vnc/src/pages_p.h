/* SPDX-License-Identifier: MIT */
#ifndef QRT_VNC_PAGES_P_H
#define QRT_VNC_PAGES_P_H

#include "cells_p.h"
#include "pages_abi_p.h"

#define QRT_VNC_P_REGIONS 512u

/* The pages of a surface, of which the kernel notes which ones this process writes to. */
struct qrt_vnc_p_pages {
	int uffd, pagemap;    /* -1: none */
	uint64_t begin, end;  /* addresses, whole pages */
	uint64_t count, size; /* pages, and bytes of one */
	struct qrt_vnc_p_page_region regions[QRT_VNC_P_REGIONS];
};

/* Begins to note, which the caller follows by a look at all of it. is_sole: memory that others can have, too,
 * is written to by nobody but through this mapping. A negative errno, and why (a string that stays) in
 * *ret_why. */
int qrt_vnc_p_pages_open(struct qrt_vnc_p_pages *pages, const struct qrt_vnc_p_layout *layout, bool is_sole,
			 const char **ret_why);
/* Ends it; may be called for what is not open, with both descriptors -1. */
void qrt_vnc_p_pages_close(struct qrt_vnc_p_pages *pages);
/* Sets the cells of pages that were written to since the last call, and returns how many pages those are. A
 * write that comes while it looks is in this one or in the next one. -EPERM: the memory was mapped anew. */
int64_t qrt_vnc_p_pages_take(struct qrt_vnc_p_pages *pages, const struct qrt_vnc_p_layout *layout,
			     struct qrt_vnc_p_cells *cells);

#endif
