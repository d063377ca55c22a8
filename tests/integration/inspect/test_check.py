#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-launcher check as a command: exit codes, JSON, few rights, little of a host."""

import json
import os
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from tap import Skip, check, check_equal
from vm import LAUNCHER, Place, need_root

STATES = {"ok", "warning", "fault", "unknown"}


def call(*arguments, **options):
    with Place() as place:
        return place.call("check", *arguments, **options)


def call_as_nobody(*arguments):
    """setpriv takes all rights away and keeps the environment."""
    need_root()
    with Place() as place:
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                               LAUNCHER, "check", *arguments], env=place.environment, capture_output=True, text=True,
                              timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr


def test_json():
    code, out, _ = call("--json", "-rt", "maxprio=5,policy=ts")
    answer = json.loads(out)
    check_equal(set(answer), {"ok", "items", "lint"}, "members")
    check_equal(code, 0 if answer["ok"] else 1, "exit code")
    check(len(answer["items"]) > 20, "items")
    for item in answer["items"]:
        check(item["state"] in STATES, item)
        check(item["found"] and item["why"], item)
        check(item["remedy"] or item["state"] in ("ok", "unknown"), "a remedy: %s" % item)
    names = [item["id"] for item in answer["items"]]
    check_equal(len(names), len(set(names)), "ids")


def test_text():
    code, out, _ = call("-rt", "maxprio=5,policy=ts")
    check_equal(code, 0, "a time-sharing plan runs anywhere: " + out)
    check(out.rstrip().splitlines()[-1].startswith("Yes"), out)


def test_lint_is_part():
    code, out, _ = call("--json", "-rt", "vcpu_bias=0", "-rt", "vcpu_sched=fifo", "-rt", "main_bias=0")
    answer = json.loads(out)
    check_equal(code, 1, "exit code")
    check(not answer["ok"], "ok")
    check(any(f["code"] == "starved-main" and f["severity"] == "fault" and f["remedy"] for f in answer["lint"]), out)


def test_unprivileged():
    code, out, _ = call_as_nobody("--json", "-rt", "vcpu_sched=fifo", "-rt", "vcpu_bias=0")
    faults = {item["id"] for item in json.loads(out)["items"] if item["state"] == "fault"}
    check_equal(code, 1, "exit code")
    check({"privileges", "rt-policy"} <= faults, faults)
    code, out, _ = call_as_nobody("-rt", "maxprio=5,policy=ts")
    check_equal(code, 0, "time sharing needs no right: " + out)


def test_usage():
    for arguments in (["--bogus"], ["-rt"], ["--plan"], ["--root"], ["-rt", "vcpu_prio=100"], ["-rt", "vcpu_x=1"],
                      ["--root", "/", "-rt", "vcpu_prio=1"]):
        code, out, err = call(*arguments)
        check_equal((code, out), (2, ""), arguments)
        check_equal(len(err.splitlines()), 1, err)
    code, _, err = call("--plan", "/nonexistent")
    check_equal((code, len(err.splitlines())), (1, 1), err)
    code, out, _ = call("--help")
    check(code == 0 and out.startswith("Usage:"), out)


def test_copied_tree():
    with tempfile.TemporaryDirectory() as root:
        code, out, err = call("--root", root, "--json")
        answer = json.loads(out)
        check_equal((code, answer["ok"], len(err.splitlines())), (1, False, 1), "an empty tree: " + err)
        check("nothing of a host could be read" in err, err)
        check_equal({item["state"] for item in answer["items"]}, {"unknown"}, "states")
        os.makedirs(root + "/proc/sys/kernel")
        with open(root + "/proc/sys/kernel/sched_rt_runtime_us", "w", encoding="ascii") as file:
            file.write("0\n")
        code, _, err = call("--root", root)
        check_equal((code, err), (1, ""), "no real-time time at all")
        with open(root + "/proc/sys/kernel/sched_rt_runtime_us", "w", encoding="ascii") as file:
            file.write("-1\n")
        check_equal(call("--root", root)[0], 0, "something could be read, and nothing is a fault")
    code, _, err = call("--root", root)
    check(code == 1 and "No such file" in err, err)


def test_lock_is_foreseen():
    """QEMU as another user has no capability, and where the launcher cannot lift the limit it stays."""
    need_root()
    lock = ["--json", "-rt", "default", "-rt", "mlock=onfault"]

    def find(*arguments, wrapper=()):
        with Place() as place:
            done = subprocess.run([*wrapper, LAUNCHER, *arguments], env=place.environment, capture_output=True, text=True,
                                  timeout=60, check=False)
        return [f for f in json.loads(done.stdout)["lint"] if f["code"] == "no-lock-privilege"]

    contained = ["prlimit", "--memlock=65536:65536", "setpriv", "--bounding-set=-sys_resource"]
    for command in ("check", "plan"):
        check_equal(find(command, *lock, wrapper=contained), [], command + ": QEMU as root has the capability itself")
        found = find(command, *lock, "--user", "nobody", wrapper=contained)
        check_equal(len(found), 1, command + " --user nobody")
        check("as user nobody" in found[0]["message"] and "64 KiB" in found[0]["message"] and
              "memlock" in found[0]["remedy"], found)
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, resource.RLIM_INFINITY))
    except ValueError:
        tap.note("a hard limit that is open cannot be tried: this container may not lift it")
        return
    check_equal(find("plan", *lock, "--user", "nobody", wrapper=contained[2:]), [], "a hard limit that is open")


def test_bare_chroot():
    """Without /proc and /sys: an answer, no crash."""
    need_root()
    with Place() as place:
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                   "mount -t tmpfs none /proc && mount -t tmpfs none /sys && exec \"$@\"", "sh", LAUNCHER, "check"]
        done = subprocess.run(command, env=place.environment, capture_output=True, text=True, timeout=60, check=False)
        if done.stderr.startswith(("unshare:", "mount:")):
            raise Skip("no mount namespaces here: " + done.stderr.strip())
        check_equal(done.returncode, 1, done.stderr)
        check_equal(len(done.stderr.splitlines()), 1, done.stderr)
        check("unknown  preemption" in done.stdout, done.stdout)
        check(done.stdout.rstrip().splitlines()[-1].startswith("No"), done.stdout)


if __name__ == "__main__":
    tap.main([
        ("JSON holds items with state, reason and remedy", test_json),
        ("text ends in a verdict", test_text),
        ("lint of the plan is part of the verdict", test_lint_is_part),
        ("without rights a real-time plan is a fault, a time-sharing one is none", test_unprivileged),
        ("bad usage: exit code 2 and one line", test_usage),
        ("a copied tree is read in the place of the host", test_copied_tree),
        ("memory that QEMU will not be able to lock is foreseen", test_lock_is_foreseen),
        ("without /proc and /sys it answers", test_bare_chroot),
    ])
