#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-launcher blame: real delays are found, with who made them."""

import json
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from tap import Skip, check, check_equal, note
from vm import LAUNCHER, PATIENCE, Place, Vm, list_threads, need_root, signals_of, threads_of, wait_for
from proc import name_of

FAKE_VMM = os.environ["QRT_FAKE_VMM"]
SPIN_MS = 20

# Runs on one CPU at FIFO 40: a bounded number of bounded spins, more than any test here waits for.
SPINNER = """
import ctypes, os, sys, time
ctypes.CDLL(None).prctl(15, b"test-spinner", 0, 0, 0)
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(40))
for _ in range(200):
    time.sleep(0.25)
    end = time.monotonic() + float(sys.argv[2]) / 1000
    while time.monotonic() < end:
        pass
"""


def need_perf():
    need_root()
    if not os.path.exists("/proc/sys/kernel/perf_event_paranoid"):
        raise Skip("this kernel has no performance events")


class Spinner:
    def __init__(self, cpu):
        self.process = subprocess.Popen([sys.executable, "-c", SPINNER, str(cpu), str(SPIN_MS)])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def blame(place, *arguments):
    code, out, err = place.call("blame", *arguments, "--json")
    check_equal(code, 0, err)
    return json.loads(out)


def delays_by(answer, comm, **wanted):
    """Delays of which this task had the longest share."""
    return [delay for delay in answer["delays"]
            if delay["culprits"] and delay["culprits"][0]["comm"] == comm
            and all(delay[key] == value for key, value in wanted.items())]


def run_fake(place, seconds, *options):
    """The fake VMM under the launcher: both threads that must not be disturbed by a loaded host are real-time."""
    return subprocess.Popen([LAUNCHER, "run", *options, "--name", "fake", "--", FAKE_VMM, "-m", str(seconds)],
                            env=place.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


def end(process):
    process.terminate()
    try:
        process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stderr.close()


def last_cpu():
    return max(os.sched_getaffinity(0))


def wait_named(process, name="CPU 0/TCG"):
    """The victim has become the fake VMM, whose threads say what they are."""
    wait_for("a thread " + name, lambda: name in [name_of(tid) for tid in list_threads(process.pid)])


def check_seconds(text, wanted, begin):
    """What it says of its time: all that it was given, and not more than passed."""
    check(wanted <= float(text) <= time.monotonic() - begin + 0.1, "%s s" % text)


def test_process():
    """A process without a launcher: its thread is woken late or preempted by the spinner."""
    need_perf()
    with Place() as place:
        victim = subprocess.Popen(["taskset", "-c", str(last_cpu()), "chrt", "-f", "5", FAKE_VMM, "-m", "60"])
        try:
            wait_named(victim)
            with Spinner(last_cpu()) as spinner:
                answer = blame(place, "--pid", str(victim.pid), "--over", "3ms", "--seconds", "3", "--top", "1000")
        finally:
            victim.kill()
            victim.wait()
        found = delays_by(answer, "test-spinner", role="vcpu")
        if len(found) < 4:
            note(json.dumps(answer, indent=1))
        check(len(found) >= 4, "the spinner, several times: %d" % len(found))
        for delay in found:
            culprit = delay["culprits"][0]
            check_equal((culprit["pid"], culprit["policy"]), (spinner.process.pid, "fifo 40"), delay)
            check_equal(delay["cpu"], last_cpu(), delay)
            check(3e6 <= delay["least_ns"] <= delay["most_ns"], delay)
        check(any(delay["most_ns"] >= 0.8 * SPIN_MS * 1e6 for delay in found), "about the whole spin: %s" % found)
        vcpu = [role for role in answer["roles"] if role["role"] == "vcpu"][0]
        check(vcpu["count"] >= len(found), vcpu)
        check("test-spinner" in [culprit["comm"] for culprit in vcpu["culprits"]], vcpu)


def test_mutex():
    """The worker holds the mutex for 6 ms; main waits for it."""
    need_perf()
    with Place() as place:
        process = run_fake(place, 60, "-rt", "main_sched=fifo", "-rt", "paio_sched=fifo", "-rt", "vcpu_sched=other")
        try:
            wait_for("the VM", lambda: place.call("status", "fake", "--json")[0] == 0)
            wait_for("its worker", lambda: threads_of(json.loads(place.call("status", "fake", "--json")[1]), "paio"))
            answer = blame(place, "fake", "--over", "2ms", "--seconds", "3", "--top", "1000")
        finally:
            end(process)
        check(answer["mutexes"], "a recorder")
        found = [delay for delay in answer["delays"] if delay["kind"] == "mutex"]
        if not found:
            note(json.dumps(answer, indent=1))
        by_main = [delay for delay in found if delay["role"] == "main" and delay["owner_role"] == "paio"]
        check(len(by_main) >= 3, "main waits for the worker: %s" % found)
        for delay in by_main:
            check_equal(delay["culprits"][0]["comm"], "worker", delay)
            check(delay["mutex"] != 0 and delay["least_ns"] >= 2e6, delay)
        holds = {hold["role"]: hold for hold in answer["holds"]}
        check("paio" in holds and holds["paio"]["count"] >= 3 and holds["paio"]["worst_ns"] >= 2e6, answer["holds"])
        check_equal(holds["paio"]["worst_comm"], "worker", holds)


def test_recorder_goes_on():
    """The launcher's recorder does not miss what is shorter than blame was asked for."""
    need_perf()
    with Place() as place:
        process = run_fake(place, 60, "-rt", "main_sched=fifo", "-rt", "paio_sched=fifo", "-rt", "vcpu_sched=other")
        try:
            wait_for("the VM", lambda: place.call("status", "fake", "--json")[0] == 0)
            watched = blame(place, "fake", "--over", "10s", "--seconds", "3")
            code, out, err = place.call("blame", "--last", "fake", "--over", "2ms", "--top", "1000", "--json")
        finally:
            end(process)
        check_equal((code, err), (0, ""), "exit code and errors")
        answer = json.loads(out)
        waits = [delay for delay in answer["delays"] if delay["kind"] == "mutex" and
                 watched["start_ns"] + 1e9 < delay["start_ns"] < watched["end_ns"] - 1e9]
        check(waits, answer["delays"])
        holds = {hold["role"]: hold for hold in answer["holds"]}
        check("paio" in holds and holds["paio"]["worst_ns"] >= 2e6, answer["holds"])


def test_vm():
    """A real QEMU whose guest spins for ever: its vCPU is pushed aside by the spinner."""
    need_perf()
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("a spinning vCPU needs a second CPU for everything else")
    with Place() as place:
        with open(place.file("spin.img"), "wb") as file:  # cli; jmp .
            file.write(b"\xfa\xeb\xfe".ljust(510, b"\0") + b"\x55\xaa")
        drive = "file=%s,format=raw,if=ide" % place.file("spin.img")
        with Vm(place, qemu=["-drive", drive]) as vm:
            vm.wait_roles({"vcpu": 1, "main": 1})
            status = vm.wait_up()
            cpu = int(threads_of(status, "vcpu")[0]["effective"]["cpus"])
            wait_for("a vCPU that spins", lambda: threads_of(vm.status(), "vcpu")[0]["cpu_time_ns"] > 5e8)
            with Spinner(cpu):
                answer = blame(place, "vm", "--over", "5ms", "--seconds", "3", "--role", "vcpu", "--top", "1000")
            vm.process.terminate()
            vm.wait_end()
        check_equal([role["role"] for role in answer["roles"]], ["vcpu"], "only what was asked for")
        found = delays_by(answer, "test-spinner", role="vcpu", kind="preempted")
        if len(found) < 4:
            note(json.dumps(answer, indent=1))
        check(len(found) >= 4, "the spinner, several times: %d" % len(found))
        check(all(delay["least_ns"] == delay["most_ns"] for delay in found), "preemptions are exact")


def test_quiet():
    need_perf()
    with Place() as place:
        idle = subprocess.Popen(["sleep", "60"])
        begin = time.monotonic()
        try:
            code, out, err = place.call("blame", "--pid", str(idle.pid), "--over", "1s", "--seconds", "1")
        finally:
            idle.kill()
            idle.wait()
        check_equal((code, err), (0, ""), "exit code and errors")
        found = re.fullmatch(r"no thread of process %d waited longer than 1 s in (\d+\.\d) s\n"
                             r"Waits for mutexes are not known: .*\n(The machine below .*\n)?" % idle.pid, out)
        check(found, out)
        check_seconds(found.group(1), 1, begin)


BLOCK = re.compile(r" *(-?\d+\.\d{4}) s  CPU 0/\?TCG \(vcpu 0\) (waited|has waited) [^\n]*\n"
                   r" {13}kept from running on CPU (\d+), [^\n]* by\n"
                   r"( {15} *\d+ %  [^\n]*\n)*")


def test_text():
    """A block for each delay, and a sentence that counts; a name of a thread gives the terminal no orders."""
    need_perf()
    with Place() as place:
        victim = subprocess.Popen(["taskset", "-c", str(last_cpu()), "chrt", "-f", "5", FAKE_VMM, "-m", "60"],
                                  env=dict(os.environ, QRT_FAKE_NAME="CPU 0/\033TCG"))
        try:
            wait_named(victim, "CPU 0/\033TCG")
            begin = time.monotonic()
            with Spinner(last_cpu()):
                code, out, err = place.call("blame", "--pid", str(victim.pid), "--over", "3ms", "--seconds", "3", "--top", "1000",
                                            "--role", "vcpu")
        finally:
            victim.kill()
            victim.wait()
        note(out)
        check_equal((code, err), (0, ""), "exit code and errors")
        check("\033" not in out, "an order for the terminal")
        blocks = [match.group() for match in BLOCK.finditer(out)]
        check(any("test-spinner, thread" in block and "fifo 40" in block for block in blocks), "who ran instead")
        closing = re.search(r"\nIn (\d+\.\d) s a thread of process %d waited (\d+) times? for 3 ms or more: [^;]*\.\n" % victim.pid,
                            out)
        check(closing, "the closing sentence")
        check_seconds(closing.group(1), 3, begin)
        check_equal(len(blocks), int(closing.group(2)), "blocks")
        causes = re.findall(r"(\d+) times? after it was (preempted|woken)", closing.group())
        check_equal(sum(int(count) for count, _ in causes), len(blocks), "causes")


def test_ends_early():
    """By a signal, with what it has; and when the process ends."""
    need_perf()
    with Place() as place:
        idle = subprocess.Popen(["sleep", "600"])
        for end, has_ended in ((lambda watcher: watcher.send_signal(signal.SIGINT), False), (lambda _: idle.kill(), True)):
            command = [LAUNCHER, "blame", "--pid", str(idle.pid), "--seconds", "500", "--json"]
            with subprocess.Popen(command, env=place.environment, stdout=subprocess.PIPE, text=True) as watcher:
                try:
                    # When it watches it takes signals.
                    wait_for("a watcher", lambda watcher=watcher: signal.SIGINT in signals_of(watcher.pid, "SigCgt"))
                    end(watcher)
                    out, _ = watcher.communicate(timeout=PATIENCE)
                finally:
                    watcher.kill()
            check_equal(watcher.returncode, 0, "exit code")
            check_equal(json.loads(out)["vm_ended"], has_ended, "whether the process ended")
        idle.wait()


def test_without_rights():
    need_perf()
    with open("/proc/sys/kernel/perf_event_paranoid", encoding="ascii") as file:
        if int(file.read()) < 1:
            raise Skip("performance events are open to everybody here")
    with Place() as place:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", LAUNCHER, "blame",
                   "--pid", "1"]
        done = subprocess.run(command, env=place.environment, capture_output=True, text=True, timeout=60, check=False)
        check_equal((done.returncode, done.stdout), (1, ""), done.stderr)
        check_equal(len(done.stderr.splitlines()), 1, done.stderr)
        check("CAP_PERFMON" in done.stderr and "perf_event_paranoid" in done.stderr, done.stderr)


def test_bad_input():
    with Place() as place:
        for arguments in ([], ["a", "b"], ["a", "--pid", "1"], ["--pid", "x"], ["a", "--over", "1"], ["a", "--over", "0ms"],
                          ["a", "--over", "-1ms"], ["a", "--over"], ["a", "--seconds", "0"], ["a", "--role", "disk"],
                          ["a", "--top", "many"], ["a", "--bogus"], ["a", "--over", "99999999999999999999s"]):
            code, out, err = place.call("blame", *arguments)
            check_equal((code, out, len(err.splitlines())), (2, "", 1), (arguments, err))
        for arguments in (["missing"], ["../x"], ["--pid", "2147483647"]):
            code, out, err = place.call("blame", *arguments)
            check_equal((code, out, len(err.splitlines())), (1, "", 1), (arguments, err))


if __name__ == "__main__":
    tap.main([
        ("a spinner on a thread's CPU is found and named", test_process),
        ("a wait for a mutex names the holder", test_mutex),
        ("the recorder of the launcher goes on meanwhile", test_recorder_goes_on),
        ("a real VM's vCPU that is pushed aside names the spinner", test_vm),
        ("nothing to blame is said so", test_quiet),
        ("delays as text", test_text),
        ("a signal and the end of the process end it", test_ends_early),
        ("without the right it says which", test_without_rights),
        ("bad input: one line", test_bad_input),
    ])
