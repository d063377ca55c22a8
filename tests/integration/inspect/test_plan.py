#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-launcher plan as a command: canonical text, words, JSON, exit codes."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "launcher"))

# pylint: disable=wrong-import-position
import tap
from tap import check, check_equal
from vm import Place

TIME_SHARING = ["-rt", "vcpu_sched=other", "-rt", "vcpu_nice=-5", "-rt", "main_sched=other"]
PLAN = """# control VM
vcpu_sched = fifo    # line 2
vcpu_prio = 10
vcpu_bias = 0
main_sched = fifo
main_prio = 12
main_bias = 0
"""


def call(*arguments):
    with Place() as place:
        return place.call("plan", *arguments)


def call_with_file(text, *arguments):
    with Place() as place:
        with open(place.file("plan"), "w", encoding="utf-8") as file:
            file.write(text)
        return place.call("plan", "--plan", place.file("plan"), *arguments)


def test_canonical():
    code, out, _ = call(*TIME_SHARING)
    check_equal(code, 0, "exit code")
    again, out_again, _ = call_with_file(out)
    check_equal((again, out_again), (0, out), "its own output as a plan file")


def test_default_follows_the_vm():
    _, out, _ = call("--json", "--", "qemu-system-x86_64", "-smp", "2", "-object", "iothread,id=a")
    answer = json.loads(out)
    check(answer["default"], "default")
    check_equal((answer["vcpus"], answer["iothreads"]), (2, 1), "shape")
    roles = [group["role"] for group in answer["threads"]]
    check({"vcpu", "main", "paio", "ioth"} <= set(roles), roles)
    _, out, _ = call("--json", "qemu-system-x86_64")
    check("ioth" not in [group["role"] for group in json.loads(out)["threads"]], out)


def test_accelerator():
    """The plan is for the accelerator that QEMU will take, and says how that is known."""
    def ask(*arguments):
        _, out, _ = call("--json", *arguments)
        answer = json.loads(out)
        return answer["accelerator"], answer["assumed"]

    qemu = ["--", "qemu-system-x86_64"]
    check_equal(ask(), ("kvm", True), "without QEMU's arguments")
    check_equal(ask(*qemu), ("tcg", False), "without an accelerator")
    check_equal(ask(*qemu, "-accel", "kvm"), ("kvm", False), "-accel kvm")
    either = {ask(*qemu, "-accel", "kvm", "-accel", "tcg"), ask(*qemu, "-machine", "pc,accel=kvm:tcg")}
    check_equal(len(either), 1, "both ways to write it")
    with Place() as place:
        items = json.loads(place.call("check", "--json")[1])["items"]
    usable = [item["found"].startswith("opens and runs") for item in items if item["id"] == "kvm"][0]
    check_equal(either, {("kvm" if usable else "tcg", False)}, "kvm:tcg where KVM %s" % ("works" if usable else "fails"))
    check_equal(ask(*qemu, "-accel", "tcg", "-accel", "kvm"), ("tcg", False), "tcg first")


def test_assumptions_are_told():
    _, out, _ = call("--explain")
    check("under KVM (assumed: there are no QEMU arguments)" in out.splitlines()[0], out)
    _, out, _ = call("--explain", "--", "qemu-system-x86_64")
    check("under TCG (QEMU's choice" in out.splitlines()[0], out)
    _, out, _ = call()
    check(out.startswith("# The default plan for 1 vCPU under KVM (assumed"), out)
    check("vcpu_sched=fifo\n" in call_with_file(out)[1], "its output is no plan file: " + out)


def test_advance_and_pool_are_shown():
    given = [*TIME_SHARING, "-rt", "pool=3"]
    _, out, _ = call(*given)
    check("\npool=3\n" in out and "\n# advance=0 (" in out, out)
    _, out, _ = call(*given, "--json")
    check_equal([json.loads(out)[name] for name in ("advance", "pool")], [0, 3], out)
    _, out, _ = call(*TIME_SHARING, "-rt", "advance=70", "--explain")
    check("  advance=70: " in out and "  pool=0: " in out, out)


def test_starts_from_the_default():
    """-rt default, before or behind the other options: what they leave open is as without them."""
    arguments = ["-rt", "paio_prio=7", "--", "qemu-system-x86_64", "-smp", "1"]
    _, alone, _ = call(*arguments)
    check("vcpu_" not in alone, alone)
    _, before, _ = call("-rt", "default", *arguments)
    check("paio_prio=7\n" in before and "vcpu_sched=" in before and "main_prio=" in before, before)
    check_equal(call(*arguments[:2], "-rt", "default", *arguments[2:])[1], before, "behind")
    check_equal(call("-rt", "default paio_prio=7", *arguments[2:])[1], before, "in one word")
    _, out, _ = call("-rt", "default", *arguments[:2], "--explain", *arguments[2:])
    rows = {line.split()[0]: line for line in out.splitlines() if line.startswith("  ") and "on CPU" in line}
    check(" option " in rows["paio"] and " default " in rows["vcpu"], out)


def read_start(pid):
    with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
        return int(file.read().rpartition(")")[2].split()[19])


def pretend_vm(place, name, cpus):
    """A VM's record, with this process in the place of QEMU."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    os.makedirs(os.path.join(place.run, name), 0o700)
    os.chmod(place.run, 0o700)
    record = {"version": 1, "launcher_pid": os.getpid(), "launcher_start": read_start(os.getpid()), "qemu_pid": os.getpid(),
              "qemu_start": read_start(os.getpid()), "boot_id": boot,
              "fresh": {"policy": 0, "priority": 0, "nice": 0, "cpus": "0"}, "vcpus": {"realtime": cpus, "fifo": cpus}}
    with open(os.path.join(place.run, name, "state.json"), "w", encoding="ascii") as file:
        json.dump(record, file)


def test_leaves_room_for_others():
    """CPUs of a VM that runs are not given again; where none is left, that is said."""
    arguments = ["plan", "--json", "--", "qemu-system-x86_64", "-smp", "1"]

    def ask(place):
        answer = json.loads(place.call(*arguments)[1])
        vcpu = [group for group in answer["threads"] if group["role"] == "vcpu"][0]
        return vcpu["cpus"], [finding for finding in answer["lint"] if finding["code"] == "shared-with-vm"]

    with Place() as place:
        alone, found = ask(place)
        check_equal(found, [], "alone")
        pretend_vm(place, "first", alone)
        beside, found = ask(place)
        if len(os.sched_getaffinity(0)) > 2:
            check(beside != alone and not found, (beside, found))
        else:
            check_equal(len(found), 1, "findings")
            check("'first'" in found[0]["message"] and found[0]["remedy"], found)
        _, out, err = place.call("plan", "-rt", "default", "-rt", "vcpu_bias=" + alone, *arguments[2:])
        check("vcpu_bias=%s\n" % alone in out, out)
        check(err.count("VM 'first'") == (0 if "vcpu_sched=rr" in out else 1), err)
        check("VMs that run: first" in place.call("plan", "--explain")[1], "--explain")


def test_lines_are_named():
    _, out, _ = call_with_file(PLAN, "--explain")
    row = [line for line in out.splitlines() if line.startswith("  vcpu")][0]
    check("lines 2, 3, 4 " in row, row)
    _, out, _ = call_with_file("vcpu_bias=0\nvcpu_prio=5\nvcpu_sched=fifo\n", "--explain")
    row = [line for line in out.splitlines() if line.startswith("  vcpu")][0]
    check("lines 1, 2, 3 " in row, row)
    _, out, _ = call_with_file(PLAN, "-rt", "vcpu_prio=9", "--json")
    vcpu = [group for group in json.loads(out)["threads"] if group["role"] == "vcpu"][0]
    check_equal((vcpu["priority"], vcpu["source"]), (9, "lines 2, 4, option"), "the option overrides the file")


def test_explains_who_wins():
    _, out, _ = call_with_file(PLAN, "--explain")
    check("main (12), then vcpu" in out, out)
    check("preempts those behind it" in out, out)
    check("The plan\n" in out, out)
    _, out, _ = call("--explain", "-rt", "vcpu_sched=rr,rr", "-rt", "vcpu_bias=0", "-rt", "main_sched=rr", "-rt",
                     "main_bias=0", "--", "qemu-system-x86_64", "-smp", "2")
    check("equal priority under RR, they take turns every" in out, out)


def test_faults():
    code, out, err = call("-rt", "vcpu_bias=0", "-rt", "vcpu_sched=fifo", "-rt", "main_bias=0")
    check_equal(code, 1, "a starved main loop")
    check("fault" in err and "vcpu_bias=0" in out, (out, err))
    code, out, err = call("-rt", "vcpu_sched=fifo,fifo,fifo", "--", "qemu-system-x86_64", "-smp", "2")
    check_equal(code, 1, "more values than vCPUs")
    code, out, err = call("-rt", "maxprio=5,pvsched=on")
    check_equal(code, 1, "paravirtual scheduling is not supported")
    check("pvsched" in err, err)


def test_bad_input():
    for arguments in (["--bogus"], ["-rt"], ["-rt", ""], ["-rt", "vcpu_prio=-1"], ["-rt", "vcpu_sched=fast"],
                      ["-rt", "disk_prio=1"], ["--plan"]):
        code, out, err = call(*arguments)
        check_equal((code, out), (2, ""), arguments)
        check_equal(len(err.splitlines()), 1, err)
    for arguments in (["--", "-smp", "2"], ["--", "qemu-system-x86_64", "-smp", "0"], ["nice", "qemu-system-x86_64"]):
        code, out, err = call(*arguments)
        check_equal((code, out, len(err.splitlines())), (2, "", 1), (arguments, err))
    for text in ("vcpu_prio=1\0\n", "vcpu_prio\n", "include x\n", "#" * (10 << 20)):
        code, out, err = call_with_file(text)
        check_equal((code, out, len(err.splitlines())), (1, "", 1), (text[:20], err))


AROUND = ["weight=70", "budget=150%/100ms", "vcpu_budget=30%/100ms", "preemptlock=500", "cstate=0", "haltpoll=7",
          "timerprio=50", "resctrl=L3:0=f", "hugepages=thp", "numa=0", "shield=irqs+rps", "mlock=prefault"]
GUEST = ["boottime=0", "heartbeat=250"]
DEADLINE = ["vcpu_sched=deadline", "vcpu_runtime=2000", "vcpu_period=10000", "vcpu_prio=5", "main_prio=6",
            "main_ioprio=rt:0"]


def options(words):
    return [word for option in words for word in ("-rt", option)]


def test_the_host_around_is_shown():
    answer = json.loads(call("--json", *options(AROUND))[1])
    wanted = {"weight": 70, "budget": "150%/100ms", "preempt_lock_us": 500, "cstate_us": 0, "haltpoll_ns": 7,
              "timer_priority": 50, "resctrl": "L3:0=f", "hugepages": "thp", "numa": "0", "shield": "irqs+rps"}
    check_equal({name: answer[name] for name in wanted}, wanted, "JSON")
    check_equal([group["budget"] for group in answer["threads"] if group["role"] == "vcpu"], ["30%/100ms"], "of vcpu")
    _, out, _ = call("--explain", *options(AROUND))
    around = out[out.index("Budgets, disks, and the host around"):out.index("\nThe plan\n")]
    for word in ("weight=70", "budget: 150%/100ms", "vcpu: 30%/100ms", "preemptlock=500", "cstate=0", "haltpoll=7",
                 "timerprio=50", "resctrl=L3:0=f", "hugepages=thp", "numa=0", "shield=irqs+rps", "put back when the VM ends"):
        check(word in around, "%s is not in %s" % (word, around))


def test_a_guest_with_an_agent_is_shown():
    for words, boot in ((GUEST, "other"), ([*GUEST, "boot=keep"], "keep")):
        answer = json.loads(call("--json", *options(words))[1])
        check_equal([answer[name] for name in ("boot", "boottime_s", "heartbeat_ms")], [boot, 0, 250], "JSON")
        out = call("--explain", *options(words))[1]
        check("boot=%s" % boot in out and "heartbeat=250" in out, out)


def test_what_is_not_said_is_null():
    answer = json.loads(call("--json")[1])
    for name in ("weight", "budget", "preempt_lock_us", "cstate_us", "haltpoll_ns", "timer_priority", "resctrl", "numa",
                 "boottime_s", "heartbeat_ms"):
        check(answer[name] is None, "%s is %s" % (name, answer[name]))
    check_equal((answer["hugepages"], answer["shield"]), ("off", "off"), "hugepages and shield")
    check("host around" not in call("--explain")[1], "of the host around something is said")


def test_deadlines_are_shown():
    answer = json.loads(call("--json", *options(DEADLINE), "--", "qemu-system-x86_64", "-smp", "1")[1])
    vcpu, = [group for group in answer["threads"] if group["role"] == "vcpu"]
    check_equal([vcpu[name] for name in ("policy", "runtime_ns", "deadline_ns", "period_ns", "fallback_priority")],
                ["deadline", 2000000, 10000000, 10000000, 5], "vcpu")
    group, = [group for group in answer["threads"] if group["role"] == "main"]
    check_equal((group["ioprio"], group["fallback_priority"]), ("rt:0", None), "main")
    _, out, _ = call("--explain", *options(DEADLINE), "--", "qemu-system-x86_64", "-smp", "1")
    for word in ("deadline 2ms/10ms/10ms", "where the kernel refuses deadline, fifo 5 instead", "priority rt:0"):
        check(word in out, "%s is not in %s" % (word, out))


def test_huge_pages_are_counted():
    qemu = ["--", "qemu-system-x86_64", "-m"]
    code, _, err = call("-rt", "hugepages=1G", *qemu, "1000000G")
    check_equal(code, 1, "exit code")
    check("takes 1000000 huge pages" in err and "hugepagesz=1G" in err, err)
    code, _, err = call("-rt", "hugepages=1G", *qemu, "512")
    check_equal(code, 1, "exit code")
    check("give QEMU -m 1024M" in err, err)
    _, out, _ = call("--explain", "-rt", "hugepages=2M", *qemu, "64", "-mem-path", "/dev/shm")
    check("not applied, as QEMU's arguments have it (-mem-path)" in out, out)


def test_program():
    """A word that is no program is not taken for a VM, in the words of 'run'."""
    for words in (["foo"], ["--", "/nonexistent/qemu"], ["--explain", "foo", "-smp", "2"]):
        code, out, err = call(*words)
        check_equal((code, out, len(err.splitlines())), (1, "", 1), err)
        check("no such program; install QEMU" in err, err)


if __name__ == "__main__":
    tap.main([
        ("the canonical form is a plan file for itself", test_canonical),
        ("the default plan follows the VM's shape", test_default_follows_the_vm),
        ("it is for the accelerator that QEMU will take", test_accelerator),
        ("it tells what was assumed", test_assumptions_are_told),
        ("advance and pool are shown", test_advance_and_pool_are_shown),
        ("-rt default stands behind the other options", test_starts_from_the_default),
        ("CPUs of VMs that run are left to them", test_leaves_room_for_others),
        ("it names the lines that said it", test_lines_are_named),
        ("it says in words who preempts whom", test_explains_who_wins),
        ("budgets and the host around are shown", test_the_host_around_is_shown),
        ("a guest with an agent is shown", test_a_guest_with_an_agent_is_shown),
        ("what is not said is null", test_what_is_not_said_is_null),
        ("deadlines, fallbacks and I/O priorities are shown", test_deadlines_are_shown),
        ("huge pages are counted for the VM's memory", test_huge_pages_are_counted),
        ("QEMU has to be there", test_program),
        ("faults and what is not supported: exit code 1", test_faults),
        ("bad input: one line", test_bad_input),
    ])
