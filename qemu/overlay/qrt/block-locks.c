/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks that driver `file`, qemu-img and libqrt-block take and see as well. */
#include "qemu/osdep.h"
#include "driver.h"

#define HAS_BASE 100
#define DENIES_BASE 200

static int set_byte(int fd, int byte, bool is_locked)
{
    return is_locked ? qemu_lock_fd(fd, byte, 1, false) : qemu_unlock_fd(fd, byte, 1);
}

int qrt_locks_set(int fd, uint64_t has, uint64_t denies)
{
    int rc = 0;

    for (int bit = 0; BLK_PERM_ALL >> bit && !rc; bit++) {
        rc = set_byte(fd, HAS_BASE + bit, has >> bit & 1);
        if (!rc) {
            rc = set_byte(fd, DENIES_BASE + bit, denies >> bit & 1);
        }
    }
    return rc;
}

uint64_t qrt_locks_find_conflict(int fd, uint64_t has, uint64_t denies)
{
    for (int bit = 0; BLK_PERM_ALL >> bit; bit++) {
        if ((has >> bit & 1 && qemu_lock_fd_test(fd, DENIES_BASE + bit, 1, true) < 0) ||
            (denies >> bit & 1 && qemu_lock_fd_test(fd, HAS_BASE + bit, 1, true) < 0)) {
            return 1ull << bit;
        }
    }
    return 0;
}
