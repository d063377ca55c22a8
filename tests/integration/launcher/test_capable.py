#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An installed launcher with file capabilities, used by somebody who has none."""

import glob
import json
import os
import re
import struct
import subprocess

from tap import Skip, check, check_equal, main
from vm import BUILD, Overtaken, Place, end_session, make_qemu, need_root, on_a_fair_day, start_session, wait_for
from proc import read_text

NOBODY = 65534
SYS_NICE, SYS_RESOURCE = 23, 24
AS_NOBODY = ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups"]
LIMITED = ["prlimit", "--memlock=65536:65536", "--rtprio=0:0", *AS_NOBODY]
MLOCK = ["-rt", "default", "-rt", "mlock=onfault"]


def give(path, *capabilities):
    """As setcap cap_...+ep does."""
    mask = sum(1 << number for number in capabilities)
    try:
        os.setxattr(path, "security.capability", struct.pack("<IIIII", 0x02000001, mask, 0, 0, 0))
    except OSError as error:
        raise Skip("no file capabilities here: %s" % error)


def check_grantable(capabilities):
    """The kernel starts no program that is to have what its starter can never have."""
    bounding = int(re.search("^CapBnd:\\s*(\\w+)$", read_text("/proc/self/status"), re.M).group(1), 16)
    for number in capabilities:
        if not bounding >> number & 1:
            raise Skip("nobody here can be given capability %d: a container withholds it" % number)


class Installed(Place):
    """A place with an installation below it, in which the launcher has capabilities."""

    def __init__(self, *capabilities):
        need_root()
        if os.environ.get("QRT_SCHED_PRELOAD_LIB"):
            raise Skip("a sanitizer looks at its own process, which one with file capabilities does not allow")
        check_grantable(capabilities)
        super().__init__()
        try:
            subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", self.file("root")], check=True,
                           stdout=subprocess.DEVNULL)
            self.launcher = glob.glob(self.file("root") + "/**/bin/qrt-launcher", recursive=True)[0]
            give(self.launcher, *capabilities)
        except BaseException:
            self.__exit__()
            raise

    def ask(self, *arguments):
        done = subprocess.run([*LIMITED, self.launcher, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr


class RunningVm:
    """A VM that nobody started, with that launcher."""

    def __init__(self, place, *options):
        self.place, self.errors = place, open(place.file("errors"), "w+", encoding="utf-8")
        self.process = start_session(
            [*LIMITED, place.launcher, "run", *options, "--name", "vm", "--", *make_qemu(["-S"])],
            env=dict(place.environment, LD_LIBRARY_PATH="/nonexistent"), stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_session(self.process)
        self.errors.close()

    def output(self):
        return read_text(self.place.file("errors"))

    def look(self):
        check(self.process.poll() is None, "the launcher ended: " + self.output())
        code, out, _ = self.place.ask("status", "vm", "--json")
        status = json.loads(out) if code == 0 else {"threads": [], "guest_state": ""}
        placed = {thread["role"]: thread for thread in status["threads"] if thread["placed_by"] != "nobody"}
        return status if {"vcpu", "main"} <= set(placed) and status["guest_state"] == "prelaunch" else None

    def wait_placed(self):
        return wait_for("a vCPU and a main loop in their roles", self.look)

    def wait_placed_inside(self):
        """The vCPU as QEMU's library had it placed, which may be said later."""
        def look():
            vcpu = next(thread for thread in self.wait_placed()["threads"] if thread["role"] == "vcpu")
            # Where the supervisor was first with the main loop, the vCPU inherits what it may lower by itself.
            return vcpu if vcpu["placed_by"] in ("broker", "self") else None
        try:
            return wait_for("a vCPU placed by the broker or by itself", look, 5)
        except AssertionError as reason:
            raise Overtaken(str(reason)) from None


def it_starts():
    """The loader trusts no path relative to the program then."""
    with Installed(SYS_NICE) as place:
        code, out, errors = place.ask("--version")
        check_equal((code, errors), (0, ""), "exit code and errors")
        check(out.startswith("qrt-launcher "), out)


@on_a_fair_day
def it_places_threads():
    """QEMU itself has no capability: it loads the library, asks, and is placed."""
    with Installed(SYS_NICE) as place, RunningVm(place) as vm:
        status = vm.wait_placed()
        pid = status["qemu_pid"]
        vcpu = vm.wait_placed_inside()
        check(vcpu["effective"]["policy"] in ("fifo", "rr") and vcpu["in_plan"], vcpu)
        check("libqrt-sched-preload.so" in read_text("/proc/%d/maps" % pid), "the library is not in QEMU")
        check(re.search("^CapEff:\\s*0+$", read_text("/proc/%d/status" % pid), re.M), "QEMU has capabilities")
        check_equal(os.stat("/proc/%d" % pid).st_uid, NOBODY, "QEMU's user")
        check("LD_LIBRARY_PATH" not in read_text("/proc/%d/environ" % pid), "the loader's variables reach QEMU")
        vm.process.terminate()
        check_equal(vm.process.wait(timeout=60), 0, vm.output())
        check_equal(os.listdir(place.run), [], "files left behind")


def locked_kib(pid):
    return int(re.search("^VmLck:\\s*(\\d+) kB", read_text("/proc/%d/status" % pid), re.M).group(1))


def no_memory_is_locked():
    """CAP_SYS_NICE alone: that memory will not be locked is said before."""
    with Installed(SYS_NICE) as place, RunningVm(place, *MLOCK) as vm:
        pid = vm.wait_placed()["qemu_pid"]
        check_equal(locked_kib(pid), 0, "locked memory")
        check("warning: plan: mlock: QEMU may not lock its memory" in vm.output(), vm.output())


def memory_is_locked():
    """With CAP_SYS_RESOURCE the launcher lifts QEMU's limit."""
    with Installed(SYS_NICE, SYS_RESOURCE) as place, RunningVm(place, *MLOCK) as vm:
        pid = vm.wait_placed()["qemu_pid"]
        check(locked_kib(pid) > 0, "no memory is locked: " + vm.output())
        check("may not lock" not in vm.output(), vm.output())


main([
    ("it finds its library", it_starts),
    ("it places the threads of a QEMU without capabilities", it_places_threads),
    ("without CAP_SYS_RESOURCE memory is not locked, and it says so", no_memory_is_locked),
    ("with CAP_SYS_RESOURCE memory is locked", memory_is_locked),
])
