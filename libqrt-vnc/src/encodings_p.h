/* SPDX-License-Identifier: MIT */
#ifndef QRT_VNC_ENCODINGS_P_H
#define QRT_VNC_ENCODINGS_P_H

#include <stdint.h>

#define QRT_VNC_P_ENCODING_COPY_RECT 1u
#define QRT_VNC_P_ENCODING_LAST_RECT 0xffffff20u /* -224 */

/* Is one of enum qrt_vnc_encoding. */
int qrt_vnc_p_encoding_is_known(uint32_t encoding);

#endif
