#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A launcher that is killed before any of its changes: the next call puts everything back."""

import os
import signal
import subprocess

from box import CleanPlace, boxed
from picture import Picture
from tap import check, check_equal, main, note
from vm import BUILD, LAUNCHER

DIE = os.path.join(BUILD, "tests", "integration", "shield", "die.so")
LAST = os.cpu_count() - 1
REPAIRS = (["repair"], ["unshield"], ["shield"], ["check"], ["status"])


def killed(place, at, *arguments):
    """Whether the command was killed before its at-th change; it ended by itself otherwise."""
    done = subprocess.run([LAUNCHER, *arguments], env=dict(place.environment, LD_PRELOAD=DIE, QRT_DIE_AT=str(at)),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode in (0, -signal.SIGKILL), "%s: %d: %s" % (arguments, done.returncode, done.stderr))
    return done.returncode != 0


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


boxed(main, [
    ("killed before any change of raising, the next call puts everything back", raising),
    ("killed before any change of lowering, the next call does the rest", lowering),
    ("killed while it moves, it is where it was", a_shield_before),
])
