/* SPDX-License-Identifier: MIT */
#ifndef QRT_VNC_TRACKER_P_H
#define QRT_VNC_TRACKER_P_H

#include <qrt/vnc_tracker.h>

#include "pages_p.h"

/* What is noted of one surface. */
struct qrt_vnc_p_view {
	struct qrt_vnc_p_layout layout;
	struct qrt_vnc_p_cells cells[2]; /* what is marked now, and what the last hint has */
	uint32_t now;
	uint32_t way;
	bool is_all; /* of the next hint */
	bool was_paused;
	uint32_t pause_left, pause_next; /* rounds */
	uint64_t written;                /* pages, in the last round */
	struct qrt_vnc_p_pages pages;
	char reason[160];
};

struct qrt_vnc_tracker {
	struct qrt_vnc_tracker_config config;
	struct qrt_vnc_p_view *view;
};

#endif
