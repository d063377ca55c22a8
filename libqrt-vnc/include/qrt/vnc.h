/* SPDX-License-Identifier: MIT */
/*
 * libqrt-vnc: remote screens of real-time virtual machines.
 *
 * Coming: what changed in a framebuffer, found exactly and in a bounded number of rectangles, and
 * encoded once for all clients, on threads that the caller creates and places.
 *
 * Nothing of it is here yet, nothing is built and nothing is installed: see NEWS.md.
 */
#ifndef QRT_VNC_H
#define QRT_VNC_H

#define QRT_VNC_VERSION "0.0.0" /* as in VERSION: no release yet */

#endif /* QRT_VNC_H */
