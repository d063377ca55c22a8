# SPDX-License-Identifier: MIT
"""What of the host a VM's run must leave as it was."""

import glob
import os

from process import read_thread
from tap import check
from proc import name_of, read_text, start_of


def is_of_a_vm(path):
    """Whether the thread of this path belongs to a VM or its launcher: those that were there before are not ours."""
    try:
        program = os.path.basename(os.readlink(path + "/exe"))
    except OSError:
        return False
    return program.startswith(("qemu-system", "qrt-launcher"))


def read_threads():
    """(tid, start) -> setting. Left out are kernel workers and VMs, which change their own nice value and CPUs."""
    threads = {}
    for path in glob.glob("/proc/[0-9]*/task/[0-9]*"):
        tid = int(path.rsplit("/", 1)[1])
        name = name_of(tid)
        try:
            setting = read_thread(tid)
        except OSError:
            continue
        if name and not name.startswith("kworker") and not is_of_a_vm(path):
            threads[(tid, start_of(tid))] = (name, setting)
    return threads


class Host:
    """A picture of the host, to be compared with a later one."""

    def __init__(self, place):
        self.place = place
        self.threads = read_threads()
        self.limits = {pid: read_text("/proc/%d/limits" % pid) for pid in (1, os.getpid())}
        self.knobs = {path: read_text(path) for path in glob.glob("/proc/sys/kernel/sched_*")}
        self.cgroup = read_text("/proc/self/cgroup")
        self.files = sorted(os.listdir(place.run)) if os.path.isdir(place.run) else []

    def find_changed_threads(self, later):
        return ["%s (%d): %s -> %s" % (name, key[0], setting, later.threads[key][1])
                for key, (name, setting) in self.threads.items()
                if key in later.threads and later.threads[key][1] != setting]

    def check_same(self):
        """Other programs may change their own threads: what they changed once they rarely change again."""
        later = Host(self.place)
        changed = self.find_changed_threads(later)
        check(not changed, "threads of the host changed: " + "; ".join(changed))
        for name in ("limits", "knobs", "cgroup", "files"):
            check(getattr(self, name) == getattr(later, name),
                  "%s changed: %s -> %s" % (name, getattr(self, name), getattr(later, name)))
