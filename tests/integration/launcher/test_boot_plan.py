#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A VM runs by another plan until its guest is ready."""

import os
import subprocess

from demoguest import Console, arguments
from tap import check, check_equal, main
from vm import LAUNCHER, QEMU, Place, Vm, need_root, read_setting, threads_of, wait_for

PLAN = ["-rt", "vcpu_sched=fifo", "-rt", "vcpu_prio=7", "-rt", "main_sched=fifo", "-rt", "main_prio=9"]
SLOW = "vcpu_sched = rr\nvcpu_prio = 1\nvcpu_bias = 0\n"
OTHER, FIFO, RR = 0, 1, 2


def settings(vm):
    """Of the vCPU and the main loop: policy and priority, and whether the vCPU is kept to CPU 0."""
    status = vm.status()
    if not status or not all(threads_of(status, role) for role in ("vcpu", "main")):
        return None
    vcpu, loop = (read_setting(threads_of(status, role)[0]["tid"]) for role in ("vcpu", "main"))
    return status["guest"]["state"], vcpu[:2], loop[:2], vcpu[3] == (0,)


def write(place, text):
    with open(place.file("slow.plan"), "w", encoding="ascii") as file:
        file.write(text)
    return "boot=" + place.file("slow.plan")


def by_another_plan():
    need_root()
    with Place() as place:
        boot = write(place, SLOW)
        with Vm(place, ["--agent", *PLAN, "-rt", boot], arguments(place)) as vm, Console(place) as console:
            slow = (RR, 1), (OTHER, 0), True
            free = len(os.sched_getaffinity(0)) == 1
            ready = ("ready", (FIFO, 7), (FIFO, 9), free)
            wait_for("the slow plan", lambda: settings(vm) == ("booting", *slow))
            wait_for("the plan", lambda: settings(vm) == ready)
            console.tell("rebooting")
            wait_for("the slow plan again", lambda: settings(vm) == ("rebooting", *slow))
            check(vm.status()["guest"]["boot_plan"], "the second plan is not shown")
            console.tell("ready")
            wait_for("the plan again", lambda: settings(vm) == ready)


def what_cannot_be_is_refused():
    need_root()
    for text, words in ((None, "No such file"), ("vcpu_prio = 100\n", "line 1"), ("vcpu_sched=fifo\nvcpu_prio=10\n", "more than"),
                        ("vcpu_bias=4000\n", "boot="), ("boot=keep\n", "leave them out"),
                        ("vcpu_sched=deadline\nvcpu_runtime=2000\nvcpu_period=10000\nvcpu_prio=3\n", "deadline")):
        with Place() as place:
            boot = "boot=" + place.file("slow.plan") if text is None else write(place, text)
            done = subprocess.run([LAUNCHER, "run", "--agent", *PLAN, "-rt", boot, "--", QEMU, "-display", "none"],
                                  env=place.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                                  check=False)
            check_equal(done.returncode, 125, done.stderr)
            said = [line for line in done.stderr.splitlines() if "boot=" in line]
            check(len(said) == 1 and words in said[0], done.stderr)
            code, _, errors = place.call("plan", *PLAN, "-rt", boot)
            check(code == 1 and said[0] in errors.splitlines(), "plan says of it: %d %s" % (code, errors))


if __name__ == "__main__":
    main([("threads run by it until the guest is ready, and whenever it is not", by_another_plan),
          ("what cannot be is refused in one line", what_cannot_be_is_refused)])
