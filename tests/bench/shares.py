# SPDX-License-Identifier: MIT
"""Control groups of equal CPU share, one for each VM (v1: cpu.shares, v2: cpu.weight)."""

import os
import re
import time

import proc
from benchlib import BenchError, read_text

PREFIX = "qrt-bench-"
EQUAL = {"cpu.shares": "1024", "cpu.weight": "100"}
PATIENCE = 10  # s for a group's last process to be gone


def find_root(mounts):
    """(where groups with a CPU controller are made, the file that has their share), from /proc/mounts."""
    rows = [line.split() for line in mounts.split("\n") if line]
    for row in rows:
        if row[2] == "cgroup" and "cpu" in row[3].split(","):
            return row[1], "cpu.shares"
    for row in rows:
        if row[2] == "cgroup2" and "cpu" in (read_text(row[1] + "/cgroup.controllers") or "").split():
            return row[1], "cpu.weight"
    raise BenchError("no control groups with a CPU share here")


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def sweep(root):
    """Removes the groups of benchmarks that ended without doing so."""
    for name in os.listdir(root):
        match = re.match("^%s(\\d+)-" % PREFIX, name)
        if match and not proc.is_alive(int(match.group(1))):
            try:
                os.rmdir(os.path.join(root, name))
            except OSError:
                pass  # somebody's processes are in it


class Groups:
    """Use it with `with`; `path(n)` is the n-th group's folder."""

    def __init__(self, count, mounts=None):
        self.root, self.file = find_root(mounts if mounts is not None else read_text("/proc/mounts"))
        self.paths = [os.path.join(self.root, "%s%d-%d" % (PREFIX, os.getpid(), number)) for number in range(count)]
        self.delegated = False

    def __enter__(self):
        sweep(self.root)
        try:
            self.make()
        except OSError as error:
            self.remove()
            raise BenchError("no groups of equal share: %s" % error) from error
        return self

    def __exit__(self, *unused):
        self.remove()

    def make(self):
        switch = os.path.join(self.root, "cgroup.subtree_control")
        if self.file == "cpu.weight" and "cpu" not in (read_text(switch) or "").split():
            write(switch, "+cpu")
            self.delegated = True
        for path in self.paths:
            os.mkdir(path)
            write(os.path.join(path, self.file), EQUAL[self.file])

    def remove(self):
        for path in self.paths:
            if os.path.isdir(path):
                self.remove_one(path)
        if self.delegated:
            write(os.path.join(self.root, "cgroup.subtree_control"), "-cpu")

    @staticmethod
    def remove_one(path):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                os.rmdir(path)
                return
            except OSError as error:
                if time.monotonic() > end:
                    raise BenchError("%s cannot be removed: %s" % (path, error)) from error
                time.sleep(0.05)

    def enter_words(self, number):
        """What a command is started by to be in a group from its first instruction on."""
        return ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', self.paths[number]]
