# SPDX-License-Identifier: MIT
"""One measurement of qrt-io bench, qemu-img bench or fio: requests a second, and CPU time of each."""

import json
import os
import re
import subprocess

from benchlib import BenchError

SIZE = 4096
STEP = 4099 * SIZE  # qemu-img: from one request to the next; a prime number of them, so that all are visited
PATIENCE = 120
FIO = {"threads": "psync", "libaio": "libaio", "io_uring": "io_uring"}
QEMU = {"threads": "threads", "libaio": "native", "io_uring": "io_uring"}


def run(command, seconds=PATIENCE):
    """What it printed, and its CPU time in seconds."""
    before = os.times()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False)
    after = os.times()
    if done.returncode:
        raise BenchError("%s: %s" % (command[0], (done.stderr or done.stdout).strip() or "code %d" % done.returncode))
    return done.stdout, after.children_user - before.children_user + after.children_system - before.children_system


def kind_of(is_write, fill="rand"):
    return fill + ("write" if is_write else "read")


class Ours:
    def __init__(self, tool, image, seconds):
        self.tool, self.image, self.seconds = tool, image, seconds

    def measure(self, engine, depth, is_direct, is_write):
        command = [self.tool, "bench", "--json", "--engine", engine, "--depth", str(depth), "--rounds", "1",
                   "--seconds", str(self.seconds), "--cache", "none" if is_direct else "writeback", "--kind", kind_of(is_write)]
        found = json.loads(run(command + (["--write"] if is_write else []) + [self.image])[0])["results"][0]
        return {"rate": found["iops"], "cpu": found["cpu_us"], "p50": found["p50_ns"] / 1e3, "p99": found["p99_ns"] / 1e3,
                "p999": found["p999_ns"] / 1e3}


class Qemu:
    """It counts requests, not seconds: a first run says how many. What the program needs to begin and to end does not
    count: that is measured with one request."""

    def __init__(self, image, seconds):
        self.image, self.seconds, self.counts = image, seconds, {}

    def call(self, key, count):
        engine, depth, is_direct, is_write = key
        command = ["qemu-img", "bench", "-f", "raw", "-c", str(count), "-d", str(depth), "-s", str(SIZE), "-S", str(STEP),
                   "-t", "none" if is_direct else "writeback", "-i", QEMU[engine]]
        text, cpu = run(command + (["-w"] if is_write else []) + [self.image])
        return float(re.search(r"completed in ([\d.]+) seconds", text).group(1)), cpu

    def count_for(self, key):
        count = 500
        while key not in self.counts:
            took = self.call(key, count)[0]
            if took > self.seconds / 4:
                self.counts[key] = max(500, int(count * self.seconds / took))
            count *= 4
        return self.counts[key]

    def measure(self, engine, depth, is_direct, is_write):
        key = (engine, depth, is_direct, is_write)
        count = self.count_for(key)
        took, cpu = self.call(key, count)
        rest = self.call(key, 1)[1]
        return {"rate": count / took, "cpu": max(0.0, cpu - rest) / count * 1e6}


class Fio:
    def __init__(self, image, seconds):
        self.image, self.seconds = image, seconds

    def measure(self, engine, depth, is_direct, is_write):
        command = ["fio", "--name=x", "--filename=" + self.image, "--ioengine=" + FIO[engine], "--rw=" + kind_of(is_write),
                   "--bs=%d" % SIZE, "--iodepth=%d" % depth, "--direct=%d" % is_direct, "--runtime=%g" % self.seconds,
                   "--time_based", "--output-format=json", "--invalidate=0"]
        if engine == "threads":
            command += ["--thread", "--numjobs=%d" % depth, "--group_reporting", "--iodepth=1"]
        job = json.loads(run(command)[0])["jobs"][0]
        found = job["write" if is_write else "read"]
        busy = (job["usr_cpu"] + job["sys_cpu"]) / 100 * job["job_runtime"] * 1e3
        return {"rate": found["iops"], "cpu": busy / max(1, found["total_ios"])}
