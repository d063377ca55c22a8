#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The preload library in an unmodified QEMU, without the launcher."""
import os
import shutil
import signal

import qemu_vm
import taplib
from qemu_vm import LIMIT, SharedTests
from taplib import Skip, environment, expect

STOCK = shutil.which("qemu-system-x86_64")


class Vm(qemu_vm.Vm):
    def command(self, plan):
        if not STOCK:
            raise Skip("qemu-system-x86_64 is not installed")
        return [STOCK]

    def environment(self, plan, variables):
        return environment(plan, **variables)


SHARED = SharedTests(Vm)


def every_thread_of_a_stock_qemu_is_in_its_role():
    with Vm() as vm:
        vm.wait_for_roles()
        expect(vm.errors.read_text(), "")


def a_daemonized_qemu_is_placed_too():
    with Vm("-daemonize") as vm:
        expect(vm.process.wait(LIMIT), 0, vm.errors.read_text())
        vm.pid = int(vm.pidfile.read_text())
        vm.wait_for_roles()


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


def all_locked_runs_with_small_stacks():
    locked, resident = SHARED.memory_of("all")
    assert locked > 100 and resident > 300, (locked, resident)


if __name__ == "__main__":
    taplib.main([
        every_thread_of_a_stock_qemu_is_in_its_role,
        a_daemonized_qemu_is_placed_too,
        a_sandboxed_qemu_without_a_broker_says_so_and_runs_on,
        all_locked_runs_with_small_stacks,
        *SHARED.all(),
    ])
