# SPDX-License-Identifier: MIT
"""A device whose every request takes 1 ms, one after the other: a file of slow_disk, which any program can read. And what takes
its time: our engines, and the pool of threads of qemu-io."""

import bisect
import collections
import os
import re
import select
import subprocess
import time

from benchlib import BenchError

SIZE = 16 << 20
BLOCK = 4096
PATIENCE = 60
PRIORITY = 10
DEVICE_PRIORITY = 20
DELAY_US = 1000
OFFSET = re.compile(rb"^read \d+/\d+ bytes at offset (\d+)")
RATE = re.compile(rb"and ([\d.]+) ops/sec")


def run_in_real_time():
    """This program, and what it starts from now on, is in the way of nobody but the device; as a VM's threads are under a
    plan. Whether that is allowed."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except PermissionError:
        return False
    return True


def stop(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class SlowFile:
    """Its server does what comes by the kernel one after the other."""

    def __init__(self, tool, path, is_real_time):
        self.tool, self.path, self.late, self.server = tool, path, path + ".late", None
        self.before = ["chrt", "-f", str(DEVICE_PRIORITY)] if is_real_time else []

    def __enter__(self):
        with open(self.path, "wb"):
            pass
        self.server = subprocess.Popen([*self.before, self.tool, self.path, str(SIZE), str(DELAY_US), self.late], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + PATIENCE
        while os.path.getsize(self.path) != SIZE:
            if self.server.poll() is not None or time.monotonic() > end:
                self.__exit__()
                raise BenchError("no slow disk here: %s" % self.server.stderr.read().decode().strip())
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        stop(self.server)
        if os.path.ismount(self.path):  # it was killed
            subprocess.run(["umount", "--lazy", self.path], check=False)


    def list_late(self):
        """[(ns when it should have answered, ns when it did)], in their order: it did not run when it was to."""
        with open(self.late, encoding="ascii") as file:
            return [tuple(map(int, line.split())) for line in file]


def time_of(begin, end, late):
    """Microseconds from one to the other in a device's time: without those in which the device itself was late."""
    index = bisect.bisect_right(late, (begin, 0))
    lost = 0
    for due, done in late[max(0, index - 1):]:
        if due >= end:
            break
        lost += max(0, min(done, end) - max(due, begin))
    return (end - begin - lost) / 1e3


def ours(tool, engine, path, lows, count, mode):
    """(begin, end) of each urgent read, in ns."""
    done = subprocess.run([tool, engine, path, str(lows), str(count), mode], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE + count, check=False)
    if done.returncode:
        raise BenchError(done.stderr.strip() or "block_priority: code %d" % done.returncode)
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()]


class QemuPool:
    """qemu-io, which says how long a request took as requests a second. The one that is measured is told from the others by
    its offset. Its stdin is read a line at a time, so that no command waits in a buffer."""

    def __init__(self, path, lows):
        self.path, self.lows, self.text, self.found = path, lows, b"", []
        self.offset, self.process = None, None

    def __enter__(self):
        self.process = subprocess.Popen(["stdbuf", "-i0", "-oL", "qemu-io", "-r", "-n", "-f", "raw", "-i", "threads", self.path],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *_):
        stop(self.process)

    def read(self, offset):
        self.process.stdin.write(b"aio_read %d %d\n" % (offset, BLOCK))
        self.process.stdin.flush()

    def lines(self, seconds):
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        if ready:
            self.text += os.read(self.process.stdout.fileno(), 65536)
            if not self.text or self.process.poll() is not None:
                raise BenchError("qemu-io: %s" % self.text.decode(errors="replace"))
        *whole, self.text = self.text.split(b"\n")
        return whole

    def take(self, line):
        """A request is two lines: at which offset, and how fast. Low ones have offset 0, and the next one follows."""
        at, rate = OFFSET.search(line.replace(b"qemu-io> ", b"")), RATE.search(line)
        if b"failed" in line:
            raise BenchError("qemu-io: %s" % line.decode(errors="replace"))
        if at:
            self.offset = int(at.group(1))
        elif rate and self.offset is not None:
            if self.offset:
                self.found.append(1e6 / float(rate.group(1)))
                self.read(BLOCK)
            else:
                self.read(0)
            self.offset = None

    def measure(self, count):
        """Microseconds of each read with `lows` others in flight."""
        for _ in range(self.lows):
            self.read(0)
        self.read(BLOCK)
        end = time.monotonic() + PATIENCE + count
        while len(self.found) < count:
            collections.deque(map(self.take, self.lines(1)), maxlen=0)
            if time.monotonic() > end:
                raise BenchError("qemu-io has not answered")
        return self.found
