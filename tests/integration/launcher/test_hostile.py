#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A guest that writes all over the memory that it shares with its supervisor: that one goes on as planned."""

import os
import subprocess
import time

from demoguest import Console, find_memory
from tap import check, check_equal, main, note
from test_agent import RT, start, wait_guest
from vm import BUILD, Monitor, Place, read_setting, threads_of, wait_for

SCRIBBLER = os.path.join(BUILD, "tests", "integration", "shmem_scribbler")
SECONDS = 5
SHARE = 0.5  # of a CPU: what a supervisor may use at most while its guest goes mad
GUEST_SLOT = 1
KERNEL = {"other": os.SCHED_OTHER, "fifo": os.SCHED_FIFO, "rr": os.SCHED_RR}


def read_cpu_s(pid):
    with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def check_number(value, most, what):
    check(value is None or 0 <= value <= most, "%s: %r" % (what, value))


def check_status(status):
    """Whatever the guest says: numbers that can be."""
    guest, load = status["guest"], status["guest"]["load"]
    check(guest["state"] in ("unknown", "booting", "ready", "rebooting", "halting", "lost"), guest)
    check_number(load["cpu"], 1, "cpu")
    for name in ("runnable", "tasks", "available_bytes", "memory_bytes", "interrupts", "uptime_s"):
        check_number(load[name], 1 << 63, name)
    for name in ("for_ms", "beat_ms", "interval_ms"):
        check_number(guest[name], 86400000, name)
    check(len(load["cpu_each"]) <= 64, load)
    for share in load["cpu_each"]:
        check_number(share, 1, "a CPU's share")
    check_number(load["cpus"], 65536, "cpus")
    for value in guest["values"]:
        check(value["name"].isascii() and (not value["name"] or value["name"].isprintable()) and 16 <= value["index"] < 256, value)
    for name in ("kernel", "agent"):
        check(guest[name] is None or (guest[name].isprintable() and len(guest[name]) <= 72), guest)


def check_threads(status):
    """As planned, or time-shared, and nothing else."""
    for role, (policy, priority) in RT.items():
        for thread in threads_of(status, role):
            have = read_setting(thread["tid"])[:2]
            check(have in ((KERNEL[policy], priority), (os.SCHED_OTHER, 0)), "%s: %s" % (thread["name"], have))


def endure(vm, status, seed):
    pid, begin = status["launcher_pid"], time.monotonic()
    cpu_s = read_cpu_s(pid)
    scribbler = subprocess.Popen([SCRIBBLER, find_memory(pid), str(GUEST_SLOT), str(SECONDS), str(seed), "0", "0"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        looks = 0
        while scribbler.poll() is None:
            status = vm.status()
            check(status is not None, "no status: " + vm.output())
            check_status(status)
            check_threads(status)
            looks += 1
        words = scribbler.stdout.read().split()
    finally:
        scribbler.kill()
        scribbler.wait()
        scribbler.stdout.close()
    share = (read_cpu_s(pid) - cpu_s) / (time.monotonic() - begin)
    note("seed %d: %s writes, %d looks, the supervisor took %.0f %% of a CPU" % (seed, words[-1], looks, share * 100))
    check_equal(scribbler.returncode, 0, "the scribbler")
    check(share < SHARE, "the supervisor is busy")


def mad():
    with Place() as place, start(place) as vm, Console(place):
        status = wait_guest(vm, "ready", False)
        for seed in (1, 2):
            endure(vm, status, seed)
        check(vm.output().count("\n") < 1000, "it says too much: " + vm.output()[-2000:])
        with Monitor(place.file("qmp")) as monitor:
            monitor.call("system_reset")
        wait_for("a guest that boots", lambda: vm.status()["guest"]["state"] == "booting")
        wait_guest(vm, "ready", False)
        vm.process.terminate()
        check_equal(vm.wait_end(), 0, "exit code")


main([("a guest that writes everywhere moves its threads between two plans, and nothing else", mad)])
