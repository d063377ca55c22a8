#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The flight recorder over a disk that hangs: what is done to the VM, and the end, do not wait for it."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from tap import Skip, check, check_equal
from test_blame import Spinner
from test_recorder import OVER, Hog, Spinning, need_two_cpus, recordings
from vm import Place, wait_for

HANG = os.environ.get("QRT_HANG_LIBRARY")


def is_writing(place):
    folder = place.file("kept")
    return any(name.endswith(".new") for name in os.listdir(folder)) if os.path.isdir(folder) else False


def test_hangs():
    """A guest is stopped while a recording hangs; the launcher ends, and leaves nothing of the VM behind."""
    need_two_cpus()
    if not HANG:
        raise Skip("a sanitizer's runtime wants to be loaded first")
    with Place() as place:
        with open(place.file("hang"), "w", encoding="ascii"):
            pass
        place.environment.update(LD_PRELOAD=HANG, QRT_HANG=place.file("hang"))
        with Spinning(place, "--record-dir", place.file("kept"), "--on-delay", OVER + ":file", "--on-delay", "2s:stop") as vm:
            cpu = vm.wait_spinning()
            with Spinner(cpu):
                wait_for("a recording that hangs", lambda: is_writing(place))
            with Hog(cpu):
                wait_for("a guest that is stopped", lambda: vm.status()["guest_state"] == "paused")
            vm.wait_said("the guest is stopped, as --on-delay wants it", "not kept: the last recording is not in its file yet")
            check_equal(recordings(place), [], "recordings")
            vm.end()
            check("it is given up" in vm.output(), vm.output())
        check_equal(os.listdir(place.run) if os.path.isdir(place.run) else [], [], "files left behind")


if __name__ == "__main__":
    tap.main([("a disk that hangs", test_hangs)])
