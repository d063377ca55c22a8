#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""-rt: both grammars, wrong ones, without rights, under -sandbox and -daemonize."""
import contextlib
import os
import pathlib
import signal
import tempfile

import rtlib
import taplib
from qemu_vm import CPUS, FIFO, GUEST, HOUSE, LIMIT, OTHER, PLAN, WANT, SharedTests, need_root
from rtlib import Vm, run
from qmp import Monitor, MonitorError
from taplib import Skip, expect

ALL = tuple(CPUS)


def every_thread_is_in_its_role():
    with Vm() as vm:
        vm.wait_for_roles()
        expect(vm.lines(), [])
        expect(vm.big_lock_inherits(), True, "the big lock inherits priority")


def the_other_grammar_does_the_same():
    high, low = (FIFO, 0, 12, ALL), (FIFO, 0, 11, ALL)
    with Vm(plan=["maxprio=12", "pi=off"]) as vm:
        vm.wait_for_roles({"main": high, "IO io0": high, "worker": high, "CPU 0/TCG": (FIFO, 1, 11, ALL),
                           "CPU 1/TCG": (FIFO, 1, 11, ALL), "vnc_worker": low, "call_rcu": low})
        expect(vm.big_lock_inherits(), False, "the big lock inherits priority")


def a_plan_file_counts_as_its_options_would():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "control plan")
        path.write_text("# of a controller\n" + "\n".join(PLAN) + "\npi = off  # as mutexes before have it, too\n")
        with Vm(plan=[f"plan={path}", "vcpu_prio=9"]) as vm:
            vm.wait_for_roles({**WANT, "CPU 0/TCG": (FIFO, 1, 9, (GUEST,)), "CPU 1/TCG": (FIFO, 1, 9, (GUEST,))})
            expect(vm.big_lock_inherits(), False, "the big lock inherits priority")
        path.write_text("vcpu_prio=5\nvcpu_speed=5\n")
        code, out, lines = run("-rt", f"plan={path}")
        expect((code, out, len(lines)), (1, "", 1), lines)
        assert f"{path}:2: unknown key" in lines[0], lines


def one_thread_for_all_cpus_is_a_vcpu():
    with Vm(accel="tcg,thread=single") as vm:
        vm.wait_for_roles({"ALL CPUs/TCG": WANT["CPU 0/TCG"], "main": WANT["main"]})


def without_a_plan_nothing_is_placed():
    fresh = (OTHER, 0, 0, ALL)
    with Vm(plan=[]) as vm:
        vm.wait_for_roles({name: fresh for name in WANT if name != "worker"})
        expect(vm.big_lock_inherits(), False, "the big lock inherits priority")
        expect(vm.errors.read_text(), "")


def quanta_are_made_by_the_threads_themselves():
    with Vm(plan=["vcpu_sched=rr", "vcpu_prio=10", "vcpu_nice=19", f"vcpu_bias={GUEST}"]) as vm:
        vm.wait_until(lambda have: have.get("CPU 1/TCG") == {(FIFO, 1, 10, (GUEST,))})
        timers = pathlib.Path(f"/proc/{vm.pid}/timers")
        if timers.exists():  # of a kernel with CONFIG_CHECKPOINT_RESTORE
            vm.wait_until(lambda _: timers.read_text().count("signal/tid") >= 2)


def a_daemonized_qemu_is_placed_too():
    with Vm("-daemonize", plan=[*PLAN, "mlock=onfault"]) as vm:
        expect(vm.process.wait(LIMIT), 0, vm.errors.read_text())
        vm.pid = int(vm.pidfile.read_text())
        vm.wait_for_roles()
        assert vm.status("VmLck") > 100 << 10, "the process that stays has locked memory"


# ---- rights --------------------------------------------------------------------------------------

def a_sandboxed_qemu_has_its_main_role_and_says_what_it_may_not():
    with Vm("-sandbox", "on,resourcecontrol=deny") as vm:
        vm.wait_until(lambda have: "CPU 1/TCG" in have and have.get("main") == {WANT["main"]} and
                      have.get("call_rcu") == {WANT["call_rcu"]})
        # Where it began, beside the main loop: not in real time there.
        vm.wait_until(lambda have: have["CPU 1/TCG"] == {(OTHER, 0, 0, (HOUSE,))})
        vm.wait_until(lambda _: "seccomp" in vm.errors.read_text())
        expect(len(vm.lines()), 1, vm.errors.read_text())
        assert "qrt-launcher" in vm.lines()[0], vm.lines()
        os.kill(vm.pid, signal.SIGTERM)
        vm.process.wait(LIMIT)


def a_daemonized_sandboxed_qemu_keeps_its_main_role_to_itself():
    plan = ["main_sched=fifo main_prio=12", f"main_bias={HOUSE}"]
    with Vm("-daemonize", "-sandbox", "on,resourcecontrol=deny", plan=plan) as vm:
        expect(vm.process.wait(LIMIT), 0, vm.errors.read_text())
        vm.pid = int(vm.pidfile.read_text())
        have = vm.wait_until(lambda have: "CPU 1/TCG" in have and "IO io0" in have)
        expect(have["main"], {WANT["main"]})
        for name in ("CPU 0/TCG", "CPU 1/TCG", "IO io0", "call_rcu"):
            assert all(setting[0] == OTHER for setting in have[name]), (name, have)


def without_rights_a_plan_that_needs_them_is_refused():
    need_root()
    code, out, lines = run(*rtlib.as_options(PLAN), preexec_fn=taplib.drop_nice)
    expect((code, out, len(lines)), (1, "", 1), lines)
    assert "CAP_SYS_NICE" in lines[0], lines


# ---- device emulation ----------------------------------------------------------------------------

# out 0x80, al; and again: at the address where a CPU begins
FIRMWARE = bytes(0xfff0) + b"\xe6\x80\xeb\xfc" + bytes(12)
BELOW = ["main_sched=fifo main_prio=12", f"vcpu_sched=fifo vcpu_prio=10 vcpu_bias={GUEST}"]


@contextlib.contextmanager
def emulating(*plan):
    """A guest under KVM that does nothing but write to a port; yields how to look for its CPU's priorities, and its
    monitor."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Skip("no /dev/kvm here")
    with tempfile.TemporaryDirectory() as folder:
        firmware, monitor = pathlib.Path(folder, "firmware"), pathlib.Path(folder, "monitor")
        firmware.write_bytes(FIRMWARE)
        with Vm("-bios", str(firmware), "-qmp", f"unix:{monitor},server=on,wait=off", accel="kvm", plan=[*BELOW, *plan]) as vm:
            vm.wait_until(lambda have: "CPU 1/KVM" in have and min(s[2] for s in have["CPU 1/KVM"]) == 10)
            tid = next(tid for tid, name in taplib.threads(vm.pid) if name == "CPU 0/KVM")
            yield lambda: {os.sched_getparam(tid).sched_priority for _ in range(20000)}, Monitor(str(monitor))


def device_emulation_has_the_preempt_lock():
    with emulating() as (look, _):
        expect(look(), {10}, "without it in the plan")
    with emulating("preemptlock=20000") as (look, _):
        assert 13 in look(), "above all of the plan"


def what_a_preempt_lock_relies_on_is_not_changed():
    with emulating("preemptlock=20000") as (look, monitor):
        for option in ("vcpu_prio=20", "vcpu_sched=other vcpu_prio=0", "main_prio=40"):
            try:
                monitor.call("rt-set", options=[option])
            except MonitorError as error:
                assert "preemptlock" in str(error), error
            else:
                raise AssertionError(f"{option} was taken")
        monitor.call("rt-set", options=["main_prio=11"])
        assert look() <= {10, 13}, look()


# ---- another plan --------------------------------------------------------------------------------

def a_separated_plan_can_be_changed():
    with tempfile.TemporaryDirectory() as folder:
        monitor = f"{folder}/monitor"
        with Vm("-qmp", f"unix:{monitor},server=on,wait=off") as vm:
            vm.wait_for_roles()
            asker = Monitor(monitor)
            asker.call("rt-set", options=[])
            asker.call("rt-set", options=["vcpu_prio=11"])
            vm.wait_until(lambda have: have.get("CPU 1/TCG") == {(FIFO, 1, 11, (GUEST,))})
            expect(vm.lines(), [])


def who_gave_up_its_rights_may_lower():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        with Vm("-qmp", f"unix:{folder}/monitor,server=on,wait=off", *rtlib.AS_NOBODY) as vm:
            vm.wait_for_roles()
            asker = Monitor(f"{folder}/monitor")
            asker.call("rt-set", options=["vcpu_prio=7"])
            vm.wait_until(lambda have: have.get("CPU 1/TCG") == {(FIFO, 1, 7, (GUEST,))})
            for options, word in ((["vcpu_prio=9"], "CAP_SYS_NICE"), (["shield=on"], "shield"), (["resctrl=L3:0=1"], "resctrl")):
                try:
                    asker.call("rt-set", options=options)
                except MonitorError as error:
                    assert word in str(error), error
                else:
                    raise AssertionError(f"{options} was taken")
            vm.wait_until(lambda have: have.get("CPU 1/TCG") == {(FIFO, 1, 7, (GUEST,))})


def what_is_refused_leaves_a_sandboxed_vcpu_as_it_was():
    shared = {(OTHER, 0, 0, (HOUSE,))}
    with tempfile.TemporaryDirectory() as folder:
        monitor = f"{folder}/monitor"
        with Vm("-sandbox", "on,resourcecontrol=deny", "-qmp", f"unix:{monitor},server=on,wait=off") as vm:
            vm.wait_until(lambda have: have.get("CPU 0/TCG") == shared and have.get("CPU 1/TCG") == shared)
            try:
                Monitor(monitor).call("rt-set", options=["vcpu_prio=9", "main_prio=11"])
            except MonitorError as error:
                assert "seccomp" in str(error), error
            else:
                raise AssertionError("it was taken")
            have = vm.roles()
            expect((have["CPU 0/TCG"], have["CPU 1/TCG"], have["main"]), (shared, shared, {WANT["main"]}))


def lowering_all_at_once_hangs_nobody():
    plan = ["main_sched=fifo main_prio=12", f"main_bias={GUEST}"]
    with emulating(*plan) as (look, monitor):
        monitor.call("rt-set", options=["main_prio=6 vcpu_prio=4"])
        expect(look(), {4})
        monitor.call("rt-set", options=["main_prio=12 vcpu_prio=10"])
        expect(look(), {10})


# ---- what is refused -----------------------------------------------------------------------------

BAD = [
    (["-rt"], "requires an argument"),
    (["-rt", ""], "empty"),
    (["-rt", "vcpu"], "has no value"),
    (["-rt", "vcpu_prio="], "empty value"),
    (["-rt", "vcpu_prio=100"], "out of range"),
    (["-rt", "vcpu_prio=1,,2"], "value 2 is empty"),
    (["-rt", "vcpu_speed=1"], "unknown key"),
    (["-rt", "cpu_prio=1"], "unknown role"),
    (["-rt", "maxprio=0"], "maxprio"),
    (["-rt", "maxprio=9,policy=xx"], "policy"),
    (["-rt", "vcpu_prio=5", "-rt", "vcpu_bias=1023"], "is not online"),
    (["-rt", "vcpu_sched=fifo vcpu_prio=0"], "prio"),
    (["-rt", "maxprio=9,pvsched=on"], "pvsched"),
    (["-rt", "vcpu_prio=5", "-rt", "main_prio"], "has no value"),
    (["-rt", "plan="], "plan=PATH"),
    (["-rt", "plan=/nowhere/at.all"], "'/nowhere/at.all'"),
    (["-rt", "vcpu_prio=5 plan=/dev/null"], "stands alone"),
]


def a_wrong_option_is_one_line_and_no_vm():
    for arguments, words in BAD:
        code, out, lines = run(*arguments)
        lines = [line for line in lines if "warning" not in line]
        expect((code, out, len(lines)), (1, "", 1), f"{arguments}: {lines}")
        assert words in lines[0], (arguments, lines)


def how_many_vcpus_there_can_be_is_known():
    shared, one = ("-rt", "vcpu_sched=fifo vcpu_prio=3", "-rt", f"vcpu_bias={GUEST}"), ("-rt", "vcpu_bias=0,1")
    said = "vcpu 0 and vcpu 1 share CPU"
    for smp in ("2", "1,maxcpus=2"):
        assert any(said in line for line in run("-smp", smp, *shared)[2]), smp
    assert not any(said in line for line in run("-smp", "1", *shared, "-device", "none-such")[2])
    for smp in ("1", "cpus=1"):
        code, _, lines = run("-smp", smp, *one)
        expect((code, sum("vcpu_bias has 2 values, but the VM has 1" in line for line in lines)), (1, 1), lines)


def given_twice_the_later_overrides():
    with Vm("-rt", "vcpu_prio=3", "-rt", "vcpu_prio=4") as vm:
        vm.wait_until(lambda have: have.get("CPU 1/TCG") == {(FIFO, 1, 4, (GUEST,))})


def the_last_word_on_inheritance_counts():
    for plan, more, inherits in ((["pi=off", "pi=on"], (), True), (["pi=on", "main_nice=1", "pi=off"], (), False),
                                 (["vcpu_nice=1"], ("-machine", "pc,acpi=off"), True),
                                 (["pi = off"], ("-machine", "pc,acpi=on"), False)):
        with Vm(*more, plan=plan) as vm:
            vm.wait_until(lambda have: "CPU 1/TCG" in have)
            expect(vm.big_lock_inherits(), inherits, plan)


def help_lists_both_grammars():
    for word in ("help", "?"):
        code, out, lines = run("-rt", word)
        expect((code, lines), (0, []))
        assert "ROLE_KEY" in out and "maxprio" in out, out


def what_only_a_supervisor_does_is_said():
    with Vm("-rt", "cstate=1", "-rt", "vcpu_budget=30%/100ms") as vm:
        vm.wait_until(lambda have: "CPU 1/TCG" in have)
        said = [line for line in vm.lines() if "cstate" in line]
        assert len(said) == 1 and "vcpu_budget" in said[0] and "qrt-launcher" in said[0], vm.lines()


if __name__ == "__main__":
    taplib.main([
        every_thread_is_in_its_role,
        the_other_grammar_does_the_same,
        a_plan_file_counts_as_its_options_would,
        one_thread_for_all_cpus_is_a_vcpu,
        without_a_plan_nothing_is_placed,
        quanta_are_made_by_the_threads_themselves,
        a_daemonized_qemu_is_placed_too,
        a_sandboxed_qemu_has_its_main_role_and_says_what_it_may_not,
        a_daemonized_sandboxed_qemu_keeps_its_main_role_to_itself,
        without_rights_a_plan_that_needs_them_is_refused,
        device_emulation_has_the_preempt_lock,
        what_a_preempt_lock_relies_on_is_not_changed,
        a_separated_plan_can_be_changed,
        who_gave_up_its_rights_may_lower,
        what_is_refused_leaves_a_sandboxed_vcpu_as_it_was,
        lowering_all_at_once_hangs_nobody,
        a_wrong_option_is_one_line_and_no_vm,
        how_many_vcpus_there_can_be_is_known,
        given_twice_the_later_overrides,
        the_last_word_on_inheritance_counts,
        help_lists_both_grammars,
        what_only_a_supervisor_does_is_said,
        *SharedTests(Vm).all(),
    ])
