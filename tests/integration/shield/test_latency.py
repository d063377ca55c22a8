#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-launcher latency under a shield: its threads go where those of a VM would, and leave nothing behind."""

import glob
import json
import os
import signal
import subprocess

from box import CleanPlace, boxed
from picture import Picture, cpuset_of
from tap import check, check_equal, main
from vm import LAUNCHER, wait_for

LAST = os.cpu_count() - 1
PLAN = ["-rt", "vcpu_sched=fifo", "-rt", "vcpu_prio=20", "-rt", "vcpu_bias=%d" % LAST, "-rt", "main_bias=0"]


def raise_shield(place):
    check_equal(place.call("shield", str(LAST))[0], 0, "shield")
    return Picture()


def lower(place):
    check_equal(place.call("unshield"), (0, "", ""), "unshield")


def measure(place, *arguments):
    code, out, errors = place.call("latency", "--json", "--seconds", "1", *arguments)
    check_equal(code, 0, "exit code: " + errors)
    return json.loads(out)["threads"]


def a_plan_is_measured_on_the_shielded_cpu():
    before = Picture()
    with CleanPlace() as place:
        during = raise_shield(place)
        (thread,) = measure(place, *PLAN)
        check_equal(thread["setting"], "fifo 20 on %d reset-on-fork" % LAST, "its setting")
        check_equal(thread["worst"]["cpu"], LAST, "where it ran")
        during.check_same("after a measurement")
        lower(place)
    before.check_same("after unshield")


def the_default_plan_is_measured():
    """It prefers CPUs that are shielded."""
    with CleanPlace() as place:
        raise_shield(place)
        (thread,) = measure(place)
        check_equal((thread["planned"], thread["worst"]["cpu"]), (True, LAST), "the thread of a vCPU")
        lower(place)


def inside_and_outside_at_a_time():
    with CleanPlace() as place:
        raise_shield(place)
        threads = measure(place, *PLAN, "-rt", "main_sched=fifo", "-rt", "main_prio=5", "--role", "vcpu", "--role", "main")
        check_equal([(thread["role"], thread["worst"]["cpu"]) for thread in threads], [("vcpu", LAST), ("main", 0)],
                    "where they ran")
        lower(place)


def shielded_threads(pid):
    tids = [int(path.rsplit("/", 1)[1]) for path in glob.glob("/proc/%d/task/*" % pid)]
    try:
        return [tid for tid in tids if cpuset_of(tid) == "/qrt-shield"]
    except OSError:  # one has just ended
        return []


def one_that_is_cut_short_leaves_too():
    before = Picture()
    with CleanPlace() as place:
        during = raise_shield(place)
        with subprocess.Popen([LAUNCHER, "latency", "--seconds", "600", *PLAN], env=place.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                wait_for("a thread in the shield", lambda: shielded_threads(process.pid))
                process.send_signal(signal.SIGINT)
                process.wait(60)
            finally:
                process.kill()
        during.check_same("after a measurement that was cut short")
        lower(place)
    before.check_same("after unshield")


def one_whose_shield_goes_away_goes_on():
    with CleanPlace() as place:
        raise_shield(place)
        with subprocess.Popen([LAUNCHER, "latency", "--json", "--seconds", "600", *PLAN], env=place.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            try:
                wait_for("a thread in the shield", lambda: shielded_threads(process.pid))
                lower(place)
                process.send_signal(signal.SIGINT)
                out, errors = process.communicate(timeout=60)
            finally:
                process.kill()
        check("latency: " not in errors, errors)
        check_equal(len(json.loads(out)["threads"]), 1, "threads measured")


boxed(main, [
    ("a plan is measured on the shielded CPU", a_plan_is_measured_on_the_shielded_cpu),
    ("the default plan is measured", the_default_plan_is_measured),
    ("threads inside and outside are measured at a time", inside_and_outside_at_a_time),
    ("a measurement that is cut short leaves nothing behind", one_that_is_cut_short_leaves_too),
    ("a measurement whose shield goes away goes on", one_whose_shield_goes_away_goes_on),
])
