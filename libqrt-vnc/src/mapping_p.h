/* SPDX-License-Identifier: MIT */
#ifndef QRT_VNC_MAPPING_P_H
#define QRT_VNC_MAPPING_P_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What kind of memory a range of addresses is. */
struct qrt_vnc_p_mapping {
	bool is_shared; /* by others, perhaps */
	bool is_file;   /* of any kind, memory without a name of its own is one as well where it is shared */
};

/* By the lines of /proc/self/maps. -ENXIO: not all of the range is mapped; -EXDEV: it is of several kinds;
 * -EPROTO: no such lines; -EIO. */
int qrt_vnc_p_mapping_look(FILE *maps, uintptr_t begin, uintptr_t end, struct qrt_vnc_p_mapping *ret_mapping);

#endif
