# SPDX-License-Identifier: MIT
"""A QEMU with a thread in each role, without the launcher."""
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

import taplib
from taplib import need_realtime

CPUS = tuple(sorted(os.sched_getaffinity(0)))
HOUSE, GUEST = CPUS[0], CPUS[-1]
OTHER, FIFO = os.SCHED_OTHER, os.SCHED_FIFO
PLAN = ["main_sched=fifo", "main_prio=12", f"main_bias={HOUSE}", "vcpu_sched=fifo", "vcpu_prio=10", f"vcpu_bias={GUEST}",
        "ioth_prio=12", f"ioth_bias={HOUSE}", "paio_prio=11", f"paio_bias={HOUSE}", "vncs_prio=2", f"vncs_bias={HOUSE}",
        "othr_sched=other", f"othr_bias={HOUSE}", "pi=on"]
WANT = {"main": (FIFO, 0, 12, (HOUSE,)), "CPU 0/TCG": (FIFO, 1, 10, (GUEST,)), "CPU 1/TCG": (FIFO, 1, 10, (GUEST,)),
        "IO io0": (FIFO, 0, 12, (HOUSE,)), "worker": (FIFO, 0, 11, (HOUSE,)), "vnc_worker": (FIFO, 0, 2, (HOUSE,)),
        "call_rcu": (OTHER, 0, 0, (HOUSE,))}
LIMIT = 25  # seconds until a VM has all its threads, on a machine under load


class Vm:
    """QEMU with two vCPUs, an iothread, a VNC server, and a disk through the thread pool."""

    def __init__(self, *more, plan=PLAN, fds=(), variables=None, accel="tcg,thread=multi", **options):
        need_realtime()
        self.folder = tempfile.TemporaryDirectory()
        disk = pathlib.Path(self.folder.name, "disk.raw")
        disk.write_bytes(bytes(16 << 20))
        self.pidfile = pathlib.Path(self.folder.name, "pid")
        self.errors = pathlib.Path(self.folder.name, "errors")
        arguments = ["-name", "x,debug-threads=on", "-smp", "2", "-m", "64", "-accel", accel, "-nodefaults",
                     "-object", "iothread,id=io0", "-display", "none", "-vnc", f"unix:{self.folder.name}/vnc",
                     "-drive", f"file={disk},format=raw,if=virtio,aio=threads", "-pidfile", str(self.pidfile)]
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen([*self.command(plan), *arguments, *more],
                                            env=self.environment(plan, variables or {}), stdin=subprocess.DEVNULL,
                                            stdout=errors, stderr=errors, pass_fds=fds, **options)
        self.pid = self.process.pid

    def command(self, plan):
        """QEMU's program and first arguments."""
        raise NotImplementedError

    def environment(self, plan, variables):
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for number in {self.pid, self.process.pid}:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.folder.cleanup()

    def roles(self):
        """{name: {setting}}; the main thread and ones without a name of their own by what they are."""
        found = {}
        for (tid, name), setting in taplib.threads(self.pid).items():
            if tid == self.pid:
                name = "main"
            elif name == "qemu-system-x86":  # started before QEMU read that threads have names, and once in a while faster
                name = "call_rcu"
            found.setdefault(name, set()).add(setting)
        return found

    def wait_until(self, is_good):
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            if self.process.poll() not in (None, 0):
                break
            last = self.roles()
            if is_good(last):
                return last
            time.sleep(0.1)
        raise AssertionError(f"after {LIMIT} s: {last}, exit {self.process.poll()}: {self.errors.read_text()}")

    def wait_for_roles(self, want=None):
        want = want or WANT
        # The pool's worker goes after ten idle seconds; it is caught while the firmware reads the disk.
        return self.wait_until(lambda have: all(have.get(name) == {setting} for name, setting in want.items()))

    def status(self, field):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+)", text, re.M).group(1))
