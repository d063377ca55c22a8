#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""After any end of `run` the host is as before."""

import ctypes
import json
import os
import signal
import subprocess
import time

from host import Host
from process import Bystander, check_same, read_process, read_stock
from tap import Skip, check, check_equal, main
from vm import BUILD, Monitor, Place, Vm, find_unplanned, is_alive, need_root, read_setting, threads_of, wait_for

PLAN = ["-rt", "vcpu_sched=rr", "-rt", "vcpu_prio=2", "-rt", "main_sched=fifo", "-rt", "main_prio=6",
        "-rt", "paio_sched=fifo", "-rt", "paio_prio=5"]
QEMU = ["-smp", "2"]
ROLES = {"vcpu": 2, "main": 1}


def unchanged(scenario):
    """Other programs of the host change their own threads now and then; a fault of ours shows every time."""
    def run():
        need_root()
        for last in (False, True):
            with Place() as place, Bystander() as bystander:
                os.mkdir(place.run, 0o700)
                host = Host(place)
                scenario(place)
                bystander.check_untouched()
                try:
                    host.check_same()
                    return
                except AssertionError:
                    if last:
                        raise
    return run


def start(place, qemu=()):
    return Vm(place, PLAN, [*QEMU, *qemu])


def quit_by_monitor(place):
    with start(place, ["-qmp", "unix:%s,server=on,wait=off" % place.file("qmp")]) as vm:
        vm.wait_roles(ROLES)
        with Monitor(place.file("qmp")) as monitor:
            monitor.call("quit")
        check_equal(vm.wait_end(), 0, "exit code")


def terminated(place):
    with start(place) as vm:
        vm.wait_roles(ROLES)
        vm.wait_up()  # before that a signal ends QEMU as it ends any program
        vm.process.terminate()
        check_equal(vm.wait_end(), 0, "exit code")


def qemu_killed(place):
    with start(place) as vm:
        os.kill(vm.wait_roles(ROLES)["qemu_pid"], signal.SIGKILL)
        check_equal(vm.wait_end(), 128 + 9, "exit code")
        check("killed by signal 9" in vm.output(), vm.output())


def kill_launcher(vm):
    """The VM lives on. Returns QEMU's pid."""
    qemu = vm.wait_roles(ROLES)["qemu_pid"]
    vm.process.kill()
    vm.process.wait()
    check(is_alive(qemu), "the VM ended with its launcher")
    check(find_unplanned(qemu), "no thread of the VM is as planned")
    return qemu


def check_as_stock(qemu):
    """The VM runs as one that was never ours: its threads, its limits, its groups."""
    check_same(read_process(qemu), read_stock(QEMU, ["CPU 0/TCG", "CPU 1/TCG"]), "the VM")


def launcher_killed_by(command):
    def scenario(place):
        with start(place) as vm:
            qemu = kill_launcher(vm)
            code, _, errors = place.call(*command)
            check_equal(code, 0, "exit code of %s: %s" % (command, errors))
            check("VM 'vm' (pid %d) had lost its launcher" % qemu in errors, errors)
            check_equal(find_unplanned(qemu), [], "threads of the VM")
            check(is_alive(qemu), "the VM was ended")
            check_as_stock(qemu)
            check_equal(os.listdir(place.run), [], "files left behind")
    return scenario


def read_launcher(place):
    """Of the VM's folder, which is removed and made again meanwhile."""
    try:
        with open(os.path.join(place.run, "vm", "state.json"), encoding="utf-8") as file:
            return json.load(file)["launcher_pid"]
    except FileNotFoundError:
        return None


def repaired_by_run(place):
    """The next VM of the same name starts, and the lost one is calmed."""
    with start(place) as vm:
        qemu = kill_launcher(vm)
        with start(place) as second:
            # Asking for its status before would repair as well.
            wait_for("the second launcher", lambda: read_launcher(place) == second.process.pid)
            second.wait_roles(ROLES)
            check("had lost its launcher" in second.output(), second.output())
            check_equal(find_unplanned(qemu), [], "threads of the first VM")
            check_as_stock(qemu)
            second.process.terminate()
            check_equal(second.wait_end(), 0, "exit code")


def both_killed(place):
    with start(place) as vm:
        qemu = kill_launcher(vm)
        os.kill(qemu, signal.SIGKILL)
        wait_for("QEMU's end", lambda: not is_alive(qemu))
        code, out, errors = place.call("repair")
        check_equal((code, out), (0, ""), "repair: " + errors)
        check_equal(os.listdir(place.run), [], "files left behind")


def is_repaired(place):
    """A child of a killed launcher may hold the lock for a last moment."""
    code, _, errors = place.call("repair")
    check_equal(code, 0, "repair: " + errors)
    return os.listdir(place.run) == []


def killed_at_any_moment(place):
    """Wherever the launcher is when it is killed, the next call finds its way."""
    for delay in (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2):
        with start(place) as vm:
            time.sleep(delay)
            vm.process.kill()
            vm.process.wait()
            wait_for("nothing is left behind after %s s" % delay, lambda: is_repaired(place))


def snapshot_of(tid):
    """What the library writes down of a thread. Python cannot load a sanitized one."""
    library = ctypes.CDLL(os.environ.get("QRT_SCHED_LIB") or
                          os.path.join(BUILD, "libqrt-sched", "libqrt-sched.so"))
    snapshot, text = ctypes.c_void_p(), ctypes.create_string_buffer(4096)
    check_equal(library.qrt_sched_snapshot_new(ctypes.byref(snapshot)), 0, "snapshot_new")
    check_equal(library.qrt_sched_snapshot_add(snapshot, tid), 1, "snapshot_add")
    check(library.qrt_sched_snapshot_format(snapshot, text, len(text)) > 0, "snapshot_format")
    library.qrt_sched_snapshot_close(snapshot)
    return text.value.decode()


def leave_behind(place, threads, record=None):
    """A folder as a killed launcher leaves it."""
    folder = os.path.join(place.run, "lost")
    os.makedirs(folder, 0o700)
    os.chmod(place.run, 0o700)
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    whole = {"version": 1, "launcher_pid": 999999, "launcher_start": 1, "qemu_pid": 999999, "qemu_start": 1,
             "boot_id": boot, "fresh": {"policy": 0, "priority": 0, "nice": 0, "cpus": "0"}}
    with open(os.path.join(folder, "state.json"), "w", encoding="utf-8") as file:
        file.write(record if record is not None else json.dumps(whole))
    with open(os.path.join(folder, "threads"), "w", encoding="utf-8") as file:
        file.write(threads)
    return folder


def threads_outside():
    """What stands in for a kernel thread is put back by what the launcher had written down."""
    need_root()
    with Place() as place, subprocess.Popen(["sleep", "1000"]) as other:
        try:
            before = read_setting(other.pid)
            leave_behind(place, snapshot_of(other.pid))
            os.sched_setscheduler(other.pid, os.SCHED_FIFO, os.sched_param(3))
            code, _, errors = place.call("repair")
            check_equal(code, 0, errors)
            check_equal(read_setting(other.pid), before, "the thread's setting")
            check_equal(os.listdir(place.run), [], "files left behind")
        finally:
            other.kill()


def find_kernel_thread(qemu):
    """One that works for this QEMU, as the kernel names it."""
    for pid in os.listdir("/proc"):
        try:
            with open("/proc/%s/comm" % pid, encoding="utf-8", errors="replace") as file:
                if file.read().strip() == "kvm-pit/%d" % qemu:
                    return int(pid)
        except OSError:
            continue
    return None


def kernel_thread():
    """A thread that KVM starts outside of QEMU's process is placed, and put back by repair."""
    need_root()
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("no /dev/kvm here")
    plan = ["-rt", "kio_sched=batch", "-rt", "kio_nice=3"]
    with Place() as place, Vm(place, plan, ["-S"], accel="kvm") as vm:
        try:
            qemu = vm.wait_up()["qemu_pid"]
        except AssertionError:
            if "KVM" in vm.output():
                raise Skip("KVM does not work here: " + vm.output().strip().splitlines()[-1])
            raise
        pid = find_kernel_thread(qemu)
        if not pid:
            raise Skip("KVM started no thread outside of QEMU here")
        wait_for("the kernel thread is placed", lambda: read_setting(pid)[:3] == (os.SCHED_BATCH, 0, 3))
        check(pid in [thread["tid"] for thread in threads_of(vm.status(), "kio")], "status does not show it")
        vm.process.kill()
        vm.process.wait()
        code, _, errors = place.call("repair")
        check_equal(code, 0, errors)
        check_equal(read_setting(pid), (os.SCHED_OTHER, 0, 0, tuple(sorted(os.sched_getaffinity(0)))), "its setting")


def check_damaged(threads=None, record=None):
    with Place() as place, subprocess.Popen(["sleep", "1000"]) as other:
        try:
            folder = leave_behind(place, snapshot_of(other.pid) if threads is None else threads, record)
            os.sched_setscheduler(other.pid, os.SCHED_BATCH, os.sched_param(0))
            code, _, errors = place.call("repair")
            check_equal(code, 1, "exit code")
            check_equal(errors.count("\n"), 1, "lines: " + errors)
            check("is damaged" in errors and folder in errors, errors)
            check_equal(os.sched_getscheduler(other.pid), os.SCHED_BATCH, "half of it was put back: policy")
            check(os.path.isdir(folder), "the evidence was removed")
        finally:
            other.kill()


def damaged_files():
    for record in ("", "{", "[]", "\0" * 100, "[" * 8000, '{"version": 1}', '{"version": 2, "qemu_pid": 5}', "x" * 100000):
        check_damaged(record=record)
    for threads in ("garbage\n", "\0\0\0", "x" * 2000000):
        check_damaged(threads=threads)


def foreign_folders():
    """Links and folders that others may write are not followed, and not removed."""
    with Place() as place:
        os.mkdir(place.run, 0o700)
        os.mkdir(place.file("elsewhere"))
        os.symlink(place.file("elsewhere"), os.path.join(place.run, "linked"))
        os.mkdir(os.path.join(place.run, "open"))
        os.chmod(os.path.join(place.run, "open"), 0o777)
        code, _, errors = place.call("repair")
        check_equal(code, 1, "exit code")
        check_equal(errors.count("\n"), 2, "lines: " + errors)
        check_equal(sorted(os.listdir(place.run)), ["linked", "open"], "folders")
        check_equal(os.listdir(place.file("elsewhere")), [], "files behind the link")


def open_run_directory():
    need_root()
    with Place() as place:
        os.mkdir(place.run)
        os.chmod(place.run, 0o777)
        code, _, errors = place.call("run", "--", "true")
        check_equal(code, 125, "exit code")
        check("nobody else's to write" in errors, errors)


main([
    ("QEMU ends by itself: the host is as before", unchanged(quit_by_monitor)),
    ("the launcher is asked to end: the host is as before", unchanged(terminated)),
    ("QEMU is killed: the host is as before, the exit code says so", unchanged(qemu_killed)),
    ("the launcher is killed, the VM lives: repair puts its threads back", unchanged(launcher_killed_by(["repair"]))),
    ("the launcher is killed, the VM lives: status puts its threads back", unchanged(launcher_killed_by(["status"]))),
    ("the launcher is killed, the VM lives: the next run puts its threads back", unchanged(repaired_by_run)),
    ("launcher and QEMU are killed: repair removes what is left", unchanged(both_killed)),
    ("the launcher is killed early on: repair removes what is left", unchanged(killed_at_any_moment)),
    ("threads outside of QEMU are put back after a kill", threads_outside),
    ("a kernel thread of KVM is placed, and put back", kernel_thread),
    ("damaged files: one line, nothing is half put back", damaged_files),
    ("folders of others are left alone", foreign_folders),
    ("a run directory that others may write is refused", open_run_directory),
])
