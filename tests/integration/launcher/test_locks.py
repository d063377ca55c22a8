#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Preempt locks of a VM's vCPUs: taken for device emulation, no deviation, and ended by the supervisor."""

import os
import subprocess
import time

from tap import Skip, check, check_equal, main, note
from vm import BUILD, LAUNCHER, Place, Vm, need_root, threads_of, wait_for

GUEST = os.path.join(BUILD, "tests", "integration", "preload", "preload_guest")
PLAN = ["-rt", "main_prio=12", "-rt", "vcpu_prio=10"]
VCPU, LOCK = "40000001|10", "40000001|13"


def need_kvm():
    need_root()
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("no KVM here")


def run_guest(place, mode, argument, *options):
    """What the monitor in small printed, and what was said."""
    if not os.path.exists(GUEST):
        raise Skip("the monitor in small is not built here")
    environment = dict(place.environment, GUEST_MODE=mode, GUEST_ARGUMENT=str(argument))
    done = subprocess.run([LAUNCHER, "run", *PLAN, *options, "--name", "small", "--", GUEST], env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
    if done.returncode == 77:
        raise Skip("no KVM here")
    check_equal(done.returncode, 0, done.stderr)
    return done.stdout.splitlines(), done.stderr


def supervisor_ends_what_lasts_too_long():
    need_kvm()
    with Place() as place:
        lines, said = run_guest(place, "long", 3000, "-rt", "preemptlock=5000")
        check_equal(lines, ["emulating|" + LOCK, "ended|" + VCPU, "emulating again|" + LOCK], said)


def emulation_is_raised_and_the_guest_is_not():
    need_kvm()
    with Place() as place:
        lines, said = run_guest(place, "interrupt", 0, "-rt", "preemptlock=50000")
        check_equal(lines, ["guest|" + VCPU, "interrupted|" + LOCK], said)


def holders_are_no_deviation():
    """A BIOS under KVM: port accesses enough, and a watch that looks 25 times a second."""
    need_kvm()
    with Place() as place, Vm(place, [*PLAN, "-rt", "preemptlock=20000"], accel="kvm") as vm:
        vm.wait_up()
        status = wait_for("locks that are taken", lambda: (vm.status() or {}).get("preempt_lock", {}).get("taken")
                          and vm.status())
        check_equal(status["preempt_lock"]["priority"], 13, "priority")
        until = time.monotonic() + 2
        while time.monotonic() < until:
            status = vm.status()
            check(all(thread["in_plan"] for thread in threads_of(status, "vcpu")), status["threads"])
            time.sleep(0.02)
        note("%d locks taken, %d ended" % (status["preempt_lock"]["taken"], status["preempt_lock"]["ended"]))
        check_equal(status["corrections"], 0, "corrections")


def without_the_preload_library_it_says_that_nothing_is_done():
    need_root()
    with Place() as place, Vm(place, ["--no-preload", *PLAN, "-rt", "preemptlock=1000"]) as vm:
        vm.wait_up()
        check_equal(vm.status()["preempt_lock"], None, "locks")
        check("preemptlock: does nothing without the preload library" in vm.output(), vm.output())


main([("the supervisor ends what lasts too long", supervisor_ends_what_lasts_too_long),
      ("emulation is raised, and the guest is not", emulation_is_raised_and_the_guest_is_not),
      ("holders are no deviation", holders_are_no_deviation),
      ("without the preload library it says that nothing is done",
       without_the_preload_library_it_says_that_nothing_is_done)])
