#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Slices of 4 ms in an unmodified QEMU: it sees no EINTR, and the guest's disk has the right bytes. The short
form of tests/soak/quantum."""
import os
import pathlib
import shutil
import sys
import tempfile

import taplib
from taplib import Skip, need_realtime

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "soak"))

import diskguest  # noqa: E402 (it is not beside this file)
from quantumvm import Failed, QuantumVm  # noqa: E402

SLICES = 600
BLOCKS = 6
LIMIT = 100  # seconds, on a machine under load


def expect_slices(more):
    if not shutil.which("qemu-system-x86_64"):
        raise Skip("qemu-system-x86_64 is not installed")
    need_realtime()
    with tempfile.TemporaryDirectory() as folder:
        try:
            with QuantumVm(folder, max(os.sched_getaffinity(0)), BLOCKS, more) as vm:
                vm.wait_for_yields(SLICES, LIMIT)
                counts, passes = vm.stop(LIMIT)
                vm.check(counts)
        except diskguest.NoCompiler as reason:
            raise Skip(str(reason)) from None
        except Failed as failure:
            raise AssertionError(str(failure)) from None
        print(f"# {counts['yields']} slices, {counts['kept_out']} over while QEMU waited, {passes} passes over the disk")


def a_qemu_whose_threads_share_a_cpu_sees_no_signal_and_loses_no_byte():
    expect_slices("")


def nor_does_one_whose_main_loop_wakes_early():
    expect_slices("advance=200")


if __name__ == "__main__":
    taplib.main([
        a_qemu_whose_threads_share_a_cpu_sees_no_signal_and_loses_no_byte,
        nor_does_one_whose_main_loop_wakes_early,
    ])
