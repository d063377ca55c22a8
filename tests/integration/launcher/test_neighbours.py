#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two VMs on one host: a default plan leaves the other's CPUs alone, or says that none is left."""

import fcntl
import os

from tap import Skip, check, check_equal, main
from vm import QEMU, Place, Vm, need_root, read_setting, threads_of

CPUS = sorted(os.sched_getaffinity(0))
PAUSED = ["-S"]  # its vCPU is there, and never runs


def vcpu_cpus(vm):
    status = vm.wait_roles({"vcpu": 1})
    return {cpu for thread in threads_of(status, "vcpu") for cpu in read_setting(thread["tid"])[3]}


def warnings(vm):
    return [line for line in vm.output().splitlines() if line.startswith("qrt-launcher: warning: ") and "vCPUs of VM" in line]


def end(vm):
    vm.process.terminate()
    vm.wait_end()


def need_cpus():
    need_root()
    if len(CPUS) < 2:
        raise Skip("needs two CPUs")


def check_beside(first, second):
    """CPUs of its own, or one warning that names the other."""
    taken, own, said = vcpu_cpus(first), vcpu_cpus(second), warnings(second)
    if len(CPUS) > 2:
        check(not taken & own, "both on CPU %s" % (taken & own))
        check_equal(said, [], "warnings")
    else:
        check_equal(len(said), 1, second.output())
        check("'%s'" % first.name in said[0] and "no CPU is left" in said[0] and "; " in said[0], said[0])


def default_plans():
    need_cpus()
    with Place() as place, Vm(place, qemu=PAUSED, name="first") as first:
        first.wait_roles({"vcpu": 1})
        check_equal(warnings(first), [], "the first VM")
        with Vm(place, qemu=PAUSED, name="second") as second:
            check_beside(first, second)
            end(second)
        end(first)
        with Vm(place, qemu=PAUSED, name="third") as third:
            third.wait_roles({"vcpu": 1})
            check_equal(warnings(third), [], "after the first ended")
            end(third)


def started_at_once():
    """Their choice is one after the other: both know of each other, whoever is first."""
    need_cpus()
    with Place() as place, Vm(place, qemu=PAUSED, name="a") as one, Vm(place, qemu=PAUSED, name="b") as other:
        vcpu_cpus(one)
        vcpu_cpus(other)
        first, second = (one, other) if warnings(other) else (other, one)
        check_equal(warnings(first), [], "the one that was first")
        check_beside(first, second)
        end(one)
        end(other)


def explicit(sched, prio):
    words = ["vcpu_sched=" + sched, "vcpu_prio=%d" % prio, "vcpu_bias=%d" % CPUS[-1], "main_sched=rr", "main_prio=9",
             "main_bias=%d" % CPUS[0]]
    return [word for option in words for word in ("-rt", option)]


def explicit_plans():
    """Who gives CPUs himself gets them; FIFO beside FIFO on the only CPU is worth a warning."""
    need_cpus()
    with Place() as place, Vm(place, explicit("fifo", 5), PAUSED, name="first") as first:
        first.wait_roles({"vcpu": 1})
        for sched, count in (("fifo", 1), ("rr", 0)):
            with Vm(place, explicit(sched, 3), PAUSED, name=sched) as second:
                check_equal(vcpu_cpus(second), {CPUS[-1]}, "CPUs that were asked for")
                check_equal(len(warnings(second)), count, second.output())
                check(not count or "'first'" in warnings(second)[0] and "vcpu_bias" in warnings(second)[0], second.output())
                end(second)
        end(first)


def other_commands_see_it():
    need_cpus()
    with Place() as place, Vm(place, qemu=PAUSED, name="first") as vm:
        cpus = ",".join(str(cpu) for cpu in sorted(vcpu_cpus(vm)))
        check("VMs that run: first; their real-time vCPUs have CPU %s." % cpus in place.call("plan", "--explain")[1],
              "plan --explain")
        end(vm)
        check("VMs that run" not in place.call("plan", "--explain")[1], "plan --explain after its end")


def stopped_launcher():
    """Somebody who holds the run directory does not keep others from starting."""
    need_root()
    with Place() as place:
        os.mkdir(place.run, 0o700)
        holder = os.open(place.run, os.O_RDONLY)
        fcntl.flock(holder, fcntl.LOCK_EX)
        code, _, errors = place.call("run", "-rt", "othr_sched=other", "--", QEMU, "-version")
        os.close(holder)
        check_equal((code, errors.count("\n")), (0, 1), errors)
        check("another launcher holds " + place.run in errors, errors)


main([
    ("a second default plan: CPUs of its own, or a warning that names the first VM", default_plans),
    ("two that are started at once know of each other", started_at_once),
    ("an explicit plan is carried out, and warned of FIFO beside FIFO", explicit_plans),
    ("plan sees the VM that runs", other_commands_see_it),
    ("a launcher that is stopped while it starts holds nobody up for ever", stopped_launcher),
])
