#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-launcher status: what is said of a VM, and of one that lies."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from supervised import Supervised
from tap import check, check_equal
from vm import LAUNCHER, PATIENCE, Place, Vm, need_root, wait_for


def test_text():
    """The whole VM in one line, threads in a table; what others chose does not steer the terminal."""
    with Place() as place, Supervised(place) as vm:
        vm.answer = vm.answer.replace(b'"running"', b'"run\\u001b[2Jning"').replace(b'"self"', b'"s\\u0007"')
        code, out, err = place.call("status", "vm")
        check_equal((code, err), (0, ""), "exit code and errors")
        lines = out.splitlines()
        check_equal(lines[0], "vm: run?[2Jning, kvm, up 1.5 s, QEMU pid %d, launcher pid %d" % (vm.qemu.pid, os.getpid()), "head")
        check_equal(lines[1], "1 thread, 1 correction, 0 that could not be placed", "counts")
        check_equal(lines[2], "whole VM: mlock=onfault with 1.0 MiB locked, pi=on not confirmed, pool=4 NOT IN FORCE, advance=0",
                    "the whole VM")
        check(lines[3].startswith("ROLE") and lines[4].startswith("vcpu0") and " s? " in lines[4] and len(lines) == 5, out)


def test_json():
    """As it was answered, but for control characters, which are escaped; and what shield is up here."""
    with Place() as place, Supervised(place) as vm:
        answer = json.loads(vm.answer)
        answer["threads"][0]["name"] = "\x9b2J\x1f\x7fä"
        vm.answer = json.dumps(answer, ensure_ascii=False).encode() + b"\n"
        code, out, err = place.call("status", "vm", "--json")
        check_equal((code, err), (0, ""), "exit code and errors")
        answer["shield"] = {"up": False}
        check_equal(json.loads(out), answer, "the answer")
        check("\\u009b2J\\u001f\\u007fä" in out, out)
        check_equal(json.loads(place.call("status", "--json")[1]), [answer], "all of them")


def test_strange():
    """Answers of another version or of a liar: lines, and no crash."""
    with Place() as place, Supervised(place) as vm:
        for answer in (b"{}\n", b'{"threads":[1,null,[],{}],"globals":{"mlock":[]}}\n', b'{"threads":5,"globals":5,"name":[]}\n',
                       b'{"threads":[{"layers":[1],"planned":{"policy":1},"in_plan":{}}]}\n'):
            vm.answer = answer
            code, out, err = place.call("status", "vm")
            check_equal((code, err), (0, ""), answer)
            check(len(out.splitlines()) >= 2, out)
        for answer in (b"x\n", b"[1]\n", b'{"a":1', b"\n", b'{"name":"\xff"}\n'):
            vm.answer = answer
            code, out, err = place.call("status", "vm")
            check_equal((code, out), (1, ""), answer)
            check("not understood" in err and len(err.splitlines()) == 1, err)


def test_no_run_directory():
    """Said once, whether a VM is named or not."""
    environment = {key: value for key, value in os.environ.items() if key not in ("QRT_RUN_DIR", "XDG_RUNTIME_DIR")}
    command = [LAUNCHER, "status"]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    for arguments in ([], ["vm"], ["vm", "--json"], ["--watch"], ["vm", "--watch"]):
        done = subprocess.run([*command, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        check_equal((done.returncode, done.stdout), (1, ""), (arguments, done.stderr))
        check("XDG_RUNTIME_DIR" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr)


def test_list():
    """One that is being started has no socket yet, and is passed over; one that lies is named, and the others are shown."""
    with Place() as place, Supervised(place), Supervised(place, "starting") as starting:
        os.unlink(os.path.join(starting.folder, "control"))
        code, out, err = place.call("status")
        check_equal((code, err), (0, ""), out)
        check(out.startswith("vm: ") and "starting" not in out, out)
        with Supervised(place, "liar", b"x\n"):
            code, out, err = place.call("status")
            check_equal(code, 1, err)
            check(out.startswith("vm: "), out)
            check("'liar'" in err and len(err.splitlines()) == 1, err)


def read_locked(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as file:
        return [int(line.split()[1]) * 1024 for line in file if line.startswith("VmLck:")][0]


def test_whole_vm():
    """A real QEMU: what the plan says of the whole VM is in force, as far as the kernel and QEMU can tell."""
    need_root()
    plan = [word for option in ("othr_sched=other", "mlock=onfault", "pool=3", "advance=50") for word in ("-rt", option)]
    with Place() as place, Vm(place, plan, ["-machine", "none"]) as vm:
        vm.wait_up()
        found = wait_for("QEMU's answer to the pool", lambda: vm.status() if vm.status()["globals"]["pool"]["in_force"] else None)
        locked = found["globals"]["mlock"].pop("locked_bytes")
        check(locked > 1 << 20, "locked: %d" % locked)
        check(abs(locked - read_locked(found["qemu_pid"])) < 64 << 20, "locked: %d" % locked)
        check_equal(found["globals"], {"mlock": {"planned": "onfault", "in_force": True}, "pi": {"planned": True, "in_force": True},
                                       "pool": {"planned": 3, "in_force": True}, "advance_us": {"planned": 50, "in_force": True}},
                    "the whole VM")
        vm.process.terminate()
        vm.wait_end()


def test_whole_vm_refused():
    """A QEMU that has a main loop of its own keeps no workers for us."""
    need_root()
    with Place() as place, Vm(place, ["-rt", "othr_sched=other", "-rt", "pool=3"],
                              ["-machine", "none", "-object", "main-loop,id=own"]) as vm:
        vm.wait_up()
        wait_for("QEMU's refusal", lambda: vm.status()["globals"]["pool"] == {"planned": 3, "in_force": False})
        check("pool=3 NOT IN FORCE" in place.call("status", "vm")[1], "as text")
        vm.process.terminate()
        vm.wait_end()


def test_whole_vm_without_preload():
    """Nothing inside QEMU locks memory or changes its mutexes then."""
    need_root()
    with Place() as place, Vm(place, ["--no-preload", "-rt", "othr_sched=other", "-rt", "pi=on"], ["-machine", "none"]) as vm:
        found = vm.wait_up()["globals"]
        check_equal(found["pi"], {"planned": True, "in_force": False}, "pi")
        check_equal(found["advance_us"], {"planned": 0, "in_force": True}, "advance")
        check_equal(found["mlock"]["planned"], "off", "mlock")
        vm.process.terminate()
        vm.wait_end()


if __name__ == "__main__":
    tap.main([
        ("a VM as text, terminal orders left out", test_text),
        ("a VM as JSON, control characters escaped", test_json),
        ("strange answers", test_strange),
        ("no run directory is said once", test_no_run_directory),
        ("of several VMs those are shown that answer", test_list),
        ("what is in force for a real VM", test_whole_vm),
        ("what QEMU refused is not in force", test_whole_vm_refused),
        ("what is not in force without the preload library", test_whole_vm_without_preload),
    ])
