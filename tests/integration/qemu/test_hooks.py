#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The hooks that stand around QEMU's waits: each of these fails without one of them."""
import contextlib
import os
import pathlib
import re
import tempfile
import time

import rtlib
import taplib
from qemu_vm import GUEST, HOUSE
from taplib import Skip, expect

PLAN = [f"main_sched=fifo main_prio=12 main_bias={HOUSE}", f"vcpu_sched=fifo vcpu_prio=10 vcpu_bias={GUEST}"]
HERTZ, ADVANCE_US = 200, 1000
SHARE = HERTZ * ADVANCE_US / 1e6  # of a CPU that whoever meets all of these deadlines awake takes
TICK = os.sysconf("SC_CLK_TCK")
PERIOD = (1193182 // HERTZ).to_bytes(2, "little")

# The interval timer ticks: out 0x43, 0x34; out 0x40, low; out 0x40, high
START_TIMER = b"\xb0\x34\xe6\x43\xb0" + PERIOD[:1] + b"\xe6\x40\xb0" + PERIOD[1:] + b"\xe6\x40"
# A guest that sleeps while it does: cli; hlt; and again. It is where a CPU begins.
ASLEEP = bytes(0xfff0) + START_TIMER + b"\xfa\xf4\xeb\xfd"
# One that it wakes, and that then writes to port 0x80 a hundred times.
HANDLER = (b"\xb9\x64\x00"      # mov cx, 100
           b"\xe6\x80\xe2\xfc"  # out 0x80, al; loop
           b"\xb0\x20\xe6\x20"  # out 0x20, 0x20: the interrupt's end
           b"\xcf")             # iret
BEGIN = (b"\xfa\x31\xc0\x8e\xd8\x8e\xd0\xbc\x00\x7c"           # cli; ds = ss = 0; sp = 0x7c00
         b"\xc7\x06\x20\x00\x00\x01\xc7\x06\x22\x00\x00\xf0"   # vector 8: f000:0100, the handler
         b"\xb0\x11\xe6\x20\xb0\x08\xe6\x21\xb0\x04\xe6\x21"   # out 0x20, 0x11; out 0x21: 8 (the first vector), 4,
         b"\xb0\x01\xe6\x21\xb0\xfe\xe6\x21" + START_TIMER +   # 1, 0xfe (the timer alone)
         b"\xfb\xf4\xeb\xfd")                                  # sti; hlt; and again
WOKEN = (BEGIN.ljust(0x100, b"\0") + HANDLER).ljust(0xfff0, b"\0") + b"\xea\x00\x00\x00\xf0".ljust(16, b"\0")  # jmp f000:0


@contextlib.contextmanager
def running(firmware, *plan, accel="tcg,thread=multi"):
    """A VM, and the threads of its main loop and first CPU."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "firmware")
        path.write_bytes(firmware)
        # One CPU without a local APIC has the timer's interrupt without further ado.
        with rtlib.Vm("-bios", str(path), "-smp", "1", "-cpu", "qemu64,-apic", accel=accel, plan=[*PLAN, *plan]) as vm:
            name = "CPU 0/" + accel[:3].upper()
            vm.wait_until(lambda have: min(setting[2] for setting in have.get(name, {(0, 0, 0)})) == 10)
            yield vm.pid, next(tid for tid, comm in taplib.threads(vm.pid) if comm == name)
            expect([line for line in vm.lines() if "-rt" in line], [])


# ---- advance= ------------------------------------------------------------------------------------

def cpu_time(pid, tid):
    fields = pathlib.Path(f"/proc/{pid}/task/{tid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def shares(firmware, advance_us):
    """Of a CPU that the main loop and the guest's CPU take."""
    with running(firmware, f"advance={advance_us}") as (main, vcpu):
        time.sleep(0.5)
        begin, before = time.monotonic(), [cpu_time(main, tid) for tid in (main, vcpu)]
        time.sleep(2)
        after, length = [cpu_time(main, tid) for tid in (main, vcpu)], time.monotonic() - begin
        return [(new - old) / length for new, old in zip(after, before)]


def expect_more(firmware, number):
    """Of a CPU with advance= than without it; a machine that stalls may hide it for once."""
    seen = []
    while not seen or (not is_more(*seen[-1]) and len(seen) < 4):
        seen.append([shares(firmware, advance_us)[number] for advance_us in (0, ADVANCE_US)])
    assert is_more(*seen[-1]), seen


def is_more(plain, advanced):
    return advanced > plain + SHARE / 4


def the_main_loop_meets_deadlines_awake():
    """By its ppoll."""
    expect_more(ASLEEP, 0)


def a_vcpu_that_it_wakes_is_awake_by_then():
    """By its wait for a condition, and by who signals that: which CPU is woken is learned from both."""
    expect_more(WOKEN, 1)


# ---- preemptlock= --------------------------------------------------------------------------------

def read_state(pid, tid):
    """Whether a thread sleeps, and how often it went to sleep."""
    text = pathlib.Path(f"/proc/{pid}/task/{tid}/status").read_text()
    return re.search(r"^State:\s+(\S)", text, re.M).group(1), re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M).group(1)


@contextlib.contextmanager
def on_cpu(number):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {number})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def a_vcpu_that_sleeps_has_no_preempt_lock():
    """By its wait for a condition; that it has the lock while it emulates is seen in the same guest. Without KVM's
    interrupt controller a halted CPU sleeps in QEMU."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("no /dev/kvm here")
    if HOUSE == GUEST:
        raise Skip("needs two CPUs, to look at a thread while it runs")
    asleep, awake = [], set()
    with running(WOKEN, "preemptlock=20000", accel="kvm,kernel-irqchip=off") as (pid, vcpu), on_cpu(HOUSE):
        end = time.monotonic() + 2
        while time.monotonic() < end:
            before, priority = read_state(pid, vcpu), os.sched_getparam(vcpu).sched_priority
            if before[0] != "S":
                awake.add(priority)
            elif read_state(pid, vcpu) == before:
                asleep.append(priority)
    assert 13 in awake and awake <= {10, 13}, awake
    # Where it waits for the big lock it has the preempt lock.
    assert len(asleep) > 100 and asleep.count(10) > 0.9 * len(asleep), (asleep.count(10), len(asleep))


if __name__ == "__main__":
    taplib.main([
        the_main_loop_meets_deadlines_awake,
        a_vcpu_that_it_wakes_is_awake_by_then,
        a_vcpu_that_sleeps_has_no_preempt_lock,
    ])
