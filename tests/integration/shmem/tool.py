# SPDX-License-Identifier: MIT
"""qrt-shmem, its servers and their peers, in a folder of their own. All that is started is ended by its pid."""

import ctypes
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.append(os.path.join(HERE, "..", "launcher"))
sys.path.append(os.path.join(HERE, "..", "..", "lib"))

# pylint: disable=wrong-import-position,unused-import
from proc import is_alive, name_of, read_text
from tap import Skip, check, check_equal, main, note

BUILD = os.environ["QRT_BUILD"]
TOOL = os.path.join(BUILD, "libqrt-shmem", "tools", "qrt-shmem")
PUBLISHER = os.path.join(BUILD, "tests", "integration", "shmem", "shmem_publisher")
# The distribution's, or that of `./dev qemu SERIES`.
SERIES = os.environ.get("QRT_TEST_QEMU_SERIES")
QEMU = os.path.realpath(os.path.join(HERE, "..", "..", "..", "build", "qemu", SERIES, "build", "qemu-system-x86_64")) \
    if SERIES else "qemu-system-x86_64"
PATIENCE = 30  # seconds for what takes a fraction of one on an idle machine
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)  # loaded here: a child cannot take the loader's lock


def wait_for(what, look, patience=PATIENCE):
    """The first true value of look()."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        value = look()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("not within %d s: %s" % (patience, what))


def read_threads(pid):
    """Of each thread: its state, and how often it was switched."""
    found = {}
    for tid in os.listdir("/proc/%d/task" % pid):
        text = read_text("/proc/%d/task/%s/status" % (pid, tid)) or ""
        words = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        found[tid] = (words.get("State", "").strip()[:1], words.get("voluntary_ctxt_switches"), words.get("nonvoluntary_ctxt_switches"))
    return found


def stop(process):
    """It stands still when this returns."""
    process.send_signal(signal.SIGSTOP)
    wait_for("process %d stands still" % process.pid, lambda: all(one[0] == "T" for one in read_threads(process.pid).values()))


def wait_asleep(process, seconds=0.5):
    """Until a process has nothing to do any more, for so long."""
    def look():
        before = read_threads(process.pid)
        time.sleep(seconds)
        return read_threads(process.pid) == before and all(one[0] == "S" for one in before.values())
    wait_for("process %d sleeps" % process.pid, look)


def is_readable(fd, patience=0):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(patience * 1000))


def end_with_us():
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root, to become other users")


def need_qemu():
    if not shutil.which(QEMU):
        raise Skip("no %s here" % QEMU)


class Place:
    """A folder, and what was started in it."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="qrt-shmem-")
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        for pid in self.holders():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name):
        return os.path.join(self.path, name)

    def start(self, *arguments, before=lambda: None, **options):
        process = subprocess.Popen(arguments, preexec_fn=lambda: (end_with_us(), before()), cwd=self.path, text=True,
                                   **{"stdin": subprocess.DEVNULL, **options})
        self.processes.append(process)
        return process

    def call(self, *arguments, given="", wrapper=()):
        """The tool, which ends by itself: (code, stdout, stderr)."""
        done = subprocess.run([*wrapper, TOOL, *arguments], input=given, capture_output=True, text=True, cwd=self.path,
                              timeout=2 * PATIENCE, check=False)
        return done.returncode, done.stdout, done.stderr

    def expect(self, *arguments, **options):
        """What a call printed that went well."""
        code, out, errors = self.call(*arguments, **options)
        check_equal((code, errors), (0, ""), "qrt-shmem " + " ".join(arguments))
        return out

    def ls(self, path="s"):
        return json.loads(self.expect("ls", path, "--json"))

    def ids(self, path="s"):
        return [client["id"] for client in self.ls(path)["clients"]]

    def wait_ids(self, ids, path="s"):
        wait_for("clients %s" % ids, lambda: sorted(self.ids(path)) == ids)

    def holders(self):
        """Living ones of this folder: they are no child of anybody's."""
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit() and name_of(int(name)) == "qrt-shmem-hold"]
        return [pid for pid in pids if is_alive(pid) and self.is_here(pid)]

    def is_here(self, pid):
        try:
            return os.path.realpath(os.readlink("/proc/%d/cwd" % pid)) == os.path.realpath(self.path)
        except OSError:
            return False

    def sockets(self):
        return sorted(name for name in os.listdir(self.path) if name.startswith("s"))

    def qemu(self, path="s", vectors=2):
        need_qemu()
        return self.start(QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-S", "-m", "32", "-accel", "tcg",
                          "-chardev", "socket,path=%s,id=c" % path, "-device",
                          "ivshmem-doorbell,chardev=c,vectors=%d" % vectors)


class Server:
    """`qrt-shmem serve`, ready, unless that is to be awaited later."""

    def __init__(self, place, *arguments, wrapper=(), is_awaited=True, **options):
        self.ready, theirs = os.pipe()
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8")
        self.process = place.start(*wrapper, TOOL, "serve", "--ready-fd", str(theirs), *arguments, pass_fds=[theirs],
                                   stderr=self.errors, **options)
        self.pid = self.process.pid
        os.close(theirs)
        if is_awaited:
            self.await_ready()

    def await_ready(self):
        try:
            check(is_readable(self.ready, PATIENCE), "the server does not begin: " + self.said())
            check_equal(os.read(self.ready, 10), b"\n", "ready: " + self.said())
        finally:
            os.close(self.ready)

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        return self.process.wait(timeout=PATIENCE)


class Peer:
    """An ivshmem client of a few lines, which has nothing of the library's. It begins with all its vectors."""

    def __init__(self, path, vectors=1):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.vectors, self.is_ended = {}, False
        check_equal(self.read(), (0, None), "the protocol's version")
        self.id, _ = self.read()
        number, self.memory = self.read()
        check_equal(number, -1, "the memory's number")
        while len(self.vectors.get(self.id, ())) < vectors:
            self.take()
            check(not self.is_ended, "the server ended the greeting")

    def read(self):
        data, fds, _, _ = socket.recv_fds(self.socket, 8, 4)
        if not data:
            self.is_ended = True
            return None, None
        return struct.unpack("<q", data)[0], fds[0] if fds else None

    def take(self):
        number, fd = self.read()
        if fd is not None:
            self.vectors.setdefault(number, []).append(fd)
        elif number is not None:
            for old in self.vectors.pop(number, []):
                os.close(old)

    def look(self):
        """Takes all that is there."""
        while not self.is_ended and is_readable(self.socket):
            self.take()
        return self

    def knows(self):
        return {number: len(fds) for number, fds in self.look().vectors.items() if number != self.id}

    def count(self, vector=0):
        """Rings that came to an own vector; 0: none."""
        return count_of(self.vectors[self.id][vector])

    def close_connection(self):
        """It leaves, and keeps what it has."""
        self.socket.close()

    def close(self):
        self.socket.close()
        for fds in self.vectors.values():
            for fd in fds:
                os.close(fd)
        os.close(self.memory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def is_rung(fd):
    """Somebody rang, and whom it is for has not looked yet."""
    return is_readable(fd)


def count_of(fd):
    return struct.unpack("=Q", os.read(fd, 8))[0] if is_rung(fd) else 0
