#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A guest is asked whether it answers, and how late its timers wake it."""

import json
import re
import signal
import struct
import subprocess

from demoguest import Console, Slot, arguments
from tap import check, check_equal, main, note
from vm import LAUNCHER, PATIENCE, Monitor, Place, Vm, need_root, wait_for

NS = r"\d+\.\d{3}"


def start(place, run=("--agent",), words="", name="vm"):
    need_root()
    return Vm(place, run, [*arguments(place, words), "-qmp", "unix:%s,server=on,wait=off" % place.file("qmp")], name=name)


def wait_ready(vm):
    def look():
        check(vm.process.poll() is None, "the launcher ended: " + vm.output())
        status = vm.status()
        return status if status and status["guest"]["state"] == "ready" else None
    return wait_for("a guest that is ready", look)


def call(place, *words, code=0):
    got, out, errors = place.call(*words)
    check_equal(got, code, "%s: %s%s" % (" ".join(words), out, errors))
    return out, errors


def call_failing(place, wanted, *words, code=1):
    """It prints nothing, and one line that says why."""
    out, errors = call(place, *words, code=code)
    check(wanted in errors and errors.count("\n") == 1 and not out, out + errors)


def answers():
    with Place() as place, start(place) as vm:
        wait_ready(vm)
        out, _ = call(place, "ping", "--count", "3", "--interval", "50ms", "--timeout", "20000")
        note(out)
        lines = out.splitlines()
        for number, line in enumerate(lines[:3], 1):
            check(re.fullmatch(r"vm: answer %d after %s ms" % (number, NS), line), line)
        check(re.fullmatch(r"vm: 3 sent, 3 received, min/avg/max %s/%s/%s ms" % (NS, NS, NS), lines[3]), lines)
        out, _ = call(place, "ping", "vm", "--count=2", "--interval=10ms", "--timeout=20000", "--json")
        first, second, summary = [json.loads(line) for line in out.splitlines()]
        check_equal((first["seq"], second["seq"]), (1, 2), "numbers")
        times = sorted((first["ns"], second["ns"]))
        check_equal((summary["vm"], summary["sent"], summary["received"]), ("vm", 2, 2), "summary")
        check_equal((summary["min_ns"], summary["max_ns"]), tuple(times), "shortest and longest")
        check(0 < times[0] <= summary["avg_ns"] <= times[1], summary)
        end_by_signal(place)


def end_by_signal(place):
    with subprocess.Popen([LAUNCHER, "ping", "--interval", "10ms", "--timeout", "20000"], env=place.environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            for _ in range(3):
                check("vm: answer " in process.stdout.readline(), "a line")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    check_equal(process.returncode, 0, out)
    check(re.search(r"^vm: \d+ sent, \d+ received, min", out.splitlines()[-1]), out)


def dead_agent():
    with Place() as place, start(place) as vm, Console(place) as console:
        wait_ready(vm)
        console.tell("kill")
        console.wait("AGENT did kill")
        out, _ = call(place, "ping", "vm", "--count", "2", "--interval", "10ms", "--timeout", "200", code=1)
        check_equal(out.splitlines(), ["vm: no answer 1: the guest did not answer in time",
                                       "vm: no answer 2: the guest did not answer in time", "vm: 2 sent, 0 received"], "lines")
        out, _ = call(place, "ping", "--count", "1", "--timeout", "100", "--json", code=1)
        check_equal([json.loads(line) for line in out.splitlines()],
                    [{"seq": 1, "ns": None, "why": "timeout"},
                     {"vm": "vm", "sent": 1, "received": 0, "min_ns": None, "avg_ns": None, "max_ns": None}], "JSON")
        console.tell("run")
        wait_for("an agent that answers", lambda: place.call("ping", "--count", "1")[0] == 0)


def silent():
    with Place() as place, start(place, words="agent=no") as vm:
        vm.wait_up()
        out, _ = call(place, "ping", "--count", "1", code=1)
        check("vm: no answer 1: the guest has said nothing yet; does qrt-guest-agent run in it?\n" in out, out)
        call_failing(place, "has said nothing yet", "latency", "--guest", "vm", "--seconds", "1")


def stopped():
    with Place() as place, start(place) as vm:
        wait_ready(vm)
        with Monitor(place.file("qmp")) as monitor:
            monitor.call("stop")
            wait_for("a stopped VM", lambda: vm.status()["guest_state"] == "paused")
            out, _ = call(place, "ping", "--count", "1", "--timeout", "100", code=1)
            check("did not answer in time; the VM is paused" in out, out)
            monitor.call("cont")
            wait_for("a guest that answers", lambda: place.call("ping", "--count", "1")[0] == 0)


def count_asked(memory):
    """How many messages the host has sent to the guest."""
    return struct.unpack_from("<Q", memory, 3 * 4096 + 8)[0]


def reset():
    """What was asked before a reset has an answer at once."""
    with Place() as place, start(place) as vm, Console(place) as console:
        status = wait_ready(vm)
        console.tell("kill")
        console.wait("AGENT did kill")
        slot = Slot(status["launcher_pid"])
        before = count_asked(slot.memory)
        with subprocess.Popen([LAUNCHER, "ping", "--count", "1", "--timeout", "60000"], env=place.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
            try:
                wait_for("a question", lambda: count_asked(slot.memory) > before)
                console.tell("reboot")
                out, _ = process.communicate(timeout=PATIENCE)
            finally:
                process.kill()
        check_equal((process.returncode, out.splitlines()[0]), (1, "vm: no answer 1: the guest was reset meanwhile"), out)
        wait_ready(vm)
        call(place, "ping", "--count", "1", "--timeout", "20000")


def check_measured(answer, count):
    (thread,) = answer["threads"]
    check_equal((answer["guest"], thread["role"], thread["cycles"], thread["missed"]), ("vm", "guest", count, None), "frame")
    counts = {int(us): number for us, number in thread["histogram"].items()}
    check_equal(sum(counts.values()) + thread["beyond"], count, "wake-ups")
    values = [thread["min_ns"] // 1000, *thread["us"].values(), thread["max_ns"] // 1000]
    check_equal(values, sorted(values), "shares in order")
    check_equal((thread["worst"], thread["first_over"]), (None, None), "what the guest does not say")
    return thread


def latency():
    with Place() as place, start(place) as vm:
        wait_ready(vm)
        words = ["latency", "--guest", "vm", "--seconds", "1", "--interval", "10ms"]
        out, _ = call(place, *words, "--histogram", "100000", "--fail-over", "86400s")
        note(out)
        check("Wake-ups every 10000 us for 1.0 s in the guest of VM vm\n\nguest    other\n" in out, out)
        check(re.search(r"^guest +100 +- +\d+( +\d+){4} +[\d.]+$", out, re.M), out)
        check(re.search(r"^The longest: [\d.]+ us\.$", out, re.M), out)
        check(re.search(r"^ +\d+ +\d+$", out, re.M) and "Passed: no latency over" in out, out)
        out, _ = call(place, *words, "--priority", "7", "--cpu", "0", "--json")
        thread = check_measured(json.loads(out), 100)
        check_equal((thread["setting"], thread["overs"]), ("fifo 7 on 0", 0), "the setting")
        out, _ = call(place, *words, "--fail-over", "1ns", code=1)
        check(re.search(r"^Failed: at least \d+ over 0.0 us, the longest one [\d.]+ us.$", out, re.M), out)
        answer = json.loads(call(place, *words, "--fail-over", "1ns", "--json", code=1)[0])
        check_equal(answer["verdict"], "failed", "verdict")
        check(1 <= check_measured(answer, 100)["overs"] <= 100, answer)
        call_failing(place, "no such CPU", *words, "--cpu", "500")
        leave_alone(place, vm)


def leave_alone(place, vm):
    """Who goes away has asked nothing; the guest measures on, and says so."""
    slot = Slot(vm.status()["launcher_pid"])
    before = count_asked(slot.memory)
    with subprocess.Popen([LAUNCHER, "latency", "--guest", "vm", "--seconds", "600"], env=place.environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for("a question", lambda: count_asked(slot.memory) > before)
        finally:
            process.kill()
    call_failing(place, "another measurement runs in the guest", "latency", "--guest", "vm", "--seconds", "1")
    call(place, "ping", "--count", "1", "--timeout", "20000")


def nobody_to_ask():
    need_root()
    with Place() as place:
        call_failing(place, "no VM runs", "ping")
        with Vm(place) as vm:
            vm.wait_up()
            call_failing(place, "no VM named 'nowhere' runs", "ping", "nowhere")
            call_failing(place, "no VM named 'nowhere' runs", "latency", "--guest", "nowhere")
            call_failing(place, "started without --agent", "ping", "--count", "1")
            call_failing(place, "started without --agent", "latency", "--guest", "vm")
            with Vm(place, name="other") as other:
                other.wait_up()
                call_failing(place, "several VMs run", "ping")


def wrong_words():
    with Place() as place:
        for words in (("--count", "0"), ("--interval", "1ms"), ("--timeout", "60001"), ("--count",), ("--loud",), ("a", "b")):
            call(place, "ping", *words, code=2)
        for words in (("--role", "vcpu"), ("--threads", "2"), ("--hours", "1"), ("-rt", "pi=on"), ("--", "qemu-system-x86_64")):
            _, errors = call(place, "latency", "--guest", "vm", *words, code=2)
            check("cannot be beside --guest" in errors and errors.count("\n") == 1, errors)
        for words in (("--priority", "5"), ("--cpu", "0")):
            call_failing(place, words[0] + " is for --guest", "latency", *words, code=2)
        for words in (("--seconds", "601"), ("--interval", "50us"), ("--seconds", "101", "--interval", "100us")):
            call_failing(place, "600 s at most", "latency", "--guest", "vm", *words, code=2)


if __name__ == "__main__":
    main([("a guest answers, until a signal ends it", answers),
          ("a guest whose agent is dead does not answer", dead_agent),
          ("a guest that never said anything", silent),
          ("a guest that is stopped", stopped),
          ("a reset ends what was asked", reset),
          ("how late a guest wakes up, and who goes away meanwhile", latency),
          ("nobody to ask", nobody_to_ask),
          ("wrong words are refused", wrong_words)])
