#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A QEMU that has -rt itself under the launcher: it is given the plan, and nothing is preloaded. One that `./dev qemu`
built, or that QRT_TEST_QEMU_RT names; the rest by a monitor in small."""

import json
import os
import shutil
import struct
import subprocess
import threading

from tap import Skip, check, check_equal, main
from vm import (BUILD, LAUNCHER, Monitor, Place, Vm, end_session, find_unplanned, make_qemu, need_qemu_rt, need_root,
                on_a_fair_day, start_session, threads_of, wait_monitor)
from proc import read_text

SMALL = os.path.join(BUILD, "tests", "integration", "launcher", "launcher_inside")
PLAN = ["-rt", "default", "-rt", "main_prio=12", "-rt", "vcpu_prio=10"]
VCPU, LOCK = "1|10", "1|13"  # as the only one on its CPU; above all of the plan
NOBODY = 65534
SYS_NICE = 23


def firmware():
    """It may look for its firmware where nothing was installed."""
    known = subprocess.run(["qemu-system-x86_64", "-L", "help"], capture_output=True, text=True, check=False).stdout
    return [word for folder in known.split() for word in ("-L", folder)]


def run_small(place, *options, **environment):
    """What the monitor in small printed, by its first words: {word: [rest]}, and what was said."""
    need_root()
    done = subprocess.run([LAUNCHER, "run", *options, "--name", "small", "--", SMALL, "-smp", "1"],
                          env=dict(place.environment, **environment), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=90, check=False)
    check_equal(done.returncode, 0, done.stderr)
    printed = {}
    for line in done.stdout.splitlines():
        word, rest = line.split("|", 1)
        printed.setdefault(word, []).append(rest)
    return printed, done.stderr


def rt_vm(place, run=PLAN, qemu=(), **options):
    return Vm(place, run, [*firmware(), "-smp", "2", *qemu], program=need_qemu_rt(), **options)


def is_preloaded(pid):
    return "libqrt-sched-preload" in read_text("/proc/%d/maps" % pid)


def arguments_of(pid):
    return read_text("/proc/%d/cmdline" % pid).split("\0")


# ---- the monitor in small ----


def each_line_of_the_plan_is_an_option():
    with Place() as place:
        printed, said = run_small(place, *PLAN, "-v", QRT_SCHED_PLAN="vcpu_prio=7", QRT_SCHED_PLAN_FILE="/x")
        check("vcpu_prio=10" in printed["rt"] and "main_prio=12" in printed["rt"], printed)
        check_equal(printed["environment"], ["QRT_SCHED_BROKER", "QRT_SCHED_RECORD"], said)
        check_equal(printed["descriptors"], ["2"], said)
        check_equal(printed["thread"], [VCPU], said)
        check("QEMU has -rt itself: nothing is preloaded" in said, said)


def preempt_locks_are_handed_on():
    with Place() as place:
        printed, said = run_small(place, *PLAN, "-rt", "preemptlock=50000")
        check_equal((printed["descriptors"], printed["thread"], printed["lock"]), (["3"], [VCPU], [LOCK]), said)


def without_preload_it_is_given_nothing():
    with Place() as place:
        printed, said = run_small(place, *PLAN, "--no-preload")
        check_equal((printed.get("rt"), printed.get("environment"), printed["descriptors"]), (None, None, ["0"]), said)


def by_force_it_is_preloaded():
    if os.environ.get("QRT_SCHED_PRELOAD_LIB"):
        raise Skip("a sanitizer's runtime wants to be loaded first")
    with Place() as place:
        printed, said = run_small(place, *PLAN, "-v", "--no-preload", "--preload")
        # The preload library took them before.
        check_equal((printed.get("rt"), printed["descriptors"]), (None, ["0"]), said)
        check("placed by itself" in said and "nothing is preloaded" not in said, said)


# ---- QEMU ----


@on_a_fair_day
def threads_place_themselves():
    with Place() as place, rt_vm(place, qemu=["-object", "iothread,id=io0"]) as vm:
        vm.wait_roles({"main": 1, "vcpu": 2, "ioth": 1})
        vm.wait_placed_by("vcpu", "self")
        status = vm.wait_placed_by("ioth", "self")
        check_equal((status["library"], status["preload"]), ("built-in", False), "status")
        check(not is_preloaded(status["qemu_pid"]), "preloaded")
        check("vcpu_prio=10" in arguments_of(status["qemu_pid"]), arguments_of(status["qemu_pid"]))
        for thread in threads_of(status, "vcpu") + threads_of(status, "ioth"):
            check(thread["in_plan"], thread)
        check_equal(status["globals"]["pi"]["in_force"], True, "mutexes")
        code, out, errors = place.call("status", "vm")
        check("by QEMU's own -rt" in out, out + errors)
        code, out, errors = place.call("set", "vm", "-rt", "vcpu_prio=9")
        check_equal(code, 0, errors)
        check(all(t["in_plan"] and t["effective"]["priority"] == 9 for t in threads_of(vm.status(), "vcpu")), vm.status())


@on_a_fair_day
def another_users_threads_have_their_roles():
    """By the broker; where the supervisor saw a slow start's main thread first, that has its role already, and what
    vCPUs inherit from it they may lower by themselves."""
    with Place() as place, rt_vm(place, [*PLAN, "--user", "nobody"]) as vm:
        status = vm.wait_roles({"main": 1, "vcpu": 2})
        check(all(thread["in_plan"] for thread in status["threads"]), status["threads"])
        vm.wait_placed_by("vcpu", "broker", "self")


@on_a_fair_day
def a_sandbox_keeps_nothing_from_its_role():
    with Place() as place, rt_vm(place, qemu=["-sandbox", "on,resourcecontrol=deny"]) as vm:
        status = vm.wait_roles({"main": 1, "vcpu": 2})
        check(all(thread["in_plan"] for thread in status["threads"]), status["threads"])
        vm.wait_placed_by("vcpu", "broker", "self")


@on_a_fair_day
def file_capabilities_do_not_matter():
    with Place() as place:
        path = shutil.copy(need_qemu_rt(), place.file("qemu-system-x86_64"))
        try:
            os.setxattr(path, "security.capability", struct.pack("<IIIII", 0x02000001, 1 << SYS_NICE, 0, 0, 0))
        except OSError as error:
            raise Skip("no file capabilities here: %s" % error) from None
        with Vm(place, PLAN, [*firmware(), "-smp", "2"], program=path) as vm:
            vm.wait_roles({"vcpu": 2})
            vm.wait_placed_by("vcpu", "self")


@on_a_fair_day
def without_preload_the_supervisor_places():
    with Place() as place, rt_vm(place, [*PLAN, "--no-preload"]) as vm:
        status = vm.wait_roles({"main": 1, "vcpu": 2})
        check_equal(status["library"], "none", "status")
        check("-rt" not in arguments_of(status["qemu_pid"]), arguments_of(status["qemu_pid"]))
        vm.wait_placed_by("vcpu", "supervisor")


@on_a_fair_day
def by_force_qemu_is_preloaded():
    with Place() as place, rt_vm(place, [*PLAN, "--preload"]) as vm:
        status = vm.wait_roles({"main": 1, "vcpu": 2})
        check_equal((status["library"], is_preloaded(status["qemu_pid"])), ("preloaded", True), vm.output())
        check("-rt" not in arguments_of(status["qemu_pid"]), arguments_of(status["qemu_pid"]))
        vm.wait_placed_by("vcpu", "self")


# At the address where a CPU begins: out 0x80, al; and again. Each takes QEMU's big lock.
PORT_WRITER = bytes(0xfff0) + b"\xe6\x80\xeb\xfc" + bytes(12)


def blame_while(place, work):
    """What blame saw of 3 s in which work() was called again and again."""
    with subprocess.Popen([LAUNCHER, "blame", "vm", "--over", "100us", "--seconds", "3", "--top", "10000", "--json"],
                          env=place.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as blame:
        answers = []
        reader = threading.Thread(target=lambda: answers.append(blame.stdout.read()))
        reader.start()
        while reader.is_alive():
            work()
        reader.join()
    check_equal(blame.returncode, 0, "exit code of blame")
    return json.loads(answers[0])


def waits_for_mutexes_are_recorded():
    """A vCPU that writes to a port waits for the main loop, which holds the big lock while it answers a monitor."""
    need_root()
    if not os.path.exists("/proc/sys/kernel/perf_event_paranoid"):
        raise Skip("this kernel has no performance events")
    with Place() as place:
        bios, socket = place.file("port-writer"), place.file("qmp")
        with open(bios, "wb") as file:
            file.write(PORT_WRITER)
        with rt_vm(place, qemu=["-bios", bios, "-qmp", "unix:%s,server=on,wait=off" % socket]) as vm:
            vm.wait_roles({"main": 1, "vcpu": 2})
            with Monitor(socket) as monitor:
                answer = blame_while(place, lambda: monitor.call("query-qmp-schema"))
        found = [delay for delay in answer["delays"] if delay["kind"] == "mutex"]
        by_main = [delay for delay in found if (delay["role"], delay["owner_role"]) == ("vcpu", "main")]
        check(answer["mutexes"] and len(by_main) >= 3, "%d waits, %d of a vCPU for main" % (len(found), len(by_main)))
        check_equal(len({delay["mutex"] for delay in by_main}), 1, "the big lock")


def check_attach(place, *own):
    """A QEMU with -rt that nobody supervises, with a plan of its own or without one."""
    socket = place.file("monitor-%d" % len(own))
    process = start_session(make_qemu([*firmware(), "-smp", "2", "-S", "-name", "guest=stock,debug-threads=on", "-qmp",
                                       "unix:%s,server=on,wait=off" % socket, *own], program=need_qemu_rt()),
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with wait_monitor(socket) as monitor:  # which answers when all threads are there, and in their roles
            check_equal(monitor.call("query-status")["status"], "prelaunch", "status")
        before = find_unplanned(process.pid)
        code, out, errors = place.call("attach", str(process.pid), "--daemon", "-rt", "default", "-rt", "vcpu_prio=5")
        check_equal((code, "has a plan of its own" in errors), (0, bool(own)), out + errors)
        code, out, errors = place.call("set", "stock", "-rt", "vcpu_prio=6")
        check_equal(code, 0, out + errors)
        check(any(setting[1] == 6 for _, setting in find_unplanned(process.pid)), find_unplanned(process.pid))
        code, out, errors = place.call("detach", "stock")
        check_equal(code, 0, out + errors)
        check_equal(find_unplanned(process.pid), before, "as it was")
    finally:
        end_session(process)


def attach_works_with_and_without_a_plan_inside():
    with Place() as place:
        check_attach(place)
        check_attach(place, "-rt", "vcpu_sched=fifo", "-rt", "vcpu_prio=3", "-rt", "main_sched=fifo", "-rt", "main_prio=4")


main([("each line of the plan is an option of -rt", each_line_of_the_plan_is_an_option),
      ("preempt locks are handed on", preempt_locks_are_handed_on),
      ("with --no-preload it is given nothing", without_preload_it_is_given_nothing),
      ("with --preload it is preloaded", by_force_it_is_preloaded),
      ("QEMU's threads place themselves", threads_place_themselves),
      ("another user's threads have their roles", another_users_threads_have_their_roles),
      ("a sandbox keeps no thread from its role", a_sandbox_keeps_nothing_from_its_role),
      ("file capabilities do not matter", file_capabilities_do_not_matter),
      ("with --no-preload the supervisor places", without_preload_the_supervisor_places),
      ("with --preload QEMU is preloaded", by_force_qemu_is_preloaded),
      ("waits for mutexes are recorded", waits_for_mutexes_are_recorded),
      ("attach works, with and without a plan inside", attach_works_with_and_without_a_plan_inside)])
