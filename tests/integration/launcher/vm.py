# SPDX-License-Identifier: MIT
"""A real QEMU under qrt-launcher, seen from outside."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from tap import Skip, check, note

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "lib"))

# pylint: disable=wrong-import-position,unused-import
from proc import is_alive, signals_of
from qmp import Monitor

BUILD = os.environ["QRT_BUILD"]
LAUNCHER = os.path.join(BUILD, "qrt-launcher", "qrt-launcher")
QEMU = "qemu-system-x86_64"
QEMU_RT = os.environ.get("QRT_TEST_QEMU_RT") or os.path.realpath(os.path.join(
    os.path.dirname(__file__), "..", "..", "..", "build", "qemu", os.environ.get("QRT_TEST_QEMU_SERIES", "7.2"), "build", QEMU))
# A QEMU with -rt has a library of its own; a sanitized one, which stands there, cannot be loaded into it.
os.environ.pop("LD_LIBRARY_PATH", None)
PATIENCE = 60  # seconds for what takes a fraction of one on an idle machine
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)  # loaded here: a child of several threads cannot take the loader's lock


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root: real-time policies for threads of other users")


def need_qemu_rt():
    need_root()
    if not os.path.exists(QEMU_RT):
        raise Skip("no QEMU with -rt here: run ./dev qemu, or name one by QRT_TEST_QEMU_RT")
    return QEMU_RT


def wait_for(what, look, patience=PATIENCE, pause=0.02):
    """The first true value of look()."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        value = look()
        if value:
            return value
        time.sleep(pause)
    raise AssertionError("not within %d s: %s" % (patience, what))


def wait_monitor(path):
    """A monitor's path is there a moment before anybody listens to it."""
    def look():
        try:
            return Monitor(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
    return wait_for("a monitor at " + path, look)


class Overtaken(AssertionError):
    """A thread was held up at its birth for so long that the supervisor placed it, who is there for that."""


def on_a_fair_day(test):
    """A machine that is busy holds a thread up now and then; a fault of ours shows every time."""
    def run():
        for _ in range(4):
            try:
                return test()
            except Overtaken as reason:
                note("again: %s" % reason)
        return test()
    return run


def wait_taken(pid, number):
    """Until a process has taken a signal that was sent to it."""
    wait_for("signal %d is taken by %d" % (number, pid), lambda: number not in signals_of(pid, "ShdPnd"))


def end_with_us():
    """Run in the child: a test that is killed leaves no VM behind, and one in the background or under nohup(1)
    ignores nothing."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start_session(arguments, before=lambda: None, **options):
    """A program in a session of its own, after before() in the child; end_session() ends it, and what it
    started."""
    return subprocess.Popen(arguments, start_new_session=True, preexec_fn=lambda: (end_with_us(), before()), **options)


def end_session(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


class Place:
    """A folder that QEMU as any user may use, and a run directory of ours."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="qrt-test-")
        os.chmod(self.path, 0o777)
        self.run = os.path.join(self.path, "run")
        self.environment = dict(os.environ, QRT_RUN_DIR=self.run)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """What a test that failed left behind on the host can be put back as long as the run directory is there."""
        if os.path.isdir(self.run) and os.listdir(self.run):
            self.call("repair")
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name):
        return os.path.join(self.path, name)

    def call(self, *arguments, **options):
        """A launcher command that ends by itself: (code, stdout, stderr)."""
        done = subprocess.run([LAUNCHER, *arguments], env=dict(self.environment, **options.get("env", {})),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * PATIENCE)
        return done.returncode, done.stdout, done.stderr


def make_qemu(qemu=(), accel="tcg,thread=multi", program=QEMU):
    """The command of a VM without a guest."""
    return [program, "-nodefaults", "-no-user-config", "-display", "none", "-m", "64", "-accel", accel, *qemu]


class Vm:
    """`qrt-launcher run` of a VM without a guest. `wrapper`: a command that becomes the one it is given.
    `program`: QEMU's."""

    def __init__(self, place, run=(), qemu=(), name="vm", accel="tcg,thread=multi", wrapper=(),
                 program=QEMU):
        self.place, self.name = place, name
        self.errors = tempfile.NamedTemporaryFile("w+", dir=place.path, suffix=".err", encoding="utf-8")
        self.process = start_session(
            [*wrapper, LAUNCHER, "run", *run, "--name", name, "--", *make_qemu(qemu, accel, program)],
            env=place.environment, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_session(self.process)  # a launcher that ended may have left its QEMU
        self.errors.close()

    def output(self):
        self.errors.flush()
        with open(self.errors.name, encoding="utf-8", errors="replace") as file:
            return file.read()

    def status(self):
        """None while there is none."""
        code, out, _ = self.place.call("status", self.name, "--json")
        return json.loads(out) if code == 0 else None

    def wait_up(self):
        """The first status of a guest that runs."""
        def look():
            check(self.process.poll() is None, "the launcher ended: " + self.output())
            status = self.status()
            return status if status and status["guest_state"] in ("running", "prelaunch") else None
        return wait_for("a running VM", look)

    def wait_roles(self, wanted):
        """The first status in which each of these roles has at least that many threads, all of them placed."""
        def look():
            check(self.process.poll() is None, "the launcher ended: " + self.output())
            status = self.status()
            return status if status and has_roles(status, wanted) else None
        try:
            return wait_for("roles %s" % wanted, look)
        except AssertionError:
            note(json.dumps(self.status(), indent=1))
            note(self.output())
            raise

    def wait_placed_by(self, role, *by):
        """The first status in which each thread of the role was placed by one of these: who places himself says it later."""
        def look():
            status = self.status()
            found = {thread["placed_by"] for thread in threads_of(status, role)} if status else None
            return status if found and found <= set(by) else None
        try:
            return wait_for("%s placed by %s" % (role, by), look, 5)
        except AssertionError:
            raise Overtaken("%s: %s" % (by, json.dumps((self.status() or {}).get("threads")))) from None

    def wait_said(self, *words):
        """What a supervisor says is written by a thread of its own, after what it is about."""
        try:
            wait_for("%r said" % (words,), lambda: all(word in self.output() for word in words))
        except AssertionError as error:
            raise AssertionError("%s, but: %s" % (error, self.output())) from None

    def wait_end(self, patience=PATIENCE):
        return self.process.wait(timeout=patience)


def has_roles(status, wanted):
    roles = [thread["role"] for thread in status["threads"] if thread["placed_by"] != "nobody"]
    return len(roles) == len(status["threads"]) and all(roles.count(role) >= n for role, n in wanted.items())


def threads_of(status, role):
    return [thread for thread in status["threads"] if thread["role"] == role]


def read_setting(tid):
    """(policy, priority, nice, CPUs) as the kernel has it."""
    return (os.sched_getscheduler(tid) & 0xff, os.sched_getparam(tid).sched_priority,
            os.getpriority(os.PRIO_PROCESS, tid), tuple(sorted(os.sched_getaffinity(tid))))


def list_threads(pid):
    return [int(tid) for tid in os.listdir("/proc/%d/task" % pid)]


def find_unplanned(pid):
    """Threads of a process that are not as a process of ours would be: [(tid, setting)]."""
    fresh, wrong = read_setting(0), []
    for tid in list_threads(pid):
        try:
            setting = read_setting(tid)
        except ProcessLookupError:
            continue
        if setting != fresh:
            wrong.append((tid, setting))
    return wrong
