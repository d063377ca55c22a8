#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-launcher set: another plan for a VM that runs, whole or not at all."""

import fcntl
import json
import os
import signal
import stat
import subprocess
import time

from cage import CPUS, Cage
from tap import check, check_equal, main
from vm import LAUNCHER, PATIENCE, Monitor, Place, Vm, find_unplanned, is_alive, need_root, read_setting, threads_of, wait_for

FIFO, RR, OTHER, BATCH = 1, 2, 0, 3


def words(*options):
    return [word for option in options for word in ("-rt", option)]


PLAN = words("vcpu_sched=fifo", "vcpu_prio=3", "main_sched=fifo", "main_prio=6", "othr_sched=other")
QEMU = ["-smp", "2", "-S"]  # its vCPUs are there, and never run
ROLES = {"vcpu": 2, "main": 2}  # the monitor's thread is main 1
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class Running:
    """A VM that runs by PLAN."""

    def __init__(self, plan=None, run=()):
        need_root()
        self.place = Place()
        self.monitor = self.place.file("monitor")
        self.vm = Vm(self.place, [*run, *(PLAN if plan is None else plan)],
                     [*QEMU, "-qmp", "unix:%s,server=on,wait=off" % self.monitor])

    def __enter__(self):
        self.vm.wait_up()
        self.vm.wait_roles(ROLES)
        return self

    def __exit__(self, *unused):
        self.vm.__exit__(*unused)
        self.place.__exit__(*unused)

    def set(self, *arguments):
        return self.place.call("set", "vm", *arguments)

    def settings(self, role):
        return [read_setting(thread["tid"]) for thread in threads_of(self.vm.status(), role)]

    def priorities(self, role):
        return [setting[:2] for setting in self.settings(role)]

    def check_refused(self, word, *arguments):
        """One that changes nothing, and says why in one line that is no finding."""
        before = [self.priorities(role) for role in ("vcpu", "main", "othr")], self.vm.status()["plan"]
        code, out, errors = self.set(*arguments)
        check_equal((code, out), (1, ""), errors)
        lines = [line for line in errors.splitlines() if "runs as before" in line]
        check_equal(len(lines), 1, errors)
        check(word in errors, errors)
        check_equal(([self.priorities(role) for role in ("vcpu", "main", "othr")], self.vm.status()["plan"]), before,
                    "after the refusal of %s" % (arguments,))


def test_on_top():
    """All threads of a role at once; the rest of the plan stays."""
    with Running() as running:
        code, out, errors = running.set(*words("vcpu_prio=4"))
        check_equal((code, out), (0, "VM 'vm': 2 of %d threads changed\n" % len(running.vm.status()["threads"])), errors)
        check_equal(running.priorities("vcpu"), [(FIFO, 4)] * 2, "vCPUs")
        check_equal(running.priorities("main"), [(FIFO, 6)] * 2, "the main loop")
        status = running.vm.status()
        check("vcpu_prio=4\n" in status["plan"] and "main_prio=6\n" in status["plan"], status["plan"])
        check(all(thread["in_plan"] for thread in status["threads"]), json.dumps(status["threads"]))
        check_equal(status["corrections"], 0, "corrections")


def test_each_thread():
    """A value for each thread, CPUs, and several options at once."""
    with Running() as running:
        code, _, errors = running.set(*words("vcpu_prio=2,5", "vcpu_bias=%d" % CPUS[-1], "othr_nice=5"))
        check_equal(code, 0, errors)
        check_equal(running.priorities("vcpu"), [(FIFO, 2), (FIFO, 5)], "vCPUs")
        check_equal({setting[3] for setting in running.settings("vcpu")}, {(CPUS[-1],)}, "CPUs")
        check_equal({setting[2] for setting in running.settings("othr")}, {5}, "nice value")


def test_replaced():
    """A plan file takes the place of all; a role that it does not name runs as without a plan."""
    with Running() as running:
        path = running.place.file("new.plan")
        with open(path, "w", encoding="ascii") as file:
            file.write("# other\nmain_sched=rr\nmain_prio=2\nothr_sched=other\n")
        code, _, errors = running.set("--plan", path)
        check_equal(code, 0, errors)
        check_equal(running.priorities("vcpu"), [(OTHER, 0)] * 2, "vCPUs")
        check_equal(running.priorities("main"), [(RR, 2)] * 2, "the main loop")
        code, _, errors = running.set("--plan", path, *words("main_prio=3"))
        check_equal((code, running.priorities("main")), (0, [(RR, 3)] * 2), errors)


def test_cpus_that_were_left():
    """The supervisor leaves the vCPUs' CPUs; that others of the VM may have them is judged by what it had."""
    everywhere = "+".join(str(cpu) for cpu in CPUS)
    with Running([*PLAN, *words("vcpu_bias=%d" % CPUS[-1])]) as running:
        own = os.sched_getaffinity(running.vm.status()["launcher_pid"])
        check_equal(own, set(CPUS[:-1]) or set(CPUS), "the supervisor's CPUs")
        code, _, errors = running.set(*words("main_bias=" + everywhere, "othr_bias=%d" % CPUS[-1]))
        check_equal(code, 0, errors)
        for thread in threads_of(running.vm.status(), "main"):
            check_equal(os.sched_getaffinity(thread["tid"]), set(CPUS), "the main loop's CPUs")


def test_json():
    with Running() as running:
        code, out, errors = running.set("--json", *words("main_prio=7"))
        answer = json.loads(out)
        check_equal((code, answer["changed"], answer["options"], errors), (0, 2, ["main_prio=7"], ""), out)
        check("main_prio=7\n" in answer["plan"], answer["plan"])
        code, out, errors = running.set("--json", *words("main_prio=7"))
        check_equal((code, json.loads(out)["changed"]), (0, 0), "the same again")
        code, out, errors = running.set("--json", *words("vcpu_bias=1000"))
        check_equal(code, 1, errors)
        check("error" in json.loads(out) and json.loads(out)["lint"], out)


def test_refused():
    """A fault of the plan, and what is fixed at the VM's birth."""
    with Running() as running:
        running.check_refused("fault: plan:", *words("vcpu_bias=1000"))
        running.check_refused("mlock cannot change", *words("mlock=onfault"))
        running.check_refused("pi cannot change", *words("pi=off"))
        running.check_refused("advance cannot change", *words("advance=50"))
        running.check_refused("pool cannot change", *words("pool=3"))
        running.check_refused("hugepages cannot change", *words("hugepages=thp"))
        running.check_refused("numa cannot change", *words("numa=0"))
        running.check_refused("preemptlock cannot change", *words("preemptlock=100"))
        running.check_refused("haltpoll cannot change", *words("haltpoll=1000"))
        running.check_refused("vcpu_name cannot change", *words("vcpu_name=foo*"))
        running.check_refused("vcpu_name cannot change", *words("vcpu_prio=4", "vcpu_name=foo*"))


QUANTA = words("paio_sched=rr", "paio_prio=2", "paio_nice=19")


def test_quanta():
    """What QEMU was told of a role's slices its next thread will do, whether there is one now or not."""
    with Running(plan=[*PLAN, *QUANTA]) as running:
        check_equal(threads_of(running.vm.status(), "paio"), [], "workers")
        for change in ("paio_sched=fifo", "paio_nice=0", "paio_sched=other paio_prio=0", "paio_nice=19,18"):
            running.check_refused("paio %d ends its slices itself" % ("," in change), *words(change))
        path = running.place.file("without.plan")
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(PLAN[1::2]) + "\n")
        running.check_refused("paio 0 ends its slices itself", "--plan", path)
        code, _, errors = running.set(*words("paio_prio=3", "paio_bias=%d" % CPUS[0]))
        check_equal(code, 0, errors)


def test_quanta_from_outside():
    """Of a role that QEMU was told none of, and of all where QEMU is told nothing."""
    def check_slices(running, role, change, wanted):
        code, _, errors = running.set(*words(change))
        check_equal(code, 0, (change, errors))
        layers = [{layer["layer"] for layer in thread["layers"]} for thread in threads_of(running.vm.status(), role)]
        check_equal({"quantum" in names for names in layers}, {wanted}, change)

    for run, plan in ([], [*PLAN, *QUANTA]), (["--no-preload"], [*PLAN, *words("vcpu_sched=rr", "vcpu_nice=7")]):
        with Running(plan=plan, run=run) as running:
            for change in ("vcpu_sched=rr vcpu_nice=5", "vcpu_nice=10", "vcpu_sched=fifo vcpu_nice=0", "vcpu_sched=rr"):
                check_slices(running, "vcpu", change, "fifo" not in change)
            if run:
                check_slices(running, "vcpu", "vcpu_sched=other vcpu_prio=0", False)


def test_usage():
    """What needs no VM to be refused."""
    with Place() as place:
        for arguments, code, word in ((["set"], 2, "which VM"), (["set", "vm"], 2, "nothing to change"),
                                      (["set", "vm", "-rt", "vcpu_prio=x"], 2, "-rt: "), (["set", "vm", "--nonsense"], 2, "unknown"),
                                      (["set", "vm", "-rt"], 2, "needs a value"),
                                      (["set", "vm", "--plan", place.file("none")], 1, "cannot read the plan file"),
                                      (["set", "..", "-rt", "vcpu_prio=1"], 1, "no VM's name"),
                                      (["set", "vm", "-rt", "vcpu_prio=1"], 1, "no VM named 'vm' runs")):
            got, out, errors = place.call(*arguments)
            check_equal((got, out, len(errors.splitlines())), (code, "", 1), (arguments, errors))
            check(word in errors, errors)
        path = place.file("bad.plan")
        with open(path, "w", encoding="ascii") as file:
            file.write("\nvcpu_prio=x\n")
        got, out, errors = place.call("set", "vm", "--plan", path)
        check_equal((got, out), (1, ""), errors)
        check(path + ":2: " in errors, errors)


def test_all_or_nothing():
    """A thread that the kernel refuses, though the plan is right: all run as before."""
    bound = ["%s_%s" % (role, value) for role in ("vcpu", "main") for value in ("sched=rr", "prio=4", "bias=%d" % CPUS[0])]
    with Running(plan=words(*bound, "othr_sched=other")) as running, Cage(running.vm.status()["qemu_pid"]):
        running.check_refused("vcpu ", *words("main_prio=8", "othr_nice=5", "vcpu_bias=%d" % CPUS[-1]))
        check_equal({setting[3] for setting in running.settings("vcpu")}, {(CPUS[0],)}, "CPUs")
        check_equal({setting[2] for setting in running.settings("othr")}, {os.getpriority(os.PRIO_PROCESS, 0)}, "nice values")
        check_equal(running.set(*words("main_prio=5", "vcpu_prio=5"))[0], 0, "another change")


def test_default():
    """-rt default: the default plan behind what the new one says, without what is fixed."""
    with Running(plan=words("main_sched=fifo", "main_prio=6", "othr_sched=other")) as running:
        check_equal(running.priorities("vcpu"), [(OTHER, 0)] * 2, "vCPUs before")
        code, _, errors = running.set(*words("default"))
        check_equal(code, 0, errors)
        check(all(policy in (FIFO, RR) for policy, _ in running.priorities("vcpu")), "vCPUs after")
        check_equal(running.priorities("main"), [(FIFO, 6)] * 2, "what was said")


def test_new_threads():
    """Threads that are born later run by the new plan, though QEMU was told the old one."""
    with Running() as running:
        check_equal(running.set(*words("ioth_sched=fifo", "ioth_prio=5", "vcpu_prio=2"))[0], 0, "set")
        check("ioth_prio=5\n" in running.vm.status()["plan"], "the plan")
        with Monitor(running.monitor) as monitor:
            monitor.call("object-add", **{"qom-type": "iothread", "id": "late"})
        wait_for("an iothread by the new plan", lambda: running.priorities("ioth") == [(FIFO, 5)])
        check_equal(running.set(*words("ioth_prio=7"))[0], 0, "set")
        check_equal(running.priorities("ioth"), [(FIFO, 7)], "the iothread")
        with open(os.path.join(running.place.run, "vm", "plan"), encoding="ascii") as file:
            check("vcpu_prio=2\n" in file.read(), "the plan that is kept")


def test_rank():
    """The supervisor's watchdog stays above the VM; all time-shared again, the supervisor is so too."""
    with Running() as running:
        launcher = running.vm.status()["launcher_pid"]

        def highest():
            """One that has just ended may be listed still."""
            found = [0]
            for tid in os.listdir("/proc/%d/task" % launcher):
                try:
                    found.append(os.sched_getparam(int(tid)).sched_priority)
                except ProcessLookupError:
                    pass
            return max(found)
        check(highest() > 6, "at first: %d" % highest())
        check_equal(running.set(*words("main_prio=40"))[0], 0, "set")
        check(highest() > 40, "above the new plan: %d" % highest())
        check_equal(running.set(*words("main_sched=other", "main_prio=0", "vcpu_sched=other", "vcpu_prio=0"))[0], 0, "set")
        wait_for("all time-shared", lambda: highest() == 0)


def test_killed():
    """A launcher that is killed after a change: its VM is put back as after any other kill."""
    with Running() as running:
        check_equal(running.set(*words("vcpu_prio=5", "othr_nice=5"))[0], 0, "set")
        qemu = running.vm.status()["qemu_pid"]
        os.kill(running.vm.process.pid, signal.SIGKILL)
        running.vm.process.wait()
        check(find_unplanned(qemu), "the VM's threads")
        code, _, errors = running.place.call("repair")
        check_equal((code, find_unplanned(qemu)), (0, []), errors)
        check(is_alive(qemu), "the VM")
        check_equal(os.listdir(running.place.run), [], "files left behind")


def test_budget():
    """Budgets and weights that the VM did not start with are held from now on, and no more where they are gone."""
    def find(status, whose):
        return [budget["budget"] for budget in status["governor"]["budgets"] if budget["of"] == whose]
    with Running() as running:
        check_equal(find(running.vm.status(), "vcpu"), [], "budgets at first")
        code, out, errors = running.set(*words("vcpu_budget=30%/100ms", "weight=7"))
        check_equal((code, "0 of " in out, "; in force: " in out), (0, True, True), out + errors)
        check("vcpu_budget=30%/100ms" in out and "weight=7" in out, out)
        check(running.set(*words("weight=7"))[1].endswith(" threads changed; it ran so already\n"), "the same again")
        check(running.set(*words("weight=9", "othr_nice=1"))[1].endswith(" threads changed; in force: weight=9\n"), "both")
        check_equal(running.set(*words("weight=7"))[0], 0, "set")
        status = running.vm.status()
        check_equal((find(status, "vcpu"), status["governor"]["weight"]), (["30%/100ms"], 7), "budgets")
        with open(os.path.join(running.place.run, "vm", "state.json"), encoding="ascii") as file:
            check_equal(json.load(file)["weight"], 7, "the weight that other launchers see")
        path = running.place.file("old.plan")
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(PLAN[1::2]) + "\n")
        check_equal(running.set("--plan", path)[0], 0, "set")
        check_equal(find(running.vm.status(), "vcpu"), [], "budgets at last")


def test_rights():
    """The socket is its user's alone."""
    with Running() as running:
        status = os.stat(os.path.join(running.place.run, "vm", "control"))
        check_equal(stat.S_IMODE(status.st_mode), 0o600, "mode of the socket")
        done = subprocess.run([*NOBODY, LAUNCHER, "set", "vm", "-rt", "vcpu_prio=1"], env=running.place.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
        check_equal(done.returncode, 1, done.stderr)
        check(done.stderr.startswith("qrt-launcher: "), done.stderr)
        check_equal(running.priorities("vcpu"), [(FIFO, 3)] * 2, "vCPUs")


def test_at_once():
    """Many who change it at a time: each is answered, and the last word is one of theirs."""
    with Running() as running:
        calls = [subprocess.Popen([LAUNCHER, "set", "vm", "-rt", "vcpu_prio=%d" % number], env=running.place.environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for number in range(1, 6)]
        for call in calls:
            _, errors = call.communicate(timeout=PATIENCE)
            check_equal(call.returncode, 0, errors)
        priorities = running.priorities("vcpu")
        check(priorities[0] == priorities[1] and 1 <= priorities[0][1] <= 5, priorities)
        wait_for("no corrections", lambda: running.vm.status()["corrections"] == 0)


def test_choosing():
    """Nobody chooses CPUs while another launcher does."""
    with Running() as running:
        fd = os.open(running.place.run, os.O_RDONLY)
        fcntl.flock(fd, fcntl.LOCK_EX)
        running.check_refused("choosing its CPUs", *words("vcpu_prio=4"))
        os.close(fd)
        code, _, errors = running.set(*words("vcpu_prio=4"))
        check_equal(code, 0, errors)
        check_equal(running.priorities("vcpu"), [(FIFO, 4)] * 2, "vCPUs")


def test_stopped():
    """A supervisor that is stopped is told from one that works, and makes no change later."""
    with Running() as running:
        before = running.priorities("vcpu")
        running.vm.process.send_signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            code, out, errors = running.set(*words("vcpu_prio=5"))
            seconds = time.monotonic() - started
        finally:
            running.vm.process.send_signal(signal.SIGCONT)
        check_equal((code, out), (1, ""), errors)
        check("VM 'vm' does not answer; is it stopped?" in errors and errors.count("\n") == 1, errors)
        check(seconds < PATIENCE / 2, "%.1f s" % seconds)
        check_equal(running.priorities("vcpu"), before, "vCPUs")
        check("vcpu_prio=3\n" in running.vm.status()["plan"], "the plan afterwards")
        check_equal(running.set(*words("vcpu_prio=5"))[0], 0, "the next change")


main([
    ("an option on top of the running plan", test_on_top),
    ("a value for each thread, CPUs and nice values", test_each_thread),
    ("a plan file in the place of the running plan", test_replaced),
    ("CPUs that the supervisor has left", test_cpus_that_were_left),
    ("the answer as JSON", test_json),
    ("faults and what is fixed are refused, nothing changes", test_refused),
    ("quanta that QEMU was told are fixed", test_quanta),
    ("quanta from outside change", test_quanta_from_outside),
    ("wrong arguments in one line", test_usage),
    ("one thread that cannot be placed undoes the others", test_all_or_nothing),
    ("-rt default", test_default),
    ("threads that are born later run by the new plan, which is kept", test_new_threads),
    ("the supervisor stays above the VM", test_rank),
    ("a killed launcher after a change", test_killed),
    ("budgets and weights", test_budget),
    ("the socket is private", test_rights),
    ("changes at the same time", test_at_once),
    ("while another launcher chooses its CPUs", test_choosing),
    ("while its supervisor is stopped", test_stopped),
])
