#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Quanta in programs that know nothing of them: slices end, and nobody sees a signal."""
import os
import pathlib
import resource
import struct
import subprocess
import tempfile

import taplib
from taplib import Broker, Skip, environment, expect, need_realtime

SUBJECT = taplib.BUILD / "tests/integration/preload/quantum_subject"
GUEST = taplib.BUILD / "tests/integration/preload/preload_guest"
COUNTER = taplib.BUILD / "tests/soak/libcount-waits-above.so"
LAST = max(os.sched_getaffinity(0))
OTHER, FIFO, RR = str(os.SCHED_OTHER), str(os.SCHED_FIFO), str(os.SCHED_RR)
PLAN = ["vcpu_sched=rr", "vcpu_prio=5", "vcpu_nice=19,17", f"vcpu_bias={LAST}", "ioth_sched=rr", "ioth_prio=5", "ioth_nice=16",
        "paio_sched=rr", "paio_prio=4"]
TIMED_OUT = {"sem_timedwait": "ETIMEDOUT", "sem_clockwait": "ETIMEDOUT", "futex": "ETIMEDOUT", "sigtimedwait": "EAGAIN",
             "semtimedop": "EAGAIN", "semop": "EIDRM", "msgrcv": "EIDRM", "msgsnd": "EIDRM"}
SOCKETS = ("recv", "recvfrom", "recvmsg", "recvmmsg", "read", "readv", "send", "sendto", "sendmsg", "sendmmsg", "write", "writev",
           "accept", "accept4", "connect")
WAITS = 38


def run(mode, *args, plan=PLAN, **options):
    need_realtime()
    more = options.pop("variables", {})
    result = subprocess.run([str(SUBJECT), mode, *args], env=environment(plan, **more), capture_output=True, text=True,
                            timeout=100, check=False, **options)
    return result


def rows_of(result):
    expect(result.stderr, "", "standard error")
    expect(result.returncode, 0, "exit code")
    return {row[0]: row[1:] for row in (line.split("|") for line in result.stdout.splitlines())}


def no_call_is_interrupted_by_the_end_of_a_slice_and_any_by_another_signal():
    rows = rows_of(run("waits"))
    for name, row in rows.items():
        if name in ("pause", "sigsuspend"):
            expect(row, ["EINTR", "1"], f"{name}: ended by the alarm")
            continue
        wanted = "EAGAIN" if name in SOCKETS else TIMED_OUT.get(name, "done")
        expect(row[:3], [wanted, "late", "EINTR"], name)
    expect(len(rows), WAITS + 2, "calls")


def the_same_calls_are_interrupted_by_any_handler_without_us():
    """Shows that the test above can fail."""
    rows = rows_of(run("waits", "with handler", plan=None, variables={"LD_PRELOAD": ""}))
    for name, row in rows.items():
        # It takes what it waits for.
        expect(row[0], "done" if name == "sigtimedwait" else "EINTR", name)
    expect(len(rows), WAITS + 2, "calls")


def a_role_brings_its_quantum_and_takes_it_along():
    rows = rows_of(run("roles"))
    expect(rows["unnamed"], [OTHER, "0"])
    expect(rows["vcpu"], [FIFO, "2"])
    expect(rows["ioth"], [FIFO, "2"])
    expect(rows["paio"], [RR, "0"], "round robin without a quantum of its own is the kernel's")
    expect(rows["vcpu again"], [FIFO, "2"])
    expect(rows["child"], [OTHER, "0"])
    expect(rows["after"], [OTHER, "0"], "the end of a thread")


def a_program_cannot_keep_its_slices_from_ending():
    rows = rows_of(run("masks"))
    for name in ("inherited", "pthread_sigmask", "sigprocmask", "told", "alive"):
        expect(rows[name], ["0"], name)
    expect(rows["sigwait"], ["0", "1"])
    expect(rows["default"], ["1"])


def threads_of_one_level_take_turns_by_their_quanta():
    rows = rows_of(run("turns", "2000"))
    for number, quantum in (("0", 4000), ("1", 12000)):
        count, median = (int(value) for value in rows[number])
        print(f"# quantum {quantum} us: {count} runs, median {median} us of CPU time")
        assert count >= 3, rows
        assert quantum * 15 // 16 <= median <= quantum * 2, rows


def without_a_timer_the_kernel_makes_the_slices():
    def no_signals():
        resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, 0))

    result = run("roles", preexec_fn=no_signals)
    expect(result.returncode, 0)
    rows = {row[0]: row[1:] for row in (line.split("|") for line in result.stdout.splitlines())}
    for name in ("vcpu", "ioth", "vcpu again"):
        expect(rows[name], [RR, "0"], name)
    lines = result.stderr.splitlines()
    expect(len(lines), 1, result.stderr)
    assert "RLIMIT_SIGPENDING" in lines[0], lines


def space_is_allotted_without_an_interruption():
    """Before Linux 6.8 fallocate in shared memory gives up at any signal."""
    rows = rows_of(run("fallocate", "400"))
    print(f"# {rows['calls'][0]} calls")
    assert int(rows["calls"][0]) > 0, rows
    expect(rows["interrupted"], ["0"])


def a_spinning_guest_ends_its_slices_and_its_monitor_sees_no_exit():
    need_realtime()
    plan = ["vcpu_sched=rr", "vcpu_prio=5", "vcpu_nice=19", f"vcpu_bias={LAST}"]
    with tempfile.NamedTemporaryFile() as counts:
        counts.write(bytes(4096))
        counts.flush()
        env = environment(plan, LD_PRELOAD=f"{COUNTER} {taplib.PRELOAD}", QRT_COUNTS=counts.name)
        result = subprocess.run([str(GUEST), "interrupt"], env=env, capture_output=True, text=True, timeout=90, check=False)
        if result.returncode == 77:
            raise Skip("no KVM here")
        slices = struct.unpack("6Q", pathlib.Path(counts.name).read_bytes()[:48])[5]
    expect((result.returncode, result.stderr), (0, ""))
    # The first is said while the guest spins, for longer than several quanta; the other by its first EINTR.
    expect(result.stdout.splitlines(), ["guest|40000001|5", "interrupted|40000001|5"])
    print(f"# {slices} slices")
    assert slices > 0


def the_broker_is_told():
    if os.geteuid() != 0:
        raise Skip("needs root, to give a capability up")
    need_realtime()
    broker = Broker(lambda role, index: (os.SCHED_FIFO, 5, {LAST}))
    rows = rows_of(run("roles", variables=broker.variables, pass_fds=broker.fds, preexec_fn=taplib.drop_nice))
    broker.close()
    expect(rows["vcpu"], [FIFO, "2"])
    expect([broker.flags[thread] for thread in ((0, 0), (5, 0), (2, 0), (0, 1))], [1, 1, 0, 1])


if __name__ == "__main__":
    taplib.main([
        no_call_is_interrupted_by_the_end_of_a_slice_and_any_by_another_signal,
        the_same_calls_are_interrupted_by_any_handler_without_us,
        a_role_brings_its_quantum_and_takes_it_along,
        a_program_cannot_keep_its_slices_from_ending,
        threads_of_one_level_take_turns_by_their_quanta,
        without_a_timer_the_kernel_makes_the_slices,
        space_is_allotted_without_an_interruption,
        a_spinning_guest_ends_its_slices_and_its_monitor_sees_no_exit,
        the_broker_is_told,
    ])
