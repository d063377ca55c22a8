# SPDX-License-Identifier: MIT
"""A QEMU that somebody else started."""

import json
import os
import re
import subprocess
import time

from tap import check, check_equal
from vm import LIBC, end_session, list_threads, make_qemu, need_root, read_setting, start_session, wait_for

CPUS = sorted(os.sched_getaffinity(0))
IOPRIO_GET, IOPRIO_SET = 252, 251  # of x86-64
NAMED = ["-name", "guest=stock,debug-threads=on"]


def read_all(tid):
    """All of a thread's setting that a plan can change, the slice aside."""
    return (*read_setting(tid), LIBC.syscall(IOPRIO_GET, 1, tid))


class Stock:
    """A QEMU without a guest that nobody supervises, each of its threads with a past of its own."""

    def __init__(self, place, qemu=(), name=tuple(NAMED), accel="tcg,thread=multi"):
        need_root()
        self.place, self.monitor = place, place.file("monitor")
        self.process = start_session(make_qemu(["-smp", "2", "-S", *name, "-object", "iothread,id=io0", "-qmp",
                                                "unix:%s,server=on,wait=off" % self.monitor, *qemu], accel),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid

    def __enter__(self):
        wait_for("vCPUs", lambda: len(list_threads(self.pid)) >= 5)
        wait_for("the monitor", lambda: os.path.exists(self.monitor))
        wait_for("the same threads twice", self.is_settled)
        return self

    def __exit__(self, *_):
        end_session(self.process)

    def is_settled(self):
        before = list_threads(self.pid)
        time.sleep(0.2)
        return list_threads(self.pid) == before

    def give_pasts(self):
        """A different one to each thread: whoever puts all back alike is found out."""
        for number, tid in enumerate(sorted(list_threads(self.pid))):
            if number % 3 == 1:
                os.sched_setscheduler(tid, os.SCHED_BATCH, os.sched_param(0))
            os.setpriority(os.PRIO_PROCESS, tid, number % 5)
            os.sched_setaffinity(tid, {CPUS[number % len(CPUS)]} if number % 2 else set(CPUS))
            LIBC.syscall(IOPRIO_SET, 1, tid, 2 << 13 | number % 8)

    def settings(self):
        return {tid: read_all(tid) for tid in sorted(list_threads(self.pid))}

    def attach(self, *arguments):
        return self.place.call("attach", str(self.pid), "--daemon", *arguments)

    def check_attached(self, *arguments):
        code, out, errors = self.attach(*arguments)
        check_equal(code, 0, errors)
        check(re.fullmatch(r"VM '.*' \(pid %d\) is supervised: \d+ threads\n" % self.pid, out), out)

    def status(self, name="stock"):
        code, out, errors = self.place.call("status", name, "--json")
        check_equal(code, 0, errors)
        return json.loads(out)
