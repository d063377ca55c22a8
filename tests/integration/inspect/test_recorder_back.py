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
from test_recorder import OVER, Spinning, need_two_cpus
from vm import Place, read_setting, threads_of, wait_for


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
    tap.main([("the way back from the other plan", test_back)])
