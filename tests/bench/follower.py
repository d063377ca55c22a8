# SPDX-License-Identifier: MIT
"""How soon a VM's threads are as the word of its guest needs them: what the guest said, when QEMU reset it and how its
threads are set, all seen from outside. Of qrt-launcher there is only the plan, and the memory that the guest says it in."""

import os
import threading
import time

import steal
import threads
from agentguest import READY, REBOOTING
from benchlib import BenchError
from vm import Monitor

PERIOD = 0.002  # s between two looks
STEAL_LOOKS = 5  # looks between two at what was stolen
PRIORITY = 5  # above the supervisor, below the VMs: it takes its turn from neither
PATIENCE = 60
WORDS = {READY: "ready", REBOOTING: "rebooting"}
RT = ("fifo", "rr")


def place_of(pid, table, plan):
    """planned, lowered, or mixed: the threads that the plan makes real-time, all of them."""
    seen = set()
    for thread in table:
        wanted = plan.expected(*threads.classify(pid, thread))
        if wanted is None or wanted.policy not in RT:
            continue
        if wanted.accepts(thread.setting):
            seen.add("planned")
        else:
            seen.add("lowered" if thread.setting.policy == "other" else "mixed")
    return seen.pop() if len(seen) == 1 else "mixed"


class Resets(threading.Thread):
    """When QEMU reset its guest, by a monitor of our own; use it with `with`."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.monitor = Monitor(path, PATIENCE)
        self.monitor.socket.settimeout(None)
        self.moments = []  # ns

    def run(self):
        try:
            while True:
                message = self.monitor.read("an event")
                if message.get("event") == "RESET":
                    self.moments.append(monotonic_of(message["timestamp"]))
        except BenchError:
            pass  # the VM's end, or ours

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        try:
            self.monitor.socket.shutdown(2)
        except OSError:
            pass  # QEMU did
        self.join()
        self.monitor.close()


def monotonic_of(stamp):
    """QEMU's time stamp, in ns of the clock that looks are counted in."""
    wall = stamp["seconds"] * 10**9 + stamp["microseconds"] * 1000
    return wall - time.time_ns() + time.monotonic_ns()


class Follower(threads.Looker):
    """Looks at the guest's word and at the VM's threads again and again."""

    def __init__(self, pid, slot, plan, cpus):
        super().__init__()
        self.pid, self.slot, self.plan, self.cpus = pid, slot, plan, cpus
        self.words, self.places, self.stolen = [], [], []
        self.looks = 0
        self.last = None  # when the look before began, and what the guest said then

    def run(self):
        try:
            os.sched_setaffinity(0, self.cpus)
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
            while not self.halt.wait(PERIOD):
                self.look()
        except Exception as error:  # whatever it is, result() says it: looks that end early prove nothing
            self.error = error

    def look(self):
        if self.looks % STEAL_LOOKS == 0:
            self.stolen.append((time.monotonic_ns(), steal.count()))
        began, said = time.monotonic_ns(), self.slot.read()
        if self.last and said != self.last[1] and said in WORDS:
            self.words.append((self.last[0], WORDS[said]))  # it was said since: no less than it was
        self.last = began, said
        place = place_of(self.pid, threads.read_threads(self.pid), self.plan)
        if not self.places or place != self.places[-1][1]:
            self.places.append((time.monotonic_ns(), place))
        self.looks += 1

    def result(self, resets):
        """Of all words, and resets, once the looks have ended."""
        if self.error or not self.last:
            raise BenchError("QEMU's threads could not be looked at: %r" % self.error)
        time.sleep(2 * steal.COUNTED / 1e9)
        self.stolen.append((time.monotonic_ns(), steal.count()))
        words = sorted(self.words + [(moment, "reset") for moment in resets])
        return [dict(one, stolen_ms=steal.stolen_while(one["at"], one["until"], self.stolen))
                for one in delays(words, self.places, max(self.last[0], self.places[-1][0]))]


def state_at(places, moment):
    before = [place for at, place in places if at <= moment]
    return before[-1] if before else None


def delays(words, places, end):
    """Of each word that asks for something else than there is: how long until all threads have it. Where another word,
    or the end of the looks, came before that, it has not been followed.

    words: [(ns, word)]; places: [(ns, place from then on)]; end: ns."""
    result = []
    for number, (at, word) in enumerate(words):
        wanted = "planned" if word == "ready" else "lowered"
        if state_at(places, at) == wanted:
            continue
        followed = [moment for moment, place in places if moment > at and place == wanted]
        until = min(followed[:1] + next_other(words[number:]) + [end])
        result.append({"word": word, "at": at, "until": until, "ms": round((until - at) / 1e6, 3),
                       "followed": bool(followed) and until == followed[0]})
    return result


def next_other(words):
    """When the first one was taken back: none, or one moment."""
    is_ready = words[0][1] == "ready"
    return [at for at, word in words if (word == "ready") != is_ready][:1]
