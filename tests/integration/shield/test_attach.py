#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A VM that somebody else started, and a shield of the user's: into it and out of it again."""

import json
import os
import signal
import subprocess

from box import CPUSETS, CleanPlace, boxed, read, write
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
        return {tid: read("/proc/%d/cpuset" % tid) for tid in list_threads(self.process.pid)}

    def give_cpusets(self):
        """As libvirt does: one for each vCPU, one for all others, below one of the VM's own."""
        for name, tids in (("machine", list_threads(self.process.pid)), ("machine/vcpu0", self.vcpus()),
                           ("machine/emulator", set(list_threads(self.process.pid)) - set(self.vcpus()))):
            folder = os.path.join(CPUSETS, name)
            os.mkdir(folder)
            for file in ("cpuset.mems", "cpuset.cpus"):
                write(os.path.join(folder, file), read(os.path.join(CPUSETS, file)))
            for tid in tids:
                write(os.path.join(folder, "tasks"), tid)

    def launcher(self, place):
        with open(os.path.join(place.run, "stock", "state.json"), encoding="ascii") as file:
            return json.load(file)["launcher_pid"]

    def affinities(self):
        return {tid: os.sched_getaffinity(tid) for tid in list_threads(self.process.pid)}


def check_cpusets(stock, before, when):
    """Of a thread that has ended nothing is left."""
    now = stock.cpusets()
    check_equal(now, {tid: place for tid, place in before.items() if tid in now}, "cpusets " + when)


def check_out(stock, outside, before):
    check_cpusets(stock, outside, "of threads")
    check_equal(stock.affinities(), before, "CPUs of threads")
    check(stock.process.poll() is None, "the VM ended")


def into_it_and_out():
    """By detach, and after a kill; another plan moves a thread over its edge."""
    with CleanPlace() as place, Stock() as stock:
        first = stock.cpusets()
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
        os.kill(stock.launcher(place), signal.SIGKILL)
        wait_for("repair", lambda: place.call("repair")[0] == 0 and not os.path.exists(os.path.join(place.run, "stock")))
        check_out(stock, outside, before)
        check_equal(place.call("unshield")[0], 0, "unshield")
        check_cpusets(stock, first, "without the shield")


def gone(place):
    return not os.path.exists(os.path.join(place.run, "stock"))


def let_go(place, stock, how):
    if how == "detach":
        check_equal(place.call("detach", "stock")[0], 0, how)
    elif how == "killed":
        os.kill(stock.launcher(place), signal.SIGKILL)
        wait_for("repair", lambda: place.call("repair")[0] == 0 and gone(place))
    else:
        os.kill(stock.launcher(place), signal.SIGTERM)
        wait_for("the end of its supervisor", lambda: gone(place))


def from_cpusets_of_its_own():
    """Its threads come back to where libvirt has them, not to where all others are, whatever ends it."""
    everywhere = [*PLAN, "-rt", "main_bias=%d" % LAST, "-rt", "main_prio=2"]
    for how, plan in (("detach", PLAN), ("ended", PLAN), ("killed", PLAN), ("detach", everywhere), ("killed", everywhere)):
        with CleanPlace() as place, Stock() as stock:
            stock.give_cpusets()
            before = stock.cpusets()
            check_equal(set(before.values()), {"/machine/vcpu0", "/machine/emulator"}, "cpusets before")
            check_equal(place.call("shield", str(LAST))[0], 0, "shield")
            check_cpusets(stock, before, "beside the shield")
            code, _, errors = place.call("attach", str(stock.process.pid), "--daemon", *plan)
            check_equal(code, 0, errors)
            check_equal({stock.cpusets()[tid] for tid in stock.vcpus()}, {"/qrt-shield"}, "the vCPU's cpuset")
            check_equal(stock.cpusets()[stock.process.pid], "/machine/emulator" if plan is PLAN else "/qrt-shield", "the first one's")
            let_go(place, stock, how)
            check_cpusets(stock, before, "after it was let go (%s)" % how)
            check(stock.process.poll() is None, "the VM ended")
        remove_cpusets()


def remove_cpusets():
    """Of a VM that is gone."""
    for name in ("machine/vcpu0", "machine/emulator", "machine"):
        wait_for("an empty cpuset", lambda name=name: not read(os.path.join(CPUSETS, name, "tasks")))
        os.rmdir(os.path.join(CPUSETS, name))


def shield_is_lowered_first():
    """While the VM is supervised: it comes back all the same."""
    with CleanPlace() as place, Stock() as stock:
        stock.give_cpusets()
        before = stock.cpusets()
        check_equal(place.call("shield", str(LAST))[0], 0, "shield")
        check_equal(place.call("attach", str(stock.process.pid), "--daemon", *PLAN)[0], 0, "attach")
        check_equal(place.call("unshield")[0], 0, "unshield")
        let_go(place, stock, "detach")
        check_cpusets(stock, before, "after it was let go")
    remove_cpusets()


boxed(main, [
    ("threads enter a shield and leave it", into_it_and_out),
    ("threads come back to cpusets of their own", from_cpusets_of_its_own),
    ("a shield that is lowered meanwhile", shield_is_lowered_first),
])
