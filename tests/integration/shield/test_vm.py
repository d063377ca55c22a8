#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""VMs and shields: who enters, who wants what together, and what is left when launchers are killed."""

import json
import os
import struct
import time

from box import CPUSETS, CleanPlace, boxed, read
from picture import Picture, cpuset_of
from tap import Skip, check, check_equal, main
from vm import Vm, end_session, find_unplanned, make_qemu, read_setting, threads_of, wait_for

LAST = os.cpu_count() - 1
OTHERS = set(range(LAST))
PLAN = ["-rt", "vcpu_bias=%d" % LAST, "-rt", "main_bias=0"]
ROLES = {"vcpu": 1, "main": 1}
IDLE = "/dev/cpu_dma_latency"


def cpus_of(status, role):
    return [os.sched_getaffinity(thread["tid"]) for thread in threads_of(status, role)]


def wait_roles(vm):
    """The first status of a guest that runs, with all its threads placed: from then on QEMU handles signals."""
    vm.wait_up()
    return vm.wait_roles(ROLES)


def wait_cpus(vm, role, wanted):
    """Until all threads of the role run there."""
    def look():
        status = vm.status()
        return status and all(cpus == wanted for cpus in cpus_of(status, role))
    wait_for("%s on %s" % (role, wanted), look)


def shown(place):
    code, out, errors = place.call("shield", "--json")
    check_equal((code, errors), (0, ""), "shield")
    return json.loads(out)


def stop(vm):
    vm.process.terminate()
    check_equal(vm.wait_end(), 0, "exit code: " + vm.output())


def kill_launcher(vm):
    vm.process.kill()
    vm.process.wait()


def check_empty(place):
    check_equal(os.listdir(place.run) if os.path.isdir(place.run) else [], [], "the run directory")


def a_vm_has_its_shield():
    before = Picture()
    with CleanPlace() as place, Vm(place, ["--shield", *PLAN]) as vm:
        status = wait_roles(vm)
        check_equal(cpus_of(status, "vcpu"), [{LAST}], "the vCPU's CPUs")
        check_equal(cpus_of(status, "main"), [{0}] * 2, "the main loop's CPUs")
        check_equal(cpuset_of(threads_of(status, "vcpu")[0]["tid"]), "/qrt-shield", "the vCPU's cpuset")
        check_equal(cpuset_of(status["qemu_pid"]), "/qrt-shield-host", "the main loop's cpuset")
        check_equal(os.sched_getaffinity(0), OTHERS, "where everything else runs")
        check_equal(shown(place)["for"], ["vm.vm"], "for whom the shield is up")
        check("CPU %d is shielded" % LAST in place.call("status")[1], "status does not say it")
        check("CPU %d is shielded" % LAST in place.call("status", "vm")[1], "status of the VM does not say it")
        check_equal(vm.status()["shield"], shown(place), "the shield that status shows")
        check_equal([one["shield"] for one in json.loads(place.call("status", "--json")[1])], [shown(place)], "of all VMs")
        stop(vm)
        check_empty(place)
    before.check_same("after the VM")


def a_vm_comes_to_a_shield():
    """Of 'shield' before the VM starts, and while it runs."""
    before = Picture()
    with CleanPlace() as place:
        check_equal(place.call("shield", str(LAST))[0], 0, "shield")
        with Vm(place, PLAN) as vm:
            status = wait_roles(vm)
            check_equal(cpus_of(status, "vcpu"), [{LAST}], "the vCPU's CPUs")
            check_equal(place.call("unshield"), (0, "", ""), "unshield")
            wait_cpus(vm, "vcpu", {LAST})
            check_equal(place.call("shield", str(LAST))[0], 0, "shield")
            wait_cpus(vm, "vcpu", {LAST})
            wait_cpus(vm, "main", {0})
            check_equal(vm.status()["threads"][0]["error"] if "error" in vm.status()["threads"][0] else None, None,
                        "an error")
            check_equal(place.call("unshield"), (0, "", ""), "unshield")
            stop(vm)
        check_empty(place)
    before.check_same("after the VM")


def threads_of_a_vcpu_leave():
    """What a vCPU starts is born in the shield, and planned elsewhere."""
    with CleanPlace() as place, Vm(place, ["--shield", *PLAN, "-rt", "othr_bias=0"], ["-smp", "1"]) as vm:
        wait_roles(vm)
        wait_cpus(vm, "othr", {0})
        stop(vm)


def kernel_threads_of_a_vm_leave():
    """KVM starts its workers out of the first run of a vCPU, which is inside."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("no KVM here")
    before = Picture()
    plan = [*PLAN, "-rt", "kio_bias=0", "-rt", "kio_sched=fifo", "-rt", "kio_prio=3"]
    with CleanPlace() as place, Vm(place, ["--shield", *plan], accel="kvm") as vm:
        wait_roles(vm)
        kernel = wait_for("kernel threads of the VM", lambda: threads_of(vm.status(), "kio"))
        wait_cpus(vm, "kio", {0})
        wait_cpus(vm, "vcpu", {LAST})
        for thread in kernel:
            check_equal(read_setting(thread["tid"])[:2], (os.SCHED_FIFO, 3), "policy of " + thread["name"])
        stop(vm)
        check_empty(place)
    before.check_same("after the VM")


def what_two_want_is_put_together():
    before = Picture()
    with CleanPlace() as place:
        with Vm(place, ["--shield=irqs", *PLAN], name="a") as a, Vm(place, ["--shield=rps", *PLAN], name="b") as b:
            wait_roles(a)
            wait_roles(b)
            now = shown(place)
            check_equal((now["for"], now["parts"]), (["vm.a", "vm.b"], ["irqs", "rps"]), "what is up")
            check_equal(place.call("shield", str(LAST), "--workqueues")[0], 0, "shield")
            check_equal(shown(place)["parts"], ["irqs", "workqueues", "rps"], "what is up with 'shield'")
            code, _, errors = place.call("unshield")
            check_equal(code, 0, "unshield")
            check("stays up for vm.a" in errors and "stays up for vm.b" in errors, errors)
            stop(a)
            now = shown(place)
            check_equal((now["for"], now["parts"]), (["vm.b"], ["rps"]), "what is up without a")
            check_equal(cpus_of(b.status(), "vcpu"), [{LAST}], "b's vCPU")
            stop(b)
        check_empty(place)
    before.check_same("after both")


def read_idle():
    with open(IDLE, "rb") as file:
        return struct.unpack("i", file.read(4))[0]


def idle_states_are_held():
    if not os.path.exists(IDLE):
        raise Skip("no %s" % IDLE)
    before = read_idle()
    with CleanPlace() as place:
        with Vm(place, ["-rt", "cstate=17"], name="a") as a, Vm(place, ["-rt", "cstate=3"], name="b") as b:
            wait_roles(a)
            wait_roles(b)
            check_equal(read_idle(), min(3, before), "the strictest of both")
            stop(b)
            check_equal(read_idle(), min(17, before), "the other one's")
            kill_launcher(a)
            check_equal(read_idle(), before, "what is held after a kill")
        place.call("repair")


def what_a_host_has_not_is_said():
    """And the VM starts. One group of the cache is for all VMs: they have to agree, whether it is there or not."""
    around = ["-rt", "timerprio=50", "-rt", "resctrl=L3:0=f"]
    with CleanPlace() as place:
        with Vm(place, around) as vm:
            wait_roles(vm)
            if not os.path.exists("/sys/kernel/realtime"):
                check("timerprio: the host's timers have no priority" in vm.output(), vm.output())
            if not os.path.exists("/sys/fs/resctrl/schemata"):
                check("resctrl: " in vm.output(), vm.output())
            code, _, errors = place.call("run", "--name", "other", "-rt", "resctrl=L3:0=f0", "--", *make_qemu())
            check_equal(code, 125, "exit code")
            check("vm.vm has resctrl=L3:0=f," in errors, errors)
            stop(vm)
        check_empty(place)


def the_next_call_repairs(*command):
    def run():
        before = Picture()
        with CleanPlace() as place, Vm(place, ["--shield", *PLAN]) as vm:
            qemu = wait_roles(vm)["qemu_pid"]
            kill_launcher(vm)
            check_equal(read(CPUSETS + "/qrt-shield/cpuset.cpus"), str(LAST), "the shield that was left behind")
            place.call(*command)
            check_empty(place)
            before.check_same("after " + command[0])
            check_equal(find_unplanned(qemu), [], "threads that are not as before")
    return run


def the_next_vm_repairs():
    before = Picture()
    with CleanPlace() as place, Vm(place, ["--shield", *PLAN], name="first") as first:
        wait_roles(first)
        kill_launcher(first)
        end_session(first.process)
        with Vm(place, ["-rt", "main_bias=0"], name="second") as second:
            wait_roles(second)
            check(not os.path.exists(CPUSETS + "/qrt-shield"), "the shield is still up")
            stop(second)
    before.check_same("after both")


def another_launcher_takes_over():
    """Who lives does what a killed one cannot do any more, without being asked."""
    before = Picture()
    with CleanPlace() as place:
        with Vm(place, ["--shield=irqs", *PLAN], name="a") as a, Vm(place, ["-rt", "main_bias=0"], name="b") as b:
            wait_roles(b)
            wait_roles(a)
            kill_launcher(a)
            end_session(a.process)
            wait_for("all of it is put back", lambda: not os.path.exists(place.run + "/.host"))
            before.check_same("after b has taken over")
            stop(b)


def what_is_undone_is_done_again():
    with CleanPlace() as place, Vm(place, ["--shield", *PLAN]) as vm:
        status = wait_roles(vm)
        tid = threads_of(status, "vcpu")[0]["tid"]
        with open(CPUSETS + "/tasks", "w", encoding="ascii") as file:
            file.write(str(tid))
        os.rmdir(CPUSETS + "/qrt-shield")
        wait_for("the shield is up again", lambda: cpuset_of(tid) == "/qrt-shield")
        stop(vm)


def what_fails_is_tried_again():
    """And is said once."""
    with CleanPlace() as place, Vm(place, ["--shield", *PLAN]) as vm:
        tid = threads_of(wait_roles(vm), "vcpu")[0]["tid"]
        saved = place.run + "/.host/saved.shield"
        os.rename(saved, place.file("good"))
        with open(saved, "w", encoding="ascii") as file:
            file.write("junk\n")
        os.chmod(saved, 0o600)
        with open(CPUSETS + "/tasks", "w", encoding="ascii") as file:
            file.write(str(tid))
        os.rmdir(CPUSETS + "/qrt-shield")
        wait_for("a word of it", lambda: "is damaged" in vm.output())
        os.rename(place.file("good"), saved)
        wait_for("the shield is up again", lambda: cpuset_of(tid) == "/qrt-shield")
        check_equal(vm.output().count("is damaged"), 1, vm.output())
        stop(vm)


def refused(options, word, *lines):
    before = Picture()
    with CleanPlace() as place:
        code, _, errors = place.call("run", *options, "--", *make_qemu())
        check_equal(code, 125, "exit code of %s: %s" % (options, errors))
        check(word in errors, errors)
        for line in lines:
            check(any(said.startswith("qrt-launcher: " + line) for said in errors.splitlines()), errors)
        check_empty(place)
    before.check_same("after a refusal")


def what_a_later_shield_takes_is_no_deviation():
    everything = set(range(os.cpu_count()))
    with CleanPlace() as place, Vm(place, ["-rt", "main_bias=0-%d" % LAST]) as vm:
        wait_roles(vm)
        wait_cpus(vm, "main", everything)
        check_equal(place.call("shield", str(LAST))[0], 0, "shield")
        before = vm.status()["corrections"]
        time.sleep(0.5)  # some 25 looks of the supervisor
        status = vm.status()
        check_equal(status["corrections"], before, "corrections")
        check_equal(cpus_of(status, "main"), [OTHERS] * 2, "the main loop's CPUs")
        check_equal(place.call("unshield"), (0, "", ""), "unshield")
        wait_cpus(vm, "main", everything)
        stop(vm)


def a_plan_need_not_know_of_a_shield():
    """Another one's: what of a thread's CPUs is left is where it runs, and that is said."""
    with CleanPlace() as place:
        check_equal(place.call("shield", str(LAST))[0], 0, "shield")
        with Vm(place, ["-rt", "main_bias=0-%d" % LAST]) as vm:
            wait_roles(vm)
            wait_cpus(vm, "main", OTHERS)
            check("warning: plan: main 0" in vm.output() and "runs on the others alone" in vm.output(), vm.output())
            stop(vm)


def what_cannot_be_is_refused():
    everything, fault = "0-%d" % LAST, ("fault: plan: ", "not started: 1 fault")
    refused(["--shield", "-rt", "vcpu_sched=other"], "name them", *fault)
    refused(["--shield", "-rt", "vcpu_bias=" + everything], "leave it at least one", *fault)
    refused(["--shield", *PLAN, "-rt", "othr_bias=" + everything], "all outside", *fault)
    refused(["--shield=frob", *PLAN], "frob")
    refused(["-rt", "resctrl=junk", *PLAN], "resctrl")


def both_shields_are_too_many():
    """What two want together may be what one alone would not be refused."""
    before = Picture()
    with CleanPlace() as place:
        check_equal(place.call("shield", ",".join(str(cpu) for cpu in sorted(OTHERS)))[0], 0, "shield")
        during = Picture()
        code, _, errors = place.call("run", "--shield", "-rt", "vcpu_bias=%d" % LAST, "--", *make_qemu())
        check_equal(code, 125, "exit code")
        check("leave it at least one" in errors, errors)
        during.check_same("after a VM was refused")
        check_equal(place.call("unshield"), (0, "", ""), "unshield")
    before.check_same("after unshield")


boxed(main, [
    ("a VM has its shield, and leaves nothing behind", a_vm_has_its_shield),
    ("a VM and a shield come together in any order", a_vm_comes_to_a_shield),
    ("threads that a vCPU started leave the shield", threads_of_a_vcpu_leave),
    ("kernel threads that a vCPU started leave the shield", kernel_threads_of_a_vm_leave),
    ("what two VMs and a user want is put together", what_two_want_is_put_together),
    ("idle states are held by the strictest", idle_states_are_held),
    ("what a host has not is said, and the VM starts", what_a_host_has_not_is_said),
    ("after a kill 'shield' repairs", the_next_call_repairs("shield")),
    ("after a kill 'unshield' repairs", the_next_call_repairs("unshield")),
    ("after a kill 'check' repairs", the_next_call_repairs("check")),
    ("after a kill 'status' repairs", the_next_call_repairs("status")),
    ("after a kill the next VM repairs", the_next_vm_repairs),
    ("after a kill another VM's launcher takes over", another_launcher_takes_over),
    ("what somebody has undone is done again", what_is_undone_is_done_again),
    ("what fails is said once and tried again", what_fails_is_tried_again),
    ("what a later shield takes away is no deviation", what_a_later_shield_takes_is_no_deviation),
    ("a plan need not know of another one's shield", a_plan_need_not_know_of_a_shield),
    ("a shield that cannot be is refused", what_cannot_be_is_refused),
    ("two shields that are too many together are refused", both_shields_are_too_many),
])
