#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The preload library in an unmodified QEMU, without the launcher."""
import os
import shutil
import signal

import qemu_vm
import taplib
from qemu_vm import FIFO, GUEST, HOUSE, LIMIT, OTHER, PLAN, WANT
from taplib import Broker, Skip, environment, expect, need_realtime

STOCK = shutil.which("qemu-system-x86_64")


class Vm(qemu_vm.Vm):
    def command(self, plan):
        if not STOCK:
            raise Skip("qemu-system-x86_64 is not installed")
        return [STOCK]

    def environment(self, plan, variables):
        return environment(plan, **variables)


def every_thread_of_a_stock_qemu_is_in_its_role():
    with Vm() as vm:
        vm.wait_for_roles()
        expect(vm.errors.read_text(), "")


def a_daemonized_qemu_is_placed_too():
    with Vm("-daemonize") as vm:
        expect(vm.process.wait(LIMIT), 0, vm.errors.read_text())
        vm.pid = int(vm.pidfile.read_text())
        vm.wait_for_roles()


def a_sandboxed_qemu_is_placed_by_its_broker():
    place = {0: (FIFO, 10, {GUEST}), 1: (FIFO, 12, {HOUSE}), 2: (FIFO, 11, {HOUSE}), 4: (FIFO, 2, {HOUSE}),
             5: (FIFO, 12, {HOUSE}), 7: (OTHER, 0, {HOUSE})}
    need_realtime()
    broker = Broker(lambda role, index: place[role])
    with Vm("-sandbox", "on,resourcecontrol=deny", fds=broker.fds, variables=broker.variables) as vm:
        # RESET_ON_FORK is a thing of ours; the test's broker does not set it.
        want = {name: (setting[0], 0, *setting[2:]) for name, setting in WANT.items()}
        vm.wait_for_roles(want)
        expect(vm.errors.read_text(), "")
    broker.close()
    assert (taplib.PLACE, 0, 1, "CPU 1/TCG") in broker.log, broker.log


def a_sandboxed_qemu_without_a_broker_says_so_and_runs_on():
    with Vm("-sandbox", "on,resourcecontrol=deny") as vm:
        have = vm.wait_until(lambda have: "CPU 1/TCG" in have and "vnc_worker" in have)
        # Not more urgent than their role, though they inherited the main loop's urgency.
        for name in ("CPU 0/TCG", "CPU 1/TCG"):
            assert all(s[2] <= 10 for s in have[name]), have
        vm.wait_until(lambda _: "seccomp" in vm.errors.read_text())
        expect(len(vm.errors.read_text().splitlines()), 1, vm.errors.read_text())
        os.kill(vm.pid, signal.SIGTERM)
        vm.process.wait(LIMIT)


def a_qemu_without_rights_is_placed_by_its_broker():
    if os.geteuid() != 0:
        raise Skip("needs root, to give a capability up")
    need_realtime()
    broker = Broker(lambda role, index: (FIFO, 10 + role, {HOUSE}))
    with Vm(fds=broker.fds, variables=broker.variables, preexec_fn=taplib.drop_nice) as vm:
        vm.wait_until(lambda have: have.get("CPU 1/TCG") == {(FIFO, 0, 10, (HOUSE,))} and
                      have.get("main") == {(FIFO, 0, 11, (HOUSE,))} and
                      have.get("vnc_worker") == {(FIFO, 0, 14, (HOUSE,))})
    broker.close()


# ---- memory --------------------------------------------------------------------------------------

def memory_of(mode):
    """(locked, resident) MiB once the VM is up."""
    with Vm(plan=[*PLAN, f"mlock={mode}"]) as vm:
        vm.wait_until(lambda have: have.get("CPU 1/TCG") == {WANT["CPU 1/TCG"]} and "vnc_worker" in have)
        if "not locked" in vm.errors.read_text():
            raise Skip("may not lock memory")
        return vm.status("VmLck") >> 10, vm.status("VmRSS") >> 10


def locking_on_fault_populates_nothing():
    plain = memory_of("off")
    locked = memory_of("onfault")
    expect(plain[0], 0)
    assert locked[0] > 100, locked
    assert locked[1] < plain[1] + 40, (plain, locked)


def prefaulting_populates_the_guest_and_not_the_translator():
    onfault = memory_of("onfault")
    prefault = memory_of("prefault")
    # 64 MiB of guest; the translator's buffer alone would be several hundred more.
    assert onfault[1] + 30 < prefault[1] < onfault[1] + 120, (onfault, prefault)


def all_locked_runs_with_small_stacks():
    locked, resident = memory_of("all")
    assert locked > 100 and resident > 300, (locked, resident)


if __name__ == "__main__":
    taplib.main([
        every_thread_of_a_stock_qemu_is_in_its_role,
        a_daemonized_qemu_is_placed_too,
        a_sandboxed_qemu_is_placed_by_its_broker,
        a_sandboxed_qemu_without_a_broker_says_so_and_runs_on,
        a_qemu_without_rights_is_placed_by_its_broker,
        locking_on_fault_populates_nothing,
        prefaulting_populates_the_guest_and_not_the_translator,
        all_locked_runs_with_small_stacks,
    ])
