#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A guest says what it is at, and its VM's threads run as that needs it."""

import json
import os
import sys
import time

from demoguest import INTERVAL, Console, Follower, Slot, arguments
from tap import check, check_equal, main, note
from vm import QEMU, Monitor, Place, Vm, end_session, need_qemu_rt, need_root, start_session, threads_of, wait_for

SILENCE = 2000  # ms: more than a busy machine keeps an agent waiting that is real-time in its guest
RT = {"vcpu": ("fifo", 2), "main": ("rr", 5)}
PLAN = [word for role, (policy, priority) in RT.items()
        for word in ("-rt", "%s_sched=%s %s_prio=%d" % (role, policy, role, priority))]


def start(place, run=(), qemu=(), words="", plan=(), program=QEMU):
    need_root()
    return Vm(place, ["--agent", "--events", place.file("events"), *PLAN, *(w for p in plan for w in ("-rt", p)), *run],
              [*arguments(place, words), "-qmp", "unix:%s,server=on,wait=off" % place.file("qmp"), *qemu],
              program=program)


def wait_guest(vm, state, lowered):
    """The first status in which the guest is at that, and its threads run so."""
    def look():
        check(vm.process.poll() is None, "the launcher ended: " + vm.output())
        status = vm.status()
        if not status or status["guest"]["state"] != state or status["guest"]["lowered"] != lowered:
            return None
        threads = [threads_of(status, role) for role in RT]
        # One that was only just seen has its place in a moment.
        return status if all(threads) and all(one["placed_by"] != "nobody" for some in threads for one in some) else None
    try:
        status = wait_for("a guest that is %s" % state, look)
    except AssertionError:
        note(vm.output())
        raise
    check_threads(status, lowered)
    return status


def check_threads(status, lowered):
    for role, (policy, priority) in RT.items():
        for thread in threads_of(status, role):
            effective, wanted = thread["effective"], ("other", 0) if lowered else (policy, priority)
            check_equal((effective["policy"], effective.get("priority", 0)), wanted, thread["name"])
            check_equal(thread["planned"]["policy"], policy, "plan of " + thread["name"])
            check_equal("lifecycle" in [layer["layer"] for layer in thread["layers"]], lowered, thread["name"])
            check(thread["in_plan"], "not as its layers say: %s" % thread)


def read_events(place):
    with open(place.file("events"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def wait_events(place, count):
    """What happened is written by a thread of its own, after the status has it."""
    wait_for("%d events" % count, lambda: len(read_events(place)) >= count)
    return read_events(place)


def check_events(place, wanted):
    """wanted: (event, to, why)."""
    events = wait_events(place, len(wanted))
    check_equal([(e["event"], e["to"], e["why"]) for e in events], wanted, "events")
    for before, event in zip(events, events[1:]):
        check_equal(event["from"], before["to"], "where it came from")
        check(event["time"] >= before["time"] and event["vm"] == "vm", event)


def live(run=(), qemu=(), program=QEMU):
    with Place() as place, start(place, run, qemu, program=program) as vm, Console(place) as console:
        wait_guest(vm, "booting", True)
        status = wait_guest(vm, "ready", False)
        follower = Follower(Slot(status["launcher_pid"]), threads_of(status, "vcpu")[0]["tid"])
        follower.start()
        console.tell("rebooting")
        wait_guest(vm, "rebooting", True)
        console.tell("reboot")
        wait_guest(vm, "booting", True)
        status = wait_guest(vm, "ready", False)
        note("ms until threads followed: " + ", ".join("%.1f" % delay for delay in follower.end()))
        check_equal(status["corrections"], 0, "corrections")
        vm.process.terminate()
        check_equal(vm.wait_end(), 0, "exit code")
        check_events(place, [("state", "booting", "start"), ("state", "ready", "agent"), ("state", "rebooting", "agent"),
                             ("state", "booting", "guest-reset"), ("state", "ready", "agent"),
                             ("state", "halting", "host-signal")])


def from_outside():
    live(["--no-preload"])


def sandboxed():
    live(["--user", "nobody"], ["-sandbox", "on,resourcecontrol=deny"])


def built_in():
    """A QEMU that has -rt itself."""
    live(program=need_qemu_rt())


def lost():
    with Place() as place, start(place, plan=["heartbeat=%d" % SILENCE]) as vm, Console(place) as console:
        wait_guest(vm, "ready", False)
        console.tell("kill")
        status = wait_guest(vm, "lost", True)
        check(status["guest"]["beat_ms"] >= SILENCE, status["guest"])
        vm.wait_said("the guest is lost: no sign of life for 2")
        console.tell("run")
        wait_guest(vm, "ready", False)
        console.tell("end")
        wait_guest(vm, "unknown", False)
        check_equal([event["why"] for event in wait_events(place, 5)],
                    ["start", "agent", "heartbeat", "agent", "agent-ended"], "reasons")


def busy():
    """Forty tasks that want the guest's only CPU, each before any time-shared agent, do not silence its beat."""
    with Place() as place, start(place, plan=["heartbeat=%d" % SILENCE]) as vm, Console(place) as console:
        wait_guest(vm, "ready", False)
        console.tell("press")
        console.wait("AGENT did press")
        until = time.monotonic() + 12
        while time.monotonic() < until:
            guest = vm.status()["guest"]
            check_equal(guest["state"], "ready", guest)
            time.sleep(0.1)
        check_events(place, [("state", "booting", "start"), ("state", "ready", "agent")])


def restarted():
    """An agent that its init starts anew in a guest that is ready costs the VM nothing."""
    with Place() as place, start(place) as vm, Console(place) as console:
        wait_guest(vm, "ready", False)
        console.tell("kill")
        wait_for("a guest that is silent", lambda: vm.status()["guest"]["beat_ms"] > 400)
        console.tell("begin")
        wait_for("a beat", lambda: vm.status()["guest"]["beat_ms"] < 200)
        wait_guest(vm, "ready", False)
        console.tell("end")
        wait_guest(vm, "unknown", False)
        console.tell("begin")
        wait_guest(vm, "ready", False)
        console.tell("begin")  # the second one at a time ends, and changes nothing
        console.wait("another agent runs")
        check_events(place, [("state", "booting", "start"), ("state", "ready", "agent"),
                             ("state", "unknown", "agent-ended"), ("state", "ready", "agent")])


def stopped():
    """A VM that is stopped is not lost."""
    with Place() as place, start(place, plan=["heartbeat=%d" % SILENCE]) as vm:
        wait_guest(vm, "ready", False)
        with Monitor(place.file("qmp")) as monitor:
            monitor.call("stop")
            wait_for("a stopped VM", lambda: vm.status()["guest_state"] == "paused")
            time.sleep(2 * SILENCE / 1000)
            check_equal(vm.status()["guest"]["state"], "ready", "a stopped guest's state")
            monitor.call("cont")
            wait_for("a VM that runs", lambda: vm.status()["guest_state"] == "running")
            wait_for("a beat", lambda: vm.status()["guest"]["beat_ms"] < 5 * INTERVAL)
            monitor.call("system_reset")
            wait_guest(vm, "booting", True)
            wait_guest(vm, "ready", False)
        check_events(place, [("state", "booting", "start"), ("state", "ready", "agent"), ("state", "booting", "host-qmp-system-reset"),
                             ("state", "ready", "agent")])


def too_long():
    """Without an agent it gets its roles after a while."""
    with Place() as place, start(place, words="agent=no", plan=["boottime=8"]) as vm:
        wait_guest(vm, "booting", True)
        status = wait_guest(vm, "booting", False)
        check(status["guest"]["over"] and status["guest"]["beat_ms"] is None, status["guest"])
        vm.wait_said("longer than boottime", "qrt-guest-agent")
        check_events(place, [("state", "booting", "start"), ("limit", "booting", "boottime")])


def late():
    """Who is time-shared may wait: nothing follows."""
    def waited():
        return threads_of(vm.status(), "vcpu")[0]["run_delay_ns"] > 1e9
    with Place() as place, start(place, ["--on-delay", "1ms:log"], words="agent=no") as vm:
        wait_guest(vm, "booting", True)
        hogs = [start_session([sys.executable, "-c", "while True: pass"]) for _ in os.sched_getaffinity(0)]
        try:
            wait_for("a vCPU that waits", waited)
        finally:
            for hog in hogs:
                end_session(hog)
        check("without running" not in vm.output(), vm.output())


def kept():
    """A plan that keeps the roles, until another one does not."""
    with Place() as place, start(place, words="agent=no", plan=["boot=keep"]) as vm:
        wait_guest(vm, "booting", False)
        code, _, errors = place.call("set", "vm", "-rt", "boot=other")
        check_equal(code, 0, errors)
        wait_guest(vm, "booting", True)


def load():
    with Place() as place, start(place) as vm, Console(place) as console:
        guest = wait_guest(vm, "ready", False)["guest"]
        check(guest["kernel"].endswith("amd64") and guest["agent"], guest)
        check(0 < guest["load"]["available_bytes"] < guest["load"]["memory_bytes"] < 256 << 20, guest)
        check(guest["load"]["tasks"] > 10 and guest["interval_ms"] == 100, guest)
        console.tell("load")

        def is_busy():
            fares = vm.status()["guest"]["load"]
            return (fares["cpu"] or 0) > 0.5 and fares["runnable"] >= 1
        wait_for("load", is_busy)
        code, out, errors = place.call("status", "vm")
        check(code == 0 and "guest: ready for " in out and " MiB free" in out, out + errors)


def values():
    """What programs of the guest publish; of a name that is claimed another one keeps off."""
    def look():
        return {value["name"]: value for value in vm.status()["guest"]["values"]}
    with Place() as place, start(place, qemu=["-smp", "2"]) as vm, Console(place) as console:
        check_equal(wait_guest(vm, "ready", False)["guest"]["values"], [], "before anything is published")
        console.tell("do publish temperature 41.5 1000 &")
        # A name is claimed before there is a number.
        wait_for("a value", lambda: look().get("temperature", {}).get("numbers") == [41.5])
        check_equal(look(), {"temperature": {"index": 16, "name": "temperature", "type": "double", "turn": 1,
                                             "numbers": [41.5]}}, "values")
        console.tell("do publish temperature 7")
        console.wait("guest: Device or resource busy")
        console.tell("do publish pressure 3")
        wait_for("another value", lambda: look().get("pressure", {}).get("numbers") == [3.0])
        check_equal((look()["temperature"]["numbers"], look()["pressure"]["numbers"]), ([41.5], [3.0]), "values")
        console.tell("do killall -9 publish; sleep 1; publish temperature 8")
        wait_for("a new value", lambda: look().get("temperature", {}).get("numbers") == [8.0])
        check_equal((look()["temperature"]["index"], look()["temperature"]["turn"]), (16, 2), "its place")
        fares = vm.status()["guest"]["load"]
        check_equal((fares["cpus"], len(fares["cpu_each"])), (2, 2), "CPUs")
        check(all(0 <= share <= 1 for share in fares["cpu_each"]), fares)
        console.tell("reboot")
        wait_for("a life without values", lambda: not look())


def no_pci():
    need_root()
    with Place() as place:
        for machine in ("none", "isapc", "microvm", "type=microvm,rtc=on"):
            code, _, errors = place.call("run", "--agent", "--", "qemu-system-x86_64", "-M", machine)
            check_equal(code, 125, errors)
            check("no PCI bus" in errors and errors.count("\n") == 1, errors)


def wrong_words():
    need_root()
    with Place() as place:
        code, _, errors = place.call("run", "--events", "-", "--", "qemu-system-x86_64")
        check(code == 125 and "--agent" in errors, errors)
        path = place.file("nowhere/events")
        code, _, errors = place.call("run", "--agent", "--events", path, "--", "qemu-system-x86_64")
        check(code == 125 and path in errors and errors.count("cannot be written") == 1, errors)
        os.mkfifo(place.file("fifo"))
        code, _, errors = place.call("run", "--agent", "--events", place.file("fifo"), "--", "qemu-system-x86_64")
        check(code == 125 and "nobody reads from it" in errors, errors)


def none():
    """A VM without --agent."""
    need_root()
    with Place() as place, Vm(place, PLAN) as vm:
        check_equal(vm.wait_up()["guest"], None, "what is known of its guest")
        check("guest:" not in place.call("status", "vm")[1], "a line of nothing")


if __name__ == "__main__":
    main([("booting, ready, rebooting and back: threads follow", live),
          ("so they do when they are placed from outside", from_outside),
          ("so they do for a QEMU that may do nothing", sandboxed),
          ("so they do for a QEMU with -rt", built_in),
          ("an agent that is killed is a guest that is lost", lost),
          ("a guest that is busy is not lost", busy),
          ("an agent that is started anew lowers nothing", restarted),
          ("a stop is no loss, a reset is a boot", stopped),
          ("a boot that takes too long gets its roles", too_long),
          ("what waits while it boots is no delay", late),
          ("a plan keeps the roles", kept),
          ("how the guest fares", load),
          ("what programs of the guest publish", values),
          ("a machine without PCI is refused", no_pci),
          ("wrong words are refused", wrong_words),
          ("without an agent nothing is known", none)])
