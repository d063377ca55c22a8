#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Quanta of a stock QEMU's threads: made inside it, or from outside where the preload library is not."""

import os
import pathlib
import sys

from tap import Skip, check, check_equal, main, note
from vm import Place, Vm, need_root, on_a_fair_day, threads_of, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "soak"))

import diskguest  # noqa: E402 (it is not beside this file)

CPUS = sorted(os.sched_getaffinity(0))
HOST, GUEST = CPUS[0], CPUS[-1]  # the same one where there is no second
QUANTUM_MS, KERNEL_MS = 4, 100
# The main loop stands above: it serves the disk of one vCPU while the other spins.
PLAN = ["vcpu_sched=rr", "vcpu_prio=3", "vcpu_nice=19", "vcpu_bias=%d" % GUEST, "main_sched=fifo", "main_prio=6",
        "main_bias=%d" % HOST, "paio_sched=fifo", "paio_prio=5", "paio_bias=%d" % HOST]
SWITCHES = 40


def arguments(place):
    """One vCPU writes to the disk for ever, the other one spins."""
    try:
        disk = diskguest.make_disk(pathlib.Path(place.path), 8)
    except diskguest.NoCompiler as reason:
        raise Skip(str(reason)) from None
    os.chmod(disk, 0o666)
    return ["-machine", "pc", "-smp", "2", "-drive", "file=%s,format=raw,if=virtio,aio=threads" % disk,
            "-serial", "unix:%s,server=on,wait=off" % place.file("serial"),
            "-device", "isa-debug-exit,iobase=0x501,iosize=1"]


def usage_of(status):
    """(CPU time, how often others took its turn) of the vCPU that spins."""
    spinning = threads_of(status, "vcpu")[1]
    return spinning["cpu_time_ns"], spinning["involuntary_switches"]


def check_turns(vm):
    """How long the vCPU that spins ran at a time, in the mean."""
    begin = usage_of(vm.status())

    def look():
        now = usage_of(vm.status())
        return now if now[1] - begin[1] >= SWITCHES else None
    end = wait_for("%d turns" % SWITCHES, look)
    mean = (end[0] - begin[0]) / (end[1] - begin[1]) / 1e6
    note("%.1f ms a turn" % mean)
    check(mean <= KERNEL_MS / 2, "%.1f ms a turn, the quantum is %d ms, the kernel's %d ms" % (mean, QUANTUM_MS, KERNEL_MS))


def run_vm(run, qemu, by):
    need_root()
    options = [word for option in PLAN for word in ("-rt", option)]
    with Place() as place, Vm(place, options + run, arguments(place) + qemu) as vm:
        vm.wait_up()
        vm.wait_roles({"vcpu": 2, "main": 1})
        for thread in threads_of(vm.wait_placed_by("vcpu", by), "vcpu"):
            check_equal(thread["planned"]["policy"], "rr", "planned policy")
            check_equal(thread["effective"]["policy"], "fifo", "policy")
            check_equal(thread["effective"]["priority"], 3, "priority")
            check("quantum" in [layer["layer"] for layer in thread["layers"]], thread["layers"])
        check_turns(vm)
        status = vm.status()
        check(all(thread["in_plan"] for thread in threads_of(status, "vcpu")), status["threads"])
        check_equal(status["corrections"], 0, "corrections")
        vm.process.terminate()
        check_equal(vm.wait_end(), 0, "exit code: " + vm.output())


@on_a_fair_day
def by_itself():
    run_vm([], [], "self")


@on_a_fair_day
def by_the_broker():
    if HOST == GUEST:
        raise Skip("needs two CPUs: QEMU 7.2's sandbox forbids to change CPUs, and no more")
    run_vm([], ["-sandbox", "on,resourcecontrol=deny"], "broker")


@on_a_fair_day
def from_outside():
    run_vm(["--no-preload"], [], "supervisor")


main([("a vCPU's slices are ended inside of QEMU", by_itself),
      ("also where the broker places it", by_the_broker),
      ("and by the supervisor where the preload library is not", from_outside)])
