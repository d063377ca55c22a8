# SPDX-License-Identifier: MIT
"""qrt-launcher with a QEMU that has -rt itself, and with the same QEMU and the library preloaded: what differs is then
how the library got into QEMU, and not by whom and with which options QEMU was built, as it does beside Debian's."""

import functools
import os

import guestrun

# What the interval's end must not pass. Both ways are one program with one library, so it is the spread of ten rounds of
# the same that it has to leave room for: rounds of one way, drawn by chance over others of it, end at 1.24 in the middle,
# and beyond 1.3 in four campaigns of ten, with twenty rounds in one. So one that is short by its interval alone is for
# --rounds 20 to decide.
SAME_LIMIT = 1.3
# As campaign.GOALS. Over Debian's QEMU, which `qrt` runs, is without a goal: it compares two builds, too.
FIGURES = (("p999_patched_over_preloaded", "patched", "preloaded", 1.1, False, SAME_LIMIT),
           ("p999_patched_over_qrt", "patched", "qrt", None, False, None))


def program(top):
    """Where ./dev qemu makes it, of the series that the tests take, too."""
    series = os.environ.get("QRT_TEST_QEMU_SERIES", "7.2")
    return os.path.join(top, "build", "qemu", series, "build", "qemu-system-x86_64")


class Patched(guestrun.Qrt):
    """The plan is handed to -rt."""

    how = ()
    library = "built-in"

    def __init__(self, qemu):
        super().__init__()
        self.qemu = qemu

    def command(self, setup, qemu, directory):
        launcher, run, *rest = super().command(setup, [self.qemu, *qemu[1:]], directory)
        return [launcher, run, *self.how, *rest]

    def prepare(self, vm, monitor):
        library = self.ask_status()["library"]
        if library != self.library:
            raise guestrun.BenchError("the library is %s in %s, and should be %s" % (library, self.qemu, self.library))
        return super().prepare(vm, monitor)


class Preloaded(Patched):
    """The plan is the preload library's, as in a QEMU that has no -rt."""

    how = ("--preload",)
    library = "preloaded"


def offer(qemu):
    """Makes the ways known, or returns why each cannot be measured."""
    ways = {"patched": Patched, "preloaded": Preloaded}
    if not os.access(qemu, os.X_OK):
        return dict.fromkeys(ways, "no QEMU that has -rt: run ./dev qemu")
    guestrun.WAYS.update({name: functools.partial(way, qemu) for name, way in ways.items()})
    return {}
