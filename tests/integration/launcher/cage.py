# SPDX-License-Identifier: MIT
"""CPUs that are taken from a process behind everybody's back."""

import os

from tap import Skip

CPUS = sorted(os.sched_getaffinity(0))


class Cage:
    """A cpuset of one CPU, for a process alone: a launcher outside sees nothing of it."""

    def __init__(self, pid):
        self.folder = next((folder for folder in ("/sys/fs/cgroup/cpuset", "/sys/fs/cgroup")
                            if os.path.exists(os.path.join(folder, "cpuset.mems"))), None)
        if not self.folder or len(CPUS) < 2:
            raise Skip("no cpusets, or one CPU alone")
        self.pid, self.inner = pid, os.path.join(self.folder, "qrt-test-set-%d" % os.getpid())

    def write(self, folder, file, text):
        with open(os.path.join(folder, file), "w", encoding="ascii") as out:
            out.write(str(text))

    def __enter__(self):
        os.mkdir(self.inner)
        self.write(self.inner, "cpuset.cpus", CPUS[0])
        with open(os.path.join(self.folder, "cpuset.mems"), encoding="ascii") as mems:
            self.write(self.inner, "cpuset.mems", mems.read().strip())
        self.write(self.inner, "cgroup.procs", self.pid)

    def __exit__(self, *_):
        self.write(self.folder, "cgroup.procs", self.pid)
        os.rmdir(self.inner)
