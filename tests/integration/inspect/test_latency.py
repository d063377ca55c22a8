#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-launcher latency: threads in a plan's settings measure how late they wake up."""

import json
import os
import pty
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from tap import Skip, check, check_equal, note
from vm import LAUNCHER, PATIENCE, Place, list_threads, need_root, read_setting, wait_for

SHARES = ("p50", "p99", "p99.9", "p99.99")
LONG = "86400s"  # a mark that no latency of a test reaches


def last_cpu():
    return max(os.sched_getaffinity(0))


def fifo(priority=20):
    return ["-rt", "vcpu_sched=fifo", "-rt", "vcpu_prio=%d" % priority, "-rt", "vcpu_bias=%d" % last_cpu()]


def measure(*arguments, code=0):
    with Place() as place:
        got, out, err = place.call("latency", "--json", *arguments)
    check_equal(got, code, err)
    return json.loads(out)


def check_thread(thread):
    """What adds up in any measurement."""
    counts = {int(us): count for us, count in thread["histogram"].items()}
    check_equal(sum(counts.values()) + thread["beyond"], thread["cycles"], "cycles")
    values = [thread["min_ns"] // 1000] + [thread["us"][share] for share in SHARES] + [thread["max_ns"] // 1000]
    check_equal(values, sorted(values), "shares in order")
    check_equal(thread["worst"]["late_ns"], thread["max_ns"], "the worst")
    check(thread["worst"]["cpu"] in os.sched_getaffinity(0), thread["worst"])


def test_plan():
    """A thread of real-time priority, in JSON."""
    need_root()
    answer = measure("--seconds", "1", *fifo())
    (thread,) = answer["threads"]
    check_thread(thread)
    check_equal((thread["role"], thread["index"], thread["planned"]), ("vcpu", 0, True), "the thread")
    check_equal(thread["setting"], "fifo 20 on %d reset-on-fork" % last_cpu(), "its setting")
    check_equal(thread["worst"]["cpu"], last_cpu(), "its CPU")
    check(thread["cycles"] + thread["missed"] == 1000, "every period counts: %s" % thread)
    check_equal((answer["verdict"], answer["cut"], answer["locked"]), ("", False, True), "what limits it")


def threads_with(pid, policy):
    found = []
    for tid in list_threads(pid):
        try:
            setting = read_setting(tid)
        except ProcessLookupError:
            continue
        if setting[0] == policy:
            found.append(setting)
    return sorted(found)


def test_settings():
    """While it measures, its threads run as the plan says; the command itself does not."""
    need_root()
    cpu = last_cpu()
    options = ["-rt", "vcpu_sched=fifo", "-rt", "vcpu_prio=21,22", "-rt", "vcpu_bias=%d" % cpu,
               "-rt", "main_sched=rr", "-rt", "main_prio=23", "-rt", "main_bias=%d" % cpu]
    with Place() as place:
        process = subprocess.Popen([LAUNCHER, "latency", "--seconds", "60", "--role", "vcpu:1", "--role", "main", *options],
                                   env=place.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            wait_for("both threads", lambda: all(threads_with(process.pid, policy) for policy in (os.SCHED_RR, os.SCHED_FIFO)))
            check_equal(threads_with(process.pid, os.SCHED_FIFO), [(os.SCHED_FIFO, 22, 0, (cpu,))], "the second vCPU's")
            check_equal(threads_with(process.pid, os.SCHED_RR), [(os.SCHED_RR, 23, 0, (cpu,))], "the main loop's")
            check_equal(read_setting(process.pid), read_setting(0), "the command")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
            process.wait()
    check_equal((process.returncode, err), (0, ""), "a signal ends it, with the report")
    check("Ended by a signal" in out and re.search(r"^vcpu 1 +\d+ ", out, re.M) and re.search(r"^main 0 +\d+ ", out, re.M), out)


def test_text():
    """Without a plan it is the default one; each of the VM's vCPUs is measured."""
    need_root()
    with Place() as place:
        code, out, err = place.call("latency", "--seconds", "1", "--histogram", "100000", "--fail-over", LONG, "--",
                                    "qemu-system-x86_64", "-smp", "2")
    if code == 1 and "fault" in err:
        raise Skip("no default plan for two vCPUs here: " + err.splitlines()[0])
    check_equal(code, 0, err)
    note(out)
    for word in SHARES + ("cycles", "missed", "max"):
        check(word in out, word)
    check(re.search(r"^vcpu 0 +\d+ +\d+ +\d+", out, re.M) and re.search(r"^vcpu 1 +\d+ +\d+ +\d+", out, re.M), "a row for each")
    check(re.search(r"^The longest: [\d.]+ us, vcpu [01] on CPU \d+ at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, after [\d.]+ s\.$", out,
                    re.M), "the longest")
    check(re.search(r"^ +\d+ +\d+ +\d+$", out, re.M), "the histogram")
    check("Passed: no latency over" in out, "the verdict")


def test_mark():
    """1 ns is always exceeded: which, when and where are said, and the exit code is 1."""
    need_root()
    with Place() as place:
        code, out, err = place.call("latency", "--seconds", "1", "--fail-over", "1ns", *fifo())
    check_equal((code, len(err.splitlines())), (1, 1), err)
    check(re.search(r"vcpu 0 woke up [\d.]+ us late at .* on CPU %d: over" % last_cpu(), err), err)
    check(re.search(r"^Failed: \d+ over 0\.0 us, the first one [\d.]+ us, vcpu 0 on CPU %d at " % last_cpu(), out, re.M), out)
    answer = measure("--seconds", "1", "--fail-over", "1ns", *fifo(), code=1)
    (thread,) = answer["threads"]
    check_equal((answer["verdict"], thread["overs"]), ("failed", thread["cycles"]), "every wake-up was late")
    check_equal(thread["first_over"]["cpu"], last_cpu(), "where")


def test_undecided():
    """A qualification that was cut short is none."""
    need_root()
    with Place() as place:
        process = subprocess.Popen([LAUNCHER, "latency", "--hours", "2", "--fail-over", LONG, "--json", *fifo()],
                                   env=place.environment, stdout=subprocess.PIPE, text=True)
        begin = time.monotonic()
        wait_for("a thread that measures", lambda: threads_with(process.pid, os.SCHED_FIFO))
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=PATIENCE)
    answer = json.loads(out)
    check_equal((process.returncode, answer["verdict"], answer["cut"]), (1, "open", True), "exit code and verdict")
    check(answer["length_ns"] < (time.monotonic() - begin + 1) * 1e9, "as long as it took")


def test_unplanned():
    """A role that the plan leaves open is measured as this command runs, which is said."""
    with Place() as place:
        code, out, err = place.call("latency", "--seconds", "1", "--role", "paio", "--json", "-rt", "main_sched=other")
    check_equal(code, 0, err)
    check("warning: latency: the plan says nothing of paio 0" in err, err)
    (thread,) = json.loads(out)["threads"]
    check_thread(thread)
    check_equal(thread["planned"], False, "planned")
    check(thread["setting"].startswith("other"), thread["setting"])


def test_progress():
    """One line that is written over, on a terminal only."""
    need_root()
    master, slave = pty.openpty()
    with Place() as place:
        process = subprocess.Popen([LAUNCHER, "latency", "--seconds", "2", *fifo()], env=place.environment,
                                   stdout=subprocess.DEVNULL, stderr=slave)
        os.close(slave)
        text, deadline = "", time.monotonic() + PATIENCE
        while select.select([master], [], [], max(0, deadline - time.monotonic()))[0]:
            try:
                text += os.read(master, 4096).decode()
            except OSError:  # it has ended, and all was read
                break
        process.wait(timeout=PATIENCE)
    os.close(master)
    check(re.search(r"\r\d+ of 2 s, \d+ cycles, max [\d.]+ us ", text), repr(text))
    check("\n" not in text, repr(text))


def test_without_rights():
    need_root()
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", LAUNCHER, "latency",
               "--seconds", "1", *fifo()]
    with Place() as place:
        done = subprocess.run(command, env=place.environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    check_equal((done.returncode, done.stdout), (1, ""), done.stderr)
    check("CAP_SYS_NICE" in done.stderr, done.stderr)


def test_bad_input():
    with Place() as place:
        for arguments in (["--role", "disk"], ["--role", "vcpu:"], ["--role", "vcpu:-1"], ["--role", "vcpu:x"], ["--role"],
                          ["--interval", "1"], ["--interval", "2s"], ["--interval", "0"], ["--seconds", "0"], ["--seconds", "1.5"],
                          ["--hours", "x"], ["--seconds", "1", "--hours", "1"], ["--fail-over", "never"], ["--fail-over", "0us"],
                          ["--threads", "65"], ["--threads", "0"], ["--histogram", "0"], ["--histogram", "1000001"],
                          ["--bogus"], ["--threads", "40", "--role", "vcpu", "--role", "main", "-rt", "main_sched=other"]):
            code, out, err = place.call("latency", *arguments)
            check_equal((code, out, len(err.splitlines())), (2, "", 1), (arguments, err))
        code, out, err = place.call("latency", "-rt", "vcpu_bias=1000", "-rt", "vcpu_sched=fifo")
        check_equal((code, out), (1, ""), err)
        check("fault: plan" in err, err)


def run_cyclictest(directory, seconds):
    path = os.path.join(directory, "cyclictest.json")
    subprocess.run(["cyclictest", "-q", "-m", "-p20", "-a%d" % last_cpu(), "-t1", "-i1000", "-h", "100000", "-D", "%ds" % seconds,
                    "--latency=1000000", "--json=" + path], stdout=subprocess.DEVNULL, check=True, timeout=PATIENCE)
    with open(path, encoding="utf-8") as file:
        thread = json.load(file)["thread"]["0"]
    return {int(us): count for us, count in thread["histogram"].items()}, thread["cycles"]


def median_of(histogram, cycles):
    seen = 0
    for us in sorted(histogram):
        seen += histogram[us]
        if 2 * seen >= cycles:
            return us
    return None


def are_alike(ours, theirs):
    our, their = statistics.median_low(ours), statistics.median_low(theirs)
    return our <= 3 * their + 5 and their <= 3 * our + 5


def test_cyclictest():
    """The same distribution, as far as that can be asked of two measurements at different times: the medians of several
    alternating ones are within a factor of three; of more where the machine had something else to do."""
    need_root()
    if not shutil.which("cyclictest"):
        raise Skip("cyclictest (rt-tests) is not installed")
    theirs, ours = [], []
    with tempfile.TemporaryDirectory() as directory:
        while len(ours) < 3 or (len(ours) < 12 and not are_alike(ours, theirs)):
            theirs.append(median_of(*run_cyclictest(directory, 2)))
            ours.append(measure("--seconds", "2", *fifo())["threads"][0]["us"]["p50"])
    note("medians in us: ours %s, cyclictest's %s" % (ours, theirs))
    check(are_alike(ours, theirs), "medians in us: ours %s, cyclictest's %s" % (ours, theirs))


if __name__ == "__main__":
    tap.main([
        ("a thread in a plan's setting", test_plan),
        ("threads of several roles, each in its own setting; a signal ends it with the report", test_settings),
        ("as text, by the default plan, with a histogram", test_text),
        ("a mark that is exceeded: when and where", test_mark),
        ("a mark is not passed by an early end", test_undecided),
        ("a role that the plan leaves open", test_unplanned),
        ("progress on a terminal", test_progress),
        ("without the right it says which", test_without_rights),
        ("bad input: one line", test_bad_input),
        ("medians as by cyclictest", test_cyclictest),
    ])
