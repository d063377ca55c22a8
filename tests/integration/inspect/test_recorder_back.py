#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The flight recorder's other plan, and the way back from it."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from tap import check, check_equal
from test_blame import Spinner
from test_recorder import LAST, OVER, Spinning, need_two_cpus
from vm import Place, read_setting, threads_of, wait_for


def test_failsafe():
    """All threads change to the other plan at once, and stay so."""
    need_two_cpus()
    with Place() as place:
        with open(place.file("safe.plan"), "w", encoding="ascii") as file:
            file.write("vcpu_sched=other\nmain_sched=rr\nmain_prio=33\n")
        with Spinning(place, "--record-dir", place.file("kept"), "--on-delay",
                      "%s:failsafe=%s" % (OVER, place.file("safe.plan"))) as vm:
            cpu = vm.wait_spinning()
            vcpu, main = (threads_of(vm.status(), role)[0]["tid"] for role in ("vcpu", "main"))
            with Spinner(cpu):
                wait_for("another plan", lambda: read_setting(main)[:2] == (os.SCHED_RR, 33))
            wait_for("a vCPU that is time-shared", lambda: read_setting(vcpu)[0] == os.SCHED_OTHER)
            status = vm.status()
            check("main_prio=33" in status["plan"], status["plan"])
            check(all(thread["in_plan"] for thread in status["threads"]), status["threads"])
            vm.wait_said("from now on the plan is " + place.file("safe.plan"))
            vm.end()


def test_failsafe_refused():
    """What 'set' would refuse while the VM runs is refused before it is started."""
    need_two_cpus()
    for first, later, word in (("default preemptlock=100", "main_sched=fifo\nmain_prio=98\n", "that of the preempt lock"),
                               ("vcpu_sched=rr vcpu_prio=3 vcpu_nice=-5", "vcpu_sched=other\n", "ends its slices itself"),
                               ("shield=on vcpu_sched=rr vcpu_prio=3 vcpu_bias=%d" % LAST,
                                "main_sched=rr\nmain_prio=3\nmain_bias=0-%d\n" % LAST, "is shielded")):
        with Place() as place:
            with open(place.file("later.plan"), "w", encoding="ascii") as file:
                file.write(later)
            code, out, err = place.call("run", "-rt", first, "--on-delay", "5ms:failsafe=" + place.file("later.plan"), "--",
                                        "qemu-system-x86_64", "-display", "none", "-S")
            check_equal((code, out), (125, ""), err)
            lines = [line for line in err.splitlines() if "warning:" not in line]
            check_equal((len(lines), word in lines[-1]), (1, True), err)
            check_equal(os.listdir(place.run), [], "the run directory")


def test_back():
    """What cannot change while the VM runs is in force under the other plan, too: the first one can be set again."""
    need_two_cpus()
    fixed, bias = ["mlock=onfault", "pool=3", "advance=50", "ioth_name=foo*"], "vcpu_bias=%d" % max(os.sched_getaffinity(0))
    with Place() as place:
        for name, lines in (("first.plan", ["vcpu_sched=fifo", "vcpu_prio=5", bias, *fixed]), ("safe.plan", ["vcpu_sched=other"])):
            with open(place.file(name), "w", encoding="ascii") as file:
                file.write("\n".join(lines) + "\n")
        with Spinning(place, "--plan", place.file("first.plan"), "--record-dir", place.file("kept"), "--on-delay",
                      "%s:failsafe=%s" % (OVER, place.file("safe.plan"))) as vm:
            cpu = vm.wait_spinning()
            before = vm.status()
            vcpu = threads_of(before, "vcpu")[0]["tid"]
            with Spinner(cpu):
                wait_for("another plan", lambda: read_setting(vcpu)[0] == os.SCHED_OTHER)
            status = vm.status()
            check("vcpu_sched=other" in status["plan"], status["plan"])
            check(all(line in status["plan"].split() for line in fixed), status["plan"])
            check_equal({name: value["planned"] for name, value in status["globals"].items()},
                        {name: value["planned"] for name, value in before["globals"].items()}, "what is fixed")
            code, out, err = place.call("set", "vm", "--json", "--plan", place.file("first.plan"))
            check_equal(code, 0, err)
            check(all(line in json.loads(out)["plan"].split() for line in ("vcpu_prio=5", bias, *fixed)), out)
            vm.end()


if __name__ == "__main__":
    tap.main([
        ("another plan comes into force", test_failsafe),
        ("a plan that could not come into force is refused", test_failsafe_refused),
        ("the way back from the other plan", test_back),
    ])
