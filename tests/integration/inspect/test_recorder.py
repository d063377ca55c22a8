#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The flight recorder of a VM: what blame --last tells, and what follows a delay that was too long."""

import ctypes
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from tap import Skip, check, check_equal, note
from test_blame import Spinner, delays_by
from vm import PATIENCE, Place, Vm, need_root, read_setting, threads_of, wait_for

OVER = "5ms"
LAST = os.cpu_count() - 1
DELAY = r"\S.* \((vcpu 0|main|paio \d+|othr \d+)\) (was ready for [\d.]+ m?s without running, in \d+ times?|waited [\d.]+ m?s for a mutex)"


def need_two_cpus():
    need_root()
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("a spinning vCPU needs a second CPU for everything else")


def make_spin(place):
    """QEMU's arguments for a guest that spins for ever."""
    with open(place.file("spin.img"), "wb") as file:  # cli; jmp .
        file.write(b"\xfa\xeb\xfe".ljust(510, b"\0") + b"\x55\xaa")
    return ["-drive", "file=%s,format=raw,if=ide" % place.file("spin.img")]


def wait_spinning(read_status):
    """The vCPU's CPU, once it has run for a while."""
    def look():
        status = read_status()
        if not status:
            return None
        vcpu = threads_of(status, "vcpu")[0]
        # A delay that nobody here made may have stopped it before.
        return vcpu if vcpu["cpu_time_ns"] > 5e8 or status["guest_state"] == "paused" else None
    return int(wait_for("a guest that spins", look)["effective"]["cpus"].split("-")[-1])


class Spinning(Vm):
    """A VM whose guest spins for ever."""

    def __init__(self, place, *options):
        super().__init__(place, options, make_spin(place))

    def wait_spinning(self):
        self.wait_roles({"vcpu": 1, "main": 1})
        return wait_spinning(self.status)

    def end(self):
        self.process.terminate()
        self.wait_end()


def recordings(place):
    folder = place.file("kept")
    return sorted(name for name in os.listdir(folder) if name.endswith(".record")) if os.path.isdir(folder) else []


def delays_of(place, *arguments):
    code, out, err = place.call("blame", *arguments, "--over", OVER, "--top", "1000", "--json")
    check_equal((code, err), (0, ""), "exit code and errors")
    return json.loads(out)


def seconds_of(report):
    """How far a report goes back; what is younger than 10 s has no more."""
    found = re.search(r"^vm, the (\d+\.\d) s until ", report)
    check(found and float(found.group(1)) <= 10, report)
    return float(found.group(1))


def test_last():
    """Without having watched before: the spinner's delays are there."""
    need_two_cpus()
    started = time.monotonic()
    with Place() as place, Spinning(place) as vm:
        cpu = vm.wait_spinning()
        with Spinner(cpu):
            time.sleep(2.5)
            answer = delays_of(place, "--last", "vm", "--role", "vcpu")
        code, out, err = place.call("blame", "--last", "--over", OVER)
        ended = time.monotonic()
        status = vm.status()
        vm.end()
    traced = os.path.exists("/proc/sys/kernel/perf_event_paranoid")
    check_equal([answer["name"], answer["accounts_only"], answer["mutexes"]], ["vm", not traced, True], "what it is")
    found = [delay for delay in answer["delays"] if delay["role"] == "vcpu"]
    if not found:
        note(json.dumps(answer, indent=1))
    check(found and len(found) + answer["possible"] >= 3, "delays of the vCPU: %d" % len(found))
    if traced:
        by_spinner = delays_by(answer, "test-spinner", role="vcpu", kind="preempted")
        # On a busy host the rings do not go back to the first of them.
        check(by_spinner, "who ran instead: %s" % found)
        check(all(delay["least_ns"] == delay["most_ns"] and delay["culprits"][0]["policy"] == "fifo 40" for delay in by_spinner),
              by_spinner)
    check(all(delay["cpu"] == cpu and delay["most_ns"] >= 5e6 for delay in found), found)
    check_equal((code, err), (0, ""), "the only VM needs no name")
    note(out)
    check("(vcpu 0) waited" in out, out)
    check(2.4 < seconds_of(out) < ended - started + 0.1, (out, ended - started))
    check("QEMU's monitor answered " in out, out)
    check((" it is known who ran on the CPUs of real-time threads" if traced else "Who ran instead is known of the VM's own threads alone: ")
          in out, out)
    account = [account for account in answer["accounts"] if account["role"] == "vcpu"][0]
    check(account["run_ns"] > 1e8 and account["delay_ns"] > 5e6 and account["arrivals"] >= 3, account)
    check(re.search(r"\n  role   ran +ready +switched in\n(.*\n)*  vcpu +[\d.]+ m?s .* \d+ times\n", out), out)
    check_equal(status["corrections"], 0, "nothing was wrong")


def test_log():
    """One line and one recording for many delays, at most every 10 s; the recording is read again."""
    need_two_cpus()
    with Place() as place:
        start = time.monotonic()
        with Spinning(place, "--record-dir", place.file("kept"), "--on-delay", OVER + ":log", "--on-delay",
                      "3600s:stop") as vm:
            cpu = vm.wait_spinning()
            with Spinner(cpu):
                wait_for("a recording", lambda: recordings(place))
                time.sleep(1)
            check_equal(vm.status()["guest_state"], "running", "the other action is not due")
            vm.end()
            output = vm.output()
        check(1 <= len(recordings(place)) <= 1 + (time.monotonic() - start) / 10, recordings(place))
        path = os.path.join(place.file("kept"), recordings(place)[0])
        lines = [line for line in output.splitlines() if "; kept in " in line]
        check_equal(len(lines), len(recordings(place)), output)
        # Whichever of its real-time threads it was: others may be busy on this host, too.
        check(re.search(DELAY, lines[0]) and lines[0].endswith("; kept in " + path), lines[0])
        check_equal(os.stat(path).st_mode & 0o777, 0o600, "mode")
        answer = delays_of(place, "--file", path)
        check(answer["delays"] or answer["possible"], answer)
        code, out, err = place.call("blame", "--file", path, "--over", OVER)
        check_equal((code, err), (0, ""), "as text")
        check(re.search("^vm, the .* s until .*: " + DELAY, out) and seconds_of(out) < time.monotonic() - start, out)


def test_command():
    need_two_cpus()
    with Place() as place:
        command = "sleep 0.1; env | grep ^QRT_ >%s.new; chrt -p $$ >>%s.new; mv %s.new %s" % ((place.file("told"),) * 4)
        with Spinning(place, "--record-dir", place.file("kept"), "--on-delay", OVER + ":command=" + command) as vm:
            cpu = vm.wait_spinning()
            with Spinner(cpu):
                wait_for("the command", lambda: os.path.exists(place.file("told")))
            vm.end()
        with open(place.file("told"), encoding="utf-8") as file:
            text = file.read()
        told = dict(line.split("=", 1) for line in text.splitlines() if line.startswith("QRT_"))
        check_equal((told["QRT_VM"], told["QRT_INDEX"].isdigit()), ("vm", True), text)
        check(told["QRT_ROLE"] in ("vcpu", "main", "paio", "othr"), text)
        check(int(told["QRT_DELAY_NS"]) >= 5e6, text)
        check_equal(told["QRT_FILE"], os.path.join(place.file("kept"), recordings(place)[0]), text)
        check("SCHED_OTHER" in text, "it is time-shared: " + text)


def test_stop():
    need_two_cpus()
    with Place() as place, Spinning(place, "--record-dir", place.file("kept"), "--on-delay", OVER + ":stop") as vm:
        cpu = vm.wait_spinning()
        with Spinner(cpu):
            wait_for("a guest that is stopped", lambda: vm.status()["guest_state"] == "paused")
        vm.wait_said("the guest is stopped, as --on-delay wants it")
        vm.end()


PING = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(40))
there, back, end = os.pipe(), os.pipe(), time.monotonic() + 30
if os.fork() == 0:
    os.close(there[1])
    while os.read(there[0], 1) == b"x":
        os.write(back[1], b"x")
    os._exit(0)
while time.monotonic() < end:
    for _ in range(100):
        os.write(there[1], b"x")
        os.read(back[0], 1)
"""


def test_too_often():
    """Where a CPU switches so often that recording it would cost too much that rests, and goes on later."""
    need_two_cpus()
    if not os.path.exists("/proc/sys/kernel/perf_event_paranoid"):
        raise Skip("this kernel has no performance events")
    with Place() as place, Vm(place, [], ["-S"]) as vm:
        vm.wait_roles({"vcpu": 1})
        cpu = int(threads_of(vm.status(), "vcpu")[0]["effective"]["cpus"].split("-")[-1])
        wait_for("switches", lambda: delays_of(place, "--last", "vm")["traced_ns"])
        ping = subprocess.Popen([sys.executable, "-c", PING, str(cpu)])
        try:
            wait_for("a rest", lambda: delays_of(place, "--last", "vm")["trace_error"] == errno.EBUSY)
            out = place.call("blame", "--last", "vm")[1]
        finally:
            ping.kill()  # its child ends with it
            ping.wait()
        check("its CPUs switched too often to record that" in out, out)
        wait_for("switches again", lambda: delays_of(place, "--last", "vm")["traced_ns"])
        vm.process.terminate()
        vm.wait_end()


def test_time_shared():
    """That a thread of a time-shared role waits is what the plan means: nothing follows."""
    need_two_cpus()
    with Place() as place:
        cpu = max(os.sched_getaffinity(0))
        with Spinning(place, "--record-dir", place.file("kept"), "--on-delay", OVER + ":stop", "-rt", "vcpu_sched=other",
                      "-rt", "vcpu_bias=%d" % cpu) as vm:
            vm.wait_spinning()
            with Spinner(cpu):
                wait_for("a vCPU that waits", lambda: delays_of(place, "--last", "vm", "--role", "vcpu")["delays"])
                time.sleep(1)  # and again
            check_equal(vm.status()["guest_state"], "running", "the guest")
            vm.end()
        check_equal(recordings(place), [], "recordings")


HOG = """
import os, sys, time
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(40))
end = time.monotonic() + 30
while time.monotonic() < end:
    pass
"""


class Hog:
    """Has a CPU for itself, until it is ended, or for half a minute."""

    def __init__(self, cpu):
        self.process = subprocess.Popen([sys.executable, "-c", HOG, str(cpu)])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def test_starves():
    """A thread that does not run at all has no wait that ended: it is told all the same, while it lasts."""
    need_two_cpus()
    with Place() as place, Spinning(place, "--record-dir", place.file("kept"), "--on-delay", "2s:log") as vm:
        cpu = vm.wait_spinning()
        with Hog(cpu):
            vm.wait_said("is ready for 2")
            answer = delays_of(place, "--last", "vm", "--role", "vcpu")
        vm.end()
    check_equal([(delay["lasts"], delay["cpu"]) for delay in answer["delays"] if delay["least_ns"] >= 2e9], [(True, cpu)],
                answer["delays"])


def test_silent():
    """A QEMU that hangs answers nothing: for how long is told while it lasts, and afterwards as an answer that took long."""
    need_root()
    with Place() as place, Vm(place) as vm:
        qemu = vm.wait_up()["qemu_pid"]
        wait_for("answers", lambda: delays_of(place, "--last", "vm")["silence_ns"] == 0)
        os.kill(qemu, signal.SIGSTOP)
        try:
            wait_for("silence", lambda: delays_of(place, "--last", "vm")["silence_ns"] > 1e9)
            code, out, err = place.call("blame", "--last", "vm", "--over", OVER)
        finally:
            os.kill(qemu, signal.SIGCONT)
        check_equal((code, err), (0, ""), "as text")
        check(re.search(r"\nQEMU's monitor was asked [\d.]+ s ago, and has not answered\.\n", out), out)
        wait_for("its answer", lambda: delays_of(place, "--last", "vm")["silence_ns"] == 0)
        out = place.call("blame", "--last", "vm", "--over", OVER)[1]
        check(re.search(r"\nQEMU's monitor answered \d+ times?, the slowest in [\d.]+ s\.\n", out), out)
        vm.process.terminate()
        vm.wait_end()


def test_off():
    need_root()
    with Place() as place:
        with Vm(place, ["--no-record"]) as vm:
            vm.wait_up()
            code, out, err = place.call("blame", "--last", "vm")
            vm.process.terminate()
            vm.wait_end()
        check_equal((code, out, len(err.splitlines())), (1, "", 1), err)
        check("--no-record" in err, err)
        check(not os.path.exists(os.path.join(place.run, ".records")), "no folder")


PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17


class Held:
    """A thread that hangs: a debugger has it."""

    def __init__(self, tid):
        self.tid, self.libc = tid, ctypes.CDLL(None, use_errno=True)

    def call(self, request):
        if self.libc.ptrace(request, self.tid, None, None) < 0:
            raise Skip("ptrace: " + os.strerror(ctypes.get_errno()))

    def __enter__(self):
        self.call(PTRACE_SEIZE)
        self.call(PTRACE_INTERRUPT)
        os.waitpid(self.tid, getattr(os, "__WALL", 0x40000000))
        return self

    def __exit__(self, *_):
        self.call(PTRACE_DETACH)


def test_hangs():
    """A supervisor that hangs is said once; the VM's threads stay as planned, and it goes on afterwards."""
    need_root()
    with Place() as place, Vm(place, ["-rt", "main_prio=22", "-rt", "vcpu_prio=20"]) as vm:
        vm.wait_roles({"vcpu": 1})
        vcpu = threads_of(vm.wait_up(), "vcpu")[0]["tid"]
        with Held(vm.process.pid):
            vm.wait_said("the supervisor of VM 'vm' hangs")
            time.sleep(6)
            check_equal(vm.output().count("hangs"), 1, vm.output())
            check_equal(read_setting(vcpu)[:2], (os.SCHED_FIFO, 20), "the vCPU")
        check(vm.wait_up(), "it answers again")
        vm.process.terminate()
        vm.wait_end()


class Manager:
    """Hears what is said to a service manager, all of it: a queue that nobody empties holds ten words."""

    def __init__(self, path):
        self.heard = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while not self.heard or self.heard[-1] != b"STOPPING=1":
            self.heard.append(self.socket.recv(64))


def test_service():
    """What a service manager asks for by its environment."""
    need_root()
    with Place() as place:
        manager = Manager(place.file("notify"))
        place.environment.update(NOTIFY_SOCKET=place.file("notify"), WATCHDOG_USEC="1000000")
        with Vm(place) as vm:
            wait_for("three heartbeats", lambda: len(manager.heard) >= 4)
            vm.wait_up()
            vm.process.terminate()
            vm.wait_end()
        manager.thread.join(PATIENCE)
        check_equal((manager.heard[0], manager.heard[-1]), (b"READY=1", b"STOPPING=1"), "the first and the last word")
        check(set(manager.heard[1:-1]) == {b"WATCHDOG=1"} and len(manager.heard) >= 5, manager.heard)


def test_bad_input():
    with Place() as place:
        with open(place.file("bad.plan"), "w", encoding="ascii") as file:
            file.write("vcpu_prio=many\n")
        with open(place.file("no.record"), "w", encoding="ascii") as file:
            file.write("{\"record\":\"vm\"}\n")
        with open(place.file("fault.plan"), "w", encoding="ascii") as file:
            file.write("vcpu_bias=1000\nvcpu_sched=fifo\n")
        for options in (["--on-delay", "5ms"], ["--on-delay", "5ms:dance"], ["--on-delay", "5:log"], ["--on-delay"],
                        ["--on-delay", "5ms:failsafe=" + place.file("bad.plan")], ["--on-delay", "5ms:command="],
                        ["--on-delay", "5ms:failsafe=/nonexistent"], ["--record-dir", ""],
                        ["--record-dir", "/nonexistent/folder"], ["--record-dir", place.file("bad.plan")],
                        ["--on-delay", "5ms:log", "--record-dir", place.path],  # everybody may write there
                        ["--no-record", "--on-delay", "5ms:log"],
                        ["--on-delay", "5ms:failsafe=" + place.file("fault.plan")]):
            code, out, err = place.call("run", *options, "--", "qemu-system-x86_64", "-display", "none", "-S")
            check_equal((code, out), (125, ""), (options, err))
            check_equal(len([line for line in err.splitlines() if "warning:" not in line]), 1, (options, err))
        for arguments in (["--last", "--pid", "1"], ["--file", "x", "vm"], ["--file", "x", "--last"], ["--file"], ["--file", ""]):
            code, out, err = place.call("blame", *arguments)
            check_equal((code, out, len(err.splitlines())), (2, "", 1), (arguments, err))
        for arguments in (["--last"], ["--last", "missing"], ["--last", "../x"], ["--file", "/nonexistent"], ["--file", "/dev/zero"],
                          ["--file", place.path], ["--file", place.file("no.record")], ["--file", place.file("bad.plan")]):
            code, out, err = place.call("blame", *arguments)
            check_equal((code, out, len(err.splitlines())), (1, "", 1), (arguments, err))


if __name__ == "__main__":
    tap.main([
        ("what was is told without having watched", test_last),
        ("a delay is said and kept once", test_log),
        ("a command is told what happened", test_command),
        ("the guest is stopped", test_stop),
        ("roles that are time-shared may wait", test_time_shared),
        ("a thread that starves", test_starves),
        ("too many switches are not recorded", test_too_often),
        ("a monitor that does not answer", test_silent),
        ("a VM without a recorder", test_off),
        ("a supervisor that hangs is said once", test_hangs),
        ("a service manager is told", test_service),
        ("bad input: one line", test_bad_input),
    ])
