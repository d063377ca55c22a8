#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The flight recorder of a VM that somebody else started: attach --on-delay."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from tap import check, check_equal
from test_blame import Spinner
from test_recorder import DELAY, OVER, delays_of, make_spin, need_two_cpus, recordings, wait_spinning
from vm import LAUNCHER, PATIENCE, Place, end_session, make_qemu, need_root, read_setting, start_session, threads_of, wait_for


class Foreign:
    """The same, started by somebody else; with the launcher that attach() starts."""

    def __init__(self, place):
        self.place, self.launcher = place, None
        self.qemu = start_session(make_qemu([*make_spin(place), "-name", "guest=foreign,debug-threads=on"]),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.launcher:
            end_session(self.launcher)
        end_session(self.qemu)

    def status(self):
        code, out, _ = self.place.call("status", "foreign", "--json")
        status = json.loads(out) if code == 0 else None
        return status if status and threads_of(status, "vcpu") else None

    def command(self, *options):
        cpu = max(os.sched_getaffinity(0))
        return ["attach", str(self.qemu.pid), "-rt", "vcpu_sched=fifo", "-rt", "vcpu_prio=5", "-rt", "vcpu_bias=%d" % cpu, *options]

    def attach(self, *options):
        with open(self.place.file("words"), "w", encoding="utf-8") as words:
            self.launcher = start_session([LAUNCHER, *self.command(*options)], env=self.place.environment,
                                          stdin=subprocess.DEVNULL, stdout=words, stderr=words)
        wait_for("a supervised VM", self.status)

    def words(self):
        with open(self.place.file("words"), encoding="utf-8") as file:
            return file.read()


def test_attached():
    """A VM that somebody else started: a word, the recording and another plan, and what is there without a delay."""
    need_two_cpus()
    with Place() as place, Foreign(place) as vm:
        with open(place.file("safe.plan"), "w", encoding="ascii") as file:
            file.write("vcpu_sched=other\n")
        vm.attach("--record-dir", place.file("kept"), "--on-delay", OVER + ":log", "--on-delay",
                  "%s:failsafe=%s" % (OVER, place.file("safe.plan")))
        vcpu = threads_of(vm.status(), "vcpu")[0]["tid"]
        with Spinner(wait_spinning(vm.status)):
            wait_for("another plan", lambda: read_setting(vcpu)[0] == os.SCHED_OTHER)
        wait_for("words", lambda: "; kept in " in vm.words() and "from now on the plan is " in vm.words())
        line = [line for line in vm.words().splitlines() if "; kept in " in line][0]
        check(re.search(DELAY, line), line)
        answer = delays_of(place, "--file", line.rsplit("; kept in ", 1)[1])
        check_equal((answer["name"], answer["mutexes"]), ("foreign", False), answer)
        check_equal(delays_of(place, "--last", "foreign")["pid"], vm.qemu.pid, "the last seconds")
        vm.launcher.terminate()
        check_equal(vm.launcher.wait(PATIENCE), 0, vm.words())
        check(vm.qemu.poll() is None, "QEMU ended")


def test_attached_in_background():
    need_two_cpus()
    with Place() as place, Foreign(place) as vm:
        code, _, err = place.call(*vm.command("--daemon", "--record-dir", place.file("kept"), "--on-delay",
                                              OVER + ":command=echo $QRT_VM $QRT_FILE >" + place.file("told.new") +
                                              "; mv %s %s" % (place.file("told.new"), place.file("told"))))
        check_equal(code, 0, err)
        with Spinner(wait_spinning(vm.status)):
            wait_for("the command", lambda: os.path.exists(place.file("told")))
        code, _, err = place.call("detach", "foreign")
        check_equal(code, 0, err)
        with open(place.file("told"), encoding="utf-8") as file:
            check_equal(file.read().split(), ["foreign", os.path.join(place.file("kept"), recordings(place)[0])], "told")


def test_attached_refused():
    """Before anything is touched."""
    need_root()
    with Place() as place, Foreign(place) as vm:
        for name, text in (("bad.plan", "vcpu_prio=many\n"), ("inside.plan", "mlock=all\n"), ("fault.plan", "vcpu_bias=1000\n")):
            with open(place.file(name), "w", encoding="ascii") as file:
                file.write(text)
        for wanted, options in ((2, ["--on-delay", "5ms"]), (2, ["--on-delay", "5ms:stop"]), (2, ["--on-delay"]), (2, ["--record-dir", ""]),
                                (2, ["--on-delay", "5ms:failsafe=" + place.file("bad.plan")]),
                                (2, ["--no-record", "--on-delay", "5ms:log"]),
                                (1, ["--on-delay", "5ms:failsafe=" + place.file("inside.plan")]),
                                (1, ["--on-delay", "5ms:failsafe=" + place.file("fault.plan")])):
            code, out, err = place.call(*vm.command(*options))
            check_equal((code, out), (wanted, ""), (options, err))
            check_equal(len([line for line in err.splitlines() if "warning:" not in line]), 1, (options, err))
        check_equal(place.call("status", "foreign", "--json")[0], 1, "it is supervised")
        vm.attach("--no-record")
        code, out, err = place.call("blame", "--last", "foreign")
        check_equal((code, out, len(err.splitlines())), (1, "", 1), err)


if __name__ == "__main__":
    tap.main([
        ("a word, a recording and another plan", test_attached),
        ("in the background", test_attached_in_background),
        ("what is refused", test_attached_refused),
    ])
