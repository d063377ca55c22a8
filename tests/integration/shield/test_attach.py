#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A VM that somebody else started, and a shield of the user's: into it and out of it again."""

import json
import os
import subprocess

from box import CPUSETS, CleanPlace, boxed, read
from tap import check, check_equal, main
from vm import end_session, list_threads, make_qemu, start_session, wait_for

LAST = os.cpu_count() - 1
OTHERS = set(range(LAST))
PLAN = [word for option in ("vcpu_sched=rr", "vcpu_prio=2", "vcpu_bias=%d" % LAST, "main_sched=rr", "main_prio=3",
                            "main_bias=0-%d" % (LAST - 1)) for word in ("-rt", option)]


class Stock:
    def __init__(self):
        self.process = start_session(make_qemu(["-smp", "1", "-S", "-name", "guest=stock,debug-threads=on"]),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        wait_for("a vCPU", self.vcpus)
        return self

    def __exit__(self, *_):
        end_session(self.process)

    def vcpus(self):
        names = {tid: open("/proc/%d/comm" % tid, encoding="ascii").read() for tid in list_threads(self.process.pid)}
        return [tid for tid, name in names.items() if name.startswith("CPU ")]

    def cpusets(self):
        return {read("/proc/%d/cpuset" % tid) for tid in list_threads(self.process.pid)}

    def affinities(self):
        return {tid: os.sched_getaffinity(tid) for tid in list_threads(self.process.pid)}


def check_out(stock, outside, before):
    check_equal(stock.cpusets(), outside, "cpusets of threads")
    check_equal(stock.affinities(), before, "CPUs of threads")
    check(stock.process.poll() is None, "the VM ended")


def into_it_and_out():
    """By detach, and after a kill; another plan moves a thread over its edge."""
    with CleanPlace() as place, Stock() as stock:
        check_equal(place.call("shield", str(LAST))[0], 0, "shield")
        outside, before = stock.cpusets(), stock.affinities()
        code, _, errors = place.call("attach", str(stock.process.pid), "--daemon", *PLAN)
        check_equal(code, 0, errors)
        check_equal({tid: os.sched_getaffinity(tid) for tid in stock.vcpus()}, {tid: {LAST} for tid in stock.vcpus()}, "vCPUs")
        check_equal(place.call("set", "stock", "-rt", "vcpu_bias=0-%d" % LAST)[0], 0, "set")
        check_equal({tid: os.sched_getaffinity(tid) for tid in stock.vcpus()}, {tid: OTHERS for tid in stock.vcpus()},
                    "vCPUs of a plan that does not know of the shield")
        check_equal(place.call("set", "stock", "-rt", "vcpu_bias=0 vcpu_prio=3")[0], 0, "set")
        check_equal({tid: os.sched_getaffinity(tid) for tid in stock.vcpus()}, {tid: {0} for tid in stock.vcpus()}, "vCPUs outside")
        check_equal(place.call("set", "stock", "-rt", "vcpu_bias=%d" % LAST)[0], 0, "set")
        check_equal(place.call("detach", "stock")[0], 0, "detach")
        check_out(stock, outside, before)
        check_equal(place.call("attach", str(stock.process.pid), "--daemon", *PLAN)[0], 0, "attach")
        with open(os.path.join(place.run, "stock", "state.json"), encoding="ascii") as file:
            os.kill(json.load(file)["launcher_pid"], 9)
        wait_for("repair", lambda: place.call("repair")[0] == 0 and not os.path.exists(os.path.join(place.run, "stock")))
        check_out(stock, outside, before)
        check_equal(place.call("unshield")[0], 0, "unshield")
        check(os.path.exists(CPUSETS), "cpusets")


boxed(main, [
    ("threads enter a shield and leave it", into_it_and_out),
])
