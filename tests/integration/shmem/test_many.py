#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""64 clients, of which one stands still, while others join and leave a thousand times."""

import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time

from tool import PATIENCE, Place, Server, check, check_equal, main, note

CLIENTS = 64
STOPPED = 20  # which of them stands still
TIMES = 1000  # joins, and leaves
BURST = 10    # of them at the same time
STALL = 4     # seconds

# A client in a process of its own, which takes what comes until its connection ends.
SLEEPER = """
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
while peer.recv(8):
    pass
print("ended", flush=True)
"""


class Listener:
    """A client that writes down of whom it is told: ("+", id) for a vector, ("-", id) for a leave."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.setblocking(False)
        self.count, self.id, self.told, self.is_ended = 0, None, [], False

    def take(self):
        """All that is there."""
        while not self.is_ended:
            try:
                data, fds, _, _ = socket.recv_fds(self.socket, 8, 4)
            except BlockingIOError:
                return
            for fd in fds:
                os.close(fd)
            if data:
                self.hear(struct.unpack("<q", data)[0], bool(fds))
            else:
                self.is_ended = True

    def hear(self, number, has_fd):
        self.count += 1
        if self.count == 2:
            self.id = number
        if self.count > 3:
            self.told.append(("+" if has_fd else "-", number))

    def is_greeted(self):
        return ("+", self.id) in self.told


class Crowd:
    """Listeners, all of which read as soon as there is anything."""

    def __init__(self):
        self.poll, self.members = select.epoll(), {}

    def add(self, listener):
        self.members[listener.socket.fileno()] = listener
        self.poll.register(listener.socket, select.EPOLLIN)
        return listener

    def remove(self, listener):
        del self.members[listener.socket.fileno()]
        listener.socket.close()

    def wait(self, what, is_so, patience=4 * PATIENCE):
        end = time.monotonic() + patience
        while not is_so():
            check(time.monotonic() < end, "not within %d s: %s" % (patience, what))
            for fd, _ in self.poll.poll(0.1):
                self.members[fd].take()
                if self.members[fd].is_ended:
                    self.poll.unregister(fd)

    def close(self):
        for listener in self.members.values():
            listener.socket.close()
        self.poll.close()


def raise_limits():
    """A client of a server has all descriptors of all."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def fill(place, crowd):
    """All clients, one after another; the one that will stand still is a process."""
    listeners, sleeper = [], None
    for number in range(CLIENTS):
        if number == STOPPED:
            sleeper = place.start(sys.executable, "-c", SLEEPER, "s", stdout=-1)
            place.wait_ids(list(range(CLIENTS))[:number + 1])
            continue
        listeners.append(crowd.add(Listener(place.file("s"))))
        crowd.wait("a greeting", listeners[-1].is_greeted)
    return listeners, sleeper


def come_and_go(place, crowd, listeners, first):
    """A burst of newcomers, whose ids follow one upon the other; all are told before they leave, and then of that."""
    newcomers = []
    for number in range(first, first + BURST):
        newcomers.append(crowd.add(Listener(place.file("s"))))
        crowd.wait("a newcomer", newcomers[-1].is_greeted)
        check_equal(newcomers[-1].id, number, "the next id")
    last = ("+", first + BURST - 1)
    crowd.wait("all know the last newcomer", lambda: all(last in one.told[-2 * BURST:] for one in listeners))
    for newcomer in newcomers:
        crowd.remove(newcomer)
    gone = {("-", number) for number in range(first, first + BURST)}
    crowd.wait("all know that they left", lambda: all(gone <= set(one.told[-2 * BURST:]) for one in listeners))


def events_of(place):
    with open(place.file("events"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def list_changes(place):
    """What happened after all were there, but for what becomes of the one that stands still."""
    changes = [("+" if event["event"] == "joined" else "-", event["id"]) for event in events_of(place)[CLIENTS:]]
    changes.remove(("-", STOPPED))
    ids = range(CLIENTS, CLIENTS + TIMES)
    check_equal(sorted(changes), sorted((sign, number) for sign in "+-" for number in ids), "what happened")
    return changes


def list_greeting():
    """Who is there, itself; then who came later."""
    return [("+", number) for number in range(CLIENTS)]


def check_stalled(place, sleeper, begin):
    """By the manual's rule: once it has taken nothing for so long, though there was something to tell, and not before."""
    event, = [event for event in events_of(place) if event.get("reason") == "stalled"]
    check_equal((event["id"], event["pid"]), (STOPPED, sleeper.pid), "who was dropped")
    note("the one that stands still is dropped after %.1f s" % (event["time"] - begin))
    check(event["time"] - begin >= STALL, "too early")
    os.kill(sleeper.pid, signal.SIGCONT)
    check_equal(sleeper.stdout.readline(), "ended\n", "what it sees when it goes on")


def check_told(listener, wanted):
    """All of it, and in this order."""
    for at, (have, want) in enumerate(zip(listener.told, wanted)):
        check_equal(have, want, "client %d, message %d, after %s" % (listener.id, at, listener.told[at - 12:at]))
    check_equal(len(listener.told), len(wanted), "messages to client %d" % listener.id)


def test_one_that_stands_still_costs_nobody_a_notice():
    raise_limits()
    with Place() as place:
        Server(place, "s", "--stall", str(STALL), "--events", "events")
        crowd = Crowd()
        listeners, sleeper = fill(place, crowd)
        os.kill(sleeper.pid, signal.SIGSTOP)
        begin = time.time()
        for first in range(CLIENTS, CLIENTS + TIMES, BURST):
            come_and_go(place, crowd, listeners, first)
        note("%d joins and leaves in %.1f s" % (TIMES, time.time() - begin))
        crowd.wait("all know that it left", lambda: all(("-", STOPPED) in one.told for one in listeners))
        check_stalled(place, sleeper, begin)
        changes = list_changes(place)
        for one in listeners:
            check_equal(one.told.count(("-", STOPPED)), 1, "how often it left")
            one.told.remove(("-", STOPPED))
            check_told(one, list_greeting() + changes)
        crowd.close()


main([(function.__name__[5:].replace("_", " "), function) for name, function in sorted(globals().items())
      if name.startswith("test_")])
