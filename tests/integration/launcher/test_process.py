#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What passes between QEMU and who started the launcher: arguments, output, signals, exit code, terminal."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios

from tap import check, check_equal, main
from terminal import Terminal
from vm import (LAUNCHER, PATIENCE, QEMU, Monitor, Place, Vm, end_session, is_alive, signals_of, start_session,
                wait_for, wait_monitor, wait_taken)

IDLE = ["-rt", "othr_sched=other"]  # a plan that needs no rights
BARE = ["-machine", "none"]


def output_and_code():
    with Place() as place:
        wanted = subprocess.run([QEMU, "-version"], capture_output=True, text=True, check=True).stdout
        check_equal(place.call("run", *IDLE, "--", QEMU, "-version"), (0, wanted, ""), "-version")
        check_equal(place.call("run", *IDLE, QEMU, "-version"), (0, wanted, ""), "-version without --")


def dies_at_once():
    with Place() as place:
        code, _, errors = place.call("run", *IDLE, "--", QEMU, "-no-such-option")
        check_equal(code, 1, "exit code")
        check("no-such-option" in errors, "QEMU's own message is missing: " + errors)
        check("ended with exit code 1 before it was up" in errors, errors)
        check(not os.path.isdir(place.run) or os.listdir(place.run) == [], "files left behind")


def swallowed_nothing():
    """An option without its value stays QEMU's to complain about."""
    with Place() as place:
        code, _, errors = place.call("run", *IDLE, "--", QEMU, "-m")
        check_equal(code, 1, "exit code")
        check("requires an argument" in errors, errors)


def by_signal(number, code):
    def run():
        with Place() as place, Vm(place, IDLE, BARE) as vm:
            qemu = vm.wait_up()["qemu_pid"]
            vm.process.send_signal(number)
            check_equal(vm.wait_end(), code, "exit code")
            check(not is_alive(qemu), "QEMU lives")
            check_equal(os.listdir(place.run), [], "files left behind")
    return run


def end_leaves_nothing(number):
    """A signal that is no request to end: QEMU gets it, and whoever it ends, all is put back."""
    with Place() as place, Vm(place, IDLE, BARE) as vm:
        qemu = vm.wait_up()["qemu_pid"]
        # What QEMU's main thread blocks it reads from a descriptor; its other threads block all.
        survives = any(number in signals_of(qemu, word) for word in ("SigCgt", "SigIgn", "SigBlk"))
        vm.process.send_signal(number)
        if survives:
            wait_taken(vm.process.pid, number)
            check(vm.status(), "the launcher does not answer after signal %d" % number)
            vm.process.terminate()
        check_equal(vm.wait_end(), 0 if survives else 128 + number, "exit code after signal %d" % number)
        check(not is_alive(qemu), "QEMU lives after signal %d" % number)
        check_equal(os.listdir(place.run), [], "files left behind after signal %d" % number)


def other_signals():
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGXCPU, signal.SIGIO,
                   signal.SIGRTMIN + 1):
        end_leaves_nothing(number)


def read_signals(pid):
    """What the process ignores and its main thread blocks."""
    with open("/proc/%d/status" % pid, encoding="utf-8", errors="replace") as file:
        return [line for line in file if line.startswith(("SigBlk:", "SigIgn:"))]


def signals_given_back():
    """QEMU has signals as it would without the launcher."""
    with Place() as place, Vm(place, IDLE, BARE) as vm:
        bare = start_session([QEMU, "-nodefaults", "-display", "none", *BARE], stdin=subprocess.DEVNULL)
        try:
            qemu = vm.wait_up()["qemu_pid"]
            wait_for("the same signals", lambda: read_signals(qemu) == read_signals(bare.pid))
        finally:
            end_session(bare)


def children_ignored():
    """A parent that ignores SIGCHLD does not turn a crash into success."""
    with Place() as place:
        done = subprocess.run([LAUNCHER, "run", *IDLE, "--", QEMU, "-no-such-option"], env=place.environment,
                              capture_output=True, text=True, timeout=60,
                              preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        check_equal(done.returncode, 1, "exit code: " + done.stderr)


def interrupt_is_for_qemu():
    with Place() as place, Vm(place, IDLE, BARE) as vm:
        vm.wait_up()
        vm.process.send_signal(signal.SIGINT)
        vm.process.send_signal(signal.SIGQUIT)
        check(vm.status(), "the launcher ended by SIGINT or SIGQUIT")
        vm.process.terminate()
        check_equal(vm.wait_end(), 0, "exit code")


def hung_qemu():
    """A QEMU that does not move: status answers, and a second SIGTERM ends it in the end."""
    with Place() as place, Vm(place, IDLE, BARE) as vm:
        qemu = vm.wait_up()["qemu_pid"]
        os.kill(qemu, signal.SIGSTOP)
        check_equal(vm.status()["qemu_pid"], qemu, "status")
        vm.process.terminate()
        wait_taken(vm.process.pid, signal.SIGTERM)  # two that wait are one
        vm.process.terminate()
        check_equal(vm.wait_end(), 128 + 9, "exit code")
        check("did not end within" in vm.output(), vm.output())


def hung_launcher():
    with Place() as place, Vm(place, IDLE, BARE) as vm:
        vm.wait_up()
        vm.process.send_signal(signal.SIGSTOP)
        code, _, errors = place.call("status", "vm")
        vm.process.send_signal(signal.SIGCONT)
        check_equal(code, 1, "exit code")
        check("does not answer" in errors, errors)
        check(vm.status(), "status afterwards")


def terminal():
    """QEMU has the terminal: its monitor takes what is typed, and Ctrl-C ends it."""
    arguments = [LAUNCHER, "run", *IDLE, "--", QEMU, "-nodefaults", "-display", "none", *BARE, "-monitor", "stdio"]
    with Place() as place, Terminal(arguments, place.environment) as screen:
        screen.wait("the prompt of QEMU's monitor", lambda: "(qemu)" in screen.text)
        screen.press("info name\ninfo status\n")
        screen.wait("an answer of QEMU's monitor", lambda: "VM status" in screen.text)
        screen.press("\x03")
        screen.wait("the end by Ctrl-C", screen.has_ended)
        check_equal(screen.process.returncode, 0, "exit code")


def console():
    """QEMU keeps the monitor that it has by default, and its console the keys that it has with -nographic."""
    arguments = [LAUNCHER, "run", *IDLE, "--", QEMU, "-nographic", "-S", "-accel", "tcg"]
    with Place() as place, Terminal(arguments, place.environment) as screen:
        wait_for("the launcher's own monitor", lambda: any(
            vm["guest_state"] == "prelaunch" for vm in json.loads(place.call("status", "--json")[1])))
        screen.press("\x03")
        screen.press("\x01c")
        screen.wait("the prompt of QEMU's monitor", lambda: "(qemu)" in screen.text)
        screen.press("info status\n")
        screen.wait("an answer of QEMU's monitor", lambda: "VM status" in screen.text)
        screen.press("\x01x")
        screen.wait("the end by the console's keys", screen.has_ended)
        check_equal(screen.process.returncode, 0, "exit code")


NAMES = [  # QEMU's option, the launcher's name for it, QEMU's own
    ("my guest,process=x", "my_guest", "my guest"),
    ("guest=other,debug-threads=off", "other", "other"),
    ("guest=third,debug-threads=n", "third", "third"),
    ("fourth,debug-threads=false", "fourth", "fourth"),
    ("a,,debug-threads=,,,process=x", "a_debug-threads__", "a,debug-threads=,"),
    (None, None, None),
]


def check_names(place, process, given, wanted, own):
    vm = wait_for("a VM", lambda: json.loads(place.call("status", "--json")[1]))[0]
    check_equal(vm["name"], wanted or "vm-%d" % process.pid, "name")
    with wait_monitor(place.file("qmp")) as monitor:
        check_equal(monitor.call("query-name").get("name"), own, "QEMU's own name")
        monitor.call("quit")
    check_equal(process.wait(timeout=PATIENCE), 0, "exit code")
    left_out = bool(re.search(",debug-threads=(off|n|false)", str(given)))
    check_equal("debug-threads=off is left out" in process.stderr.read(), left_out, "note of %s" % given)


def names():
    """--name, else QEMU's; QEMU keeps its own."""
    for given, wanted, own in NAMES:
        with Place() as place:
            arguments = [LAUNCHER, "run", *IDLE, "--", QEMU, "-nodefaults", "-display", "none", *BARE,
                         *(["-name", given] if given else []), "-qmp", "unix:%s,server=on,wait=off" % place.file("qmp")]
            process = start_session(arguments, env=place.environment, stdin=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True)
            try:
                check_names(place, process, given, wanted, own)
            finally:
                end_session(process)
                process.stderr.close()


def guest_states():
    with Place() as place, Vm(place, IDLE, ["-qmp", "unix:%s,server=on,wait=off" % place.file("qmp")]) as vm:
        vm.wait_up()
        check_equal(vm.status()["accelerator"], "tcg", "accelerator")
        with Monitor(place.file("qmp")) as monitor:
            for command, state in (("stop", "paused"), ("cont", "running")):
                monitor.call(command)
                wait_for("the guest is " + state, lambda s=state: vm.status()["guest_state"] == s)


def read_all(master):
    """What was written to a terminal that nobody has open any more: it comes in pieces, and then an error."""
    text = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            return text.decode()
        text += part


def status_text():
    """A table that fits, whose lines are threads."""
    with Place() as place, Vm(place, IDLE, ["-smp", "2"]) as vm:
        vm.wait_up()  # all its threads are there
        threads = vm.wait_roles({"vcpu": 2})["threads"]
        code, out, _ = place.call("status", "vm")
        check_equal(code, 0, "exit code")
        check_equal(len(out.splitlines()), 4 + len(threads), "lines: " + out)
        check("vcpu0" in out and "vcpu1" in out, out)
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
        subprocess.run([LAUNCHER, "status", "vm"], env=place.environment, stdout=slave, check=True, timeout=PATIENCE)
        os.close(slave)
        text = read_all(master)
        os.close(master)
        check("vcpu0" in text, text)
        check(max(len(line) for line in text.splitlines()[3:]) <= 60, "too wide:\n" + text)


def watching():
    with Place() as place, Vm(place, IDLE, BARE) as vm:
        vm.wait_up()
        with start_session([LAUNCHER, "status", "vm", "--json", "--watch", "0.1"], env=place.environment,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watcher:
            try:
                for _ in range(3):
                    check_equal(json.loads(watcher.stdout.readline())["name"], "vm", "name")
                vm.process.terminate()
                vm.wait_end()
                watcher.communicate(timeout=PATIENCE)
                check_equal(watcher.returncode, 0, "exit code after the VM's end")
            finally:
                end_session(watcher)


def long_run_directory():
    with Place() as place:
        place.run = place.file("x" * 120)
        place.environment["QRT_RUN_DIR"] = place.run
        with Vm(place, IDLE, BARE) as vm:
            check_equal(vm.wait_up()["name"], "vm", "name")


def read_link(path):
    """Empty for what was closed meanwhile."""
    try:
        return os.readlink(path)
    except FileNotFoundError:
        return ""


def nothing_inherited():
    """QEMU's descriptors are those of a QEMU, the monitor's, and the two that the preload library closes on exec."""
    with Place() as place, Vm(place, IDLE, BARE) as vm:
        qemu = vm.wait_up()["qemu_pid"]
        folder = "/proc/%d/fd" % qemu
        names = [read_link(os.path.join(folder, fd)) for fd in os.listdir(folder)]
        leaked = [name for name in names if place.run in name or "pidfd" in name or re.search(r"lock$|control$", name)]
        check_equal(leaked, [], "descriptors of the launcher in QEMU")


main([
    ("output, exit code and arguments are QEMU's", output_and_code),
    ("QEMU that dies at once: its exit code, and a word", dies_at_once),
    ("an option without its value", swallowed_nothing),
    ("SIGTERM is handed on", by_signal(signal.SIGTERM, 0)),
    ("SIGHUP is handed on", by_signal(signal.SIGHUP, 0)),
    ("any other signal: nothing is left behind", other_signals),
    ("signals' actions and mask are given back to QEMU", signals_given_back),
    ("a parent that ignores SIGCHLD: QEMU's exit code", children_ignored),
    ("SIGINT and SIGQUIT do not end the launcher", interrupt_is_for_qemu),
    ("a QEMU that hangs: status answers, a second SIGTERM kills it", hung_qemu),
    ("a launcher that hangs: status says so", hung_launcher),
    ("the terminal is QEMU's", terminal),
    ("QEMU's default monitor and the console's keys", console),
    ("the VM's name", names),
    ("the guest's state follows QEMU's", guest_states),
    ("status as a table", status_text),
    ("status --watch ends with the VM", watching),
    ("a run directory with a long path", long_run_directory),
    ("QEMU gets no descriptor of the launcher's", nothing_inherited),
])
