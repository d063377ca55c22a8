/* SPDX-License-Identifier: MIT */
/*
 * libqrt-shmem: memory that virtual machines, programs and hosts share.
 *
 * Coming: peers and server of ivshmem, messages between guest and host on top of it, and
 * reflective memory: a write on one node appears on all of them.
 *
 * Nothing of it is here yet, nothing is built and nothing is installed: see NEWS.md.
 */
#ifndef QRT_SHMEM_H
#define QRT_SHMEM_H

#define QRT_SHMEM_VERSION "0.0.0" /* as in VERSION: no release yet */

#endif /* QRT_SHMEM_H */
