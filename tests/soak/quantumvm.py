# SPDX-License-Identifier: MIT
"""A stock QEMU, all of whose threads share one CPU at one priority with quanta of 4 ms, and a guest that
spins and writes to its disk: does it see the signals that end its slices, and are the bytes right?"""

import mmap
import os
import pathlib
import socket
import struct
import subprocess
import time

import diskguest

BUILD = pathlib.Path(os.environ.get("QRT_BUILD", diskguest.HERE.parents[1] / "build/release"))
PRELOAD = BUILD / "libqrt-sched/preload/libqrt-sched-preload.so"
NICE = 19  # 4 ms
FIELDS = ("calls_above", "interrupted_above", "calls_below", "interrupted_below", "kept_out", "yields")


class Failed(Exception):
    """What was not as it has to be, as one line."""


def plan(cpu):
    roles = ("main", "vcpu", "paio", "othr")
    return "\n".join(f"{role}_sched=rr\n{role}_prio=3\n{role}_nice={NICE}\n{role}_bias={cpu}" for role in roles)


def environment(folder, cpu, more=""):
    env = {key: value for key, value in os.environ.items() if not key.startswith(("QRT_SCHED", "LD_PRELOAD"))}
    counters = [BUILD / f"tests/soak/libcount-waits-{side}.so" for side in ("above", "below")]
    env.update(LD_PRELOAD=f"{counters[0]} {PRELOAD} {counters[1]}", QRT_COUNTS=str(folder / "counts"),
               QRT_SCHED_PLAN=plan(cpu) + "\n" + more)
    return env


class Counts:
    """The counters of count_waits.c, while they are counted."""

    def __init__(self, path):
        path.write_bytes(bytes(mmap.PAGESIZE))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def read(self):
        size = 8 * len(FIELDS)
        values = dict(zip(FIELDS, struct.unpack("%dQ" % len(FIELDS), self.memory[:size])))
        values["last"] = self.memory[size:size + 32].rstrip(b"\0").decode(errors="replace")
        return values


class Monitor:
    """Keeps the main loop busy: each question is answered by 200 KiB."""

    def __init__(self, path, seconds):
        end = time.monotonic() + seconds
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.05)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rwb")
        self.file.readline()
        self.ask("qmp_capabilities")

    def ask(self, command="query-qmp-schema"):
        self.file.write(b'{"execute": "%s"}\n' % command.encode())
        self.file.flush()
        if not self.file.readline().startswith(b'{"return"'):
            raise Failed(f"QEMU's monitor did not answer {command}")

    def close(self):
        self.file.close()
        self.socket.close()


class QuantumVm:
    """Started when made; use it with `with`."""

    def __init__(self, folder, cpu, blocks, more=""):
        self.folder = pathlib.Path(folder)
        self.blocks = blocks
        self.disk = diskguest.make_disk(self.folder, blocks)
        self.serial = self.folder / "serial"
        self.counts = Counts(self.folder / "counts")
        self.errors = open(self.folder / "errors", "w+b")
        self.process = subprocess.Popen(diskguest.qemu_arguments(self.disk, self.serial, self.folder / "qmp"),
                                        env=environment(self.folder, cpu, more), stdin=subprocess.DEVNULL,
                                        stdout=self.errors, stderr=self.errors)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.errors.close()

    def said(self):
        self.errors.flush()
        return (self.folder / "errors").read_text(errors="replace").strip()

    def wait_for_yields(self, wanted, seconds, tell=lambda counts: None):
        end = time.monotonic() + seconds
        monitor = Monitor(self.folder / "qmp", seconds)
        while self.counts.read()["yields"] < wanted:
            if time.monotonic() > end:
                raise Failed(f"{self.counts.read()['yields']} of {wanted} slices ended in {seconds:.0f} s: {self.said()}")
            try:
                monitor.ask()
            except OSError:
                raise Failed(f"QEMU's monitor was closed, its code is {self.process.wait(10)}: {self.said()}") from None
            tell(self.counts.read())
        monitor.close()

    def stop(self, seconds):
        """The guest ends with its pass. The counts, and how many passes there were."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.serial))
            line.send(b"x")
            try:
                code = self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                raise Failed(f"the guest did not end within {seconds} s") from None
        if code != diskguest.EXIT_GOOD:
            raise Failed(f"QEMU ended with code {code}: {self.said() or 'the guest read other bytes than it wrote'}")
        return self.counts.read(), diskguest.passes_on(self.disk)

    def check(self, counts):
        wrong = diskguest.wrong_blocks(self.disk, self.blocks)
        if wrong:
            raise Failed(f"{len(wrong)} blocks of the disk are not what the guest wrote, the first is {wrong[0]}")
        if counts["interrupted_above"]:
            raise Failed(f"QEMU saw EINTR {counts['interrupted_above']} times, the last time from {counts['last']}()")
        if self.said():
            raise Failed(self.said())
