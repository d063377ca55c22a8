/* SPDX-License-Identifier: MIT */
/* The two ways of `dump`. */
#ifndef QRT_SHMEM_DUMP_H
#define QRT_SHMEM_DUMP_H

#include "member.h"

/* Header, lives, states, values and rings. */
void dump_layout(const struct member *member, gboolean is_json);
/* Bytes: those that are like the line before are left out. */
void dump_raw(const struct member *member, guint64 offset, guint64 length, gboolean is_json);

#endif
