/* SPDX-License-Identifier: MIT */
#include "error_p.h"

#include "fill_error_p.h"

QRT_P_DEFINE_ERROR(qrt_vnc_p_error, struct qrt_vnc_error)
