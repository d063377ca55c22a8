# SPDX-License-Identifier: MIT
"""Servers of NBD, each started for one measurement by fio over a Unix socket, so that all serve the same image."""

import json
import os
import shutil
import socket
import subprocess
import time

from benchlib import BenchError

SIZE = 4096
PATIENCE = 60
TICK = os.sysconf("SC_CLK_TCK")


def find_sides(build, directory, engines):
    """{side: its command in front of the image}; ours and fio must be there."""
    path = os.path.join(directory, "socket")
    folder = os.path.join(build, "libqrt-block", "nbdkit")
    plugin = os.path.join(folder, "nbdkit-qrt-plugin.so")
    if not os.path.exists(plugin):
        raise BenchError("%s is missing; run ./dev build" % plugin)
    for program in ("fio", "nbdkit"):
        if not shutil.which(program):
            raise BenchError("%s is missing; run ./dev setup" % program)
    ours = ["env", "QRT_NBD_PLUGIN=" + plugin, os.path.join(folder, "qrt-nbd"), "--socket", path]
    sides = {"ours": ours, "file": ["nbdkit", "--foreground", "--unix", path, "file"],
             **{engine: [*ours, "engine=" + engine] for engine in engines}}
    if shutil.which("qemu-nbd"):
        sides["qemu"] = ["qemu-nbd", "--format=raw", "--persistent", "--socket=" + path]
    return {name: Side(command, path) for name, command in sides.items()}


def make_image(path, mebibytes):
    """Of random bytes that are on the disk: what is a hole, or still to be allocated, is another measurement."""
    with open(path, "wb") as image:
        for _ in range(mebibytes):
            image.write(os.urandom(1 << 20))
    settle(path)


def settle(path):
    """What one measurement has written is not the next one's load."""
    with open(path, "rb") as image:
        os.fsync(image.fileno())


def cpu_of(pid):
    """Seconds of all its threads, those that ended too."""
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Side:
    """A server, for a with statement."""

    def __init__(self, command, path):
        self.command, self.path, self.process = command, path, None

    def begin(self, image):
        self.process = subprocess.Popen([*self.command, image], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + PATIENCE
        while not self.answers():
            if self.process.poll() is not None:
                raise BenchError("%s: %s" % (self.command, self.process.stderr.read().strip()))
            if time.monotonic() > end:
                raise BenchError("%s: it does not serve" % self.command)
            time.sleep(0.01)
        return self.process.pid

    def answers(self):
        """nbdkit makes the socket before it listens."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self.path)
            except OSError:
                return False
            return len(probe.recv(8)) == 8

    def end(self):
        self.process.terminate()
        try:
            self.process.communicate(timeout=PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
        if os.path.exists(self.path):
            os.unlink(self.path)


def load(path, kind, depth, seconds):
    """What fio saw, of its one job."""
    command = ["fio", "--name=nbd", "--ioengine=nbd", "--uri=nbd+unix:///?socket=" + path, "--rw=" + kind, "--bs=%d" % SIZE,
               "--iodepth=%d" % depth, "--time_based", "--runtime=%g" % seconds, "--norandommap", "--output-format=json"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE + seconds,
                          check=False)
    if done.returncode:
        raise BenchError("fio: %s" % (done.stderr.strip() or done.stdout.strip() or "code %d" % done.returncode))
    # A word of its engine may stand before.
    return json.loads(done.stdout[done.stdout.index("{"):])["jobs"][0]["read" if kind == "randread" else "write"]


def measure_one(side, image, kind, depth, seconds):
    """Requests a second, the server's CPU time of each and percentiles of latency in microseconds."""
    pid = side.begin(image)
    try:
        before = cpu_of(pid)
        found = load(side.path, kind, depth, seconds)
        spent = cpu_of(pid) - before
    finally:
        side.end()
        settle(image)
    shares = found["clat_ns"]["percentile"]
    return {"rate": found["iops"], "cpu": spent / max(1, found["total_ios"]) * 1e6, "p50": shares["50.000000"] / 1e3,
            "p99": shares["99.000000"] / 1e3, "p999": shares["99.900000"] / 1e3}
