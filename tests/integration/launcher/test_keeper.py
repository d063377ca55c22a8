#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Supervisors look after each other's VMs, and nobody holds them up."""

import contextlib
import json
import os
import signal
import subprocess
import time

from stock import CPUS, Stock
from tap import check, check_equal, main
from vm import (LAUNCHER, Place, Vm, end_session, find_unplanned, has_roles, make_qemu, need_root, read_setting, start_session,
                threads_of, wait_for)
from proc import is_alive, read_text

PLAN = ["-rt", "vcpu_sched=fifo", "-rt", "vcpu_prio=3", "-rt", "main_sched=rr", "-rt", "main_prio=6"]
ATTACHED = [*PLAN, "-rt", "vcpu_bias=%d" % CPUS[-1], "-rt", "main_bias=%d" % CPUS[0]]
ROLES = {"vcpu": 1, "main": 1}
LOOKS = 3  # s: some looks of the others


def kill_launcher(vm):
    """QEMU's process id; from then on no command is called, for each would repair."""
    status = vm.wait_roles(ROLES)
    check(find_unplanned(status["qemu_pid"]), "no thread is planned")
    os.kill(status["launcher_pid"], signal.SIGKILL)
    return status["qemu_pid"]


def wait_gone(place, name):
    wait_for("VM '%s' is put back" % name, lambda: not os.path.exists(os.path.join(place.run, name)))


def stop(vm):
    """Before it is up QEMU dies of the signal."""
    vm.wait_up()
    vm.process.terminate()
    check_equal(vm.wait_end(), 0, "exit code: " + vm.output())


def test_of_run():
    need_root()
    with Place() as place, Vm(place, PLAN, ["-S"], name="a") as a, Vm(place, PLAN, ["-S"], name="b") as b:
        b.wait_roles(ROLES)
        qemu = kill_launcher(a)
        wait_gone(place, "a")
        check_equal(find_unplanned(qemu), [], "threads that are not as before")
        check(is_alive(qemu), "the VM ended")
        b.wait_said("VM 'a' (pid %d) had lost its launcher" % qemu)
        check(b.status()["threads"], "the other VM")
        stop(b)


def test_of_attach():
    """An attached VM is put back as it was found; its supervisor looks after others, too."""
    with Place() as place, Stock(place) as stock, Vm(place, PLAN, ["-S"], name="a") as a:
        stock.give_pasts()
        before = stock.settings()
        a.wait_roles(ROLES)
        stock.check_attached(*ATTACHED)
        os.kill(stock.status()["launcher_pid"], signal.SIGKILL)
        wait_gone(place, "stock")
        check_equal(stock.settings(), before, "threads of the VM that was attached to")
        stock.check_attached(*ATTACHED)
        qemu = kill_launcher(a)
        wait_gone(place, "a")
        check_equal(find_unplanned(qemu), [], "threads of the VM of run")
        check_equal(place.call("detach", "stock")[0], 0, "detach")
        end_session(a.process)


def test_damage():
    """What cannot be put back is said once, and tried again."""
    need_root()
    with Place() as place, Vm(place, PLAN, ["-S"], name="a") as a, Vm(place, PLAN, ["-S"], name="b") as b:
        b.wait_roles(ROLES)
        a.wait_roles(ROLES)
        record = os.path.join(place.run, "a", "state.json")
        good = read_text(record)
        with open(record, "w", encoding="ascii") as file:
            file.write("junk")
        kill_launcher(a)
        b.wait_said("is damaged")
        time.sleep(LOOKS)
        check_equal(b.output().count("is damaged"), 1, b.output())
        with open(record, "w", encoding="ascii") as file:
            file.write(good)
        wait_gone(place, "a")
        check_equal(find_unplanned(json.loads(good)["qemu_pid"]), [], "threads that are not as before")
        stop(b)


def test_ends():
    """VMs that come and go beside one that looks: no folder is left, and nothing is said."""
    need_root()
    with Place() as place, Vm(place, PLAN, ["-S"], name="b") as b:
        b.wait_roles(ROLES)
        for _ in range(5):
            with Vm(place, PLAN, ["-S"], name="a") as a:
                a.wait_roles(ROLES)
                stop(a)
                check_equal(a.output().count("could not be removed"), 0, a.output())
        check_equal(os.listdir(place.run), ["b"], "folders")
        check("had lost its launcher" not in b.output(), b.output())
        stop(b)


def adjustment_of(pid):
    return int(read_text("/proc/%d/oom_score_adj" % pid))


def may_lower():
    return subprocess.run(["sh", "-c", "echo -950 >/proc/self/oom_score_adj"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_short_memory():
    """The supervisor is among the last to be killed, its VM is not."""
    need_root()
    own = adjustment_of(os.getpid())
    wanted = min(own, -900) if may_lower() else own
    with Place() as place, Vm(place, PLAN, ["-S"]) as vm:
        status = vm.wait_roles(ROLES)
        check_equal(adjustment_of(status["launcher_pid"]), wanted, "the supervisor")
        check_equal(adjustment_of(status["qemu_pid"]), own, "the VM")
        stop(vm)


@contextlib.contextmanager
def full_pipe():
    """The end that takes no byte more, once fill() was called."""
    reader, writer = os.pipe()

    def fill():
        again = os.open("/proc/self/fd/%d" % writer, os.O_WRONLY | os.O_NONBLOCK)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(again, b".")
        os.close(again)
    try:
        yield writer, fill
    finally:
        os.close(reader)
        os.close(writer)


def test_nobody_reads():
    """A supervisor whose words nobody takes goes on, and ends."""
    need_root()
    with Place() as place, full_pipe() as (writer, fill):
        process = start_session([LAUNCHER, "run", "-v", *PLAN, "--name", "vm", "--", *make_qemu(["-S"])], env=place.environment,
                                stdin=subprocess.DEVNULL, stdout=writer, stderr=writer)
        try:
            def status():
                code, out, _ = place.call("status", "vm", "--json")
                return json.loads(out) if code == 0 else None
            wait_for("a VM", lambda: has_roles(status() or {"threads": []}, ROLES))
            fill()
            for priority in range(10, 15):
                code, _, errors = place.call("set", "vm", "-rt", "vcpu_prio=%d" % priority)
                check_equal(code, 0, errors)
                check_equal(read_setting(threads_of(status(), "vcpu")[0]["tid"])[1], priority, "the vCPU's priority")
            os.kill(status()["qemu_pid"], signal.SIGKILL)
            check_equal(process.wait(timeout=60), 128 + signal.SIGKILL, "exit code")
            check_equal(os.listdir(place.run), [], "folders")
        finally:
            end_session(process)


main([
    ("a VM whose launcher was killed", test_of_run),
    ("a VM that was attached to, and its supervisor", test_of_attach),
    ("what cannot be put back", test_damage),
    ("VMs that come and go", test_ends),
    ("memory that is short", test_short_memory),
    ("standard error that nobody reads", test_nobody_reads),
])
