# SPDX-License-Identifier: MIT
"""The ways to measure timer wake-up latency: on the host itself, and in a guest on stock QEMU, on
stock QEMU set up by hand, and under qrt-launcher."""

import json
import os
import subprocess
import sys
import tempfile
import time

import loads
import threads
from benchlib import BenchError, StealClock, percentile
from vm import Monitor, Vm, qemu_arguments

HISTOGRAM_MAX = "400000"  # us; the same in guest/init
PATIENCE = 120  # s for each step of the guest's
SETTLE = 3  # s of load before measuring; into the second burst, so that the pool has its workers
HAND_PRIORITY = 97
HAND_POOL = 16


def find_launcher(build):
    path = os.path.join(build, "qrt-launcher", "qrt-launcher")
    if not os.access(path, os.X_OK):
        raise BenchError("%s is missing; run ./dev build" % path)
    return path


class Setup:
    """What all runs of one benchmark share."""

    def __init__(self, guest, build, directory, seconds, has_disk=True):
        self.guest, self.build, self.directory, self.seconds = guest, build, directory, seconds
        self.accel, self.cpu = "tcg", "max"
        self.disk = os.path.join(directory, "disk.raw") if has_disk else None
        self.cache = loads.make_disk(self.disk) if has_disk else None
        self.say = lambda text: None

    def launcher(self):
        return find_launcher(self.build)


# ---- cyclictest's result -------------------------------------------------------------------------


def read_result(text, seconds):
    try:
        return summarize(json.loads(text), seconds)
    except (ValueError, KeyError, TypeError) as error:
        raise BenchError("cyclictest's result cannot be read (%s): %s" % (error, text[:200])) from None


def summarize(data, seconds):
    """From cyclictest's JSON. It leaves out periods that it slept through, so they are counted here."""
    thread = data["thread"]["0"]
    histogram = {int(value): count for value, count in thread["histogram"].items()}
    cycles = thread["cycles"]
    if cycles <= 0:
        raise BenchError("cyclictest measured nothing")
    overflow = cycles - sum(histogram.values())
    return {
        "samples": cycles,
        "missed": max(0, seconds * 1000 - cycles),
        "overflow": overflow,
        "p50": percentile(histogram, 50, overflow, thread["max"]),
        "p99": percentile(histogram, 99, overflow, thread["max"]),
        "p999": percentile(histogram, 99.9, overflow, thread["max"]),
        "max": thread["max"],
        "histogram": {str(value): histogram[value] for value in sorted(histogram)},
    }


# ---- native --------------------------------------------------------------------------------------


def run_native(setup):
    with tempfile.TemporaryDirectory(dir=setup.directory) as directory:
        path = os.path.join(directory, "result.json")
        command = ["cyclictest", "-q", "-m", "-p99", "-i1000", "-h", HISTOGRAM_MAX,
                   "-D", "%ds" % setup.seconds, "--json=" + path]
        limit = setup.seconds + 60
        with loads.host_load(directory, limit) as host, \
                loads.disk_load(directory, setup.disk, setup.cache, limit) as disk:
            time.sleep(SETTLE)
            setup.say("measuring")
            steal = StealClock()
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
                                  timeout=limit)
            percent = steal.percent()
            host.check()
            disk.check()
        if done.returncode or not os.path.exists(path):
            raise BenchError("cyclictest on the host failed (code %d): %s" % (
                done.returncode, done.stderr.decode(errors="replace").strip()))
        with open(path, encoding="utf-8") as file:
            result = read_result(file.read(), setup.seconds)
    result["steal_percent"] = percent
    return result


# ---- QEMU ----------------------------------------------------------------------------------------


class Way:
    """How QEMU is started, and what is done to it once the guest is up and its load runs."""

    extra = ()
    environment = {}

    def command(self, setup, qemu, directory):
        return qemu

    def prepare(self, vm, monitor):
        """Returns the plan that holds from now on, or None."""


class Stock(Way):
    """Plain QEMU."""


class Hand(Way):
    """What a careful administrator can do with taskset and chrt once the VM is up: the vCPU alone on
    the last CPU, everything else more urgent on the others, and pool workers that stay."""

    extra = ("-object", "main-loop,id=main-loop,thread-pool-min=%d" % HAND_POOL)

    def prepare(self, vm, monitor):
        cpus = sorted(os.sched_getaffinity(0))
        vcpu_cpu = frozenset(cpus[-1:])
        rest = frozenset(cpus[:-1]) or vcpu_cpu
        vcpu = threads.Setting("fifo", HAND_PRIORITY, vcpu_cpu)
        other = threads.Setting("fifo", HAND_PRIORITY + 1, rest)
        vcpu_tids = {cpu["thread-id"] for cpu in monitor.call("query-cpus-fast")}
        for thread in threads.read_threads(vm.qemu_pid()):
            self.place(thread.tid, vcpu if thread.tid in vcpu_tids else other)
        roles = ("main", "paio", "ioth", "vncs", "othr")
        return threads.Plan(dict({role: [other] for role in roles}, vcpu=[vcpu]))

    @staticmethod
    def place(tid, setting):
        try:
            os.sched_setaffinity(tid, setting.cpus)
            os.sched_setscheduler(tid, os.SCHED_FIFO, os.sched_param(setting.priority))
        except ProcessLookupError:
            pass
        except PermissionError:
            raise BenchError("may not set real-time priorities; run it as root or with CAP_SYS_NICE") from None


class HandLocked(Hand):
    """By hand, and all of the guest's memory locked by QEMU's own option."""

    extra = Hand.extra + ("-overcommit", "mem-lock=on")


class Qrt(Way):
    """qrt-launcher with the plan that it makes by default, and options that change it (an option alone
    would be the whole plan). Options that bring a plan file stand for themselves."""

    name = "demo"

    def __init__(self, options=()):
        self.options = list(options)

    def command(self, setup, qemu, directory):
        self.launcher = setup.launcher()
        self.environment = {"QRT_RUN_DIR": os.path.join(directory, "run")}
        os.mkdir(self.environment["QRT_RUN_DIR"], 0o700)
        plan = []
        if self.options and "--plan" not in self.options:
            plan = ["--plan", self.write_default_plan(directory, qemu)]
        return [self.launcher, "run", "--name", self.name] + plan + self.options + ["--"] + qemu

    def write_default_plan(self, directory, qemu):
        path = os.path.join(directory, "default.plan")
        with open(path, "wb") as file:
            file.write(self.ask("plan", "--", *qemu))
        return path

    def ask(self, *arguments):
        try:
            done = subprocess.run([self.launcher] + list(arguments), check=False, timeout=60,
                                  env=dict(os.environ, **self.environment), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        except subprocess.TimeoutExpired:
            raise BenchError("qrt-launcher %s did not end within 60 s" % arguments[0]) from None
        if done.returncode:
            raise BenchError("qrt-launcher %s failed (code %d): %s" % (
                arguments[0], done.returncode, done.stderr.decode(errors="replace").strip()))
        return done.stdout

    def ask_status(self):
        """Urgent threads of the VM may keep the supervisor from answering; that is said, not fatal."""
        for patience in (2, 5, 0):
            try:
                status = json.loads(self.ask("status", self.name, "--json"))
                break
            except BenchError as error:
                if not patience:
                    raise
                print("%s; asking again" % error, file=sys.stderr)
                time.sleep(patience)
        return status[0] if isinstance(status, list) else status

    def prepare(self, vm, monitor):
        plan = threads.parse_plan(self.ask_status()["plan"])
        if not plan.expected("main", 0) or not plan.expected("vcpu", 0):
            raise BenchError("status names no plan for the main loop and the vCPU to compare with")
        return plan


def idle_percent(before, after):
    """From two first lines of the guest's /proc/stat: its idle and I/O wait time."""
    old, new = ([int(word) for word in line.split() if word.isdigit()][:8] for line in (before, after))
    passed = [b - a for a, b in zip(old, new)]
    return round(100 * (passed[3] + passed[4]) / max(1, sum(passed)), 1)


def measure(setup, way, vm, monitor):
    """From the guest that waits with its load on, to the result's text."""
    plan = way.prepare(vm, monitor)
    steal = StealClock()
    vm.send("go")
    before = vm.wait_line("QRT stat before", PATIENCE)
    vm.wait_line("QRT start", PATIENCE)
    setup.say("measuring")
    with threads.Sampler(vm.qemu_pid(), plan) as sampler:
        time.sleep(setup.seconds * 0.6)
        status = way.ask_status() if isinstance(way, Qrt) else None
        after = vm.wait_line("QRT stat after", setup.seconds + PATIENCE)
        percent = steal.percent()
    vm.wait_line("QRT stop code=0", PATIENCE)
    return {"placement": sampler.result(), "status": status, "steal_percent": percent,
            "guest_idle_percent": idle_percent(before, after)}


def leave(vm):
    """The guest powers off; a VM that stays is ended by its owner."""
    try:
        code = vm.process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return
    if code:
        raise BenchError("the VM ended with code %d; its last lines:\n  %s" % (code, "\n  ".join(vm.tail)))


def read_end(vm, seconds):
    """From the end of the measurement to that of the VM: its result."""
    vm.wait_line("QRT begin", PATIENCE)
    result = read_result(vm.wait_line("{", PATIENCE), seconds)
    vm.wait_line("QRT off", PATIENCE)
    leave(vm)
    return result


def read_guest(setup, way, vm, qmp):
    """From the guest that is up and waits, to its result: the host's load starts, the way prepares
    the threads, and the guest measures. The guest's own disk load runs since it is up."""
    with loads.host_load(setup.directory, setup.seconds + 300) as load:
        time.sleep(SETTLE)
        with Monitor(qmp) as monitor:
            about = measure(setup, way, vm, monitor)
        load.check()
    return dict(read_end(vm, setup.seconds), **about)


def run_vm(setup, way):
    with tempfile.TemporaryDirectory(prefix="qrt-") as sockets:
        qmp = os.path.join(sockets, "qmp")
        qemu = qemu_arguments(setup.guest, setup.accel, setup.cpu,
                              "quiet qrt.load=disk qrt.wait=1 qrt.seconds=%d" % setup.seconds,
                              setup.disk, setup.cache, qmp, way.extra)
        with Vm(way.command(setup, qemu, sockets), way.environment) as vm:
            setup.say("booting")
            vm.wait_line("QRT ready", PATIENCE)
            boot = time.monotonic() - vm.started
            vm.wait_line("QRT waiting", PATIENCE)
            result = read_guest(setup, way, vm, qmp)
    result["boot_seconds"] = round(boot, 2)
    return result


WAYS = {"stock": Stock, "hand": Hand, "hand-locked": HandLocked, "qrt": Qrt}


def run_way(setup, name, options):
    """One measurement. `options` are the -rt options of a variant, None for a plain way."""
    if name == "native":
        return run_native(setup)
    way = Qrt(options) if options is not None else WAYS[name]()
    return run_vm(setup, way)
