#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A launcher that is killed before any of its changes: the next call puts everything back. One that is asked to end
goes on until nothing is half-done."""

import os
import signal
import subprocess

from box import CleanPlace, boxed
from picture import Picture
from tap import check, check_equal, main, note
from vm import BUILD, LAUNCHER, make_qemu

DIE = os.path.join(BUILD, "tests", "integration", "shield", "die.so")
LAST = os.cpu_count() - 1
REPAIRS = (["repair"], ["unshield"], ["shield"], ["check"], ["status"])


def call(place, at, number, *arguments):
    """The exit code of a command that gets the signal before its at-th change."""
    environment = dict(place.environment, LD_PRELOAD=DIE, QRT_DIE_AT=str(at), QRT_DIE_SIGNAL=str(int(number)))
    done = subprocess.run([LAUNCHER, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False)
    check(done.returncode >= 0 or done.returncode == -number, "%s: %d: %s" % (arguments, done.returncode, done.stderr))
    return done.returncode, done.stderr


def killed(place, at, *arguments, number=signal.SIGKILL):
    """Whether the command was ended before its at-th change; it ended by itself otherwise."""
    code, errors = call(place, at, number, *arguments)
    check(code in (0, -number), "%s: %d: %s" % (arguments, code, errors))
    return code != 0


def repair(place, at):
    """Each command that promises it, in turn."""
    command = REPAIRS[at % len(REPAIRS)]
    code, _, errors = place.call(*command)
    check(code == 0 or command == ["check"], "%s: %d: %s" % (command, code, errors))
    left = os.listdir(place.run) if os.path.isdir(place.run) else []
    check_equal(left, [], "the run directory after %s" % command)


def raising():
    before = Picture()
    with CleanPlace() as place:
        at = 1
        while killed(place, at, "shield", str(LAST), "--all"):
            repair(place, at)
            before.check_same("killed before change %d, and after the repair" % at)
            at += 1
        note("%d changes" % at)
        check(at > 20, "it was never killed")
        check_equal(place.call("unshield")[0], 0, "unshield")
    before.check_same("after unshield")


def lowering():
    before = Picture()
    with CleanPlace() as place:
        at, going = 1, True
        while going:
            check_equal(place.call("shield", str(LAST), "--all")[0], 0, "shield")
            during = Picture()
            going = killed(place, at, "unshield")
            # Before the need is forgotten the shield stays; after that it has to go.
            if os.path.exists(place.run + "/.host/need.user"):
                check_equal(at, 1, "the change before which the user's need is forgotten")
                during.check_same("killed before anything was lowered")
                check_equal(place.call("unshield")[0], 0, "unshield")
            elif going:
                repair(place, at)
            before.check_same("killed before change %d of lowering" % at)
            at += 1
        check(at > 5, "it was never killed")


def a_shield_before():
    """Killed while it gets other CPUs and parts, it has those of before."""
    with CleanPlace() as place:
        check_equal(place.call("shield", str(LAST))[0], 0, "shield")
        before, at = Picture(), 1
        while killed(place, at, "shield", "0", "--irqs"):
            check_equal(place.call("repair")[0], 0, "repair")
            before.check_same("killed before change %d of moving" % at)
            at += 1
        check(at > 10, "it was never killed")
        check_equal(place.call("unshield")[0], 0, "unshield")


def check_whole(place, at, *pictures):
    """One of these, without another call."""
    now = Picture()
    changes = [picture.find_changes(now) for picture in pictures]
    check(not all(changes), "asked to end before change %d: %s" % (at, "; ".join(min(changes, key=len)[:8])))
    check(not os.path.exists(place.run + "/.host/need.pending"), "it was interrupted before change %d" % at)


def number_of(at):
    return (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)[at % 3]


def asked_to_end():
    """While it raises and while it lowers: all of it, or nothing."""
    lowered = Picture()
    with CleanPlace() as place:
        check_equal(place.call("shield", str(LAST), "--all")[0], 0, "shield")
        raised = Picture()
        check_equal(place.call("unshield")[0], 0, "unshield")
        at = 1
        while killed(place, at, "shield", str(LAST), "--all", number=number_of(at)):
            check_whole(place, at, lowered, raised)
            check_equal(place.call("unshield")[0], 0, "unshield")
            at += 1
        check(at > 20, "it was never asked")
        at, going = 1, True
        while going:
            check_equal(place.call("shield", str(LAST), "--all")[0], 0, "shield")
            going = killed(place, at, "unshield", number=number_of(at))
            check_whole(place, at, lowered, raised)
            at += 1
        check(at > 5, "it was never asked")
    lowered.check_same("in the end")


def a_vm_that_is_not_to_start():
    """Before QEMU is there the host is as before at once, by nobody's call."""
    before = Picture()
    plan = ["-rt", "vcpu_bias=%d" % LAST, "-rt", "main_bias=0"]
    with CleanPlace() as place:
        at = 1
        while call(place, at, signal.SIGTERM, "run", "--shield", *plan, "--", *make_qemu(["-S"]))[0] < 0:
            before.check_same("asked to end before change %d" % at)
            check_equal(os.listdir(place.run) if os.path.isdir(place.run) else [], [], "the run directory")
            at += 1
        note("%d changes" % at)
        check(at > 5, "it was never asked")
    before.check_same("in the end")


boxed(main, [
    ("killed before any change of raising, the next call puts everything back", raising),
    ("killed before any change of lowering, the next call does the rest", lowering),
    ("killed while it moves, it is where it was", a_shield_before),
    ("asked to end it does nothing by halves", asked_to_end),
    ("a VM that is not to start leaves nothing behind", a_vm_that_is_not_to_start),
])
