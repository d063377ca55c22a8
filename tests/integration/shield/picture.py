# SPDX-License-Identifier: MIT
"""What a shield changes of a host, to be compared."""

import glob
import os

from box import CPUSETS, read
from tap import check

MASKS = ("/proc/irq/default_smp_affinity", "/proc/irq/*/smp_affinity", "/sys/devices/virtual/workqueue/cpumask",
         "/sys/devices/virtual/workqueue/*/cpumask", "/sys/class/net/*/queues/rx-*/rps_cpus")
CPUSET_FILES = ("cpuset.cpus", "cpuset.mems", "cpuset.sched_load_balance", "cpuset.cpu_exclusive")


def read_masks():
    """path -> the mask as a number, for those that can be read."""
    masks = {}
    for pattern in MASKS:
        for path in glob.glob(pattern):
            try:
                masks[path] = int(read(path).replace(",", ""), 16)
            except OSError:
                pass
    return masks


def read_cpusets():
    return {folder: tuple(read(os.path.join(folder, file)) for file in CPUSET_FILES)
            for folder, _, _ in os.walk(CPUSETS)}


def cpuset_of(tid):
    for line in read("/proc/%d/cgroup" % tid).splitlines():
        if line.split(":")[1] == "cpuset":
            return line.split(":", 2)[2]
    return None


def is_moving(name):
    """Kernel workers are moved by the kernel itself, and come and go."""
    return name.startswith("kworker")


def read_threads():
    """(tid, start) -> (name, CPUs, cpuset)."""
    threads = {}
    for path in glob.glob("/proc/[0-9]*/task/[0-9]*"):
        tid = int(path.rsplit("/", 1)[1])
        try:
            name = read(path + "/comm")
            stat = read(path + "/stat").rpartition(")")[2].split()
            start = stat[19]
            if stat[0] not in "ZX" and not is_moving(name):
                threads[(tid, start)] = (name, tuple(sorted(os.sched_getaffinity(tid))), cpuset_of(tid))
        except OSError:
            pass
    return threads


def differences(what, before, after, both_only=False):
    keys = before.keys() & after.keys() if both_only else before.keys() | after.keys()
    return ["%s %s: %s, was %s" % (what, key, after.get(key), before.get(key))
            for key in sorted(keys) if before.get(key) != after.get(key)]


class Picture:
    def __init__(self):
        self.masks = read_masks()
        self.cpusets = read_cpusets()
        self.threads = read_threads()

    def find_changes(self, later):
        """Threads that come and go in between are none of a shield's."""
        return (differences("mask", self.masks, later.masks) + differences("cpuset", self.cpusets, later.cpusets)
                + differences("thread", self.threads, later.threads, both_only=True))

    def check_same(self, when):
        changes = self.find_changes(Picture())
        check(not changes, "%s the host is not as before: %s" % (when, "; ".join(changes[:8])))
