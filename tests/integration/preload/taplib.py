# SPDX-License-Identifier: MIT
"""Tests as functions, TAP as output: what the preload tests share."""
import ctypes
import json
import os
import pathlib
import socket
import struct
import sys
import traceback

BUILD = pathlib.Path(os.environ["QRT_BUILD"])
PRELOAD = BUILD / "libqrt-sched/preload/libqrt-sched-preload.so"
LIBRARY = BUILD / "libqrt-sched/libqrt-sched.so"
SUBJECT = BUILD / "tests/integration/preload/preload_subject"
CAP_SYS_NICE = 23
PR_CAPBSET_DROP = 24
SYS_SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}.get(os.uname().machine, 315)

libc = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """Says why."""


def main(tests):
    # Tests expect time-shared threads at nice 0, also under `nice`.
    try:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    except PermissionError:
        pass
    chosen = [t for t in tests if len(sys.argv) < 2 or any(word in t.__name__ for word in sys.argv[1:])]
    print(f"1..{len(chosen)}", flush=True)
    failed = 0
    for number, test in enumerate(chosen, 1):
        title = test.__name__.replace("_", " ")
        try:
            test()
            print(f"ok {number} - {title}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {title} # SKIP {reason}", flush=True)
        except Exception:
            failed = 1
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            print(f"not ok {number} - {title}", flush=True)
    sys.exit(failed)


def expect(have, want, what=""):
    if have != want:
        raise AssertionError(f"{what}: have {have!r}, want {want!r}")


def need_realtime():
    """Skips where this process may not be real-time itself."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except PermissionError:
        raise Skip("needs CAP_SYS_NICE, and real-time time in this control group") from None


def environment(plan, *, preload=True, **more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("QRT_SCHED", "LD_PRELOAD"))}
    if plan is not None:
        env["QRT_SCHED_PLAN"] = "\n".join(plan)
    if preload:
        env["LD_PRELOAD"] = str(PRELOAD)
    env.update(more)
    return env


def drop_nice():
    """In a child before exec: root without CAP_SYS_NICE."""
    if libc.prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0) != 0:
        os._exit(99)


def attributes(tid):
    """(policy, reset on fork, nice, priority) of a thread."""
    attr = ctypes.create_string_buffer(56)
    if libc.syscall(SYS_SCHED_GETATTR, tid, attr, 56, 0) != 0:
        raise OSError(ctypes.get_errno(), "sched_getattr")
    _, policy, flags, nice, priority = struct.unpack_from("IIQiI", attr.raw)
    return policy, flags & 1, nice, priority


def threads(pid):
    """{(tid, name): (policy, reset, priority, CPUs)}; ones that end meanwhile are left out."""
    found = {}
    for entry in os.listdir(f"/proc/{pid}/task"):
        tid = int(entry)
        try:
            name = pathlib.Path(f"/proc/{pid}/task/{tid}/comm").read_text().strip()
            policy, reset, _, priority = attributes(tid)
            found[tid, name] = (policy, reset, priority, tuple(sorted(os.sched_getaffinity(tid))))
        except OSError:
            continue
    return found


# ---- a broker ------------------------------------------------------------------------------------

SETTING = struct.Struct("IIiiII16Q3Q")
MESSAGE = struct.Struct("IIIiiIII16s")
MAGIC = 0x51525442
PLACE, PLACED, ENDED = 1, 2, 3


class Broker:
    """The supervisor's end: does to each thread that asks what `place(role, index)` returns. It is a process of its own,
    which waits for nothing that a thread of the test may hold while real-time threads keep that from running."""

    def __init__(self, place, *, answer=None):
        self.place, self.answer = place, answer
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.log, self.flags = [], {}  # (op, role, index, name), {(role, index): flags of who asked last}: after close()
        self.told, telling = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self.be_the_broker(telling)
        os.close(telling)
        self.ours.close()

    def be_the_broker(self, telling):
        """In the child, which never returns."""
        try:
            self.theirs.close()
            os.close(self.told)
            with os.fdopen(telling, "w", encoding="utf-8") as self.teller:
                self.serve()
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(0)

    @property
    def variables(self):
        return {"QRT_SCHED_BROKER": str(self.theirs.fileno())}

    @property
    def fds(self):
        return (self.theirs.fileno(),)

    def serve(self):
        try:  # an answer takes 200 ms at most, whatever else runs on this machine
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(60))
        except PermissionError:
            pass
        while True:
            try:
                data = self.ours.recv(4096)
            except OSError:
                return
            if len(data) != MESSAGE.size + SETTING.size:
                return
            magic, op, sequence, _, tid, role, index, flags, name = MESSAGE.unpack_from(data)
            print(json.dumps([magic == MAGIC, op, role, index, flags, name.rstrip(b"\0").decode()]), file=self.teller, flush=True)
            if op == PLACE:
                self.serve_one(data, sequence, tid, role, index)

    def serve_one(self, data, sequence, tid, role, index):
        if self.answer:
            self.answer(self, data)
            return
        policy, priority, cpus = self.place(role, index)
        os.sched_setaffinity(tid, cpus)
        os.sched_setscheduler(tid, policy, os.sched_param(priority))
        self.reply(data, sequence, 0)

    def reply(self, data, sequence, result):
        reply = bytearray(data)
        struct.pack_into("Ii", reply, 8, sequence, result)
        self.ours.send(reply)

    def close(self):
        """What it was told is known when all whom it serves have ended."""
        self.theirs.close()
        with os.fdopen(self.told, encoding="utf-8") as told:
            lines = [json.loads(line) for line in told]
        os.waitpid(self.pid, 0)
        for is_sound, op, role, index, flags, name in lines:
            assert is_sound, lines
            self.log.append((op, role, index, name))
            if op == PLACE:
                self.flags[role, index] = flags


# ---- a recorder ----------------------------------------------------------------------------------

class Record(ctypes.Structure):
    _fields_ = [("start_ns", ctypes.c_uint64), ("wait_ns", ctypes.c_uint64), ("mutex", ctypes.c_uint64),
                ("caller", ctypes.c_uint64), ("tid", ctypes.c_int32), ("owner", ctypes.c_int32)]


class Recorder:
    """libqrt-sched's recorder, by ctypes."""

    def __init__(self, threshold_ns):
        self.lib = ctypes.CDLL(str(LIBRARY))
        self.handle = ctypes.c_void_p()
        expect(self.lib.qrt_sched_recorder_new(1024, ctypes.byref(self.handle)), 0, "recorder")
        self.fd = self.lib.qrt_sched_recorder_get_fd(self.handle)
        self.lib.qrt_sched_recorder_set_threshold(self.handle, ctypes.c_uint64(threshold_ns))
        os.set_inheritable(self.fd, True)

    def read(self):
        records = (Record * 1024)()
        lost = ctypes.c_uint64()
        count = self.lib.qrt_sched_recorder_read(self.handle, records, ctypes.c_size_t(1024), ctypes.byref(lost))
        return records[:count], lost.value
