/* SPDX-License-Identifier: MIT */
/* Images of qcow2, made by hand: right ones, and then wrong ones. */
#ifndef QRT_TESTS_QCOW2_HELP_H
#define QRT_TESTS_QCOW2_HELP_H

#include "block_help.h"

struct qcow2_file {
	uint8_t *bytes;
	uint64_t length, room; /* whole clusters; what is allocated */
	uint32_t cluster_bits;
	uint64_t cluster, capacity, l1_at;
};

void qcow2_begin(struct qcow2_file *file, uint32_t version, uint32_t cluster_bits, uint64_t capacity);
void qcow2_end(struct qcow2_file *file);
/* Of the guest's cluster of that number. */
void qcow2_put_data(struct qcow2_file *file, uint64_t number, const void *cluster);
void qcow2_put_compressed(struct qcow2_file *file, uint64_t number, const void *cluster);
void qcow2_put_entry(struct qcow2_file *file, uint64_t number, uint64_t entry);
void qcow2_put_backing(struct qcow2_file *file, const char *name, const char *format);
void qcow2_save(const struct qcow2_file *file, const char *path);

void qcow2_set32(struct qcow2_file *file, uint64_t at, uint32_t value);
void qcow2_set64(struct qcow2_file *file, uint64_t at, uint64_t value);
uint64_t qcow2_get64(const struct qcow2_file *file, uint64_t at);

#endif
