#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The preempt lock around device emulation, in a monitor in small with real guests under KVM."""
import ctypes
import os
import subprocess

import taplib
from taplib import Skip, environment, expect, need_realtime

GUEST = taplib.BUILD / "tests/integration/preload/preload_guest"
PLAN = ["main_sched=fifo", "main_prio=12", "vcpu_sched=fifo", "vcpu_prio=10"]
OTHER, VCPU, LOCK = ("0", "0"), ("40000001", "10"), ("40000001", "13")


def run(*arguments, lock="preemptlock=20000", plan=PLAN, fds=(), code=0, **variables):
    """[(label, policy, priority)], and what was said."""
    result = subprocess.run([str(GUEST), *arguments], env=environment(plan + ([lock] if lock else []), **variables),
                            pass_fds=fds, capture_output=True, text=True, timeout=90, check=False)
    if result.returncode == 77:
        raise Skip("no KVM here")
    expect(result.returncode, code, result.stderr)
    return [(label, (policy, priority)) for label, policy, priority in
            (line.split("|") for line in result.stdout.splitlines())], result.stderr


def quiet(*arguments, **options):
    rows, said = run(*arguments, **options)
    expect(said, "", "said")
    return rows


def emulation_runs_under_the_lock():
    need_realtime()
    expect(quiet("ports", "5"), [("born", VCPU)] + [("emulating", LOCK)] * 5)


def without_it_in_the_plan_nothing_changes():
    need_realtime()
    expect(quiet("ports", "5", lock=None), [("born", VCPU)] + [("emulating", VCPU)] * 5)
    expect(quiet("ports", "2", lock="preemptlock=off"), [("born", VCPU)] + [("emulating", VCPU)] * 2)


def the_guests_own_code_does_not():
    need_realtime()
    expect(quiet("interrupt"), [("guest", VCPU), ("interrupted", LOCK)])


def several_vcpus_hold_at_the_same_time():
    need_realtime()
    rows = quiet("threads", "200")
    expect(len(rows), 3 * 201)
    expect({row for row in rows if row[0] == "emulating"}, {("emulating", LOCK)})


def what_lasts_too_long_loses_it_and_the_next_has_it_again():
    need_realtime()
    rows = quiet("long", "3000", lock="preemptlock=5000")
    expect(rows, [("emulating", LOCK), ("ended", VCPU), ("emulating again", LOCK)])


def nobody_sleeps_with_it():
    need_realtime()
    expect(quiet("sleep"), [("emulating", LOCK), ("sleeping", VCPU), ("woken", VCPU), ("emulating", LOCK)])


def a_child_does_not_have_it():
    need_realtime()
    expect(quiet("fork"), [("child", OTHER), ("emulating", LOCK)])


def under_tcg_it_says_once_that_it_does_nothing():
    need_realtime()
    rows, said = run("tcg")
    expect(rows, [("born", VCPU)] * 2)
    expect(said.count("\n"), 1, said)
    assert said.startswith("qrt: preemptlock: does nothing here") and "TCG" in said, said


def where_it_may_not_it_says_so_once():
    need_realtime()
    result = subprocess.run([str(GUEST), "threads", "2"], preexec_fn=taplib.drop_nice,
                            env=environment(["vcpu_prio=10", "paio_prio=12", "preemptlock=1000"]), capture_output=True,
                            text=True, timeout=90, check=False)
    if result.returncode == 77:
        raise Skip("no KVM here")
    expect(result.returncode, 0, result.stderr)
    said = [line for line in result.stderr.splitlines() if "device emulation of" in line]
    expect(len(said), 1, result.stderr)
    assert "RLIMIT_RTPRIO of 13" in said[0], said


class Config(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("threads", ctypes.c_uint32), ("priority", ctypes.c_int32),
                ("flags", ctypes.c_uint32), ("max_ns", ctypes.c_uint64)]


def a_supervisors_table_is_used_and_counts():
    need_realtime()
    lib, table = ctypes.CDLL(str(taplib.LIBRARY)), ctypes.c_void_p()
    config = Config(ctypes.sizeof(Config), 0, 30, 0, 100000000)
    expect(lib.qrt_sched_lock_table_new(ctypes.byref(config), ctypes.byref(table), None), 0, "table")
    lib.qrt_sched_lock_table_get_count.restype = ctypes.c_uint64
    fd = lib.qrt_sched_lock_table_get_fd(table)
    os.set_inheritable(fd, True)
    rows = quiet("ports", "40", fds=(fd,), QRT_SCHED_LOCKS=str(fd))
    expect(rows, [("born", VCPU)] + [("emulating", ("40000001", "30"))] * 40)
    expect(lib.qrt_sched_lock_table_get_count(table), 40, "taken")
    expect(lib.qrt_sched_lock_table_list(table, None, ctypes.c_size_t(0)), 0, "held")


def a_descriptor_that_is_no_table_is_said():
    need_realtime()
    read, write = os.pipe()
    rows, said = run("ports", "1", fds=(read,), QRT_SCHED_LOCKS=str(read))
    os.close(read)
    os.close(write)
    expect(rows, [("born", VCPU), ("emulating", VCPU)])
    expect(said, f"qrt: QRT_SCHED_LOCKS={read} is no lock table: device emulation is not protected\n")


taplib.main([emulation_runs_under_the_lock, without_it_in_the_plan_nothing_changes, the_guests_own_code_does_not,
             several_vcpus_hold_at_the_same_time, what_lasts_too_long_loses_it_and_the_next_has_it_again,
             nobody_sleeps_with_it, a_child_does_not_have_it, under_tcg_it_says_once_that_it_does_nothing,
             where_it_may_not_it_says_so_once, a_supervisors_table_is_used_and_counts,
             a_descriptor_that_is_no_table_is_said])
