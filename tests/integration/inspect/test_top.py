#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-launcher top on a terminal that tmux plays: every key, sizes, and how it leaves the terminal."""

import json
import os
import pty
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from screen import Screen, need_tmux
from supervised import THREAD, Supervised
from tap import check, check_equal
from vm import LAUNCHER, PATIENCE, Place, Vm, need_root, read_setting, threads_of, wait_for

PLAN = [word for option in ("vcpu_sched=fifo", "vcpu_prio=3", "main_sched=fifo", "main_prio=6", "othr_sched=other")
        for word in ("-rt", option)]
QEMU = ["-smp", "2", "-S"]


class Real:
    """A VM that runs, and a screen."""

    def __init__(self, width=100, height=30):
        need_root()
        need_tmux()
        self.place = Place()
        self.vm = Vm(self.place, PLAN, QEMU)
        self.size = width, height

    def __enter__(self):
        self.vm.wait_up()
        self.vm.wait_roles({"vcpu": 2, "main": 1})
        self.screen = Screen(self.place, *self.size)
        self.screen.top()
        self.screen.wait("vcpu0", "main0")
        return self, self.screen

    def __exit__(self, *unused):
        self.screen.__exit__()
        self.vm.__exit__(*unused)
        self.place.__exit__(*unused)

    def settings(self, role):
        return [read_setting(thread["tid"]) for thread in threads_of(self.vm.status(), role)]

    def wait_setting(self, role, place, wanted):
        wait_for("%s: %s" % (role, wanted), lambda: all(setting[place] == wanted for setting in self.settings(role)))


def check_screen(screen, width, height):
    lines = screen.lines()
    check_equal(len(lines), height, "lines")
    check(all(len(line) <= width for line in lines), "lines beyond column %d: %r" % (width, lines))
    return lines


def test_content():
    """What a supervisor says is on the screen, fit for a terminal."""
    with Place() as place, Supervised(place) as vm:
        answer = json.loads(vm.answer)
        answer["threads"][0]["name"] = "evil\x1b[2J\x07"
        vm.answer = json.dumps(answer).encode() + b"\n"
        with Screen(place, 140, 24) as screen:
            screen.top()
            text = screen.wait("vcpu0", "fifo 10", "evil?[2J?", "yes")
            lines = text.split("\n")
            check_equal(lines[0].rstrip(), "vm: running, kvm, up 2 s, 1 correction, 0 not placed", "head")
            check_equal(lines[1].rstrip(), "1 of 1 threads, by role", "counts")
            check(lines[2].startswith("ROLE    SETTING   CPUS     %CPU SWITCH/S WAIT MS/S PLAN"), lines[2])
            check("plan" in lines[3] and "yes" in lines[3], lines[3])
            answer["threads"][0].update(cpu_time_ns=answer["threads"][0]["cpu_time_ns"] + 10 ** 15, voluntary_switches=10 ** 9)
            vm.answer = json.dumps(answer).encode() + b"\n"
            wait_for("rates", lambda: "-" not in screen.lines()[3].split()[3:5])
            screen.press("q")
            screen.wait_left("ended-with-0")


def test_sizes():
    """From 40x10 to 200x60 and back: nothing beyond the edges, and the columns that fit."""
    with Real(40, 10) as (_, screen):
        lines = check_screen(screen, 40, 10)
        check("SETTING" in lines[2] and "NAME" not in lines[2], lines[2])
        screen.resize(200, 60)
        screen.wait("LAYERS", "NAME", "CPU 0/TCG")
        wait_for("the last line", lambda: "h help" in screen.lines()[59])
        check_screen(screen, 200, 60)
        for width, height in ((40, 10), (120, 12), (41, 11), (10, 3), (200, 60), (80, 24)):
            screen.resize(width, height)
            wait_for("%dx%d" % (width, height), lambda width=width, height=height: len(screen.lines()) == height)
            check_screen(screen, width, height)
        text = screen.wait("vcpu0", "h help")
        check_equal(sum(line.startswith("vcpu0 ") for line in text.split("\n")), 1, text)
        screen.resize(40, 10)
        screen.press("h")
        screen.wait("Keys of", "Space", "\nh ", "\nq ", "PgUp PgDn Home End")
        check_screen(screen, 40, 10)
        screen.press("x")
        screen.wait("vcpu0")
        screen.press("q")
        screen.wait_left("ended-with-0")


def test_moves():
    """Arrows and letters, to the ends and not beyond; the list moves where it is longer than the screen."""
    with Place() as place, Supervised(place) as vm:
        answer = json.loads(vm.answer)
        answer["threads"] = [dict(THREAD, tid=number + 1, index=number) for number in range(30)]
        vm.answer = json.dumps(answer).encode() + b"\n"
        with Screen(place, 60, 10) as screen:
            screen.top()
            screen.wait("vcpu5")

            def choose(key, wanted):
                screen.press(key)
                wait_for("%s: %s" % (key, wanted), lambda: screen.chosen() == wanted)
            wait_for("the first", lambda: screen.chosen() == "vcpu0")
            for key, wanted in (("Down", "vcpu1"), ("j", "vcpu2"), ("Up", "vcpu1"), ("k", "vcpu0"), ("k", "vcpu0"), ("NPage", "vcpu6"),
                                ("NPage", "vcpu12"), ("PPage", "vcpu6"), ("End", "vcpu29"), ("Down", "vcpu29"), ("Home", "vcpu0")):
                choose(key, wanted)
            # The choice follows its thread where others come before it.
            choose("j", "vcpu1")
            answer["threads"] = [dict(THREAD, tid=100 + number, role="main", index=number) for number in range(3)] + answer["threads"]
            vm.answer = json.dumps(answer).encode() + b"\n"
            screen.wait("main2")
            wait_for("the same chosen", lambda: screen.chosen() == "vcpu1")


def test_changes():
    """+, -, p and c change the role's plan, all its threads; a refusal is shown."""
    with Real() as (real, screen):
        wait_for("the first row", lambda: screen.chosen() == "vcpu0")
        screen.press("+")
        screen.wait("vcpu_prio=4,4: 2 threads changed", "fifo 4")  # for some seconds
        real.wait_setting("vcpu", 1, 4)
        screen.press("-")
        real.wait_setting("vcpu", 1, 3)
        screen.wait("fifo 3")
        screen.wait("h help")  # what came of it has gone
        for policy, name in ((2, "rr 3"), (0, "other"), (3, "batch"), (1, "fifo 3")):
            screen.press("p")
            real.wait_setting("vcpu", 0, policy)
            screen.wait_row("vcpu0", name)
        real.place.call("set", "vm", "-rt", "vcpu_prio=3,4")
        screen.wait_row("vcpu1", "fifo 4")
        for policy, name in ((2, "rr 4"), (0, "other"), (3, "batch"), (1, "fifo 4")):
            screen.press("p")
            real.wait_setting("vcpu", 0, policy)
            screen.wait_row("vcpu1", name)
        check_equal([setting[1] for setting in real.settings("vcpu")], [3, 4], "each has the priority that it had")
        screen.press("c")
        screen.wait("CPUs: _")
        screen.press("9", "BSpace", str(max(os.sched_getaffinity(0))))
        screen.press("Enter")
        real.wait_setting("vcpu", 3, (max(os.sched_getaffinity(0)),))
        screen.press("c")
        screen.wait("CPUs: _")
        screen.press("9", "9", "9", "Enter")
        screen.wait("refused: ")
        screen.press("c")
        screen.wait("CPUs: _")
        screen.press("x", "Enter")
        screen.wait("vcpu_bias")
        screen.press("c")
        screen.wait("CPUs: _")
        screen.press("Escape")
        screen.wait_without("CPUs: _")
        screen.press("End")
        wait_for("the last row", lambda: (screen.chosen() or "").startswith("othr"))
        screen.press("+")
        screen.wait("othr has no real-time priority")
        check_equal(real.vm.status()["corrections"], 0, "corrections")


def test_deadline():
    """A role that runs under deadline is left so, with a word."""
    with Place() as place, Supervised(place) as vm, Screen(place) as screen:
        answer = json.loads(vm.answer)
        answer["threads"][0]["planned"] = {"policy": "deadline", "runtime_ns": 1000000, "deadline_ns": 5000000}
        vm.answer = json.dumps(answer).encode() + b"\n"
        screen.top()
        screen.wait("vcpu0")
        screen.press("p")
        screen.wait("vcpu runs under deadline")


def test_views():
    """Sorting, the filter, standing still and the help."""
    with Real() as (_, screen):
        for name in ("%cpu", "switches", "wait", "name", "role"):
            screen.press("s")
            screen.wait("by " + name)
        screen.press("f")
        screen.wait("threads with: _")
        screen.press("m", "a", "i", "x", "BSpace", "n")
        screen.wait_without("vcpu0")
        screen.press("Enter")
        screen.wait("2 of ", "with main", "main0")
        screen.press("f")
        screen.wait("threads with: main_")
        screen.press("z", "Escape")
        screen.wait("2 of ", "with main")
        screen.press("f")
        screen.press("BSpace", "BSpace", "BSpace", "BSpace", "Enter")
        screen.wait("vcpu0")
        screen.press("Space")
        screen.wait("STOPPED")
        screen.press("Space")
        screen.wait_without("STOPPED")
        screen.press("?")
        screen.wait("Keys of qrt-launcher top")
        screen.press("q")
        screen.wait("vcpu0")


def test_several():
    """Tab shows one VM after the other, then all; without any VM there is a word."""
    with Place() as place, Screen(place, 100, 24) as screen:
        screen.top()
        screen.wait("no VM runs")
        with Supervised(place, "one"), Supervised(place, "two"):
            screen.wait("2 VMs", "2 of 2 threads", "VM ", "one ", "two ")

            def shown():
                name = screen.lines()[0].split(":")[0]
                return name if name in ("one", "two") else None
            screen.press("Tab")
            first = wait_for("a VM", shown)
            screen.press("Tab")
            wait_for("the other VM", lambda: shown() == {"one": "two", "two": "one"}[first])
            screen.wait("1 of 2 threads")
            screen.press("Tab")
            screen.wait("2 VMs")
        screen.wait("0 of 0 threads")


def test_silent():
    """One that does not answer sensibly is counted, the others are shown."""
    with Place() as place, Supervised(place), Supervised(place, "liar", b"x\n"), Screen(place, 100, 24) as screen:
        screen.top()
        screen.wait("vcpu0", "not answering: liar")


def test_stopped():
    """A supervisor that is stopped keeps neither the other VM nor a key waiting; what it said last stays."""
    with Place() as place, Supervised(place, "one") as one, Supervised(place, "two"), Screen(place, 100, 24) as screen:
        screen.top()
        screen.wait("2 VMs", "2 of 2 threads, by role")
        one.is_stopped = True
        screen.wait("2 VMs", "2 of 2 threads", "not answering: one")
        screen.press("s")
        screen.wait("by %cpu")
        screen.press("Tab", "Tab")
        screen.wait("one: not answering; as it was ", "vcpu0", "1 of 2 threads")
        screen.press("+")
        screen.wait("one: vcpu_prio=11: waiting for its supervisor")
        screen.press("+")
        screen.wait("one change at a time")
        one.is_stopped = False
        screen.wait("one: running", "one: vcpu_prio=11: 0 threads changed")
        screen.wait_without("not answering")
        one.is_stopped = True
        screen.wait("one: not answering")
        screen.press("+")
        screen.wait("waiting for its supervisor")
        screen.press("q")
        screen.wait_left("ended-with-0")


def test_ends():
    """By q, Ctrl-C, SIGTERM, and with its VM: the terminal is as before each time."""
    with Place() as place, Supervised(place) as vm, Screen(place) as screen:
        before = screen.stty(place.file("before"))

        def check_left(word):
            screen.wait_left(word)
            check_equal(screen.stty(place.file("after")), before, "the terminal after " + word)

        def find_top():
            done = subprocess.run(["pgrep", "-f", "^%s top" % LAUNCHER], capture_output=True, text=True, check=False)
            return int(done.stdout.split()[0])
        screen.top()
        screen.wait("vcpu0")
        check(not screen.is_cursor_shown(), "the cursor is shown")
        screen.press("q")
        check_left("ended-with-0")
        screen.top()
        screen.wait("vcpu0")
        screen.press("C-c")
        check_left("ended-with-0")
        screen.top()
        screen.wait("vcpu0")
        os.kill(find_top(), 15)
        check_left("ended-with-143")
        screen.top("vm")
        screen.wait("vcpu0")
        vm.end_qemu()
        vm.hang_up()
        check_left("VM 'vm' ended.")


def test_hung_up():
    """Under nohup, when its terminal is closed."""
    with Place() as place, Supervised(place):
        master, slave = pty.openpty()
        with subprocess.Popen([LAUNCHER, "top"], env=dict(place.environment, TERM="xterm"), stdin=slave, stdout=slave,
                              stderr=subprocess.DEVNULL, start_new_session=True,
                              preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as top:
            try:
                os.close(slave)
                shown = b""
                while b"vcpu0" not in shown:
                    shown += os.read(master, 4096)
                os.close(master)
                check_equal(top.wait(timeout=PATIENCE), 0, "exit code")
            finally:
                top.kill()


def test_refused():
    with Place() as place:
        for arguments, code, word in ((["top", "a", "b"], 2, "unknown argument"), (["top", "--x"], 2, "unknown argument"),
                                      (["top", ".."], 2, "no VM's name"), (["top"], 1, "must be a terminal")):
            got, out, errors = place.call(*arguments)
            check_equal((got, out, len(errors.splitlines())), (code, "", 1), errors)
            check(word in errors, errors)
        with Screen(place) as screen:
            screen.top("nobody")
            screen.wait("no VM named 'nobody' runs", "ended-with-1")
            screen.type("TERM=nonsense %s top; echo ended-with-$?" % LAUNCHER)
            screen.wait("'nonsense' is not known")
            screen.type("TERM=dumb %s top; echo dumb-with-$?" % LAUNCHER)
            screen.wait("'dumb' cannot place its cursor", "dumb-with-1")


if __name__ == "__main__":
    tap.main([
        ("what is on the screen", test_content),
        ("sizes from 40x10 to 200x60", test_sizes),
        ("keys that move", test_moves),
        ("keys that change the plan", test_changes),
        ("a role under deadline", test_deadline),
        ("keys that change the view", test_views),
        ("several VMs, and none", test_several),
        ("one that does not answer", test_silent),
        ("a supervisor that is stopped", test_stopped),
        ("the terminal after every end", test_ends),
        ("a terminal that is gone", test_hung_up),
        ("what is refused", test_refused),
    ])
