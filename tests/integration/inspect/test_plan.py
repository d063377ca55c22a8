#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-launcher plan as a command: canonical text, words, JSON, exit codes."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from tap import check, check_equal
from vm import Place

TIME_SHARING = ["-rt", "vcpu_sched=other", "-rt", "vcpu_nice=-5", "-rt", "main_sched=other"]
PLAN = """# control VM
vcpu_sched = fifo    # line 2
vcpu_prio = 10
vcpu_bias = 0
main_sched = fifo
main_prio = 12
main_bias = 0
"""


def call(*arguments):
    with Place() as place:
        return place.call("plan", *arguments)


def call_with_file(text, *arguments):
    with Place() as place:
        with open(place.file("plan"), "w", encoding="utf-8") as file:
            file.write(text)
        return place.call("plan", "--plan", place.file("plan"), *arguments)


def test_canonical():
    code, out, _ = call(*TIME_SHARING)
    check_equal(code, 0, "exit code")
    again, out_again, _ = call_with_file(out)
    check_equal((again, out_again), (0, out), "its own output as a plan file")


def test_default_follows_the_vm():
    _, out, _ = call("--json", "--", "qemu-system-x86_64", "-smp", "2", "-object", "iothread,id=a")
    answer = json.loads(out)
    check(answer["default"], "default")
    check_equal((answer["vcpus"], answer["iothreads"]), (2, 1), "shape")
    roles = [group["role"] for group in answer["threads"]]
    check({"vcpu", "main", "paio", "ioth"} <= set(roles), roles)
    _, out, _ = call("--json", "qemu-system-x86_64")
    check("ioth" not in [group["role"] for group in json.loads(out)["threads"]], out)


def test_lines_are_named():
    _, out, _ = call_with_file(PLAN, "--explain")
    row = [line for line in out.splitlines() if line.startswith("  vcpu")][0]
    check("lines 2, 3, 4" in row, row)
    _, out, _ = call_with_file(PLAN, "-rt", "vcpu_prio=9", "--json")
    vcpu = [group for group in json.loads(out)["threads"] if group["role"] == "vcpu"][0]
    check_equal((vcpu["priority"], vcpu["source"]), (9, "lines 2, 4"), "the option overrides the file")


def test_explains_who_wins():
    _, out, _ = call_with_file(PLAN, "--explain")
    check("main (12), then vcpu" in out, out)
    check("preempts those behind it" in out, out)
    check("The plan\n" in out, out)
    _, out, _ = call("--explain", "-rt", "vcpu_sched=rr,rr", "-rt", "vcpu_bias=0", "-rt", "main_sched=rr", "-rt",
                     "main_bias=0", "--", "qemu-system-x86_64", "-smp", "2")
    check("equal priority under RR, they take turns every" in out, out)


def test_faults():
    code, out, err = call("-rt", "vcpu_bias=0", "-rt", "vcpu_sched=fifo", "-rt", "main_bias=0")
    check_equal(code, 1, "a starved main loop")
    check("fault" in err and "vcpu_bias=0" in out, (out, err))
    code, out, err = call("-rt", "vcpu_sched=fifo,fifo,fifo", "--", "qemu-system-x86_64", "-smp", "2")
    check_equal(code, 1, "more values than vCPUs")
    code, out, err = call("-rt", "vcpu_sched=rr", "-rt", "vcpu_nice=7", "-rt", "main_sched=rr")
    check_equal(code, 1, "a quantum by nice is not supported")
    check("vcpu_nice" in err, err)


def test_bad_input():
    for arguments in (["--bogus"], ["-rt"], ["-rt", ""], ["-rt", "vcpu_prio=-1"], ["-rt", "vcpu_sched=fast"],
                      ["-rt", "disk_prio=1"], ["--plan"]):
        code, out, err = call(*arguments)
        check_equal((code, out), (2, ""), arguments)
        check_equal(len(err.splitlines()), 1, err)
    for text in ("vcpu_prio=1\0\n", "vcpu_prio\n", "include x\n", "#" * (10 << 20)):
        code, out, err = call_with_file(text)
        check_equal((code, out, len(err.splitlines())), (1, "", 1), (text[:20], err))


if __name__ == "__main__":
    tap.main([
        ("the canonical form is a plan file for itself", test_canonical),
        ("the default plan follows the VM's shape", test_default_follows_the_vm),
        ("it names the lines that said it", test_lines_are_named),
        ("it says in words who preempts whom", test_explains_who_wins),
        ("faults and what is not supported: exit code 1", test_faults),
        ("bad input: one line", test_bad_input),
    ])
