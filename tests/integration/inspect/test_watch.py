#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-launcher status --watch: how it goes on and how it ends."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from supervised import Supervised
from tap import check, check_equal
from vm import LAUNCHER, PATIENCE, Place, wait_for

NO_VM = "no VM runs\n" if os.geteuid() == 0 else "no VM of this user runs\n"


class Watcher:
    """`status --watch` with a pipe to read from."""

    def __init__(self, place, *arguments, **options):
        self.process = subprocess.Popen([LAUNCHER, "status", "--watch", *arguments], env=place.environment,
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        **{"stdout": subprocess.PIPE, **options})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def line(self):
        check(select.select([self.process.stdout], [], [], PATIENCE)[0], "the watcher prints nothing")
        return self.process.stdout.readline()

    def end(self):
        """(exit code, the rest of its output, errors) of one that ends by itself."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


def test_watch_ends():
    """With the VM: exit code 0 and a word, as a line and as JSON."""
    for options, word in ((["0.1"], "VM 'vm' ended."), (["0.1", "--json"], '{"name":"vm","ended":true}')):
        with Place() as place, Supervised(place) as vm:
            with Watcher(place, *options, "vm") as watcher:
                wait_for("looks", lambda vm=vm: vm.asked >= 3)
                vm.end_qemu()
                vm.hang_up()
                code, out, err = watcher.end()
            check_equal((code, err), (0, ""), out)
            check_equal(out.splitlines()[-1], word, out)


def test_watch_successor():
    """A later VM of the same name is another one."""
    with Place() as place, Supervised(place) as vm, Watcher(place, "0.1", "vm") as watcher:
        wait_for("looks", lambda: vm.asked >= 1)
        vm.answer = vm.answer.replace(b'"qemu_pid": %d' % vm.qemu.pid, b'"qemu_pid": %d' % os.getpid())
        code, out, err = watcher.end()
        check_equal((code, err), (0, ""), out)
        check_equal(out.splitlines()[-1], "VM 'vm' ended.", out)


def test_watch_fails():
    """A launcher that is gone while its QEMU runs on is no end of the VM; neither is an answer that is none."""
    with Place() as place, Supervised(place) as vm, Watcher(place, "0.1", "vm") as watcher:
        wait_for("looks", lambda: vm.asked >= 1)
        vm.hang_up()
        code, out, err = watcher.end()
        check_equal(code, 1, err)
        check("lost its launcher" in err and str(vm.qemu.pid) in err, err)
        check("ended" not in out, out)
    with Place() as place, Supervised(place) as vm, Watcher(place, "0.1", "vm") as watcher:
        wait_for("looks", lambda: vm.asked >= 1)
        vm.answer = b"x\n"
        code, out, err = watcher.end()
        check_equal(code, 1, err)
        check("not understood" in err and len(err.splitlines()) == 1, err)
    with Place() as place, Watcher(place, "0.1", "vm") as watcher:
        code, out, err = watcher.end()
        check_equal((code, out), (1, ""), err)
        check_equal(err, "qrt-launcher: no VM named 'vm' runs; 'qrt-launcher status' lists them\n", "errors")


def test_watch_all():
    """Without a name it goes on: without a VM, with one, with one that lies, and when they are gone."""
    with Place() as place, Watcher(place, "0.1") as watcher:
        check_equal([watcher.line(), watcher.line()], [NO_VM, NO_VM], "no VM yet")
        with Supervised(place) as vm:
            wait_for("a look", lambda: vm.asked >= 1)
            while watcher.line() == NO_VM:
                pass
            with Supervised(place, "liar", b"x\n") as liar:
                wait_for("looks", lambda: liar.asked >= 2)
            asked = vm.asked
            wait_for("looks", lambda: vm.asked >= asked + 2)
            vm.hang_up()
            while watcher.line() != NO_VM:
                pass
        watcher.process.send_signal(signal.SIGINT)
        code, _, err = watcher.end()
        check_equal(code, 0, err)
        check("'liar'" in err, err)


def test_watch_stops_at_once():
    """By Ctrl-C and by a reader that goes away, long before the next look; by SIGTERM too."""
    for number, wanted in ((signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)):
        with Place() as place, Watcher(place, "3600") as watcher:
            check_equal(watcher.line(), NO_VM, "the first look")
            watcher.process.send_signal(number)
            check_equal(watcher.end(), (wanted, "", ""), number)
    with Place() as place, Watcher(place, "3600") as watcher:
        check_equal(watcher.line(), NO_VM, "the first look")
        watcher.process.stdout.close()
        check_equal(watcher.process.wait(timeout=PATIENCE), 0, "exit code without a reader")
        check_equal(watcher.process.stderr.read(), "", "errors without a reader")
    with Place() as place:
        read_end, write_end = os.pipe()
        os.close(read_end)
        with Watcher(place, "3600", stdout=write_end) as watcher:
            os.close(write_end)
            check_equal(watcher.end(), (0, None, ""), "a pipe that was closed before")
    if os.path.exists("/dev/full"):
        with Place() as place, open("/dev/full", "w", encoding="ascii") as full, Watcher(place, "0.1", stdout=full) as watcher:
            code, _, err = watcher.end()
            check_equal((code, len(err.splitlines())), (1, 1), err)


class Terminal:
    """A terminal of its own with the watcher in its foreground."""

    def __init__(self, place, *arguments):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execve(LAUNCHER, [LAUNCHER, "status", "--watch", *arguments], place.environment)
        self.status = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)

    def read_until(self, wanted):
        text, deadline = "", time.monotonic() + PATIENCE
        while wanted not in text:
            check(select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0], "no %r in %r" % (wanted, text))
            text += os.read(self.master, 65536).decode()
        return text

    def has_echo(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def press(self, key):
        wait_for("the terminal gives keys", lambda: not self.has_echo())
        os.write(self.master, key)

    def end(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        raise AssertionError("the watcher does not end")


def test_watch_keys():
    """q, Q and Ctrl-C; other keys do nothing; the terminal is as it was afterwards."""
    for key in (b"q", b"Q", b"xq", b"\x03"):
        with Place() as place, Supervised(place), Terminal(place, "3600") as terminal:
            terminal.read_until("vcpu0")
            terminal.press(key)
            check_equal(terminal.end(), 0, "exit code after %r" % key)
            check(terminal.has_echo(), "the terminal is not as it was")
    with Place() as place, Supervised(place) as vm, Terminal(place, "0.1", "vm") as terminal:
        terminal.read_until("vcpu0")
        terminal.press(b"x")
        vm.end_qemu()
        vm.hang_up()
        terminal.read_until("VM 'vm' ended.")
        check_equal(terminal.end(), 0, "exit code")
        check(terminal.has_echo(), "the terminal is not as it was")


if __name__ == "__main__":
    tap.main([
        ("a watch ends with its VM: exit code 0 and a word", test_watch_ends),
        ("a watch ends when another VM has the name", test_watch_successor),
        ("a watch that fails says why", test_watch_fails),
        ("a watch of all goes on without a VM", test_watch_all),
        ("a watch ends at once by a signal and without a reader", test_watch_stops_at_once),
        ("a watch ends by a key and gives the terminal back", test_watch_keys),
    ])
