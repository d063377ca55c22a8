/* SPDX-License-Identifier: MIT */
/*
 * libqrt-shmem: memory that virtual machines, programs and hosts share.
 *
 * What all parts have in common: errors, and the memory itself. The parts: <qrt/ivshmem.h> (server, peer and
 * device model of ivshmem), <qrt/shmem_layout.h> (what lies in the memory; for guests, too).
 *
 * Every call is marked [setup] or [rt]. An [rt] call does not allocate, log, or take a lock, and its time is
 * bounded. Every int result is >= 0 on success and a negative errno on failure. ret_* are written on success
 * only, reterr (which may be NULL) on failure only. A handle is used by one thread at a time, unless its
 * comment says otherwise. A config struct starts with its size; zero in a member is the default.
 *
 * The library never exits, aborts on input, prints, starts threads, installs signal handlers, or keeps global
 * mutable state.
 */
#ifndef QRT_SHMEM_H
#define QRT_SHMEM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define QRT_SHMEM_API __attribute__((visibility("default")))
#else
#define QRT_SHMEM_API
#endif

/* The library's version as "MAJOR.MINOR.PATCH". [rt] */
QRT_SHMEM_API const char *qrt_shmem_version(void);

/* What went wrong in a setup call, for a person: one line without a newline at its end. */
struct qrt_shmem_error {
	int32_t code;      /* the negative errno that the call returned */
	char message[252]; /* names the thing and the remedy */
};

/* ---- memory -------------------------------------------------------------------------------- */

enum qrt_shmem_memory_kind {
	QRT_SHMEM_MEMORY_MEMFD,   /* without a name; ends with its last user */
	QRT_SHMEM_MEMORY_HUGETLB, /* the same in huge pages, of 2^page_shift bytes */
	QRT_SHMEM_MEMORY_FILE, /* a file: on tmpfs, on hugetlbfs, or on a disk, where its content outlives all
				*/
	QRT_SHMEM_MEMORY_FD,   /* what the caller has already */
};

#define QRT_SHMEM_MEMORY_LOCK     1u /* stays in RAM for as long as this handle does (mlock(2)) */
#define QRT_SHMEM_MEMORY_POPULATE 2u /* all pages are there from the start */
#define QRT_SHMEM_MEMORY_NEW      4u /* FILE: one that exists already is an error (-EEXIST) */
#define QRT_SHMEM_MEMORY_FIXED                                                                               \
	8u /* MEMFD, HUGETLB: nobody can make it shorter or longer (fcntl(2), seals)                         \
	    */
/* FILE: nobody else who asks for this has it (-EBUSY): it is locked (flock(2)) before anything of it is
 * changed, for as long as this memory, or a dup of its get_claim(), lives. */
#define QRT_SHMEM_MEMORY_CLAIM 16u

struct qrt_shmem_memory_config {
	uint32_t size;
	uint32_t kind;       /* enum qrt_shmem_memory_kind */
	uint32_t flags;      /* QRT_SHMEM_MEMORY_* */
	uint32_t page_shift; /* HUGETLB: 21, 30, ...; 0: the kernel's default size */
	uint64_t length;     /* bytes; 0: the length that a FILE or FD has */
	const char *path;    /* FILE */
	uint32_t mode;       /* FILE that is made: its permissions; 0: 0600, the umask does not count */
	int32_t fd;          /* FD: is dup'ed */
	/* NUMA nodes on which pages may lie, node n is bit n; 0: any. Counts for pages that are not there
	 * yet, and for all who map the memory (mbind(2)). */
	uint64_t nodes;
};

struct qrt_shmem_memory;

/* Makes or opens it, and maps all of it, for reading and writing. -EINVAL: a length that is no multiple of a
 * page, or no such node; -EFBIG: it is there, and longer than `length`; -ENOSPC, -ENOMEM: not so much, or no
 * such huge pages; -ENODEV: this host has none of that size; -EEXIST, -ELOOP: a symbolic link; -EACCES,
 * -EPERM, -EBADF. Where it fails a file is as it was before, or was not made. [setup] */
QRT_SHMEM_API int qrt_shmem_memory_open(const struct qrt_shmem_memory_config *config,
					struct qrt_shmem_memory **ret_memory, struct qrt_shmem_error *reterr);
/* Unmaps it. A file stays. NULL is fine; returns NULL. [setup] */
QRT_SHMEM_API struct qrt_shmem_memory *qrt_shmem_memory_close(struct qrt_shmem_memory *memory);
/* Where it is mapped, its length in bytes, and its descriptor, which stays the handle's. [rt] */
QRT_SHMEM_API void *qrt_shmem_memory_get_data(const struct qrt_shmem_memory *memory);
QRT_SHMEM_API uint64_t qrt_shmem_memory_get_length(const struct qrt_shmem_memory *memory);
QRT_SHMEM_API int qrt_shmem_memory_get_fd(const struct qrt_shmem_memory *memory);
/* What holds the lock of QRT_SHMEM_MEMORY_CLAIM: another open file than get_fd(), so that who gets that has
 * not the lock. -1: there is none. [rt] */
QRT_SHMEM_API int qrt_shmem_memory_get_claim(const struct qrt_shmem_memory *memory);

#ifdef __cplusplus
}
#endif

#endif /* QRT_SHMEM_H */
