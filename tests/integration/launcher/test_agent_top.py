#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""qrt-launcher top shows what a guest is at, on a terminal that tmux plays."""

import re
import time

from demoguest import Console, Slot, arguments
from screen import Screen
from tap import check, main, note
from vm import Place, Vm, need_root, read_setting, threads_of, wait_for

PLAN = ["-rt", "vcpu_sched=fifo", "-rt", "vcpu_prio=2", "-rt", "main_sched=rr", "-rt", "main_prio=5"]
WITHIN = 100  # ms until all threads are as the guest needs them
TRIES = 10    # a machine that stalls this test is slow to see it
FIFO, RR = 1, 2


def follow(place, slot, tids, say, real):
    """ms from the guest's word to the last thread."""
    said = slot.read()
    say()
    wait_for("the guest's word", lambda: slot.read() != said, pause=0.0005)
    begin = time.monotonic()
    wait_for("its threads", lambda: all((read_setting(tid)[0] in (FIFO, RR)) == real for tid in tids), pause=0.0005)
    note("%s: %.1f ms" % (place, (time.monotonic() - begin) * 1000))
    return (time.monotonic() - begin) * 1000


def cpu_of(screen):
    found = re.search(r"guest: ready.*CPU (\d+) %", screen.text())
    return int(found.group(1)) if found else -1


def life():
    need_root()
    with Place() as place, Vm(place, ["--agent", *PLAN], arguments(place)) as vm, Console(place) as console, \
            Screen(place, 140, 30) as screen:
        screen.top()
        screen.wait("guest: booting", "THREADS TIME-SHARED")
        screen.wait("guest: ready", "MiB free", "tasks runnable")
        status = vm.status()
        tids = [thread["tid"] for role in ("vcpu", "main") for thread in threads_of(status, role)]
        slot = Slot(status["launcher_pid"])
        wait_for("a guest at rest", lambda: 0 <= cpu_of(screen) < 60)
        delays = []
        while not delays or (min(delays) >= WITHIN and len(delays) < TRIES):
            delays.append(follow("rebooting", slot, tids, lambda: console.tell("rebooting"), False))
            screen.wait("guest: rebooting", "THREADS TIME-SHARED")
            delays.append(follow("ready", slot, tids, lambda: console.tell("ready"), True))
            screen.wait("guest: ready")
            screen.wait_without("TIME-SHARED")
        console.tell("load")
        wait_for("load", lambda: cpu_of(screen) > 90)
        console.tell("reboot")
        screen.wait("guest: booting", "THREADS TIME-SHARED")
        screen.wait("guest: ready", "MiB free")
        wait_for("a guest without load", lambda: 0 <= cpu_of(screen) < 60)
        screen.press("q")
        screen.wait_left("ended-with-0")
        check(min(delays) < WITHIN, "threads followed within %s ms" % delays)


if __name__ == "__main__":
    main([("ready, its load, rebooting, and ready again are shown, and its threads follow", life)])
