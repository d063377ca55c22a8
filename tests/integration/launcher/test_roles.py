#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every thread of a stock QEMU is in its role: by itself, and by the broker where it may not."""

from contextlib import closing
import os
import subprocess
import sys
import threading
import time

from namespace import without_shm
from rfb import Viewer
from tap import Skip, check, check_equal, main, note
from vm import PATIENCE, Monitor, Place, Vm, need_root, read_setting, threads_of, wait_for

CPUS = sorted(os.sched_getaffinity(0))
HOST, GUEST = CPUS[0], CPUS[-1]  # the same one where there is no second
ROLES = {  # policy, priority, CPU
    "vcpu": ("rr", 2, GUEST), "main": ("fifo", 6, HOST), "ioth": ("fifo", 5, HOST), "paio": ("fifo", 4, GUEST),
    "vncs": ("rr", 3, HOST), "othr": ("other", 0, HOST)}
PLAN = [word for role, (policy, priority, cpu) in ROLES.items()
        for word in ("-rt", "%s_sched=%s" % (role, policy), "-rt", "%s_prio=%d" % (role, priority),
                     "-rt", "%s_bias=%d" % (role, cpu))]
POLICIES = {"other": 0, "fifo": 1, "rr": 2}
WANTED = {"vcpu": 2, "main": 1, "ioth": 1, "vncs": 1, "paio": 1, "othr": 1}

SURVEY = 1.1  # s: the supervisor looks for kernel threads once a second
UNNAMED = ["-rt", "main_sched=batch", "-rt", "main_bias=%d" % CPUS[0]]

# A process that takes a name, and has its command line away, as a kernel thread has none.
# Its main thread sleeps while the command line goes: its stack may be in the same page.
IMPOSTOR = """
import ctypes, os, sys, threading, time
libc = ctypes.CDLL(None)
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
with open("/proc/self/stat", encoding="ascii") as file:
    fields = file.read().rpartition(")")[2].split()
start, end = int(fields[45]) & ~4095, (int(fields[48]) + 4095) & ~4095
os.setgid(65534)
os.setuid(65534)
libc.prctl(15, sys.argv[1].encode(), 0, 0, 0)

def hide():
    while open("/proc/self/stat", encoding="ascii").read().rpartition(")")[2].split()[0] != "S":
        time.sleep(0.01)
    libc.munmap(start, end - start)
    libc.pause()

threading.Thread(target=hide).start()
libc.pause()
"""


class Load(threading.Thread):
    """Reads and writes the drive, many requests at a time, by the pool's workers."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.monitor, self.ending, self.error = Monitor(path), threading.Event(), None

    def run(self):
        try:
            while not self.ending.wait(0.01):
                for block in range(4):
                    self.write(block)
        except Exception as error:  # whatever it is, the test says it
            self.error = error

    def write(self, block):
        self.monitor.call("human-monitor-command",
                          **{"command-line": 'qemu-io disk0 "aio_write -q -P %d %dk 64k"' % (block, block * 64)})

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.join()
        self.monitor.close()

    def check(self):
        if self.error:
            raise self.error


def arguments(place):
    with open(place.file("disk"), "wb") as disk:
        disk.truncate(16 << 20)
    os.chmod(place.file("disk"), 0o666)
    return ["-smp", "2", "-object", "iothread,id=io0", "-vga", "std", "-vnc", "unix:" + place.file("vnc"),
            "-drive", "file=%s,format=raw,if=none,id=disk0,aio=threads" % place.file("disk"),
            "-device", "virtio-blk-pci,drive=disk0,iothread=io0",
            "-qmp", "unix:%s,server=on,wait=off" % place.file("qmp")]


def check_thread(thread):
    policy, priority, cpu = ROLES[thread["role"]]
    who = "%s (%s)" % (thread["name"], thread["role"])
    try:
        actual = read_setting(thread["tid"])
    except ProcessLookupError:
        return  # a worker that ended meanwhile
    check(thread["in_plan"], "%s is not in the plan: %s" % (who, thread))
    check_equal(thread["planned"]["policy"], policy, "planned policy of " + who)
    check_equal(thread["effective"]["policy"], policy, "policy of " + who)
    check_equal(actual[0], POLICIES[policy], "the kernel's policy of " + who)
    check_equal(actual[1], priority, "the kernel's priority of " + who)
    check_equal(actual[3], (cpu,), "the kernel's CPUs of " + who)


def check_placed_by(status, roles, by):
    """One is enough: under load the broker may be too late for another, which the supervisor then puts right."""
    found = {thread["placed_by"] for role in roles for thread in threads_of(status, role)}
    check(by in found, "placed by %s, wanted %s" % (", ".join(found), by))


def run_vm(run, qemu, roles, by):
    """Roles are those whose threads must have been placed by `by`."""
    need_root()
    with Place() as place, Vm(place, PLAN + run, arguments(place) + qemu) as vm:
        vm.wait_up()
        with closing(Viewer(place.file("vnc"))) as viewer, Load(place.file("qmp")) as load:
            for _ in range(3):
                check(viewer.ask() > 0, "no picture came")
            status = vm.wait_roles(WANTED)
            load.check()
        note("%d threads, %d of them workers" % (len(status["threads"]), len(threads_of(status, "paio"))))
        check_equal(status["unplaced"], 0, "threads that could not be placed")
        check_equal(len(threads_of(status, "vcpu")), 2, "vCPUs")
        check_equal(len(threads_of(status, "ioth")), 1, "iothreads")
        for thread in status["threads"]:
            check_thread(thread)
        check_placed_by(status, roles, by)
        vm.process.terminate()
        check_equal(vm.wait_end(), 0, "exit code")


def stock():
    run_vm([], [], ["vcpu", "main", "ioth", "vncs", "paio"], "self")


def unprivileged():
    run_vm(["--user", "nobody"], [], ["vcpu", "main", "ioth", "vncs", "paio"], "broker")


def sandboxed():
    if HOST == GUEST:
        raise Skip("needs two CPUs: QEMU 7.2's sandbox forbids to change CPUs, and no more")
    run_vm([], ["-sandbox", "on,resourcecontrol=deny"], ["vcpu", "paio"], "broker")


def from_outside():
    run_vm(["--no-preload"], [], ["vcpu", "main", "ioth", "vncs", "paio", "othr"], "supervisor")


def run_quietly(place, wrapper, look):
    """What is said during a VM's life; look(QEMU's root folder) is called in the middle of it."""
    qemu = ["-smp", "2", "-qmp", "unix:%s,server=on,wait=off" % place.file("qmp")]
    with Vm(place, PLAN + ["-rt", "pi=on", "-rt", "mlock=onfault"], qemu, wrapper=wrapper) as vm:
        status = vm.wait_roles({"vcpu": 2, "main": 1})
        look("/proc/%d/root" % status["qemu_pid"])
        for thread in status["threads"]:
            check_thread(thread)
        check_placed_by(status, ["vcpu", "main"], "self")
        with Monitor(place.file("qmp")) as monitor:
            monitor.call("quit")
        check_equal(vm.wait_end(), 0, "exit code")
        return vm.output()


def check_no_shm(root):
    check(os.path.exists(root + "/dev/null"), "QEMU's /dev cannot be seen")
    check(not os.path.exists(root + "/dev/shm"), "QEMU has a /dev/shm")


def no_shm():
    """Neither we nor what we switch on in QEMU needs it. What is said of the plan is the same everywhere."""
    need_root()
    with Place() as place:
        usual = run_quietly(place, [], lambda root: None)
        check_equal(run_quietly(place, without_shm(place), check_no_shm), usual, "what is said")


def default_plan():
    need_root()
    with Place() as place, Vm(place, [], ["-smp", "2", "-object", '{"qom-type":"iothread","id":"io0"}']) as vm:
        status = vm.wait_roles({"vcpu": 2, "main": 1, "ioth": 1})
        for thread in status["threads"]:
            check(thread["in_plan"], "not in the plan: %s" % thread)
        for role in ("vcpu", "main"):
            check(threads_of(status, role)[0]["planned"], "the default plan says nothing about " + role)


def late_vcpu():
    """A vCPU that is plugged in later gets its own index."""
    need_root()
    qemu = ["-smp", "1,maxcpus=2,sockets=2", "-cpu", "qemu64"]
    with Place() as place:
        qemu += ["-qmp", "unix:%s,server=on,wait=off" % place.file("qmp")]
        with Vm(place, PLAN + ["-rt", "vcpu_prio=2,3"], qemu) as vm:
            vm.wait_roles({"vcpu": 1})
            monitor = Monitor(place.file("qmp"))
            monitor.call("device_add", driver="qemu64-x86_64-cpu", id="late",
                         **{"socket-id": 1, "core-id": 0, "thread-id": 0})
            status = vm.wait_roles({"vcpu": 2})
            monitor.close()
            late = [thread for thread in threads_of(status, "vcpu") if thread["index"] == 1]
            check_equal(len(late), 1, "threads of vCPU 1")
            check_equal(late[0]["effective"]["priority"], 3, "its priority")


def corrected():
    """A thread that somebody changed is put right, and counted."""
    need_root()
    with Place() as place, Vm(place, PLAN, ["-smp", "2"]) as vm:
        status = vm.wait_roles({"vcpu": 2})
        tid = threads_of(status, "vcpu")[1]["tid"]
        os.sched_setscheduler(tid, os.SCHED_OTHER, os.sched_param(0))
        wait_for("the vCPU is put right", lambda: read_setting(tid)[0] == os.SCHED_RR)
        status = vm.status()
        check(status["corrections"] >= 1, "the correction is not counted")
        thread = [thread for thread in status["threads"] if thread["tid"] == tid][0]
        check(thread["corrections"] >= 1, "the thread's correction is not counted")


def unnamed(run):
    """What the main loop's threads inherit from it is not theirs."""
    def test():
        need_root()
        with Place() as place, Vm(place, UNNAMED + run, ["-smp", "2", "-S"]) as vm:
            vcpus = threads_of(vm.wait_roles({"vcpu": 2, "main": 1}), "vcpu")
            check_equal(len(vcpus), 2, "vCPUs")
            for thread in vcpus:
                wait_for("vCPU %d runs as without a plan" % thread["index"],
                         lambda tid=thread["tid"]: read_setting(tid) == read_setting(0), PATIENCE)
            for thread in threads_of(vm.status(), "vcpu"):
                check_equal(thread["effective"]["policy"], "other", "policy of a vCPU in status")
            check_equal(read_setting(vm.status()["qemu_pid"])[0], os.SCHED_BATCH, "policy of the main loop")
    return test


def read_command(pid):
    with open("/proc/%d/cmdline" % pid, "rb") as file:
        return file.read()


def impostor():
    """Whatever name a process of another user takes, and whatever it hides, it is no kernel thread."""
    need_root()
    plan = ["-rt", "kio_sched=batch", "-rt", "kio_nice=3"]
    with Place() as place, Vm(place, plan, ["-machine", "none"]) as vm:
        name = "vhost-%d" % vm.wait_up()["qemu_pid"]
        with subprocess.Popen([sys.executable, "-c", IMPOSTOR, name]) as other:
            try:
                wait_for("a process without a command line", lambda: read_command(other.pid) == b"")
                before = read_setting(other.pid)
                for _ in range(2):
                    time.sleep(SURVEY)
                    # Answered after all that was due when it was asked, a survey among it.
                    check(vm.status(), "status")
                check_equal(other.poll(), None, "exit code of the impostor")
                check_equal(read_setting(other.pid), before, "how it runs")
                check_equal(threads_of(vm.status(), "kio"), [], "kernel threads of the VM")
            finally:
                other.kill()


main([
    ("stock QEMU: each thread is in its role, by itself", stock),
    ("QEMU of another user: each thread is in its role, by the broker", unprivileged),
    ("QEMU with -sandbox resourcecontrol=deny: each thread is in its role, by the broker", sandboxed),
    ("without preload: each thread is in its role, by the supervisor", from_outside),
    ("no /dev/shm: each thread is in its role, and nobody complains", no_shm),
    ("the default plan covers vCPUs, main loop and iothreads", default_plan),
    ("a vCPU that is plugged in later has its own index", late_vcpu),
    ("a role that the plan does not name: as without a plan", unnamed([])),
    ("a role that the plan does not name, without preload: as without a plan", unnamed(["--no-preload"])),
    ("a process that poses as a kernel thread of the VM's stays as it is", impostor),
    ("a thread that was changed is put right and counted", corrected),
])
