/* SPDX-License-Identifier: MIT */
#ifndef QRT_SHMEM_MEMORY_P_H
#define QRT_SHMEM_MEMORY_P_H

#include <qrt/shmem.h>

struct qrt_shmem_memory {
	int fd, claim; /* -1: none */
	void *data;
	uint64_t length;
	char *made;   /* a file of which nothing is to be left where this fails */
	int is_grown; /* one that is to have its length again */
	uint64_t length_before;
};

/* One that is there, or is made: its descriptor; -1: errno says why not. (memory_file.c) */
int qrt_shmem_p_memory_open_file(struct qrt_shmem_memory *memory,
				 const struct qrt_shmem_memory_config *config);
/* Where that is asked for. -EBUSY: it is somebody's. */
int qrt_shmem_p_memory_claim(struct qrt_shmem_memory *memory, const struct qrt_shmem_memory_config *config);

#endif
