#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Budgets, weights and the host's guard: VMs that spin in real time, each for a second or two."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time

for folder in ("launcher", os.path.join("..", "lib")):
    sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", folder))

# pylint: disable=wrong-import-position
import governed
from governed import CPUS, Fused, Shell, Unservable, launch, plan, spin
from proc import children_of, is_alive, read_text
from tap import Skip, check, check_equal, main, note
from vm import PATIENCE, Place, end_session, find_unplanned, need_root, read_setting, start_session, wait_for


def unserved(command):
    try:
        return governed.unserved(command)
    except Unservable as reason:
        raise Skip(str(reason)) from None


THROTTLING = "/proc/sys/kernel/sched_rt_runtime_us"
SPIN_MS = 12000
LONG_MS = 50000  # of a VM that is ended as soon as it has shown what it is about
FUSE_MS = 20000  # the most that a fuse has
NOTHING = {"governor": {"budgets": []}}
FIFO, OTHER = os.SCHED_FIFO, os.SCHED_OTHER


class Spinning:
    """`qrt-launcher run` of a VM that spins for `ms`, on a host that throttles."""

    def __init__(self, place, options, ms, name="spinning", vcpus=1, percent=100):
        self.place, self.name = place, name
        self.process = start_session(launch(options, name, vcpus), env=spin(place.environment, ms, vcpus, percent),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_session(self.process)
        self.process.communicate()

    def status(self):
        code, out, _ = self.place.call("status", self.name, "--json")
        return json.loads(out) if code == 0 else None

    def wait_status(self, what, look):
        """The first status of which look() is true."""
        def find():
            check(self.process.poll() is None, "the VM ended before: " + what)
            status = self.status()
            return status if status and look(status) else None
        return wait_for(what, find)

    def end(self):
        """ms of CPU time of each vCPU."""
        out, err = self.process.communicate(timeout=PATIENCE)
        check_equal(self.process.returncode, 0, err)
        return [int(line.split()[1]) for line in out.splitlines()]


def budget_of(status, whose):
    found = [budget for budget in status["governor"]["budgets"] if budget["of"] == whose]
    return found[0] if found else None


def threads_of(status, role):
    return [thread for thread in status["threads"] if thread["role"] == role]


def has_layer(thread):
    return "governor" in [layer["layer"] for layer in thread["layers"]]


def one(options, cpu=None):
    """A plan for one vCPU on the last CPU."""
    return [*plan([CPUS[-1] if cpu is None else cpu]), *[word for option in options for word in ("-rt", option)]]


def a_vm_that_spins_on_every_cpu_leaves_the_host_a_shell():
    """A command asks while it spins, and is told that it was dropped; how soon a shell answers the benchmark judges."""
    need_root()
    before = read_text(THROTTLING)
    budget = "budget=%d%%/50ms" % (70 * len(CPUS))
    with Place() as place, Shell(SPIN_MS) as shell:
        command = launch([*plan(), "-rt", budget])
        with Fused(command, FUSE_MS, spin(place.environment, SPIN_MS)) as fused:
            wait_for("a VM that is dropped", lambda: (budget_of(look(place, fused) or NOTHING, "vm") or {}).get("throttled"))
            code, out, err = fused.end()
        check_equal(code, 0, err)
        answers = shell.answers()
        note("slowest answer %.0f ms of %d; vCPUs %s" % (max(answers), len(answers), out.split()))
    check_equal(read_text(THROTTLING), before, "throttling, afterwards")


def a_budget_drops_and_gives_back():
    """As often as windows say, and nothing of that is a deviation."""
    need_root()
    with Place() as place, Spinning(place, one(["budget=20%/200ms"]), SPIN_MS) as vm:
        over = vm.wait_status("a vCPU in time sharing", lambda status: any(map(has_layer, threads_of(status, "vcpu"))))
        for thread in threads_of(over, "vcpu"):
            check(thread["in_plan"], thread)
            check_equal(thread["planned"]["policy"], "fifo", "planned")
        back = vm.wait_status("a vCPU in real time again", lambda status: not any(
            map(has_layer, threads_of(status, "vcpu"))) and budget_of(status, "vm")["throttled"] >= 2)
        check_equal(budget_of(back, "vm")["budget"], "20%/200ms", "budget")
        code, out, _ = place.call("status", "spinning")
        check(code == 0 and "governor: priority 99; vm: budget 20%/200ms" in out, out)
        check_equal(back["corrections"], 0, "corrections")
        vm.end()


def a_roles_budget_is_the_roles_alone():
    need_root()
    with Place() as place, Spinning(place, one(["vcpu_budget=20%/200ms"]), LONG_MS) as vm:
        status = vm.wait_status("a vCPU in time sharing", lambda status: any(map(has_layer, threads_of(status, "vcpu"))))
        check(not any(map(has_layer, threads_of(status, "main"))), status["threads"])
        check_equal(budget_of(status, "vm"), None, "budget of the VM")
        check(budget_of(status, "vcpu")["throttled"] >= 1, status["governor"])


def look(place, fused, name="spinning"):
    """None while there is no status; a VM that has ended has none any more."""
    check(fused.process.poll() is None, "the VM ended before it was looked at")
    code, out, _ = place.call("status", name, "--json")
    return json.loads(out) if code == 0 else None


def a_host_that_nothing_holds_is_guarded():
    need_root()
    with Place() as place:
        command = unserved(launch(plan()))
        with Fused(command, FUSE_MS, spin(place.environment, FUSE_MS - 3000)) as fused:
            status = wait_for("a VM that is dropped", lambda: (lambda found: found if found and (
                budget_of(found, "host") or {}).get("throttled") else None)(look(place, fused)))
    note("guard: %s" % budget_of(status, "host"))
    check_equal(budget_of(status, "host")["budget"], "%d%%/50ms" % (85 * len(CPUS)), "guard")


def is_guarded(status):
    return bool(status and (budget_of(status, "host") or {}).get("throttled"))


def vms_that_spin_together_leave_the_host_a_shell():
    """Each may take all CPUs, and what they take together is counted."""
    need_root()
    names = ("spinning", "another")
    with Place() as place:
        both = " & ".join(shlex.join(launch(plan(), name)) for name in names) + " & wait"
        with Fused(unserved(["sh", "-c", both]), FUSE_MS, spin(place.environment, FUSE_MS - 3000)) as fused:
            wait_for("VMs that are dropped", lambda: all(is_guarded(look(place, fused, name)) for name in names))
            with Shell(500) as shell:
                answers = shell.answers()
            guards = [budget_of(look(place, fused, name), "host") for name in names]
    note("slowest answer %.0f ms of %d" % (max(answers), len(answers)))
    check_equal({guard["budget"] for guard in guards}, {"%d%%/50ms" % (85 * len(CPUS))}, "guards")


def a_cpu_that_is_left_needs_no_guard():
    need_root()
    if len(CPUS) < 2:
        raise Skip("needs two CPUs")
    with Place() as place:
        command = unserved(launch(plan(CPUS[1:], "other"), vcpus=len(CPUS) - 1))
        with Fused(command, FUSE_MS, spin(place.environment, FUSE_MS - 3000, len(CPUS) - 1)) as fused:
            status = wait_for("vCPUs", lambda: (lambda found: found if found and threads_of(
                found, "vcpu") else None)(look(place, fused)))
    check_equal(status["governor"]["budgets"], [], "guards")


def a_killed_launcher_leaves_nobody_in_real_time_for_repair():
    """Killed while its threads were dropped: they are in time sharing, and repair makes all as without a plan."""
    need_root()
    with Place() as place, Spinning(place, one(["budget=5%/10s"]), LONG_MS) as vm:
        status = vm.wait_status("a vCPU in time sharing", lambda status: any(map(has_layer, threads_of(status, "vcpu"))))
        os.kill(status["launcher_pid"], signal.SIGKILL)
        vm.process.wait(timeout=PATIENCE)
        qemu = status["qemu_pid"]
        check(is_alive(qemu), "the VM ended with its launcher")
        for thread in threads_of(status, "vcpu"):
            check_equal(read_setting(thread["tid"])[0], OTHER, "policy of a dropped thread")
        code, _, err = place.call("repair")
        check_equal(code, 0, err)
        check_equal(find_unplanned(qemu), [], "after repair")


def weights_divide_a_cpu():
    """Two VMs that want all of it; who says nothing has 100. What each gets is measured by the benchmark."""
    need_root()
    with Place() as place, Spinning(place, one(["weight=300"]), LONG_MS, "more") as more, \
            Spinning(place, one([]), LONG_MS, "less") as less:
        status = more.wait_status("a rival", lambda status: threads_of(status, "vcpu") and status["governor"]["rivals"] == 1)
        check_equal(status["governor"]["weight"], 300, "weight")
        status = less.wait_status("drops", lambda status: any(share["throttled"] for share in status["governor"]["shares"]))
        check_equal(status["governor"]["weight"], 100, "weight that is not said")
        check(250 in [share["share_millicpus"] for share in status["governor"]["shares"] if share["throttled"]],
              status["governor"]["shares"])
        code, out, _ = place.call("status", "less")
        check(code == 0 and "; weight 100 beside 1 VM; CPU" in out, out)


def who_takes_all_is_dropped_beside_who_wants_little():
    """At one FIFO priority the spinning one would never let go."""
    need_root()
    with Place() as place, Spinning(place, one(["weight=100"]), LONG_MS, "hog") as hog:
        hog.wait_status("it spins", lambda status: threads_of(status, "vcpu"))
        with Spinning(place, one(["weight=100"]), LONG_MS, "modest", percent=20) as modest:
            hog.wait_status("it is dropped", lambda status: any(share["throttled"] for share in status["governor"]["shares"]))
            hog.wait_status("it gives way", lambda status: status["governor"]["gives_way"])
            status = modest.wait_status("its governor", lambda status: status["governor"])
            check_equal(status["governor"]["gives_way"], False, "the modest one gives way")


def without_a_weight_nobody_is_a_rival():
    need_root()
    with Place() as place, Spinning(place, one([]), LONG_MS, "a", percent=20) as first, \
            Spinning(place, one([]), LONG_MS, "b", percent=20) as second:
        time.sleep(1.5)
        for vm in (first, second):
            status = vm.wait_status("a governor", lambda status: status["governor"])
            check_equal((status["governor"]["rivals"], status["governor"]["weight"]), (0, 0), "rivals and weight")


def a_plan_without_real_time_needs_no_governor():
    need_root()
    with Place() as place, Spinning(place, ["-rt", "maxprio=2,policy=ts", "-rt", "budget=10%"], LONG_MS) as vm:
        status = vm.wait_status("a status", lambda status: status["threads"])
        check_equal(status["governor"], None, "governor")


def a_plan_that_leaves_no_room_is_refused():
    """By one line that says what to change, and nothing is started."""
    need_root()
    with Place() as place:
        options = [option.replace("_prio=%d" % governed.MAIN, "_prio=99") for option in one(["budget=30%"])]
        done = subprocess.run(launch(options, vcpus=1), env=place.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        check_equal((done.returncode, done.stdout), (125, ""), done.stderr)
        faults = [line for line in done.stderr.splitlines() if "fault: " in line]
        check(len(faults) == 1 and "main has priority 99" in faults[0] and "give main_prio 98 or less" in faults[0], done.stderr)


def a_host_is_put_back_after_a_killed_experiment():
    """Not of the launcher: what these tests and the benchmark rely on."""
    need_root()
    before = read_text(THROTTLING)
    for number in (signal.SIGKILL, signal.SIGTERM):
        with Fused(["sleep", "60"], 20000, os.environ) as fused:
            children = wait_for("a command without throttling", lambda: read_text(THROTTLING) == "-1\n" and len(
                children_of(fused.process.pid)) == 2 and children_of(fused.process.pid))
            fused.process.send_signal(number)
            fused.process.wait(timeout=PATIENCE)
            wait_for("throttling as it was", lambda: read_text(THROTTLING) == before)
            wait_for("the command has ended", lambda pids=children: not any(map(is_alive, pids)))


if __name__ == "__main__":
    main([
        ("a VM that spins on every CPU leaves the host a shell", a_vm_that_spins_on_every_cpu_leaves_the_host_a_shell),
        ("a budget drops and gives back", a_budget_drops_and_gives_back),
        ("a role's budget is the role's alone", a_roles_budget_is_the_roles_alone),
        ("a host that nothing holds is guarded", a_host_that_nothing_holds_is_guarded),
        ("VMs that spin together leave the host a shell", vms_that_spin_together_leave_the_host_a_shell),
        ("a CPU that is left needs no guard", a_cpu_that_is_left_needs_no_guard),
        ("a killed launcher leaves nobody in real time, and repair the rest", a_killed_launcher_leaves_nobody_in_real_time_for_repair),
        ("weights divide a CPU", weights_divide_a_cpu),
        ("who takes all is dropped beside who wants little", who_takes_all_is_dropped_beside_who_wants_little),
        ("without a weight nobody is a rival", without_a_weight_nobody_is_a_rival),
        ("a plan without real time needs no governor", a_plan_without_real_time_needs_no_governor),
        ("a plan that leaves no room for a governor is refused", a_plan_that_leaves_no_room_is_refused),
        ("a host is put back after a killed experiment", a_host_is_put_back_after_a_killed_experiment),
    ])
