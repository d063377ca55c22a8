/* SPDX-License-Identifier: MIT */
#include "qrt/vnc.h"

const char *qrt_vnc_version(void)
{
	return QRT_VNC_VERSION;
}
