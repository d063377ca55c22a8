#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Roles under deadline, with what happens where the kernel refuses it, and I/O priorities."""

import os
import subprocess

from tap import Skip, check, check_equal, main, note
from vm import Place, Vm, is_alive, list_threads, need_root, on_a_fair_day, read_setting, threads_of, wait_for

DEADLINE = 6  # the kernel's number
CPUS = sorted(os.sched_getaffinity(0))
TIMES = ["-rt", "vcpu_sched=deadline", "-rt", "vcpu_runtime=5000", "-rt", "vcpu_period=100000"]
PLAN = TIMES + ["-rt", "vcpu_prio=7", "-rt", "main_prio=8"]
INSTEAD = "runs under fifo 7 instead of deadline"


def need_deadline():
    """A thread that may run everywhere gets it here, or nobody does."""
    need_root()
    done = subprocess.run(["chrt", "-R", "-d", "-T", "1000000", "-P", "100000000", "-D", "100000000", "0", "true"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip("this host gives nobody deadline: " + done.stderr.strip())


def read_ioprio(tid):
    return subprocess.run(["ionice", "-p", str(tid)], capture_output=True, text=True, check=True).stdout.strip()


def check_deadline(vm, by):
    for thread in threads_of(vm.wait_roles({"vcpu": 2, "main": 1}), "vcpu"):
        wait_for("vCPU %d under deadline" % thread["index"], lambda tid=thread["tid"]: read_setting(tid)[0] == DEADLINE)
    for thread in threads_of(vm.wait_placed_by("vcpu", by), "vcpu"):
        check_equal(thread["planned"]["policy"], "deadline", "planned policy")
        check_equal(thread["effective"]["runtime_ns"], 5000000, "runtime")
        check_equal(thread["effective"]["period_ns"], 100000000, "period")
        check(thread["in_plan"], "not in the plan: %s" % thread)
        check_equal(thread["fallback"], False, "fallback")
        check(os.sched_getscheduler(thread["tid"]) & 0x40000000, "its children would inherit: reset on fork is off")
    check("instead of deadline" not in vm.output(), vm.output())


def deadline(run, by, accel="tcg,thread=multi"):
    @on_a_fair_day
    def test():
        need_deadline()
        with Place() as place, Vm(place, PLAN + run, ["-smp", "2"], accel=accel) as vm:
            vm.wait_up()
            check_deadline(vm, by)
            vm.process.terminate()
            check_equal(vm.wait_end(), 0, "exit code")
    return test


def under_kvm():
    """The first run of a vCPU starts a kernel thread, which a thread under deadline may not without reset on fork."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("needs KVM")
    deadline([], "self", "kvm")()


def refused(run):
    """One CPU of several."""
    def test():
        need_deadline()
        if len(CPUS) < 2:
            raise Skip("needs two CPUs: on one a mask of one is all of them")
        if not is_throttled():
            raise Skip("this kernel refuses nobody: kernel.sched_rt_runtime_us is -1")
        plan = PLAN + ["-rt", "vcpu_bias=%d" % CPUS[-1]]
        with Place() as place, Vm(place, plan + run, ["-smp", "2"]) as vm:
            vm.wait_up()
            check_fallback(place, vm, CPUS[-1])
    return test


def is_throttled():
    with open("/proc/sys/kernel/sched_rt_runtime_us", encoding="ascii") as file:
        return int(file.read()) >= 0


def check_fallback(place, vm, cpu):
    threads = threads_of(vm.wait_roles({"vcpu": 2}), "vcpu")
    for thread in threads:
        check(thread["in_plan"], "not in the plan: %s" % thread)
        check_equal(thread["fallback"], True, "fallback")
        check_equal(thread["planned"]["policy"], "fifo", "what is wanted of it now")
        layers = {layer["layer"]: layer["setting"] for layer in thread["layers"]}
        check(layers["plan"].startswith("fifo 7 on %d" % cpu), "layer of the plan: %s" % layers)
        check_equal(read_setting(thread["tid"])[:2], (os.SCHED_FIFO, 7), "what it has")
        check_equal(read_setting(thread["tid"])[3], (cpu,), "its CPUs")
    said = wait_for("a line about it", lambda: [line for line in vm.output().splitlines() if "deadline" in line])
    check_equal(len(said), 1, "lines about it: %s" % said)
    check(INSTEAD in said[0] and "all CPUs of the partition" in said[0], said[0])
    _, out, _ = place.call("status", "vm", env={"COLUMNS": "300"})
    check("(no deadline)" in out, out)


PARTITIONS = ("/sys/fs/cgroup/cpuset/cpuset.cpus", "/sys/fs/cgroup/cpuset.cpus.effective")


def wait_shielded(vm):
    """Whether a shield can be raised is another test's matter."""
    try:
        vm.wait_up()
    except AssertionError:
        if vm.process.poll() is None or "shield: " not in vm.output():
            raise
    if "shield: " in vm.output():
        raise Skip("no shield is to be had here and now: " + vm.output().strip().splitlines()[-1])


def shielded(run):
    """A shield is a partition: its one CPU is all of it. A thread that sleeps outside of it has to run there first."""
    def test():
        need_deadline()
        if len(CPUS) < 2:
            raise Skip("needs two CPUs: one stays with the host")
        if not any(map(os.path.exists, PARTITIONS)):
            raise Skip("no cpusets are mounted here: a shield is no partition then")
        others = ["-rt", "main_bias=%d paio_bias=%d othr_bias=%d" % (CPUS[0], CPUS[0], CPUS[0])]
        plan = PLAN + others + ["-rt", "shield=on", "-rt", "vcpu_bias=%d" % CPUS[-1]]
        with Place() as place, Vm(place, plan + run) as vm:
            wait_shielded(vm)
            tid = threads_of(vm.wait_roles({"vcpu": 1}), "vcpu")[0]["tid"]
            wait_for("the vCPU under deadline", lambda: read_setting(tid)[0] == DEADLINE)
            wait_for("status without fallback", lambda: not threads_of(vm.status(), "vcpu")[0]["fallback"])
            check_equal(read_setting(tid)[3], (CPUS[-1],), "its CPUs")
            check("instead of deadline" not in vm.output(), vm.output())
            vm.process.terminate()
            check_equal(vm.wait_end(), 0, "exit code")
    return test


def no_time_left():
    """More than the kernel grants: lint refuses it before; what others have taken only shows when it is tried."""
    need_deadline()
    if not is_throttled():
        raise Skip("this kernel refuses nobody: kernel.sched_rt_runtime_us is -1")
    plan = ["-rt", "vcpu_sched=deadline", "-rt", "vcpu_runtime=99000", "-rt", "vcpu_period=100000", "-rt", "main_prio=8"]
    with Place() as place:
        code, _, errors = place.call("run", *plan, "--", "qemu-system-x86_64", "-smp", str(len(os.sched_getaffinity(0))),
                                     "-nodefaults", "-display", "none")
        check_equal(code, 125, "exit code")
        check("deadline threads want" in errors and "give less runtime" in errors, errors)


def calmed_after_a_kill():
    """The launcher is killed, and 'repair' takes deadline and I/O priorities away from threads that sleep or not."""
    need_deadline()
    with Place() as place, Vm(place, PLAN + ["-rt", "main_ioprio=be:6"], ["-smp", "2"]) as vm:
        qemu = vm.wait_roles({"vcpu": 2, "main": 1})["qemu_pid"]
        wait_for("a vCPU under deadline", lambda: any(read_setting(tid)[0] == DEADLINE for tid in list_threads(qemu)))
        check_equal(read_ioprio(qemu), "best-effort: prio 6", "the main loop's I/O priority")
        vm.process.kill()
        vm.process.wait()
        code, _, errors = place.call("repair")
        check_equal(code, 0, "exit code of repair: " + errors)
        check(is_alive(qemu), "the VM was ended")
        for tid in list_threads(qemu):
            check_equal(read_setting(tid), read_setting(0), "thread %d" % tid)
            check_equal(read_ioprio(tid), read_ioprio(os.getpid()), "I/O priority of thread %d" % tid)


def ioprio(run):
    def test():
        need_root()
        plan = ["-rt", "main_ioprio=rt:1", "-rt", "vcpu_ioprio=be:7,idle", "-rt", "othr_nice=0"]
        with Place() as place, Vm(place, plan + run, ["-smp", "2"]) as vm:
            vm.wait_up()
            status = vm.wait_roles({"vcpu": 2, "main": 1})
            check_equal(read_ioprio(threads_of(status, "main")[0]["tid"]), "realtime: prio 1", "main loop")
            vcpus = sorted(threads_of(status, "vcpu"), key=lambda thread: thread["index"])
            check_equal([read_ioprio(thread["tid"]) for thread in vcpus], ["best-effort: prio 7", "idle"], "vCPUs")
            check_equal([thread["effective"].get("ioprio") for thread in vcpus], ["be:7", "idle"], "vCPUs in status")
            for thread in threads_of(status, "othr"):
                check_equal(read_ioprio(thread["tid"]), read_ioprio(os.getpid()), "a thread of which nothing is said")
            tid = threads_of(status, "main")[0]["tid"]
            subprocess.run(["ionice", "-c", "3", "-p", str(tid)], check=True)
            wait_for("the main loop's is put right", lambda: read_ioprio(tid) == "realtime: prio 1")
            note("corrections: %d" % vm.status()["corrections"])
    return test


main([
    ("deadline: vCPUs have it, by themselves", deadline([], "self")),
    ("deadline: vCPUs of another user's QEMU have it, by the broker", deadline(["--user", "nobody"], "broker")),
    ("deadline: vCPUs have it without preload, by the supervisor", deadline(["--no-preload"], "supervisor")),
    ("deadline: vCPUs have it under KVM", under_kvm),
    ("deadline on one CPU of several: fifo instead, and one line says so", refused([])),
    ("deadline on one CPU of several, by the broker: fifo instead", refused(["--user", "nobody"])),
    ("deadline on one CPU of several, by the supervisor: fifo instead", refused(["--no-preload"])),
    ("deadline on a shield's CPU: the vCPU has it", shielded([])),
    ("deadline on a shield's CPU for another user's QEMU: the vCPU has it", shielded(["--user", "nobody"])),
    ("deadline on a shield's CPU without preload: the vCPU has it", shielded(["--no-preload"])),
    ("deadline: more time than there is, is refused before", no_time_left),
    ("deadline and I/O priorities end when the launcher was killed", calmed_after_a_kill),
    ("I/O priorities per role, by the threads themselves", ioprio([])),
    ("I/O priorities per role, by the broker", ioprio(["--user", "nobody"])),
    ("I/O priorities per role, by the supervisor", ioprio(["--no-preload"])),
])
