# SPDX-License-Identifier: MIT
"""Echo requests at jittered intervals, and how long their replies took.

A program of its own, so that it can be more urgent than the guests: under DEADLINE, which the kernel does
not throttle with them, or else it would not ask while they are. Its own delays stay out of the result: a
request's time is taken at its sending, a reply's by the kernel at its arrival. How late the program itself was
in both is said beside it, and what the machine below stole of the CPUs while a reply was awaited.
"""

import ctypes
import gc
import json
import os
import platform
import random
import select
import socket
import struct
import subprocess
import sys
import time

import steal
from benchlib import BenchError
from loads import LIBC, die_with_parent

SO_TIMESTAMPNS = 35
ECHO_REQUEST, ECHO_REPLY = 8, 0
PAYLOAD = bytes(range(56))
INTERVAL = 0.020  # s
JITTER = 0.25  # of the interval, both ways: a fixed one would beat with the guests' quanta
TIMEOUT = 2.0  # s; a request without a reply counts as this
CLOCK_STEP = 1e-3  # s
PRIORITY = 90  # FIFO, where DEADLINE is refused
SCHED_DEADLINE = 6
RUNTIME, PERIOD = 3000000, 10000000  # ns
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def request(identity, sequence):
    body = struct.pack("!HH", identity, sequence) + PAYLOAD
    return struct.pack("!BBH", ECHO_REQUEST, 0, checksum(struct.pack("!BBH", ECHO_REQUEST, 0, 0) + body)) + body


def sequence_of(packet, identity):
    """From an IP packet: whose reply it is, None where it is none of ours."""
    start = (packet[0] & 15) * 4
    if len(packet) < start + 8:
        return None
    kind, _, _, who, sequence = struct.unpack("!BBHHH", packet[start:start + 8])
    return sequence if kind == ECHO_REPLY and who == identity else None


def schedule(count, interval, seed):
    """When to send, in seconds from the start."""
    source, moment, moments = random.Random(seed), 0.0, []
    for _ in range(count):
        moments.append(moment)
        moment += interval * (1 + JITTER * source.uniform(-1, 1))
    return moments


def be_urgent():
    """Returns the policy's name."""
    attr = struct.pack("=IIQiIQQQ", 48, SCHED_DEADLINE, 0, 0, 0, RUNTIME, PERIOD, PERIOD)
    number = SCHED_SETATTR.get(platform.machine())
    if number and LIBC.syscall(number, 0, ctypes.c_char_p(attr), 0) == 0:
        return "deadline"
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    return "fifo"


def clocks_apart():
    return time.time_ns() - time.monotonic_ns()


class Pinger:
    def __init__(self, address, moments, timeout):
        self.address, self.moments, self.timeout = address, moments, timeout
        self.identity = os.getpid() & 0xFFFF
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)
        self.sent = []
        self.times = [None] * len(moments)
        self.send_late = []
        self.read_late = []
        self.steal = []
        self.started = None

    def send(self, start):
        number = len(self.sent)
        self.send_late.append(time.monotonic() - start - self.moments[number])
        packet = request(self.identity, number)
        self.sent.append(time.time_ns())
        self.socket.sendto(packet, (self.address, 0))

    def read(self):
        try:
            packet, about, _, _ = self.socket.recvmsg(2048, 256)
        except BlockingIOError:
            return
        now = time.time_ns()
        arrived = [struct.unpack("qq", data[:16]) for _, kind, data in about if kind == SO_TIMESTAMPNS]
        number = sequence_of(packet, self.identity)
        if number is None or number >= len(self.sent) or self.times[number] is not None or not arrived:
            return
        arrival = arrived[0][0] * 10**9 + arrived[0][1]
        self.times[number] = arrival - self.sent[number]
        self.read_late.append((now - arrival) / 1e9)
        self.look()

    def look(self):
        self.steal.append((time.time_ns(), steal.count()))

    def run(self):
        """All are sent, and answered or out of time."""
        self.look()
        start = self.started = time.monotonic()
        end = start + self.moments[-1] + self.timeout
        while time.monotonic() < end and None in self.times:
            left = len(self.sent) < len(self.moments)
            due = start + self.moments[len(self.sent)] if left else end
            if select.select([self.socket], [], [], max(0, due - time.monotonic()))[0]:
                self.read()
            elif left:
                self.send(start)
        time.sleep(steal.COUNTED / 1e9)
        self.look()

    def stolen(self):
        limit = int(self.timeout * 1e9)
        return [steal.stolen_while(sent, sent + (limit if took is None else took), self.steal)
                for sent, took in zip(self.sent, self.times)]

    def result(self):
        return {"started": self.started, "times_ns": self.times, "stolen_ms": self.stolen(),
                "send_late": self.send_late, "read_late": self.read_late}


def main(address, count, interval, timeout, seed):
    gc.disable()
    policy = be_urgent()
    before = clocks_apart()
    pinger = Pinger(address, schedule(int(count), float(interval), int(seed)), float(timeout))
    pinger.run()
    if abs(clocks_apart() - before) > CLOCK_STEP * 1e9:
        sys.exit("the clock was set meanwhile")
    json.dump(dict(pinger.result(), policy=policy), sys.stdout)


# ---- who starts it ---------------------------------------------------------------------------------


def summarize(raw, timeout=TIMEOUT):
    """Times in ms, one for each request; what was not answered in time counts as the timeout."""
    limit = timeout * 1000
    times = [limit if ns is None else min(ns / 1e6, limit) for ns in raw["times_ns"]]
    return {
        "started": round(raw["started"], 6),  # CLOCK_MONOTONIC, to be compared with other records
        "times": [round(value, 4) for value in times],
        "stolen_ms": raw["stolen_ms"],
        "lost": sum(1 for value in times if value >= limit),
        "send_late_ms": round(1000 * max(raw["send_late"], default=0), 3),
        "read_late_ms": round(1000 * max(raw["read_late"], default=0), 3),
        "policy": raw["policy"],
    }


def ping(address, count, seed, interval=INTERVAL, timeout=TIMEOUT):
    command = [sys.executable, os.path.realpath(__file__)] + [
        str(word) for word in (address, count, interval, timeout, seed)]
    limit = count * interval * (1 + JITTER) + timeout + 30
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False,
                          preexec_fn=die_with_parent,
                          env=dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path)))
    if done.returncode:
        raise BenchError("pings failed: %s" % (done.stderr.strip().rpartition("\n")[2] or "code %d" % done.returncode))
    return summarize(json.loads(done.stdout), timeout)


if __name__ == "__main__":
    main(*sys.argv[1:])
