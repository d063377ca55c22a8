# SPDX-License-Identifier: MIT
"""Two VMs that share two CPUs, in several ways: pings to the first while the second plays its roles."""

import os
import time

import pinger
import proc
import threads
from benchlib import BenchError, StealClock, percentile_of
from guestrun import find_launcher
from netspace import Tap
from vm import ENDED, Vm, qemu_arguments

PATIENCE = 120  # s for each step of a guest's
WARM = 50  # pings that are not counted
SETTLE = 2.0  # s from the second guest's first act to the first ping
FLOOD = 2**20  # bytes that are no accident
HOGGED = 0.5  # CPUs, half of its fair share
BUSY = 0.1  # CPUs of one that boots, but did not come to its end meanwhile
HOST, GUEST, MAC = "10.97.13.1", "10.97.13.2", "52:54:00:71:72:74"
CASES = ("alone", "idle", "hogs", "reboot", "flood")
ROLES = ("vcpu", "main", "paio", "ioth", "othr")
SCHED = "%(role)s_bias=%(cpus)s %(role)s_sched=rr %(role)s_prio=1"


def every_role(cpus, more=""):
    """All threads alike: round robin at priority 1."""
    return " ".join((SCHED + more) % {"role": role, "cpus": cpus} for role in ROLES)


class Setup:
    """What all measurements share."""

    def __init__(self, guest, build, directory, disk):
        self.guest, self.build, self.directory = guest, build, directory
        self.disk, self.cache = disk
        self.accel, self.cpu = "tcg", "max"
        self.cpus = sorted(os.sched_getaffinity(0))[:2]
        self.pings = 500
        self.groups = None
        self.tap = Tap("qrt-fair", HOST)
        self.say = lambda text: None

    def qemu(self, number, role):
        """The VMs are alike but for the first one's network and the second one's disk."""
        append = "quiet qrt.role=" + role
        extra = ["-smp", "2", "-action", "reboot=reset"]  # the later one holds
        if number == 0:
            append += " qrt.ip=%s/%d" % (GUEST, self.tap.length)
            extra += self.tap.arguments(MAC)
        return qemu_arguments(self.guest, self.accel, self.cpu, append, self.disk if number else None, self.cache,
                              None, extra)


# ---- ways ------------------------------------------------------------------------------------------


class Way:
    """Plain QEMU on the two CPUs."""

    environment = {}

    def command(self, setup, number, qemu):
        return ["taskset", "-c", ",".join(map(str, setup.cpus))] + qemu


class Shares(Way):
    """The same, each in a group of equal share."""

    def command(self, setup, number, qemu):
        return setup.groups.enter_words(number) + super().command(setup, number, qemu)


class Planned(Way):
    """Under qrt-launcher, with all threads in round robin at priority 1. `nice` selects their quantum."""

    def __init__(self, nice=None, options=()):
        self.nice, self.options = nice, list(options)

    def plan(self, setup):
        more = "" if self.nice is None else " %%(role)s_nice=%d" % self.nice
        return ["-rt", every_role("+".join(map(str, setup.cpus)), more)] + self.options

    def command(self, setup, number, qemu):
        self.environment = {"QRT_RUN_DIR": os.path.join(setup.directory, "run")}
        os.makedirs(self.environment["QRT_RUN_DIR"], 0o700, exist_ok=True)
        return [find_launcher(setup.build), "run", "--name", "fair-%d" % number] + self.plan(setup) + ["--"] + qemu


# ---- one measurement -------------------------------------------------------------------------------


class Meter:
    """What a VM used of CPU and disk since it was made."""

    def __init__(self, pid):
        self.pid, self.before = pid, self.look(pid)

    @staticmethod
    def look(pid):
        stat, io = proc.read_stat(pid), proc.read_text("/proc/%d/io" % pid)
        if stat is None:
            raise BenchError("a VM ended while it was measured")
        calls = {line.split(":")[0]: int(line.split()[1]) for line in (io or "").splitlines()}
        return {"cpu_ms": (int(stat[11]) + int(stat[12])) * 1000 // os.sysconf("SC_CLK_TCK"),
                "read_bytes": calls.get("rchar", 0), "written_bytes": calls.get("wchar", 0)}

    def passed(self):
        now = self.look(self.pid)
        return {key: now[key] - self.before[key] for key in now}


def settings_of(pid):
    """How its threads are set: {"fifo 1 on 0,1": ["main loop's name", ...]}."""
    result = {}
    for thread in threads.read_threads(pid):
        result.setdefault(thread.setting.text(), []).append(thread.name)
    return result


def lines_with(vm, word):
    """How many of the console's lines since the last look have the word. A fault ends the benchmark."""
    count = 0
    while not vm.lines.empty():
        line = vm.lines.get()
        if line is ENDED:
            vm.lines.put(ENDED)
            vm.fail("ended (code %s)" % vm.process.wait())
        if line.startswith("QRT fault"):
            vm.fail("reports a fault")
        count += word in line
    return count


def take(setup, seed, one, two=None):
    """The pings, and what happened meanwhile."""
    vms = [vm for vm in (one, two) if vm]
    meters = [Meter(vm.qemu_pid()) for vm in vms]
    for vm in vms:
        lines_with(vm, "")
    steal, started = StealClock(), time.monotonic()
    result = pinger.ping(GUEST, setup.pings, seed)
    result["seconds"] = round(time.monotonic() - started, 3)
    result["steal_percent"] = round(steal.percent(), 2)
    result["used"] = [meter.passed() for meter in meters]
    result["boots"] = [lines_with(vm, "QRT ready") for vm in vms]
    result["threads"] = [settings_of(vm.qemu_pid()) for vm in vms]
    return add_percentiles(result)


def add_percentiles(result):
    """p50, p99, max of all pings; "own" is p99 of those of whose time the machine below stole nothing, of all
    where there is none; "stolen" is how many the others are."""
    for share, key in ((50, "p50"), (99, "p99"), (100, "max")):
        result[key] = percentile_of(result["times"], share)
    own = [value for value, stolen in zip(result["times"], result["stolen_ms"]) if not stolen]
    result["own"] = percentile_of(own, 99) if own else result["p99"]
    result["stolen"] = len(result["times"]) - len(own)
    return result


def second(setup, way, case):
    """Starts the second VM; it is in its role once it said so."""
    return Vm(way.command(setup, 1, setup.qemu(1, case)), way.environment), "QRT role " + case


def with_neighbour(setup, way, case, seed, one):
    setup.say("%s: booting" % case)
    vm, word = second(setup, way, case)
    with vm as two:
        two.wait_line(word, PATIENCE)
        time.sleep(SETTLE)
        setup.say("%s: measuring" % case)
        result = take(setup, seed, one, two)
    return check(result, case)


def check(result, case):
    """A neighbour that did not do what it was to do measures nothing."""
    if case == "reboot" and not result["boots"][1] and result["used"][1]["cpu_ms"] < BUSY * 1000 * result["seconds"]:
        raise BenchError("the second guest did not reboot while the first one was pinged (%g s)" % result["seconds"])
    if case == "hogs" and result["used"][1]["cpu_ms"] < HOGGED * 1000 * result["seconds"]:
        raise BenchError("the second guest hardly ran while the first one was pinged")
    if case == "flood" and result["used"][1]["written_bytes"] < FLOOD:
        raise BenchError("the second guest wrote next to nothing while the first one was pinged")
    if result["boots"][0]:
        raise BenchError("the first guest rebooted by itself")
    return result


def run_way(setup, way, cases, seed):
    """Yields (case, result). The first VM stays for all cases; one after the other, as they are given."""
    setup.say("booting")
    with Vm(way.command(setup, 0, setup.qemu(0, "idle")), way.environment) as one:
        one.wait_line("QRT net eth0", PATIENCE)
        one.wait_line("QRT role idle", PATIENCE)
        setup.tap.know(GUEST, MAC)
        pinger.ping(GUEST, WARM, seed)
        for number, case in enumerate(cases):
            if case == "alone":
                yield case, take(setup, seed + number, one)
            else:
                yield case, with_neighbour(setup, way, case, seed + number, one)
