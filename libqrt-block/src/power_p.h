/* SPDX-License-Identifier: MIT */
/* What a device would still have after its power was cut: a copy of what is safe, and which sectors are not.
 */
#ifndef QRT_BLOCK_POWER_P_H
#define QRT_BLOCK_POWER_P_H

#include "device_p.h"

struct qrt_block_p_power;

/* -ENOMEM, or what reading the device's content says. */
int qrt_block_p_power_open(struct qrt_block_device *device, struct qrt_block_p_power **ret_power);
void qrt_block_p_power_close(struct qrt_block_p_power *power);
/* These bytes were changed, or may have been; with is_safe they are safe. */
void qrt_block_p_power_change(struct qrt_block_p_power *power, uint64_t offset, uint64_t length, int is_safe);
/* A flush begins: it makes safe what was changed so far. To be given to the next one when it is done. */
uint64_t qrt_block_p_power_begin_flush(struct qrt_block_p_power *power);
int qrt_block_p_power_end_flush(struct qrt_block_p_power *power, uint64_t sequence);
/* Sectors that are not safe fall back, or stay, by *seed. */
int qrt_block_p_power_cut(struct qrt_block_p_power *power, uint64_t *seed);

/* The next number by chance. */
uint64_t qrt_block_p_random(uint64_t *seed);

#endif
