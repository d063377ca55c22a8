# SPDX-License-Identifier: MIT
"""What the machine below this host stole of its CPUs, and while what."""

import bisect
import os

COUNTED = 5000000  # ns: by then the kernel has counted what was stolen


def count():
    """Of all CPUs, in ms."""
    with open("/proc/stat", encoding="ascii") as file:
        return int(file.readline().split()[8]) * 1000 // os.sysconf("SC_CLK_TCK")


def stolen_while(begin, end, samples):
    """Milliseconds that were stolen meanwhile, from [(ns, ms so far)]. No less than it was."""
    before = samples[max(0, bisect.bisect_right(samples, (begin, float("inf"))) - 1)]
    after = samples[min(len(samples) - 1, bisect.bisect_left(samples, (end + COUNTED, 0)))]
    return after[1] - before[1]
