/* SPDX-License-Identifier: MIT */
/* A surface in pages of its own, and a tracker of what is written to them. */
#ifndef QRT_TESTS_PAGES_HELP_H
#define QRT_TESTS_PAGES_HELP_H

#include <qrt/vnc_tracker.h>
#include <stdbool.h>
#include <stddef.h>

#include "tap.h"

#define PAGES_WIDTH  1024u /* of 32 bits: a row is a page of 4096 bytes */
#define PAGES_HEIGHT 1024u
#define PAGES_BYTES  (PAGES_WIDTH * PAGES_HEIGHT * 4u)

enum pages_kind {
	PAGES_ANONYMOUS,
	PAGES_SHARED, /* a memfd */
	PAGES_FILE,   /* a private mapping of a memfd */
	PAGES_HUGE,   /* of hugetlbfs */
};

extern struct qrt_vnc_tracker *pages_tracker;
extern struct qrt_vnc_error pages_error;
extern struct qrt_vnc_hint pages_hint;
extern uint32_t *pages_memory;

/* Memory of that kind, which begins with a huge page; false: there is none here. */
bool pages_map(enum pages_kind kind);
void pages_unmap(void);
/* Opens a tracker of it. */
int pages_open(uint32_t way, uint32_t flags);
/* Memory and a tracker that has told all once; false: this kernel cannot, and the test is skipped. */
bool pages_begin(enum pages_kind kind, uint32_t flags);
void pages_end(void);
int pages_take(void);
bool pages_is_hinted(uint32_t x, uint32_t y);
/* Rows in which something is hinted. */
uint32_t pages_count_rows(void);
struct qrt_vnc_tracker_info pages_info(void);
/* Why this machine does not note writes, NULL: it does. */
const char *pages_why_not(void);

#endif
