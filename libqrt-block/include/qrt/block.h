/* SPDX-License-Identifier: MIT */
/*
 * libqrt-block: disks for real-time virtual machines.
 *
 * Coming: asynchronous block I/O that a real-time program can call: requests with a priority and
 * a deadline, completions through one pollable fd, no thread that comes and goes at run time.
 * Engines (worker threads, libaio, io_uring) and formats (raw, qcow2) are chosen by the caller.
 *
 * Nothing of it is here yet, nothing is built and nothing is installed: see NEWS.md.
 */
#ifndef QRT_BLOCK_H
#define QRT_BLOCK_H

#define QRT_BLOCK_VERSION "0.0.0" /* as in VERSION: no release yet */

#endif /* QRT_BLOCK_H */
