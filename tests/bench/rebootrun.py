# SPDX-License-Identifier: MIT
"""Two guests on one CPU, equal in policy and priority: the first measures its latency, the second one reboots in a loop."""

import contextlib
import datetime
import json
import os
import tempfile
import time

import agentguest
import guestrun
import threads
from benchlib import BenchError, StealClock
from fairrun import ROLES, settings_of
from follower import Follower, Resets
from guestrun import PATIENCE
from vm import Vm, qemu_arguments

PRIORITY = 10  # of both vCPUs; all else of both VMs is a little above
REST = 12
PAUSE = 1  # s in which the second guest is ready
# The way's plan, and what its second guest does: nothing, or reboot after the word or without one.
WAYS = {"rest": ("boot=other", "rest"), "policy": ("boot=other", "said"), "unsaid": ("boot=other", "unsaid"),
        "keep": ("boot=keep", "said")}

# The second guest's first process.
INIT = agentguest.BEGIN + """qrt-guest-agent --interval 100 run &
case $(cat /proc/cmdline) in *qrt.loop=rest*) while :; do sleep 3600; done ;; esac
sleep %d
case $(cat /proc/cmdline) in *qrt.loop=said*) qrt-guest-agent say rebooting ;; esac
reboot -f
""" % PAUSE


class Setup(guestrun.Setup):
    """`sched` is the policy of both VMs. The vCPUs have a CPU for themselves, and the host has the others."""

    def __init__(self, guest, build, directory, seconds):
        super().__init__(guest, build, directory, seconds, has_disk=False)
        cpus = sorted(os.sched_getaffinity(0))
        self.shared, self.rest = cpus[-1], cpus[:-1]
        self.sched = "fifo"
        self.second = os.path.join(directory, "second")
        os.mkdir(self.second)
        os.symlink(os.path.join(os.path.realpath(guest), "vmlinuz"), os.path.join(self.second, "vmlinuz"))
        agentguest.make_image(os.path.join(guest, "initramfs.gz"), build, INIT,
                              os.path.join(self.second, "initramfs.gz"))

    def plan(self, boot):
        """Every thread of a VM is real-time."""
        def of(role):
            cpus, priority = ([self.shared], PRIORITY) if role == "vcpu" else (self.rest, REST)
            return "%s_bias=%s %s_sched=%s %s_prio=%d" % (role, "+".join(map(str, cpus)), role, self.sched, role, priority)
        return ["-rt", "default", "-rt", " ".join(map(of, ROLES)), "-rt", boot]


class Machine(guestrun.Qrt):
    """One of the two VMs under qrt-launcher."""

    def __init__(self, setup, directory, name, run, qemu):
        super().__init__()
        self.launcher, self.name, self.run, self.qemu = setup.launcher(), name, run, qemu
        self.environment = {"QRT_RUN_DIR": os.path.join(directory, "run")}
        os.makedirs(self.environment["QRT_RUN_DIR"], 0o700, exist_ok=True)

    def start(self):
        return Vm([self.launcher, "run", "--name", self.name, *self.run, "--", *self.qemu], self.environment)

    def slot(self):
        return agentguest.Slot(self.ask_status()["launcher_pid"])


def make_first(setup, directory):
    qemu = qemu_arguments(setup.guest, setup.accel, setup.cpu, "quiet qrt.wait=1 qrt.seconds=%d" % setup.seconds)
    return Machine(setup, directory, "first", setup.plan("boot=other"), qemu)


def make_second(setup, directory, boot, loop):
    qemu = qemu_arguments(setup.second, setup.accel, setup.cpu, "quiet rdinit=/agent-init qrt.loop=" + loop, None,
                          "none", os.path.join(directory, "qmp"), ["-action", "reboot=reset"])  # the later one holds
    events = ["--agent", "--events", os.path.join(directory, "events")]
    return Machine(setup, directory, "second", events + setup.plan(boot), qemu)


# ---- what became of the second guest ---------------------------------------------------------------


def read_events(path):
    """[(s since the epoch, what the guest is at, why)]; the last line may not be whole yet."""
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    return [(datetime.datetime.fromisoformat(line["time"]).timestamp(), line["to"], line["why"])
            for line in lines if line["event"] == "state"]


def wait_ready(vm, path):
    end = time.monotonic() + PATIENCE
    while not os.path.exists(path) or not any(state == "ready" for _, state, _ in read_events(path)):
        if vm.process.poll() is not None or time.monotonic() > end:
            vm.fail("was not ready within %g s" % PATIENCE)
        time.sleep(0.05)


def count_reboots(events):
    return sum(why == "guest-reset" for _, _, why in events)


def check(name, events, seconds):
    """A neighbour that did not do what it was to do measures nothing."""
    if name == "rest" and events:
        was = ", ".join("%s (%s)" % (state, why) for _, state, why in events)
        raise BenchError("the second guest was to be at rest, and was " + was)
    if name != "rest" and not count_reboots(events):
        raise BenchError("the second guest did not reboot while the first one measured (%g s): give more --seconds" %
                         seconds)


# ---- one measurement -------------------------------------------------------------------------------


def look_at(machine, vm):
    """What holds a VM: how its threads are set, and what the governor did to it."""
    return {"threads": settings_of(vm.qemu_pid()), "governor": machine.ask_status()["governor"]}


def measure(setup, pairs):
    """The first guest, which waits, to the end of its measurement. pairs: both (machine, VM)."""
    one = pairs[0][1]
    steal = StealClock()
    one.send("go")
    before = one.wait_line("QRT stat before", PATIENCE)
    one.wait_line("QRT start", PATIENCE)
    setup.say("measuring")
    begin = time.time()
    time.sleep(setup.seconds * 0.9)
    held = [look_at(*pair) for pair in pairs]
    after = one.wait_line("QRT stat after", setup.seconds + PATIENCE)
    about = {"began": begin, "took": round(time.time() - begin, 3), "steal_percent": steal.percent(),
             "guest_idle_percent": guestrun.idle_percent(before, after), "held": held}
    one.wait_line("QRT stop code=0", PATIENCE)
    return about


def with_second(setup, name, directory, first):
    """The second guest is ready for the first time; then both are watched."""
    machine = make_second(setup, directory, *WAYS[name])
    events = os.path.join(directory, "events")
    with contextlib.ExitStack() as stack:
        vm = stack.enter_context(machine.start())
        wait_ready(vm, events)
        text = machine.ask_status()["plan"]
        resets = stack.enter_context(Resets(os.path.join(directory, "qmp")))
        looks = Follower(vm.qemu_pid(), machine.slot(), threads.parse_plan(text), setup.rest)
        with looks:
            about = measure(setup, [first, (machine, vm)])
    about["events"] = [event for event in read_events(events) if 0 <= event[0] - about["began"] <= about["took"]]
    about["followed"] = looks.result(resets.moments) if WAYS[name][0] != "boot=keep" else []
    check(name, about["events"], about["took"])
    return dict(about, plan=text, looks=looks.looks, reboots=count_reboots(about["events"]))


def run_way(setup, name):
    with tempfile.TemporaryDirectory(prefix="qrt-") as directory:
        machine = make_first(setup, directory)
        with machine.start() as one:
            setup.say("booting")
            one.wait_line("QRT waiting", PATIENCE)
            about = with_second(setup, name, directory, (machine, one))
            return dict(guestrun.read_end(one, setup.seconds), **about)
